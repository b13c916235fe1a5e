"""A folder for each peer with what its own bundle would hold, and nothing else.

What is importable costs time too: packages look for the entry points of others. So each peer gets
the closure of its own requirements, as links into this environment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["make_bundle"]

_APPLICATIONS = "trunkline-benchmarks"


def make_bundle(folder: Path, requirements: Iterable[str]) -> Path:
    """Fill a folder, which becomes the one that the peer imports from."""
    folder.mkdir(parents=True)
    for found in (distribution(_APPLICATIONS), *_closure(requirements)):
        for source in _parts(found):
            target = folder / source.name
            if not target.exists():  # namespace packages belong to several distributions
                target.symlink_to(source)
    return folder


def _closure(requirements: Iterable[str]) -> Iterator[Distribution]:
    waiting = [Requirement(text) for text in requirements]
    seen: set[tuple[str, str]] = set()
    yielded: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        found = distribution(wanted.name)
        name = canonicalize_name(wanted.name)
        if name not in yielded:
            yielded.add(name)
            yield found
        for extra in ("", *wanted.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in found.requires or ():
                needed = Requirement(text)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append(needed)


def _parts(found: Distribution) -> Iterator[Path]:
    """The top-level files and folders of a distribution."""
    origin = found.read_text("direct_url.json")
    if origin is not None and json.loads(origin).get("dir_info", {}).get("editable"):
        project = Path(unquote(urlparse(json.loads(origin)["url"]).path))
        yield from (path for path in (project / "src").iterdir() if path.name != "__pycache__")
    installed = Path(str(found.locate_file("")))
    tops = {file.parts[0] for file in found.files or ()}
    for top in sorted(tops - {"..", "__pycache__", "bin"}):
        if not top.endswith(".pth"):
            yield installed / top

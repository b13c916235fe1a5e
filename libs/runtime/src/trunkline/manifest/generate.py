"""``python -m trunkline.manifest.generate package.module:attribute`` prints a manifest."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from trunkline.errors import TrunklineError
from trunkline.manifest.dump import dump


def main(arguments: Sequence[str]) -> int:
    """Print the manifest of the service at the one argument; the exit code."""
    from trunkline.declaration.entry import load_service  # the declaration imports the manifest

    if len(arguments) != 1:
        sys.stderr.write("usage: python -m trunkline.manifest.generate package.module:attribute\n")
        return 2
    try:
        text = dump(load_service(arguments[0]).manifest())
    except TrunklineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

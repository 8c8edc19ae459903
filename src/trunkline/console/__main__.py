"""`python -m trunkline.console`: the console process. Settings come as `TRUNKLINE_*` (settings.py)."""

import sys

from trunkline.console.serve import main

if __name__ == "__main__":
    sys.exit(main())

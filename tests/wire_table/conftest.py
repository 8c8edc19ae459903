"""The tests of this folder share `line.py`, which lies beside them and in no package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

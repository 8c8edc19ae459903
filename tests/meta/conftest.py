"""The rules share `rows.py`, `tree.py` and `allowed.py`, which lie beside them and in no package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

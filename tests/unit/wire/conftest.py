"""Server tests share the socketless connection of the table of raw requests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "wire_table"))

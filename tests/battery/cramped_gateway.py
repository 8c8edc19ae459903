"""The gateway process with small journal segments, on a disk that is full while the file named by CRAMPED_FULL exists.

Started by `disk.py` in the place of `python -m trunkline.app`. Not for: a disk that is really full (`test_disk.py` makes one).
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any, cast

from trunkline import app
from trunkline.journal import files

SEGMENT_BYTES = 64 << 10


def main() -> None:
    full, really_free = Path(os.environ["CRAMPED_FULL"]), files.free_bytes
    files.free_bytes = lambda folder: 0 if full.exists() else really_free(folder)
    cast(Any, app).Journal = partial(app.Journal, segment_bytes=SEGMENT_BYTES)
    app.main()


if __name__ == "__main__":
    main()

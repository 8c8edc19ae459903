"""The gateway process with a clock on the wall that jumps: the file named by JUMP_FILE holds by how many seconds it is wrong.

Started by `clock.py` in the place of `python -m trunkline.app`. Not for: a clock that really jumps (libfaketime is not there).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

LOOK_S = 0.01
ANSWER = ".taken"


def main() -> None:
    file, off, right, right_ns, told = Path(os.environ["JUMP_FILE"]), [0.0], time.time, time.time_ns, [""]

    def look() -> None:
        while True:
            with contextlib.suppress(OSError, ValueError):
                text = file.read_text()
                if text and text != told[0]:
                    off[0], told[0] = float(text), text
                    file.with_name(file.name + ANSWER).write_text(text)
            time.sleep(LOOK_S)

    time.time = lambda: right() + off[0]
    time.time_ns = lambda: right_ns() + int(off[0] * 1e9)
    threading.Thread(target=look, daemon=True).start()
    from trunkline import app

    app.main()


if __name__ == "__main__":
    main()

"""`python -m trunkline.control.held trunkline.app`: imports a module, waits for the word on stdin, then runs it.

So that the gateway's imports happen while the supervisor still compiles what it will serve: a third of the start-up time.
Without the word (the supervisor refused to start, or died) it ends quietly.
"""

from __future__ import annotations

import importlib
import os
import sys

WORD = b"go\n"


def main() -> None:
    """Imports, waits, runs the module's `main`."""
    module = importlib.import_module(sys.argv[1])
    if sys.stdin.buffer.readline() != WORD:
        return
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    module.main()


if __name__ == "__main__":
    main()

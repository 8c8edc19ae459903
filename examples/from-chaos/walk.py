"""From chaos to control: each of the five signs of trouble shown in the shop, removed, and shown to be gone.

    python examples/from-chaos/walk.py                 # the walk, in a folder that is deleted afterwards
    python examples/from-chaos/walk.py --copy DIR      # only the shop as it was, to walk by yourself

The vendors are played by the simulator. Every line that begins with `$` is what a person would type. What it prints is the source of
docs/from-chaos-to-control.md, and a test runs it. Not for: a tour of everything that Trunkline can do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import signs
from stage import Stage, WalkFailed, copied

HERE = Path(__file__).parent
SIGNS = (
    ("Credentials in multiple locations", signs.credentials),
    ("Error handling copied per integration", signs.errors),
    ("No record of which API touches which user data", signs.data),
    ("A deployment breaks one integration silently", signs.deployment),
    ("One API goes down, and takes everything with it", signs.outage),
)


def walk(folder: Path, port: int) -> None:
    """All five, one after the other, on one installation."""
    with Stage(folder, port) as stage:
        for number, (title, sign) in enumerate(SIGNS, 1):
            stage.title(f"{number}. {title}")
            sign(stage)
        stage.title("The time each took")
        for number, (title, _) in enumerate(SIGNS, 1):
            spent = stage.spent[number - 1]
            stage.say(
                f"{number}. {title}: {spent.commands} commands, {spent.lines} lines, {spent.seconds:.1f} s"
            )
        stage.say(f"From `trunkline init` to the first call through Trunkline: {stage.first_call:.1f} s")


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description="From chaos to control, step by step.")
    parser.add_argument("--copy", metavar="DIR", type=Path, help="only copy the shop, with keys made up anew")
    parser.add_argument("--port", type=int, default=0, help="of the gateway; a free one unless told")
    given = parser.parse_args()
    if given.copy:
        copied(HERE / "shop", given.copy)
        print(f"{given.copy} holds the shop as it was; its keys are made up.")
        return
    with tempfile.TemporaryDirectory(prefix="from-chaos-") as folder:
        walk(Path(folder), given.port)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    try:
        main()
    except WalkFailed as failed:
        sys.exit(f"The walk failed. {failed}")

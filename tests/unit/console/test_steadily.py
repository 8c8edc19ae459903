"""What the console does again and again outlives its own failures."""

from __future__ import annotations

import pytest

from trunkline.console.steadily import Steadily


def test_what_fails_is_said_once_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    turns = iter([OSError("full"), OSError("full"), None, OSError("gone")])

    def turn() -> None:
        problem = next(turns, StopIteration)
        if problem is StopIteration:
            steadily._stop.set()
        elif problem is not None:
            raise problem

    steadily = Steadily(turn, name="x", what="looking", every_s=0.0)
    steadily._run()
    assert capsys.readouterr().err.splitlines() == [
        "trunkline console: looking failed (OSError: full); it goes on",
        "trunkline console: looking failed (OSError: gone); it goes on",
    ]


def test_it_ends_when_told() -> None:
    steadily = Steadily(lambda: None, name="x", what="looking", every_s=0.0)
    steadily.stop()
    steadily.start()
    steadily.stop()
    assert not steadily._thread.is_alive()

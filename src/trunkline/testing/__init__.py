"""The public test kit: a gateway to try plugins on without sockets or waiting, and the laws that every plugin must hold.

See docs/how-to/test-a-plugin.md. Not for: tests over real sockets; they start `trunkline serve`.
"""

from trunkline.testing.laws import ENDINGS, check_adapter, check_auth, check_policy, reading_of
from trunkline.testing.script import (
    EVENTS,
    JSON,
    FakeClock,
    Heard,
    MemoryJournal,
    Play,
    ScriptedWire,
    Sent,
    answers,
    cuts,
    fails,
    is_silent,
    streams,
)
from trunkline.testing.trial import KEY, SECRET, Trial, caller_key, request, service, world

__all__ = [
    "ENDINGS",
    "EVENTS",
    "JSON",
    "KEY",
    "SECRET",
    "FakeClock",
    "Heard",
    "MemoryJournal",
    "Play",
    "ScriptedWire",
    "Sent",
    "Trial",
    "answers",
    "caller_key",
    "check_adapter",
    "check_auth",
    "check_policy",
    "cuts",
    "fails",
    "is_silent",
    "reading_of",
    "request",
    "service",
    "streams",
    "world",
]

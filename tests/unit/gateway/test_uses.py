"""Which keys were let in, a few times a minute, and whom wrong ones have locked out."""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import pack_decoder
from trunkline.core.errors import CallError
from trunkline.core.service import Callers
from trunkline.core.uses import Uses
from trunkline.gateway.uses import EVERY_S, UseLog
from trunkline.plugins.policies.access import WRONG_KEYS, Access
from trunkline.testing import KEY, FakeClock, caller_key, request
from trunkline.testing.trial import PEPPER, TOKEN_KEY

read = pack_decoder(Uses).decode


def logged(clock: FakeClock) -> tuple[Access, UseLog]:
    access = Access(Callers(version="1", keys=[caller_key(version=3)]), PEPPER, TOKEN_KEY, wall=clock.wall)
    return access, UseLog("b007", access, clock.wall)


def test_uses_are_told_when_there_are_some_and_then_only_what_changed() -> None:
    clock = FakeClock()
    access, log = logged(clock)
    assert read(log.due()) == Uses(boot="b007")
    access.identify(request(key=KEY))
    assert log.due() == b""
    clock.advance(EVERY_S)
    assert read(log.due()).keys == {"key-1:3": clock.wall()}
    clock.advance(EVERY_S)
    assert log.due() == b"", "nothing was used since"


def test_a_lockout_is_told_at_once() -> None:
    clock = FakeClock()
    access, log = logged(clock)
    log.due()
    for n in range(WRONG_KEYS.failures):
        try:
            access.identify(request(key=f"tl_wrong{n}"))
        except CallError:
            continue
    told: Any = read(log.due())
    assert [lock.subject for lock in told.locks] == ["address:192.0.2.1"]
    assert (told.wrong, access.locks) == (WRONG_KEYS.failures, [])

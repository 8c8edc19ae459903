"""After any ending of a call with a key: the policy holds nothing, and the key is free, answered or in doubt, never between."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.core.exchange import Exchange
from trunkline.core.idempotency import ANSWER, DOUBT, FREED, UNKEPT, Held
from trunkline.core.service import Idempotency as Honoured
from trunkline.journal.answers import Answers
from trunkline.plugins.policies.idempotency import Idempotency
from trunkline.testing import ENDINGS, FakeClock, Trial, check_policy, service

pytestmark = pytest.mark.row("F2", "F6")
VENDORS = [service(), service(idempotency=Honoured(header="Pay-Key"))]


class Keyed(Idempotency):
    """Every call has a key, as if its caller had sent one."""

    def concerns(self, exchange: Exchange) -> bool:
        return True

    def admit(self, exchange: Exchange) -> None:  # type: ignore[override]
        field = (b"idempotency-key", b"the same for all")
        exchange.request.headers.append(field)
        exchange.request.fields.setdefault(*field)
        super().admit(exchange)


def keyed(folder: Path, clock: FakeClock) -> tuple[Answers, Keyed]:
    store = Answers(folder, b"k" * 32, background=False)
    store.open(clock.wall())
    return store, Keyed(store, clock.wall)


@pytest.mark.parametrize("vendor", VENDORS, ids=["a vendor without keys", "a vendor with keys"])
async def test_after_any_ending_the_policy_holds_nothing(
    tmp_path_factory: pytest.TempPathFactory, vendor: object
) -> None:
    await check_policy(
        lambda clock: keyed(tmp_path_factory.mktemp("answers"), clock)[1],
        on="call",
        vendor=vendor,  # type: ignore[arg-type]
    )


LEFT = {
    "an answer": ANSWER,
    "a stream": ANSWER,
    "a refusal by the vendor": ANSWER,
    "an answer at the second attempt": ANSWER,
    "an act without an answer": DOUBT,
}


@pytest.mark.parametrize("name", list(ENDINGS))
async def test_after_any_ending_the_key_says_what_became_of_it(tmp_path: Path, name: str) -> None:
    clock = FakeClock()
    store, policy = keyed(tmp_path / "answers", clock)
    trial = Trial(calls=[policy], clock=clock)
    await ENDINGS[name](trial)
    held: list[Held | None] = [store.find(mark, clock.wall()) for mark in store._index]
    kinds = [one.kind for one in held if one is not None]
    assert kinds == [LEFT.get(name, FREED)]
    assert set(kinds) <= {ANSWER, UNKEPT, DOUBT, FREED}
    assert store.stats()["running"] == 0

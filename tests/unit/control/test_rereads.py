"""The supervisor's side of a reread: the store is asked once per wish, and answered when what it said is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.control.test_stores import DOWN, REF, SETTINGS, Stage
from trunkline.control import audit
from trunkline.control.rereads import PATIENCE_S, Rereads
from trunkline.core import reread
from trunkline.core.codec import to_json
from trunkline.core.reread import Ask, Done
from trunkline.plugins.secrets import Given

pytestmark = pytest.mark.row("S3")


class Asking(Stage):
    """The same with wishes of a gateway, and what is published by reference."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stores.adopt(SETTINGS, [REF])
        self.published = {REF: self.value(), "store:CRM": "crm-1-not-real"}
        self.wishes: list[Ask] = []
        self.rereads = Rereads(self.state, self.stores, lambda: self.published, wall=lambda: self.now)

    def wish(self, ref: str, wish: str) -> None:
        self.wishes.append(Ask(ref, wish))
        (self.state.path / reread.ASKED).write_bytes(to_json(self.wishes))

    @property
    def done(self) -> list[Done]:
        return reread.done(self.state.path)


@pytest.fixture
def stage(tmp_path: Path) -> Asking:
    return Asking(tmp_path)


def test_a_wish_has_the_store_asked_and_is_answered_after_publishing(stage: Asking) -> None:
    stage.play.values["secret/stripe#key"] = Given("value-2-not-real", "2")
    stage.wish(REF, "w1")
    stage.now += 1
    assert not stage.rereads.look()  # the store has not answered yet
    stage.stores.step()
    assert stage.rereads.look()
    assert stage.done == []
    stage.rereads.settle()
    assert stage.done == [Done(REF, "w1", True)]
    (row,) = [row for row in audit.entries(stage.state) if row["action"] == "secret.reread"]
    assert (row["subject"], row["detail"]) == (REF, {"changed": True})


def test_the_same_value_and_a_store_that_is_down_are_told(stage: Asking) -> None:
    stage.wish(REF, "w1")
    stage.rereads.look()
    stage.stores.step()
    stage.rereads.look()
    stage.rereads.settle()
    stage.play.values["secret/stripe#key"] = DOWN
    stage.now += 20
    stage.wish(REF, "w2")
    stage.rereads.look()
    stage.stores.step()
    stage.rereads.look()
    stage.rereads.settle()
    assert [(one.id, one.changed, bool(one.problem)) for one in stage.done] == [
        ("w1", False, False),
        ("w2", False, True),
    ]


def test_a_store_that_never_answers_is_waited_for_no_longer_than_is_sensible(stage: Asking) -> None:
    stage.now += 1
    stage.wish(REF, "w1")
    assert not stage.rereads.look()
    stage.now += PATIENCE_S + 1
    assert stage.rereads.look()
    stage.rereads.settle()
    assert [one.changed for one in stage.done] == [False]


def test_files_and_the_own_store_are_looked_at_by_publishing_anew(stage: Asking) -> None:
    stage.wish("store:CRM", "w1")
    assert stage.rereads.look()
    stage.published = {**stage.published, "store:CRM": "crm-2-not-real"}
    stage.rereads.settle()
    assert stage.done == [Done("store:CRM", "w1", True)]
    assert not stage.rereads.look()


def test_wishes_of_a_gateway_before_are_not_taken_up_again(stage: Asking) -> None:
    stage.wish(REF, "w1")
    again = Rereads(stage.state, stage.stores, lambda: stage.published, wall=lambda: stage.now)
    assert not again.look()
    (stage.state.path / reread.ASKED).write_text("{torn")
    assert not again.look()

"""A person is taken out of our own stores: first only counted, then done; what stays is said, and the audit chain still holds."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.support.deferred import call as deferred_call
from tests.support.deferred import seed
from tests.support.records import NOON_US, JournalInMemory, begin, boot, end, tried
from trunkline.control import audit, erase, keys, trace
from trunkline.control.state import State
from trunkline.control.trace import TraceProblem
from trunkline.control.wish import Wish
from trunkline.core.codec import to_pack
from trunkline.core.deferral import GivenAnswer
from trunkline.core.persons import person_hash
from trunkline.journal.answers import ANSWER, Answers, Kept
from trunkline.ledger.drain import Drain

NOW = NOON_US / 1e6
JANE = "jane@example.com"
BODY = b'{"email":"jane@example.com"}'


class Site:
    """An installation that has made one call for Jane and one for somebody else, with kept answers and deferred calls."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "state", {}).create()
        jane = person_hash(self.state.keys["subject_salt"], JANE)
        records = [
            begin("a", subject_hash=jane, path="/people/jane@example.com", correlation_id="corr-a"),
            end("a", tried=[tried(1)], message="jane@example.com is not known"),
            begin("b"),
            end("b", tried=[tried(1)]),
        ]
        journal = JournalInMemory(boot(), *records)
        drain = Drain(
            self.state.journal, self.state.ledger, read_from=journal.read_from, now_us=lambda: NOON_US
        )
        while drain.step():
            continue
        drain.close()
        self.answers = Answers(self.state.answers, self.state.keys["answer_key"], background=False)
        self.answers.open(NOW)
        self.responses = Answers(self.state.responses, self.state.keys["answer_key"], background=False)
        self.responses.open(NOW)
        for store in (self.answers, self.responses):
            for name in ("a", "b"):
                mark = store.mark(name.encode())
                head = store.begin(mark, mark, name, NOW, NOW + 3600)
                store.end(head, ANSWER, 200, Kept(b"", BODY))

    def erase(self, *, act: bool = False, anyway: bool = True, email: str = JANE) -> erase.Erasure:
        who = trace.person(self.state, email=email)
        return erase.erase(self.state, who, identifier=email, act=act, anyway=anyway, actor="ana", now=NOW)

    def counts(self, *, act: bool = False) -> dict[str, tuple[int, int]]:
        return {one.store: (one.found, one.erased) for one in self.erase(act=act).stores}

    def on_disk(self, text: bytes) -> list[str]:
        files = [path for path in self.state.path.rglob("*") if path.is_file()]
        return [path.name for path in files if text in path.read_bytes()]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_without_act_everything_is_counted_and_nothing_changed(site: Site) -> None:
    told = {
        "idempotency answers": (1, 0),
        "stored responses": (1, 0),
        "deferred calls": (0, 0),
        "sampled bodies": (0, 0),
        "cache": (0, 0),
        "ledger": (1, 0),
    }
    assert (site.counts(), site.counts()) == (told, told)
    assert site.on_disk(b"jane@example.com")


@pytest.mark.row("G2")
def test_a_person_is_taken_out_and_the_chain_still_verifies(site: Site) -> None:
    assert site.counts(act=True)["ledger"] == (1, 1)
    assert {name: found for name, (found, _) in site.counts().items() if found} == {}
    assert site.on_disk(b"jane") == []
    for store in (site.answers, site.responses):
        kept = {name: store.find(store.mark(name.encode()), NOW) for name in ("a", "b")}
        assert {name: held is not None and store.read(held) for name, held in kept.items()} == {
            "a": None,
            "b": Kept(b"", BODY),
        }
    assert audit.verify(site.state).ok


@pytest.mark.row("G2")
def test_vendors_are_written_down_before_anything_is_lost(site: Site) -> None:
    with pytest.raises(TraceProblem, match="Make it a deletion request first"):
        site.erase(act=True, anyway=False)
    who = trace.person(site.state, email=JANE)
    [task] = trace.open_request(
        site.state, who, trace.trace(site.state, who, actor="ana", now=NOW), actor="ana", now=NOW
    )
    site.erase(act=True, anyway=False)
    [left] = trace.listed(site.state, now=NOW)
    assert (left.id, left.ids) == (task.id, [["2026-11-21T12:00:00.000Z", "corr-a", "req-1"]])
    assert trace.trace(site.state, who, actor="ana", now=NOW).vendors == []
    assert site.on_disk(who.hashes[0].encode()) == []


def test_deferred_calls_are_found_by_whom_they_are_about(site: Site) -> None:
    seed(site.state.path, NOW)
    assert site.counts()["deferred calls"] == (0, 0), "the seeded ones are about nobody"
    who = trace.person(site.state, subject="user_17")
    theirs = msgspec.structs.replace(
        deferred_call("tsk_x", NOW), headers=[("x-trunkline-subject", "user_17")], body=b"{}"
    )
    assert erase.identifiers(theirs, b"") == {"user_17"}
    found = erase.erase(site.state, who, actor="ana", now=NOW)
    assert found.person == who.mark


@pytest.mark.parametrize(
    ("headers", "body", "answer", "wanted"),
    [
        (
            [("Content-Type", "application/json")],
            b'{"user":"u1","to":"kofi@example.com"}',
            b"",
            {"u1", "kofi@example.com"},
        ),
        (
            [("content-type", "application/x-www-form-urlencoded")],
            b"email=li%40example.com",
            b"",
            {"li@example.com"},
        ),
        ([], b"\xff\xfe", b"", set()),
        ([], b"{}", b'{"email":"ana@example.com"}', {"ana@example.com"}),
    ],
)
def test_whom_a_deferred_call_may_be_about(
    headers: list[tuple[str, str]], body: bytes, answer: bytes, wanted: set[str]
) -> None:
    one = msgspec.structs.replace(deferred_call("tsk_x", NOW), headers=headers, body=body)
    output = (
        to_pack(GivenAnswer(status=200, headers=[("content-type", "application/json")], body=answer))
        if answer
        else b""
    )
    assert erase.identifiers(one, output) == wanted


def test_what_stays_is_said_with_the_keys_that_are_bound_to_the_person(site: Site) -> None:
    keys.create(site.state, Wish(name="phone", scopes=["*"], subject=JANE), now=NOW)
    stays = " ".join(site.erase().stays)
    for said in (
        "audit chain",
        "Sums by hour",
        "Deletion requests",
        "Backups",
        "phone (key_",
        "trunkline keys revoke",
    ):
        assert said in stays


def test_looking_and_erasing_are_audited_without_a_name(site: Site) -> None:
    site.erase()
    site.erase(act=True)
    rows = [row for row in audit.entries(site.state) if row["action"].startswith("person.")]
    assert [row["action"] for row in rows] == ["person.erase_look", "person.erase"]
    assert rows[1]["detail"]["ledger"] == 1
    assert rows[1]["subject"].startswith("prs_")

"""Two tenants side by side: who is bound to one sees and changes nothing of the other's, whatever is asked (S6 of the battery).

What is asked is made from the declarations, every parameter with everything of the other's that could be known. Each thing of the
other's bears `zebra` where it may be asked for and `okapi` where it is only told.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import pytest

from tests.support import deferred, found
from tests.support.durable import AtOnce
from tests.support.records import NOON_US, JournalInMemory, begin, boot, call
from trunkline.console.access import COOKIE
from trunkline.console.context import Console
from trunkline.console.declare import Endpoint, may
from trunkline.console.endpoints import ENDPOINTS
from trunkline.console.tail import events
from trunkline.control import keys, sessions, teams, users
from trunkline.control.state import State
from trunkline.core.codec import to_pack
from trunkline.core.deferral import Bearer
from trunkline.core.flow import Budget, Scope
from trunkline.core.identity import Role
from trunkline.core.service import Snapshot
from trunkline.ledger.drain import Drain
from trunkline.ops import outside
from trunkline.ops.findings import Finding, note
from trunkline.ops.incidents import published
from trunkline.ops.incidents.book import tell
from trunkline.ops.incidents.incident import Entry
from trunkline.plugins.policies.account import Standing
from trunkline.tasks import deferral, parts
from trunkline.tasks.lease import LeaseEngine
from trunkline.tasks.port import End, Work
from trunkline.tasks.presence import Presence

Ask = Callable[..., Any]
NOW = NOON_US / 1e6
HIDDEN = re.compile(rb"zebra|okapi")

pytestmark = pytest.mark.row("W1")


class Two(NamedTuple):
    """Who asks, and what could be known of the other's."""

    mine: dict[str, tuple[str, str]]
    """Header fields of identities bound to `shop`, by name."""
    known: tuple[str, ...]
    """Ids and names of the other's things."""


def called(folder: Path) -> None:
    """Calls of `zebra` besides those of the other tests, which are all of `shop`."""
    theirs: dict[str, Any] = {
        "team": "zebra",
        "feature": "okapi-feature",
        "subject_hash": "okapi-subject",
        "key_id": "key_okapi",
    }
    lost = {
        "state": "outcome_unknown",
        "status": 504,
        "code": "timeout",
        "message": "okapi",
        "source": "gateway",
    }
    journal = JournalInMemory(
        boot(), *call("a"), *call("b"), begin("c"),
        *call("zebra-1", NOON_US + 3000, **theirs),
        *call("zebra-2", NOON_US + 4000, ended=lost, **theirs),
        begin("zebra-3", at_us=NOON_US + 5000, **theirs),
    )  # fmt: skip
    drain = Drain(folder / "journal", folder / "ledger", read_from=journal.read_from, now_us=lambda: NOON_US)
    while drain.step():
        pass
    drain.close()


def budgeted(folder: Path, key: str) -> None:
    """Budgets of every sort that can be about `zebra`, and what the gateway says of them."""
    snapshot = msgspec.msgpack.decode((folder / "snapshot.msgpack").read_bytes(), type=Snapshot)
    declared = [
        Budget(name="each team", usd=5.0, scope=Scope(each="team")),
        Budget(name="each key", usd=5.0, scope=Scope(each="key")),
        Budget(name="each feature", usd=5.0, scope=Scope(each="feature")),
        Budget(name="okapi one", usd=5.0, scope=Scope(team="zebra")),
        Budget(name="okapi two", usd=5.0, scope=Scope(key=key)),
    ]
    (folder / "snapshot.msgpack").write_bytes(to_pack(msgspec.structs.replace(snapshot, budgets=declared)))
    told = [
        Standing(
            budget=budget, of=of, per="month", window="2026-11", ends_us=1_796_083_200_000_000, limit_usd=5.0,
            spent_usd=4.0, reserved_usd=0.5, unpriced=0, hard=True, alerts=(1.0,),
        )
        for budget, of in (
            ("each team", "zebra"), ("each team", "shop"), ("each key", key), ("each feature", "okapi-feature"),
            ("okapi one", ""), ("okapi two", ""), (f"key zebra-web ({key})", ""),
        )
    ]  # fmt: skip
    (folder / "gateway.stats").write_bytes(to_pack({"at": NOW, "budgets": told}))
    os.utime(folder / "gateway.stats", (NOW, NOW))


def waiting(folder: Path) -> None:
    """A deferred call of `zebra`."""
    presence = Presence(parts.folder(folder))
    store = parts.made_store(folder, State(folder).keys["token_key"], lambda: NOW)

    def never(work: Work) -> End:
        raise AssertionError

    engine = LeaseEngine(store, {deferral.NAME: never}, presence, AtOnce(), concurrency=1)
    theirs = msgspec.structs.replace(
        deferred.call("tsk_zebra", NOW), owner="team:zebra", bearer=Bearer(key="key_okapi"), correlation_id="okapi"
    )  # fmt: skip
    engine.start(deferral.start(theirs))
    presence.leave()
    store.close()


@pytest.fixture(scope="module")
def seeded(model_state: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Two]:
    """A state with two tenants. To be copied."""
    folder = Path(shutil.copytree(model_state, tmp_path_factory.mktemp("tenants") / "state"))
    called(folder)
    there, now = State(folder), NOW
    for name in ("shop", "zebra"):
        teams.create(there, name, title="okapi" if name == "zebra" else "", now=now)
    mine: dict[str, tuple[str, str]] = {}
    people: tuple[Role, ...] = ("viewer", "developer")
    for role in people:
        user = users.create(there, role, role=role, of=["shop"], now=now)
        opened = sessions.open_session(there, user.id, "link", address="127.0.0.1", now=now)
        mine[f"session of a {role}"] = ("cookie", f"{COOKIE}={opened.cookie}")
    roles: tuple[Role, ...] = (*people, "operator", "admin")
    for role in roles:
        wish = keys.Wish(name=f"{role}-key", scopes=["*"], team="shop", role=role)
        mine[f"key of a {role}"] = ("authorization", f"Bearer {keys.create(there, wish, now=now).key}")
    other = users.create(
        there, "zebra-ana", role="developer", of=["zebra"], email="okapi@example.com", now=now
    )
    session = sessions.open_session(there, other.id, "link", address="127.0.0.1", agent="okapi", now=now)
    wish = keys.Wish(name="zebra-web", scopes=["*"], team="zebra", budget_usd=5.0, feature="okapi-feature")
    theirs = keys.create(there, wish, by=other.id, now=now).id
    budgeted(there.path, theirs)
    waiting(there.path)
    note(
        there,
        Finding(kind="key.unused", integration="", subject="zebra-web", severity="info", title="okapi"),
        now,
    )
    tell(there, ["inc_20261121_abcdef"], Entry(at=now, kind="note", text="okapi"))
    acknowledged = msgspec.structs.replace(found.INCIDENT, acknowledged_by="user:okapi")
    published.write(there.path, [acknowledged])
    hits = {"stripe": [outside.Hit(feature="okapi-feature", calls=5, failures=5)]}
    outside.write(there.path / outside.FILE, outside.Outside(hits=hits))
    known = (
        "zebra",
        "zebra-1",
        "corr-zebra-1",
        "zebra-2",
        "zebra-3",
        "tsk_zebra",
        "zebra-web",
        "zebra-ana",
        "team:zebra",
    )
    return folder, Two(mine, (*known, theirs, other.id, session.id))


@pytest.fixture
def state(seeded: tuple[Path, Two], tmp_path: Path) -> Path:
    return Path(shutil.copytree(seeded[0], tmp_path / "state"))


@pytest.fixture
def two(console: Console, seeded: tuple[Path, Two]) -> Two:
    console.access._find_key = console.published.find_key
    return seeded[1]


def asked(one: Endpoint, known: tuple[str, ...]) -> Iterator[str]:
    """Every address that could bring something of the other's: each parameter with each of what could be known."""
    fields = {field.name: str(field.type) for field in msgspec.structs.fields(one.query)}
    named = re.findall(r"{(\w+)}", one.path)
    for value in known if named else ("",):
        path = one.path
        for name in named:
            path = path.replace(f"{{{name}}}", quote(value, safe=":"))
        yield path
        for name, kind in fields.items():
            if name in named:
                continue
            tries = known if "str" in kind and not named else ("true",) if "bool" in kind else ()
            for value_too in tries:
                yield f"{path}?{name}={quote(value_too, safe=':')}"
    if one.name == "usage":
        yield from (f"{one.path}?by={by}" for by in ("team", "feature", "key", "team,feature,key", "subject"))
    if one.name == "health":
        yield f"{one.path}?detail=1"


def told(answer: Any, target: str) -> bytes:
    """What an answer says besides repeating what a refused request asked for."""
    body: bytes = answer.body
    if answer.status >= 400:
        for value in sorted(re.findall(r"[^/?=&]+", target), key=len, reverse=True):
            body = body.replace(value.encode(), b"")
    return body


READ = [one for one in ENDPOINTS if one.method == "GET" and one.role != "open" and one.name != "tail"]
CHANGE = [one for one in ENDPOINTS if one.method != "GET" and one.role != "open" and "{" in one.path]


@pytest.mark.parametrize("endpoint", READ, ids=lambda one: one.path)
async def test_nothing_of_the_other_is_told_by_any_parameter(ask: Ask, two: Two, endpoint: Endpoint) -> None:
    for target in asked(endpoint, two.known):
        for name, identity in two.mine.items():
            answer = await ask(target, identity, signed=False)
            assert answer.status < 500
            assert not HIDDEN.search(told(answer, target)), (
                f"{name} {target}: {told(answer, target)[:2000]!r}"
            )


SHOWS_NOTHING_TO_SOMEONE_ELSE = {
    "session",
    "openapi",
    "integrations",
    "landing",
    "contracts",
    "contract",
    "contract_reviews",
}


@pytest.mark.parametrize(
    "endpoint",
    [one for one in READ if one.reach != "refused" and one.name not in SHOWS_NOTHING_TO_SOMEONE_ELSE],
    ids=lambda one: one.path,
)  # fmt: skip
async def test_who_is_bound_to_no_team_is_told_by_the_same_requests(
    ask: Ask, two: Two, endpoint: Endpoint
) -> None:
    """So that the test above finds something to hide."""
    answers = [(target, await ask(target)) for target in asked(endpoint, two.known)]
    assert any(HIDDEN.search(told(answer, target)) for target, answer in answers)


async def test_the_own_is_told(ask: Ask, two: Two) -> None:
    for name, identity in two.mine.items():
        found = (await ask("/api/calls", identity, signed=False)).json()["calls"]
        assert {one["call_id"] for one in found} == {"a", "b", "c"}, name
        found = (await ask("/api/tasks", identity, signed=False)).json()["tasks"]
        assert {one["owner"] for one in found} == {"team:shop"}
        found = (await ask("/api/budgets", identity, signed=False)).json()["budgets"]
        assert {(one["budget"], one["of"]) for one in found} == {("each team", "shop")}


def kept(console: Console) -> dict[str, Any]:
    """Everything that somebody could change: tables but the audit's, and wishes about tasks."""
    from sqlalchemy import MetaData, select

    with console.state.view() as connection:
        there = MetaData()
        there.reflect(connection)
        rows = {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in there.sorted_tables
            if not table.name.startswith("audit")
        }
    wishes = sorted(path.name for path in parts.folder(console.state_dir).rglob("*") if path.is_file())
    return {**rows, "wishes": [name for name in wishes if "tasks.db" not in name]}


@pytest.mark.parametrize("endpoint", CHANGE, ids=lambda one: one.path)
async def test_nothing_of_the_other_is_changed(
    ask: Ask, console: Console, two: Two, endpoint: Endpoint
) -> None:
    before = kept(console)
    body: dict[str, Any] = {}
    query = "?as=ok" if endpoint.name == "resolve_unknown" else ""
    for target in (path for path in asked(endpoint, two.known) if "?" not in path):
        for name, identity in two.mine.items():
            headers = [identity]
            if identity[0] == "cookie":
                headers.append(
                    ("x-csrf-token", (await ask("/api/session", identity, signed=False)).json()["csrf"])
                )
            answer = await ask(
                target + query, *headers, method="POST", signed=False, body=body if endpoint.body else None
            )
            allowed = may(name.rpartition(" ")[2], endpoint.role) and endpoint.reach != "refused"
            assert answer.status in ((404, 400) if allowed else (403,)), (name, target, answer)
            assert not HIDDEN.search(told(answer, target)), answer
    assert kept(console) == before


async def test_the_tail_follows_the_own_alone(console: Console, two: Two) -> None:
    for wanted, expected in (
        (("shop",), {b'"a"', b'"b"', b'"c"'}),
        (None, {b'"a"', b'"b"', b'"c"', b'"zebra-1"', b'"zebra-2"', b'"zebra-3"'}),
    ):
        stream: Any = events(console, 0, wanted)
        await anext(stream)
        seen = await anext(stream)
        await stream.aclose()
        assert set(re.findall(rb'"call_id":("[^"]+")', seen)) == expected
        assert bool(HIDDEN.search(seen)) is (wanted is None)

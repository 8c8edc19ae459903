"""Takes a person out of our own stores, and says store by store what was found, what was done, and what stays and why.

Vendors are asked by `control/trace.py`. The audit chain and the sums by hour stay: they name nobody.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from trunkline.control import audit, forget
from trunkline.control.child import is_alive
from trunkline.control.claim import read_pid
from trunkline.control.state import State
from trunkline.control.tasks import TaskProblem, Tasks
from trunkline.control.trace import Person, TraceProblem, listed
from trunkline.core.codec import DecodeError, from_json, pack_decoder
from trunkline.core.deferral import ENDED, Deferred, GivenAnswer
from trunkline.core.persons import named_by, person_hash
from trunkline.journal import answer_segment, bodies
from trunkline.journal.deferrals import Board, Damaged, Inbox
from trunkline.journal.files import segments
from trunkline.ledger import control_tables, trace_tables
from trunkline.ledger.engine import tidy
from trunkline.ledger.persons import PersonCalls
from trunkline.ops.data.about import addresses
from trunkline.tasks import deferral, parts
from trunkline.tasks.port import Task
from trunkline.tasks.store import TaskStore

_call = pack_decoder(Deferred)
_answer = pack_decoder(GivenAnswer)
TASKS_MAX = 100_000
OF_ANSWERS = "the sealed answers are overwritten; their keys stay used until they expire"
OF_RESPONSES = "the sealed responses are overwritten, with their input; they are not found any more"


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """One store."""

    store: str
    found: int
    erased: int
    how: str
    """What is done to what was found, or why it is left."""


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """What erasing a person does, or did."""

    person: str
    acted: bool
    stores: list[Cleared]
    stays: list[str]
    """What is kept, with the reason."""


def erase(
    state: State,
    who: Person,
    *,
    identifier: str = "",
    act: bool = False,
    anyway: bool = False,
    actor: str,
    now: float | None = None,
) -> Erasure:
    """Counts what our stores hold of a person, and with `act` takes it out. `identifier` finds keys that are bound to it. Audited.

    Raises TraceProblem where vendors were not put on a list first, unless `anyway`: their request ids would be lost.
    """
    at = time.time() if now is None else now
    ledger = PersonCalls(state.ledger)
    try:
        calls = ledger.call_ids(who.hashes)
        asked = [one for one in listed(state, everything=True, now=at) if one.person == who.mark]
        if act and calls and not asked and not anyway:
            raise TraceProblem(
                "Nothing was written down yet of what vendors received, and erasing takes away the ids that they need. "
                "Make it a deletion request first (`trunkline trace ... --open`), or say --anyway."
            )
        stores = [
            _sealed("idempotency answers", state.answers, calls, OF_ANSWERS, act=act),
            _sealed("stored responses", state.responses, calls, OF_RESPONSES, act=act),
            _deferred(state, who, _correlations(ledger, who), actor=actor, act=act),
            _samples(state, act=act),
            _cache(state, actor=actor, act=act),
            _ledger(ledger, who, act=act),
        ]
    finally:
        ledger.close()
    with state.change() as connection:
        if act:
            trace_tables.erased(connection, who.mark, at)
        detail = {one.store: one.erased if act else one.found for one in stores}
        entry = audit.Entry(actor, "person.erase" if act else "person.erase_look", who.mark, detail)
        audit.add(connection, state, [entry], at)
    if act:
        tidy(state.database)
    return Erasure(person=who.mark, acted=act, stores=stores, stays=[*_stays(state, who, identifier)])


def _correlations(ledger: PersonCalls, who: Person) -> set[str]:
    return {one.correlation_id for one in ledger.find(who.hashes).received if one.correlation_id}


def _ledger(ledger: PersonCalls, who: Person, *, act: bool) -> Cleared:
    found = ledger.erase(who.hashes, act=act)
    return Cleared(
        store="ledger",
        found=found.calls,
        erased=found.calls if act else 0,
        how="subject, correlation id, path, tags, messages and vendors' request ids are blanked; the calls stay as figures",
    )


def _sealed(store: str, folder: Path, calls: set[str], how: str, *, act: bool) -> Cleared:
    """What a store of sealed answers holds of these calls."""
    count = answer_segment.blot(folder, calls, act=act)
    return Cleared(store=store, found=count, erased=count if act else 0, how=how)


def _samples(state: State, *, act: bool) -> Cleared:
    folder = state.path / bodies.FOLDER
    count = sum(one.complete for one in bodies.segments(folder))
    if act:
        bodies.delete_all(folder)
    return Cleared(
        store="sampled bodies",
        found=count,
        erased=count if act else 0,
        how="files of everybody's samples, deleted whole; the one being written is deleted within two minutes",
    )


def _cache(state: State, *, actor: str, act: bool) -> Cleared:
    how = "everybody's kept answers, in the gateway's memory; all are forgotten"
    if not is_alive(read_pid(state.gateway_pid)):
        return Cleared(store="cache", found=0, erased=0, how="no gateway runs, so nothing is kept")
    kept = int((forget.stats(state, time.time()).get("cache") or {}).get("answers", 0))
    if not act or not kept:
        return Cleared(store="cache", found=kept, erased=0, how=how)
    try:
        return Cleared(store="cache", found=kept, erased=forget.clear(state, actor=actor), how=how)
    except forget.NotForgotten as problem:
        return Cleared(store="cache", found=kept, erased=0, how=str(problem))


def _deferred(state: State, who: Person, correlations: set[str], *, actor: str, act: bool) -> Cleared:
    key = state.keys["token_key"]
    store = parts.store_to_look_at(state.path, key)
    theirs = list(_their_tasks(state, store, who, correlations)) if store is not None else []
    ended = [task for task in theirs if task.state in ENDED]
    waiting = [task.id for task in theirs if task.state not in ENDED]
    waiting += _accepted(state, who, correlations)
    how = "requests and answers are erased"
    if act and store is not None:
        board = Board(parts.folder(state.path), key)
        store.erase_these([task.id for task in ended])
        for task in ended:
            board.remove(task.owner, task.id)
    if store is not None:
        store.close()
    if act and waiting:
        for task_id in waiting:
            _cancel(state, task_id, actor)
        how = f"{how}; {len(waiting)} that had not ended are being cancelled: erase once more when they are"
    count = len(ended) + len(waiting)
    return Cleared(store="deferred calls", found=count, erased=len(ended) if act else 0, how=how)


def _accepted(state: State, who: Person, correlations: set[str]) -> list[str]:
    """Those that no worker has taken over yet."""
    inbox, found = Inbox(parts.folder(state.path), state.keys["token_key"]), []
    for name in inbox.names():
        try:
            data = inbox.read(name) if name.startswith("tsk_") else None
            call = _call.decode(data) if data is not None else None
        except (Damaged, DecodeError):
            continue
        if call is not None and _is_about(state, call, b"", who, correlations):
            found.append(name)
    return found


def _cancel(state: State, task_id: str, actor: str) -> None:
    try:
        Tasks(state).order("cancel", task_id, actor=actor)
    except TaskProblem:
        return  # it ended meanwhile


def _their_tasks(state: State, store: TaskStore, who: Person, correlations: set[str]) -> Iterator[Task]:
    for short in store.listed(names=[deferral.NAME], limit=TASKS_MAX):
        task = None if short.erased else store.get(short.id)
        if task is None:
            continue
        try:
            call = deferral.read(task.input)
        except (DecodeError, Damaged):
            continue
        if _is_about(state, call, task.output, who, correlations):
            yield task


def _is_about(state: State, call: Deferred, output: bytes, who: Person, correlations: set[str]) -> bool:
    if call.correlation_id in correlations:
        return True
    salt = state.keys["subject_salt"]
    return any(person_hash(salt, one) in who.hashes for one in identifiers(call, output))


def identifiers(call: Deferred, output: bytes) -> set[str]:
    """Whom a deferred call may be about: its subject, the end user in its body, addresses in request and answer."""
    fields = {name.lower(): value for name, value in call.headers}
    found = {call.bearer.subject, fields.get("x-trunkline-subject", "")}
    found.update(addresses(call.body, fields.get("content-type", "")))
    try:
        tree = from_json(call.body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        tree = None
    if isinstance(tree, dict):
        found.update(named_by(tree.get("user"), tree.get("safety_identifier"), tree.get("metadata")))
    try:
        answer = _answer.decode(output) if output else None
    except DecodeError:
        answer = None
    if answer is not None:
        media = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
        found.update(addresses(answer.body, media))
    return found - {""}


def _stays(state: State, who: Person, identifier: str) -> Iterator[str]:
    yield (
        f"The audit chain stays whole, so that it can still be verified: its rows name this person {who.mark}, the begin of a keyed hash, "
        "and hold no word of a request."
    )
    yield "Sums by hour (calls, tokens, cost) stay; no person stands in them."
    yield "Deletion requests keep vendors, times and ids to quote, without the person's hash, as proof of what was asked."
    if segments(state.journal):
        yield (
            "The journal's last segments (16 MB each) hold calls as they were recorded, persons as keyed hashes only, until they are "
            "full and dropped."
        )
    yield "Backups that were made before still hold what the stores held; erase again after a restore."
    if identifier:
        names = _bound_keys(state, identifier)
        if names:
            yield (
                f"The caller keys {', '.join(names)} are bound to this person and name them in `control.db`: revoke them "
                "(`trunkline keys revoke`)."
            )


def _bound_keys(state: State, identifier: str) -> list[str]:
    with state.view() as connection:
        rows = control_tables.all_keys(connection)
    return sorted(
        f"{row['name']} ({row['id']})"
        for row in rows
        if row["settings"].get("subject") == identifier and not row["revoked_at"]
    )

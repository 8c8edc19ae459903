"""The three files that the gateway lives on: what can be called, who may call, and the credentials under seal.

Each is replaced in one step and only if its content changed; its version is a hash of that content. Publishing changes
nothing in the database. Not for: reading them (`published.py`), nor for deciding whether a new registry may go live (`reload.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import msgspec

from trunkline.control import issuers, key_names, roster
from trunkline.control.bounds import REVOKED, Standing
from trunkline.control.published import read_sealed, read_snapshot
from trunkline.control.state import State
from trunkline.control.wish import SETTINGS
from trunkline.core import codec
from trunkline.core.service import CallerKey, Callers, Ended, Sealed, Snapshot
from trunkline.plugins.secrets.sealed import seal

ENDED_TOLD_S = 90 * 86_400.0
"""So long who uses a key that has ended is told so; later it is not known."""


def snapshot(state: State, content: Snapshot) -> Snapshot:
    """Publishes what can be called; answers with the version that is live then."""
    there = read_snapshot(state)
    content = msgspec.structs.replace(
        content, version=_hash(msgspec.structs.replace(content, version="", created=""))
    )
    if there is not None and there.version == content.version:
        return there
    with state.lock("publish.lock"):
        state.write(state.snapshot, codec.to_pack(content))
    return content


def callers(state: State, *, now: float | None = None) -> Callers:
    """Publishes the keys that work, each as far as its maker and its team allow; from the database and the `kills` file."""
    at = time.time() if now is None else now
    salt = state.keys["subject_salt"]
    with state.lock("publish.lock"):  # read within the lock: who publishes last has read last
        with state.view() as connection:
            there = roster.read(connection, state, at)
        keys = [_caller(there.standings[version["key_id"]], version) for version in there.versions]
        living = [key for key in keys if key is not None and (not key.expires_at or key.expires_at > at)]
        former = key_names.former(state, {key.id for key in living}, at)
        called = read_snapshot(state)
        content = Callers(
            version="",
            keys=living,
            subject_salt=salt,
            former=former,
            issuers=issuers.with_keys(state, called.issuers, at) if called is not None else [],
            team_scopes={team: scopes for team, scopes in there.teams.items() if scopes != ["*"]},
            unlocked=there.unlocked,
            ended=[
                one
                for version in there.versions
                if (one := _ended(there.standings[version["key_id"]], version, at)) is not None
            ],
        )
        content = msgspec.structs.replace(content, version=_hash(content))
        state.write(state.callers, codec.to_pack(content))
    return content


def sealed(
    state: State,
    values: dict[str, str],
    missing: dict[str, str],
    *,
    versions: dict[str, str] | None = None,
    master_key: bytes | None = None,
) -> Sealed:
    """Publishes credentials by reference under the master key, with the installation's keys that the gateway needs."""
    master, keys = master_key or state.master_key(), state.keys
    content = Sealed(
        version="",
        values=values,
        missing=missing,
        versions=versions or {},
        pepper=keys["pepper"],
        token_key=keys["token_key"],
        answer_key=keys["answer_key"],
    )
    # Keyed, because the version is seen where credentials must not be guessable from it.
    digest = hmac.digest(keys["audit"], _canonical(content), "sha256").hex()[:16]
    content = msgspec.structs.replace(content, version=digest)
    with state.lock("publish.lock"):
        there = read_sealed(state, master)
        if there is None or there.version != content.version:
            state.write(state.sealed, seal(content, master))
    return content


def _caller(standing: Standing, version: Any) -> CallerKey | None:
    """A version of a key for the gateway; None if the key does not work."""
    wish = standing.wish
    if standing.dead:
        return None
    ends = [at for at in (wish.expires_at, version["expires_at"]) if at]
    settings = {name: getattr(wish, name) for name in SETTINGS}
    if wish.kind == "sdk" and not wish.error_style:
        settings["error_style"] = "native"
    return CallerKey(
        id=version["key_id"],
        name=wish.name,
        hash=version["hash"],
        kind=wish.kind,
        team=wish.team,
        role=wish.role,
        version=version["version"],
        parents=standing.parents,
        expires_at=min(ends, default=0.0),
        **settings,
    )


def _ended(standing: Standing, version: Any, at: float) -> Ended | None:
    """Why a version of a key does not work, for who holds it; None if it does, or was revoked, or ended long ago."""
    if standing.dead == REVOKED:
        return None
    own, replaced = standing.wish.expires_at, version["expires_at"]
    past = [
        (ends, why) for ends, why in ((own, "has expired"), (replaced, "was rotated")) if ends and ends <= at
    ]
    if past:
        ended, why = min(past)
        return Ended(version["hash"], standing.wish.name, why) if at - ended < ENDED_TOLD_S else None
    return (
        Ended(version["hash"], standing.wish.name, f"is suspended: {standing.dead}")
        if standing.dead
        else None
    )


def _canonical(content: Any) -> bytes:
    return msgspec.msgpack.encode(content, order="deterministic")


def _hash(content: Any) -> str:
    return hashlib.sha256(_canonical(content)).hexdigest()[:12]

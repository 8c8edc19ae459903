"""Credentials: the built-in store's changes, resolving references for publishing, rotating the master key.

Values go in by `set_secret` and out only to the sealed file; nothing here returns one to show. Each fetch is audited. Not
for: the encryption (`plugins/secrets/store.py`).
"""

from __future__ import annotations

import hmac
import re
import time
from typing import Any

import msgspec

from trunkline.control import audit, known, processes, publish, published
from trunkline.control.periods import rfc3339
from trunkline.control.state import PURPOSE as INSTALLATION
from trunkline.control.state import State
from trunkline.core.alerting import references
from trunkline.core.service import Snapshot
from trunkline.plugins.secrets import (
    handover,
    masterkey,
    store,
)

PURPOSE = "secret"
LONGEST = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")


class SecretProblem(Exception):
    """What was asked of a secret cannot be done; says the name and the cure, never the value."""


class SecretInfo(msgspec.Struct, frozen=True, kw_only=True):
    """All that is shown of a version of a secret."""

    name: str
    version: int
    current: bool
    last4: str
    fingerprint: str
    created_at: str | None
    used_by: list[str] = []


def set_secret(
    state: State,
    name: str,
    value: str,
    *,
    actor: str = "cli",
    now: float | None = None,
    current: bool = True,
) -> int:
    """Stores a value as the next version of a secret and makes it current, unless told otherwise; answers the version. Raises
    SecretProblem.
    """
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    value = value.strip("\r\n")
    if not _NAME.fullmatch(name):
        raise SecretProblem(
            f"{name!r} is no name for a secret; use letters, digits and ._/- (at most 128), e.g. CRM_TOKEN."
        )
    if not value.strip() or len(value) > LONGEST:
        raise SecretProblem(
            f"The value for {name} is {'empty' if not value.strip() else 'longer than 64 KB'}; nothing was stored."
        )
    master = state.master_key()
    with state.change() as connection:
        version = max((row["version"] for row in tables.secret_history(connection, name)), default=0) + 1
        made = store.enclose(value.encode(), name=name, version=version, purpose=PURPOSE, master_key=master)
        if current:
            tables.put_secret(connection, name, version, at)
        facts = {"fingerprint": fingerprint(state, value), "last4": value[-4:] if len(value) >= 16 else ""}
        sealed = {"ciphertext": made.ciphertext, "wrapped_key": made.wrapped_key, "kek_id": made.kek_id}
        tables.insert_secret_version(
            connection, {"name": name, "version": version, "created_at": at, **facts, **sealed}
        )
        detail = {"version": version, "fingerprint": facts["fingerprint"]}
        audit.add(connection, state, [audit.Entry(actor, "secret.set", name, detail)], at)
    return version


def list_secrets(state: State) -> list[SecretInfo]:
    """The current version of each stored secret, with the integrations that use it."""
    from trunkline.ledger import control_tables as tables

    users = used_by(state)
    with state.view() as connection:
        rows = tables.all_secrets(connection)
    return [_info(row, True, users.get(f"store:{row['name']}", [])) for row in rows]


def versions(state: State, name: str) -> list[SecretInfo]:
    """Every version of a secret, oldest first. Raises SecretProblem for an unknown name."""
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        head, rows = tables.find_secret(connection, name), tables.secret_history(connection, name)
    if head is None or head["removed_at"]:
        raise _unknown(name)
    return [_info(row, row["version"] == head["current"], []) for row in rows if row["ciphertext"]]


def revert(
    state: State, name: str, version: int | None = None, *, actor: str = "cli", now: float | None = None
) -> int:
    """Makes an older version current again (the one before, unless told); answers which. Raises SecretProblem."""
    from trunkline.ledger import control_tables as tables

    known = versions(state, name)
    current = next(info.version for info in known if info.current)
    older = [info.version for info in known if info.version < current]
    chosen = version if version is not None else (older[-1] if older else 0)
    if chosen not in [info.version for info in known]:
        there = ", ".join(str(info.version) for info in known)
        raise SecretProblem(
            f"{name} has no version {chosen or 'before ' + str(current)}; there are: {there}."
        )
    at = time.time() if now is None else now
    with state.change() as connection:
        tables.put_secret(connection, name, chosen, at)
        audit.add(
            connection,
            state,
            [audit.Entry(actor, "secret.revert", name, {"from": current, "to": chosen})],
            at,
        )
    return chosen


def value_of(state: State, name: str, version: int, *, actor: str) -> str:
    """One version's value, for who verifies it; audited. Raises SecretProblem."""
    row = _version_row(state, name, version)
    envelope = store.Envelope(row["ciphertext"], row["wrapped_key"], row["kek_id"])
    value = store.disclose(
        envelope, name=name, version=version, purpose=PURPOSE, master_key=state.master_key()
    ).decode()
    detail = {"version": version, "fingerprint": row["fingerprint"]}
    with state.change() as connection:
        audit.add(connection, state, [audit.Entry(actor, "secret.fetch", f"store:{name}", detail)])
    return value


def same_value(state: State, name: str, version: int, value: str) -> bool:
    """Whether a version has this value, told by its fingerprint and last characters."""
    told = fingerprint(state, value.strip("\r\n"))
    return bool(_version_row(state, name, version)["fingerprint"] == told)


def _version_row(state: State, name: str, version: int) -> Any:
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        rows = tables.secret_history(connection, name)
    found = next((row for row in rows if row["version"] == version and row["ciphertext"]), None)
    if found is None:
        raise SecretProblem(f"{name} has no version {version} with a value.")
    return found


def remove(
    state: State, name: str, *, force: bool = False, actor: str = "cli", now: float | None = None
) -> None:
    """Erases all versions of a secret. One that an integration uses is removed only with `force`. Raises SecretProblem."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    versions(state, name)
    users = used_by(state).get(f"store:{name}", [])
    if users and not force:
        raise SecretProblem(
            f"{name} is used by {', '.join(users)}; these would fail with `secret_unavailable`. Take it out of the registry first, "
            f"or remove it all the same with --force."
        )
    with state.change() as connection:
        tables.set_secret_removed(connection, name, at)
        audit.add(connection, state, [audit.Entry(actor, "secret.remove", name, {"used_by": users})], at)


def rotate_master(
    state: State, new_key: bytes | None = None, *, actor: str = "cli", now: float | None = None
) -> str:
    """Wraps every data key with a new master key; answers its id. The values themselves are not touched.

    With `master.key` in the state folder the new key is made and put in its place; a key that is handed in from outside is
    replaced by `new_key`, which the caller must then hand in instead.
    """
    at = time.time() if now is None else now
    old = state.master_key()
    waiting = state.path / f"{masterkey.FILE_NAME}.new"
    if state.owns_master_key:
        waiting.unlink(missing_ok=True)
        new_key = masterkey.write_new(waiting)
    elif new_key is None:
        raise SecretProblem(
            "The master key is handed in from outside; give the new one with --new-key-file, then hand that in instead."
        )
    with state.change() as connection:
        count = _rewrap_all(connection, old, new_key)
        detail = {"kek_id": masterkey.key_id(new_key), "rewrapped": count}
        audit.add(connection, state, [audit.Entry(actor, "master.rotate", masterkey.key_id(old), detail)], at)
    if state.owns_master_key:
        waiting.replace(state.master_key_file)
    handover.reseal(state.path, old, new_key)
    known.reseal(state, old, new_key)
    processes.reseal(state, old, new_key)
    there = published.read_sealed(state, old)
    if there is not None:
        publish.sealed(state, there.values, there.missing, versions=there.versions, master_key=new_key)
    return masterkey.key_id(new_key)


def used_by(state: State) -> dict[str, list[str]]:
    """Reference -> what of the published registry uses it."""
    there = published.read_snapshot(state)
    return users(there) if there is not None else {}


def users(snapshot: Snapshot) -> dict[str, list[str]]:
    """Reference -> the integrations that use it; `notify` and `alerts` for what alerts are signed and sent with."""
    found: dict[str, list[str]] = {}
    for service in snapshot.services:
        for ref in filter(None, (*(c.ref for c in service.credentials), service.auth.refresh)):
            if service.name not in found.setdefault(ref, []):
                found[ref].append(service.name)
    for ref in filter(None, (snapshot.notify.webhook_secret, snapshot.notify.smtp_secret)):
        found.setdefault(ref, []).append("notify")
    for ref in references(snapshot.alerts):
        if not {"notify", "alerts"} & set(found.setdefault(ref, [])):
            found[ref].append("alerts")
    oidc = snapshot.sign_in.oidc
    if oidc is not None and oidc.client_secret:
        found.setdefault(oidc.client_secret, []).append("sign_in")
    return found


def fingerprint(state: State, value: str) -> str:
    """Eight digits that tell two values apart without telling anything of them to who lacks the installation's key."""
    return hmac.digest(state.keys["pepper"], b"fingerprint|" + value.encode(), "sha256").hex()[:8]


def _unknown(name: str) -> SecretProblem:
    return SecretProblem(
        f"The store has no secret {name!r}. `trunkline secrets list` shows all; `trunkline secrets set {name}` adds it."
    )


def _info(row: Any, current: bool, users: list[str]) -> SecretInfo:
    return SecretInfo(
        name=row["name"],
        version=row["version"],
        current=current,
        last4=row["last4"],
        fingerprint=row["fingerprint"],
        created_at=rfc3339(row["created_at"]),
        used_by=users,
    )


def _rewrap_all(connection: Any, old: bytes, new: bytes) -> int:
    from trunkline.ledger import control_tables as tables

    count = 0
    for row in tables.secret_history(connection):
        if row["ciphertext"]:
            made = _rewrapped(row, row["version"], PURPOSE, old, new)
            tables.rewrap_secret_version(
                connection, row["name"], row["version"], made.wrapped_key, made.kek_id
            )
            count += 1
    for row in tables.all_installation_keys(connection):
        made = _rewrapped(row, 1, INSTALLATION, old, new)
        tables.rewrap_installation_key(connection, row["name"], made.wrapped_key, made.kek_id)
        count += 1
    return count


def _rewrapped(row: Any, version: int, purpose: str, old: bytes, new: bytes) -> store.Envelope:
    envelope = store.Envelope(row["ciphertext"], row["wrapped_key"], row["kek_id"])
    return store.rewrap(envelope, name=row["name"], version=version, purpose=purpose, old=old, new=new)

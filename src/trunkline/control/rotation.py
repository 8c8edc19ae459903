"""The safe way from one version of a credential to the next, as a machine of states. Pure: values and `now` in, values out.

    [awaiting -->] added --verified--> verified --promoted--> promoted --old one unused for a while--> idle --old one refused--> done

Every step can be undone until the old version is given up. In an outside store the new value is put by a person: until then the rotation
is `awaiting`, and what the store holds does not serve before it is verified.
Not for: doing the steps (`rotations.py`), nor for when one is due (`ops/rotation_due.py`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

RotationState = Literal[
    "awaiting", "added", "verified", "promoted", "idle", "done", "rolled_back", "abandoned"
]
ENDED: tuple[RotationState, ...] = ("done", "rolled_back", "abandoned")

QUIET_S = 600.0
"""So long the old version must not have been used before it is given up."""
WATCH_EVERY_S = 2.0
CHECKS_S = ((600.0, 5.0), (3600.0, 60.0))
"""How often the vendor is asked whether it refuses the old version: every 5 s in the first ten minutes, ..."""
CHECK_LONG_EVERY_S = 900.0
LONGEST_PAUSE_S = 300.0
REFUSED_LEAST = 3
"""So many refusals of the new version, and more than answers, undo a promotion."""

HELD: tuple[RotationState, ...] = ("awaiting", "added", "verified")
"""While the old version serves, whatever an outside store holds."""
UNDONE: tuple[RotationState, ...] = ("abandoned", "rolled_back")

Act = Literal["verify", "promote", "watch", "check_old", "wait"]


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """One rotation of one secret. Times are epoch seconds, 0: not yet."""

    id: str
    name: str
    """Of a secret of the built-in store, or the whole reference of one in an outside store."""
    from_version: str
    to_version: str
    """As their store counts them; empty where it does not, and before it is known."""
    state: RotationState
    actor: str
    created_at: float
    ended_at: float = 0.0
    quiet_s: float = QUIET_S
    hold: bool = False
    """A person says when it is promoted."""
    unverified: bool = False
    """It is promoted without a call that proves it."""
    stuck: bool = False
    """The vendor refuses the new version: only a person can go on."""
    problem: str = ""
    next_at: float = 0.0
    tries: int = 0
    verified_at: float = 0.0
    verified_by: list[str] = []
    """The calls that proved it."""
    promoted_at: float = 0.0
    idle_at: float = 0.0
    arrived_at: float = 0.0
    """Since when an outside store holds the value that is, or was, proved; each other value that is put there has another time."""
    place: int = 0
    """How far in the ledger its traffic was looked at."""
    old_attempts: int = 0
    """Since the promotion."""
    old_last_at: float = 0.0
    new_attempts: int = 0
    new_refused: int = 0
    new_last_at: float = 0.0

    @property
    def ref(self) -> str:
        return self.name if self.outside else f"store:{self.name}"

    @property
    def outside(self) -> bool:
        """Whether an outside store holds it."""
        return ":" in self.name


class Order(NamedTuple):
    """What the keeper of an outside store has to know of a rotation."""

    id: str
    state: RotationState


class Tried(NamedTuple):
    """A free call with one version at one integration. `ok` None: no answer that tells anything."""

    integration: str
    ok: bool | None
    said: str


class Traffic(NamedTuple):
    """What the ledger saw of both versions since the last look."""

    place: int
    old_attempts: int = 0
    old_last_at: float = 0.0
    new_attempts: int = 0
    new_refused: int = 0
    new_last_at: float = 0.0


def next_act(one: Rotation, now: float) -> Act:
    """What to do now."""
    if one.state in ENDED or one.stuck or now < one.next_at:
        return "wait"
    if one.state == "awaiting":
        return "wait"
    if one.state == "added":
        return "promote" if one.unverified and not one.hold else "wait" if one.unverified else "verify"
    if one.state == "verified":
        return "wait" if one.hold else "promote"
    if one.state == "promoted":
        return "watch"
    return "check_old"


def followed(one: Rotation, version: str, at: float) -> Rotation:
    """What the outside store holds beside the value that serves, since `at`; 0: nothing. Another value than before begins the proof
    anew, also of a rotation that was stuck with the one before; the same object where nothing has changed.
    """
    if one.state not in HELD or at == one.arrived_at:
        return one
    return msgspec.structs.replace(
        one,
        state="added" if at else "awaiting",
        to_version=version,
        arrived_at=at,
        stuck=False,
        problem="",
        tries=0,
        next_at=0.0,
        verified_at=0.0,
        verified_by=[],
    )


def after_verify(one: Rotation, tried: list[Tried], now: float) -> Rotation:
    """All integrations must take the new version; one that refuses it ends the attempt until a person acts."""
    refused = [t for t in tried if t.ok is False]
    silent = [t for t in tried if t.ok is None]
    replace = msgspec.structs.replace
    if refused:
        said = "; ".join(f"{t.integration}: {t.said}" for t in refused)
        return replace(one, stuck=True, problem=f"the new version is refused ({said})")
    if silent:
        said = "; ".join(f"{t.integration}: {t.said}" for t in silent)
        pause = min(LONGEST_PAUSE_S, 2.0**one.tries)
        return replace(
            one,
            problem=f"it cannot be verified yet ({said})",
            tries=min(one.tries + 1, 10),
            next_at=now + pause,
        )
    by = [f"{t.integration}: {t.said}" for t in tried]
    return replace(one, state="verified", verified_at=now, verified_by=by, problem="", tries=0, next_at=0.0)


def promoted(one: Rotation, place: int, now: float) -> Rotation:
    """The new version is current."""
    return msgspec.structs.replace(
        one, state="promoted", promoted_at=now, place=place, hold=False, problem="", next_at=0.0
    )


def after_watch(one: Rotation, seen: Traffic, now: float) -> Rotation | None:
    """Both versions' traffic so far; None when the promotion must be undone, because the vendor refuses the new version."""
    one = msgspec.structs.replace(
        one,
        place=seen.place,
        old_attempts=one.old_attempts + seen.old_attempts,
        old_last_at=max(one.old_last_at, seen.old_last_at),
        new_attempts=one.new_attempts + seen.new_attempts,
        new_refused=one.new_refused + seen.new_refused,
        new_last_at=max(one.new_last_at, seen.new_last_at),
        next_at=now + WATCH_EVERY_S,
    )
    if one.new_refused >= REFUSED_LEAST and one.new_refused * 2 > one.new_attempts:
        return None
    if now - max(one.promoted_at, one.old_last_at) >= one.quiet_s:
        return msgspec.structs.replace(one, state="idle", idle_at=now, next_at=0.0)
    return one


def after_check(one: Rotation, tried: list[Tried], now: float) -> Rotation:
    """The old version is given up once the vendor refuses it everywhere; until then somebody has to revoke it there."""
    if tried and all(t.ok is False for t in tried):
        return finished(one, now, "the vendor refuses the old version")
    every = next((pause for age, pause in CHECKS_S if now - one.idle_at <= age), CHECK_LONG_EVERY_S)
    return msgspec.structs.replace(one, next_at=now + every, problem="")


def finished(one: Rotation, now: float, why: str) -> Rotation:
    """The old version is given up for good."""
    return msgspec.structs.replace(
        one, state="done", ended_at=now, problem="", verified_by=[*one.verified_by, why]
    )


def undone(one: Rotation, now: float, why: str) -> Rotation:
    """Back to the old version."""
    state: RotationState = "rolled_back" if one.promoted_at else "abandoned"
    return msgspec.structs.replace(one, state=state, ended_at=now, problem=why, stuck=False)


def words(one: Rotation, now: float) -> str:
    """Where it stands and what is next, in one sentence."""
    old = f"version {one.from_version}" if one.from_version else "the old value"
    new = f"version {one.to_version}" if one.to_version else "the new value"
    if one.state in ("added", "verified") and one.stuck:
        return f"{one.problem}. Put in another value, or give up: trunkline secrets rotate {one.name} --abort"
    if one.state == "awaiting":
        return f"put the new value into its store now; {old} serves until the new one is proved."
    if one.state == "added":
        return f"{new} is stored and not used yet; {one.problem or 'it is being verified'}."
    if one.state == "verified":
        more = f" Promote it: trunkline secrets rotate {one.name} --promote" if one.hold else ""
        return f"{new} is verified and not used yet.{more}"
    if one.state == "promoted":
        left = max(0.0, one.quiet_s - (now - max(one.promoted_at, one.old_last_at)))
        return (
            f"{new} serves: {one.new_attempts} attempts since, {one.old_attempts} still with {old}; "
            f"in {left:.0f} s without use {old} counts as idle."
        )
    if one.state == "idle":
        return (
            f"{new} serves and {old} is idle. Revoke {old} at the vendor now: the rotation ends by itself once the vendor "
            f"refuses it, or with: trunkline secrets rotate {one.name} --finish"
        )
    return {
        "done": f"done: {new} serves, {old} is given up.",
        "rolled_back": f"undone: {old} serves again ({one.problem}).",
        "abandoned": f"given up before it served ({one.problem}).",
    }[one.state]

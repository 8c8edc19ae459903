"""Which credential of a pool serves next: smooth weighted rotation, so that shares hold over any short run of calls."""

from __future__ import annotations

from collections.abc import Callable, Collection

from trunkline.core.call import Live, Member, Target

_TARGETS_MAX = 1000


def pick(live: Live, left: Collection[Member] = (), model: str = "") -> Member | None:
    """The next member that was not left yet; None when all were. Members without a secret come last, those at which a call for
    this model would have to wait come after those at which it would not.

    Weights as in nginx's smooth weighted round robin: each turn everybody gains its weight, the richest serves and pays the sum.
    """
    members = live.members
    if len(members) == 1:
        return None if members[0] in left else members[0]
    candidates = [m for m in members if m not in left and m.weight > 0]
    usable = [m for m in candidates if m.problem is None] or candidates
    if not usable:
        return None
    usable = [m for m in usable if _roomy(m, model)] or usable
    for member in usable:
        member.current += member.weight
    best = max(usable, key=lambda m: m.current)
    best.current -= sum(m.weight for m in usable)
    return best


def pick_quietly(live: Live, model: str) -> Member | None:
    """Whom `pick` would take, about, without counting a turn; None when there is nobody."""
    usable = [m for m in live.members if m.weight > 0 and m.problem is None] or live.members
    return next((m for m in usable if _roomy(m, model)), usable[0] if usable else None)


def has_room(live: Live, model: str, shut: Callable[[Target], object]) -> bool:
    """Whether a call could go to one of the members at once: it has room, and nothing holds it back."""
    usable = [m for m in live.members if m.weight > 0 and m.problem is None and _roomy(m, model)]
    return any(shut(aim(live, member, model)) is None for member in usable)


def _roomy(member: Member, model: str) -> bool:
    target = member.targets.get(model)
    return target is None or target.line.free or target.line.roomy(model)


def aim(live: Live, member: Member, model: str) -> Target:
    """The target of a member and a model, made once."""
    target = member.targets.get(model)
    if target is None:
        target = Target(live, member, model)
        if len(member.targets) < _TARGETS_MAX:
            member.targets[model] = target
    return target

"""How strongly observations speak against "nothing has changed", however often one looks: e-values over counts. Pure.

Both tests compare "a fact comes at random with some constant frequency, whatever it is" with "that changed at some point since the
contract was learned". The frequency is the one that explains the observations best, so that the value is never too high: whatever
the true frequency, the chance that it ever exceeds T is at most 1/T (Ville's inequality), with any number of looks. Rests on units
that are independent of each other (`evidence.py` makes them so as far as it can). Not for: what is worth an alarm (`judge.py`).
"""

from __future__ import annotations

from math import exp, inf, lgamma, log


def appeared(quiet: int, waited: int, seen: int, among: int) -> float:
    """A fact that was never seen in `quiet` units of the learned contract comes now: first after `waited` further units without
    it, and from that first one on in `seen` of `among` units.
    """
    if seen <= 0:
        return 0.0
    changed = -log((waited + 1) * (waited + 2)) - log(among) - _log_choose(among - 1, seen - 1)
    return _ratio(changed, seen, quiet + waited + among)


def ceased(seen: int, among: int, missed: int, gaps: int) -> float:
    """A fact that was seen in `seen` of `among` units has been missing in the last `missed`; `gaps` times it was away before and
    came back.
    """
    if seen <= 0 or missed <= 0:
        return 0.0
    before = _log_beta(seen + 0.5, among - seen + 0.5) - _log_beta(0.5, 0.5)
    return _ratio(before - log((gaps + 1) * (gaps + 2)), seen, among + missed)


def _ratio(changed: float, seen: int, among: int) -> float:
    """Likelihood with a change (its logarithm) over the best likelihood without."""
    log_ratio = changed - _best(seen, among)
    return exp(log_ratio) if log_ratio < 700 else inf


def _best(seen: int, among: int) -> float:
    """Logarithm of the likelihood of `seen` out of `among` in their order, at the frequency that fits best."""
    share = seen / among
    missing = among - seen
    return seen * log(share) + (missing * log(1.0 - share) if missing else 0.0)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)

"""Looks after callers, every second, in a thread of its own: uses of keys are kept, keys of issuers fetched, what is due is found.

Not for: the gateway's side (`gateway/uses.py`), nor for any of the decisions (`control/key_watch.py`, `key_care.py`, `issuers.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trunkline.console.steadily import Steadily
from trunkline.control import baseline, issuers, key_care, publish
from trunkline.control.issuers import Kept
from trunkline.control.key_watch import KeyWatch
from trunkline.core.identity import Issuer, TokenKey
from trunkline.ops import findings, oidc
from trunkline.ops.findings import Finding
from trunkline.ops.oidc import OidcProblem

if TYPE_CHECKING:
    from trunkline.console.context import Console

FETCH_S = 300.0
"""How old keys of an issuer may become."""
AGAIN_S = 30.0
"""How soon they are fetched again when one was missed, or when fetching has failed."""
CARE_S = 3600.0
UNREACHABLE = "issuer.unreachable"

Fetch = Callable[[str, str], list[TokenKey]]


class CallersWatch:
    """Over one console. `more`: what else is to be attended to every hour."""

    def __init__(
        self,
        console: Console,
        *,
        fetch: Fetch = oidc.keys,
        more: Callable[[float], object] = lambda now: None,
    ) -> None:
        self._console = console
        self._fetch = fetch
        self._more = more
        self._keys = KeyWatch(console.state)
        self._tried: dict[str, float] = {}
        self._version = ""
        self._cared_at = float("-inf")
        steadily = Steadily(self.turn, name="callers", what="looking after callers")
        self.start, self.stop = steadily.start, steadily.stop

    def turn(self) -> None:
        """One look at everything."""
        now = self._console.clock()
        self._console.access.failures.tick()
        self._keys.look()
        snapshot = self._console.published.snapshot()
        if snapshot is not None:
            if snapshot.version != self._version:
                self._version, self._tried = snapshot.version, {}
            for issuer in snapshot.issuers:
                self._keep_keys(issuer, now)
        if now - self._cared_at >= CARE_S:
            self._cared_at = now
            key_care.attend(self._console.state, now)
            self._more(now)

    def _keep_keys(self, issuer: Issuer, now: float) -> None:
        known = issuers.kept(self._console.state).get(issuer.name)
        fits = known is not None and known.issuer == issuer.issuer
        age_s = now - known.at if known is not None and fits else float("inf")
        missed = issuer.name in self._keys.wanted and age_s >= AGAIN_S
        if (age_s < FETCH_S and not missed) or now - self._tried.get(issuer.name, float("-inf")) < AGAIN_S:
            return
        self._tried[issuer.name] = now
        state = self._console.state
        try:
            found = self._fetch(issuer.issuer, issuer.jwks)
        except OidcProblem as problem:
            findings.note(state, _unreachable(issuer, str(problem), fits), now)
            if fits and age_s >= issuers.KEPT_S:
                publish.callers(state, now=now)
            return
        issuers.keep(state, issuer.name, Kept(issuer=issuer.issuer, at=now, keys=found))
        findings.resolve(state, UNREACHABLE, "", issuer.name, "its keys were fetched", now)
        publish.callers(state, now=now)


class ReviewWatch:
    """Reminds of the regular review."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, now: float) -> None:
        snapshot = self._console.published.snapshot()
        if snapshot is not None:
            baseline.remind(self._console.state, snapshot, now)


def _unreachable(issuer: Issuer, why: str, has_keys: bool) -> Finding:
    meanwhile = "those it had are used for a day" if has_keys else "its tokens are not taken until then"
    return Finding(
        kind=UNREACHABLE,
        integration="",
        subject=issuer.name,
        severity="warning" if has_keys else "critical",
        title=f"The keys of the token issuer {issuer.name} cannot be fetched; {meanwhile}.",
        detail={"issuer": issuer.issuer, "why": why[:500]},
    )

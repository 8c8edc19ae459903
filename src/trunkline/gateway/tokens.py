"""Fetches OAuth2 tokens off the path of calls: one request at a time per credential, before the old one ends, and once on a 401.

While there is no token the member's `problem` stands, and calls to it wait here. A failure of the token endpoint is that
integration's alone. Not for: what is asked and answered (`plugins/auth/oauth2.py`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trunkline.core.call import Live, Member
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.core.scrub import Scrubber
from trunkline.core.service import Auth, Service
from trunkline.engine.world import Address
from trunkline.gateway.log import say
from trunkline.plugins.auth.oauth2 import Fetched, Token, TokenRefused, token_of, token_request
from trunkline.wire.errors import WireError

if TYPE_CHECKING:
    from trunkline.core.ports import Wire

TICK_S = 0.5
FETCH_S = 10.0
ANSWER_MAX = 64 << 10
EARLY_S = 60.0
"""A token is replaced so long before its end, or after half its life if that is later."""
YOUNG_S = 10.0
"""A token that was fetched less than this ago and is refused has not ended: a new one would be refused too."""
PAUSE_MAX_S = 60.0
RENEWED = "token=renewed"

Keep = Callable[[str, Sequence[str], str], None]
"""Keeps a replaced refresh token: reference, those before it from the stored one on, the new one. May block; raises OSError."""
BEFORE_MAX = 8


class Source:
    """One credential: its token, and how the next one is got. Bound to the member of the newest world."""

    def __init__(
        self, tokens: Tokens, spec: Service, ref: str, secret: str, refresh: str, stored: str
    ) -> None:
        self._tokens = tokens
        self._spec = spec
        self._ref = ref
        self.auth, self.secret = spec.auth, secret
        self._line = [stored, refresh] if refresh != stored else [stored]
        """Refresh tokens: the one that the store has as far as we know, those that came after it, and last the one in use."""
        self._members: list[Member] = []
        self._token = ""
        self._got_at = 0.0
        self._ends_at = self._due_at = 0.0
        self._failures = 0
        self._problem: CallError | None = self._trouble("its token is being fetched")
        self._fetching: asyncio.Task[None] | None = None

    def bind(self, member: Member) -> None:
        """Brings a member of a new world to this state; members of older worlds of running calls are kept as well."""
        self._members = [*self._members[-3:], member]
        member.renewal = self
        self._apply()

    def start(self, now: float) -> None:
        """Fetches if it is time."""
        if self._fetching is None and now >= self._due_at:
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        if self._token and now >= self._ends_at:
            self._lose("its token has ended and no new one was given")

    async def ready(self, within_s: float) -> None:
        """Returns once there is a token, or why there is none; at the latest after so many seconds."""
        self.start(self._tokens.clock())
        if self._fetching is not None and not self._token:
            await asyncio.wait({self._fetching}, timeout=max(0.0, within_s))

    def refused(self, attempt: Attempt, error: CallError) -> None:
        """The vendor answered 401: a new token and one more attempt, unless that was tried already (once per call)."""
        exchange, now = attempt.exchange, self._tokens.clock()
        if RENEWED in exchange.notes:
            return
        if self._got_at <= attempt.started:
            if now - self._got_at < YOUNG_S:
                return
            self._due_at = 0.0
            self._lose("its token is being fetched")
            self.start(now)
        exchange.notes += (RENEWED,)
        error.again, error.retry_at = True, self._tokens.wall()

    async def renewed(self, attempt: Attempt, within_s: float) -> bool:
        """The next attempt waits for the token by itself (`ready`)."""
        return True

    @property
    def refresh(self) -> str:
        """The refresh token in use."""
        return self._line[-1]

    def replaced(self, refresh: str) -> None:
        """The store has this refresh token now: one that we have handed over, perhaps not the last, or one that a person has set."""
        if refresh in self._line:
            del self._line[: self._line.index(refresh)]
        else:
            self._line, self._due_at, self._failures = [refresh], 0.0, 0

    def _apply(self) -> None:
        for member in self._members:
            if member.renewal is not self:
                continue  # switched off meanwhile
            member.problem = self._problem
            member.targets.clear()  # heads that were written for the targets before hold the token before
            if self._token and isinstance(member.signer, Fetched):
                member.signer.carry(self._token)
                member.hide(self._token, self.secret, self.refresh)

    def _lose(self, why: str) -> None:
        self._token = ""
        self._problem = self._trouble(why)
        self._apply()

    async def _fetch(self) -> None:
        tokens = self._tokens
        try:
            async with asyncio.timeout(FETCH_S):
                token = await tokens.ask(self._spec, self.secret, self.refresh)
            await self._take(token)
        except TokenRefused as refusal:
            self._failed(str(refusal), final=refusal.final)
        except TimeoutError:
            self._failed(
                f"the token endpoint did not answer within {FETCH_S:g} s; it is asked again by itself"
            )
        except (WireError, ValueError, OSError) as problem:
            self._failed(f"the token endpoint cannot be reached: {problem}")
        finally:
            self._fetching = None

    async def _take(self, token: Token) -> None:
        now = self._tokens.clock()
        if token.refresh and token.refresh != self.refresh:
            self._line.append(token.refresh)
            if len(self._line) > BEFORE_MAX:
                del self._line[1]  # never the stored one, by which the new one is known at the next start
            await self._keep()
        life = token.life_s
        self._got_at, self._failures = now, 0
        self._ends_at = now + life if life is not None else float("inf")
        early = max(life - EARLY_S, life / 2) if life is not None else float("inf")
        self._due_at = now + early * (1.0 - 0.05 * random.random())
        Fetched(self.auth).carry(token.text)  # raises before anything is given up
        self._token, self._problem = token.text, None
        self._apply()

    async def _keep(self) -> None:
        """Before the new token is used: the old refresh token may be dead already."""
        try:
            await asyncio.to_thread(self._tokens.keep, self.auth.refresh, self._line[:-1], self.refresh)
        except OSError as problem:
            say(
                f"the new refresh token of {self._spec.name} could not be kept ({problem.strerror}); it is lost at a restart"
            )

    def _failed(self, why: str, *, final: bool = False) -> None:
        self._failures += 1
        pause = PAUSE_MAX_S if final else min(PAUSE_MAX_S, 2.0 ** (self._failures - 1))
        now = self._tokens.clock()
        self._due_at = now + pause * (1.0 - 0.1 * random.random())
        if not self._token or now >= self._ends_at:
            self._token = ""
            text = Scrubber((self.secret, self.refresh)).text(why)
            self._problem = self._trouble(text, final=final, again_s=pause)
            self._apply()

    def _trouble(self, why: str, *, final: bool = False, again_s: float = 1.0) -> CallError:
        text = f"integration {self._spec.name!r}: no token for {self._ref}: {why}"
        if final:
            return CallError("auth_invalid", text, source=self._spec.name, scope="credential")
        retry_at = self._tokens.wall() + again_s
        return CallError("secret_unavailable", text, scope="credential", retry_at=retry_at)

    def stop(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()

    def __repr__(self) -> str:
        return f"Source({self._spec.name!r}, {self._ref!r}, {'with' if self._token else 'without'} a token)"


class Tokens:
    """All credentials that are fetched."""

    def __init__(
        self,
        wire: Wire,
        address: Callable[[Service, str], Address],
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        keep: Keep,
    ) -> None:
        self.clock, self.wall, self.keep = clock, wall, keep
        self._wire = wire
        self._address = address
        self._sources: dict[tuple[str, str], Source] = {}

    def adopt(
        self, services: Iterable[Live], values: Mapping[str, str], newer: Mapping[str, str] | None = None
    ) -> None:
        """Binds the members of a new world. `values` are the secrets, `newer` refresh tokens that the store lacks yet."""
        before, self._sources = self._sources, {}
        for live in services:
            if live.spec.auth.kind == "oauth2" and not live.spec.simulated:
                for member in live.members:
                    if member.problem is None:
                        self._bind(live, member, values, newer or {}, before)
        for source in before.values():
            if source not in self._sources.values():
                source.stop()

    def _bind(
        self,
        live: Live,
        member: Member,
        values: Mapping[str, str],
        newer: Mapping[str, str],
        before: Mapping[tuple[str, str], Source],
    ) -> None:
        auth, secret = live.spec.auth, values.get(member.name, "")
        stored = values.get(auth.refresh, "")
        if auth.grant == "refresh_token" and not stored:
            text = f"integration {live.name!r}: the refresh token {auth.refresh} is missing; `trunkline secrets set`"
            member.problem = CallError("secret_unavailable", text, scope="integration")
            return
        key = (live.name, member.name)
        source = self._sources.get(key) or before.get(key)
        if source is not None and (source.auth, source.secret) == (auth, secret):
            source.replaced(stored)
        else:
            source = Source(self, live.spec, member.name, secret, newer.get(auth.refresh, stored), stored)
        self._sources[key] = source
        source.bind(member)
        source.start(self.clock())

    async def ask(self, spec: Service, secret: str, refresh: str) -> Token:
        """One request to a token endpoint. Raises TokenRefused, WireError, ValueError for an address that may not be used."""
        auth = spec.auth
        address = self._address(spec, auth.token_url)
        parts = urlsplit(auth.token_url)
        lines, form = token_request(auth, secret, refresh)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = (
            b"POST %b HTTP/1.1\r\nhost: %b\r\n%baccept-encoding: identity\r\ncontent-length: %d\r\n\r\n"
            % (
                target.encode(),
                address.host,
                lines,
                len(form),
            )
        )
        response = self._wire.open(
            address.origin, b"POST", head, form, connect_timeout_s=spec.timeout.connect
        )
        try:
            await response.ready
            body = response.body if response.complete else await response.read(ANSWER_MAX)
        finally:
            if not response.complete:
                response.abort()
        secrets = (secret, refresh, _secret_part(auth, secret))
        return token_of(response.status, body, Scrubber(secrets).text)

    def tick(self, now: float) -> None:
        """Fetches what is due."""
        for source in self._sources.values():
            source.start(now)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            self.tick(self.clock())

    def stop(self) -> None:
        for source in self._sources.values():
            source.stop()

    def __repr__(self) -> str:
        return f"Tokens({list(self._sources.values())})"


def _secret_part(auth: Auth, secret: str) -> str:
    return secret if auth.client_id else secret.partition(":")[2]

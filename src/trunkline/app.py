"""The gateway process: joins all parts of the data plane and runs them. `python -m trunkline.app`, started by `trunkline serve`.

The only file that knows every part. Not for: anything a part could do itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import trunkline
from trunkline import settings as process_settings
from trunkline.core.codec import to_json, to_pack
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.ports import Policy
from trunkline.core.scrub import Scrubber
from trunkline.core.service import Service
from trunkline.core.uses import FILE_NAME
from trunkline.engine.batch import Batches
from trunkline.engine.diary import Diary
from trunkline.engine.dispatch import Dispatcher
from trunkline.engine.fallback import Fallbacks
from trunkline.engine.gateway import Gateway, Ids
from trunkline.engine.guess import Guesses
from trunkline.engine.limits_told import limits_told
from trunkline.engine.sweep import Sweeper
from trunkline.engine.tariffs import Tally
from trunkline.engine.virtual import Virtuals
from trunkline.engine.world import Address, Makers, World
from trunkline.gateway import addresses, caching, failures, kills, published
from trunkline.gateway.besides import Besides
from trunkline.gateway.console_link import ConsoleLink
from trunkline.gateway.deferrals import Deferrals
from trunkline.gateway.explain import Explain
from trunkline.gateway.faults import OnDemand
from trunkline.gateway.keyed import Keyed
from trunkline.gateway.local import LocalRoutes
from trunkline.gateway.log import Scrubbed, say
from trunkline.gateway.notices import Notices
from trunkline.gateway.process import fast_loop, set_limits, tls, tune_gc, write
from trunkline.gateway.refused import refused_by_wire
from trunkline.gateway.rereads import Rereads
from trunkline.gateway.sampler import Sampler
from trunkline.gateway.samples import Samples
from trunkline.gateway.spending import Spending
from trunkline.gateway.tokens import Tokens
from trunkline.gateway.uses import UseLog
from trunkline.gateway.view import View
from trunkline.gateway.watch import Watched, follow
from trunkline.journal.append import Journal
from trunkline.ops import outside
from trunkline.plugins import auth
from trunkline.plugins.adapters import ADAPTERS, CODECS
from trunkline.plugins.policies.access import Access, may_fall_back
from trunkline.plugins.policies.breaker import Breaker
from trunkline.plugins.policies.cache import AnswerCache
from trunkline.plugins.policies.data_guard import DataGuard
from trunkline.plugins.policies.identifiers import Identifiers
from trunkline.plugins.policies.queue import Queue
from trunkline.plugins.policies.quota import Quota
from trunkline.plugins.policies.shed import Shed
from trunkline.plugins.secrets import handover, masterkey
from trunkline.settings import Settings
from trunkline.wire.client import Client, ClientLimits
from trunkline.wire.server import Server

STATS_S = 1.0
VENDOR_CONNECTIONS = 16384
"""To one address; how many calls a vendor takes at once is the registry's to say (`limits`)."""


class Process:
    """Everything of one gateway process, from its files to its sockets."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], *, worker: bool = True) -> None:
        """`worker`: whether there is one, so that calls may be deferred."""
        self.settings = settings
        self.state = settings.state_path
        self._environ = environ
        self.boot = secrets.token_hex(4)
        clock, wall = time.monotonic, time.time
        self._snapshot_read = published.snapshot(self.state)
        self._sealed, self._master = published.sealed(self.state, self._environ)
        self._scrub()
        self._makers = Makers(auth.prepare, self._address, ADAPTERS, CODECS, Tally())
        self._callers_read = published.callers(self.state)
        self._kills = kills.Kills()

        self.journal = Journal(self.state / "journal")
        self.access = Access(
            self._callers_read,
            self._sealed.pepper,
            self._sealed.token_key,
            wall=wall,
            trusted_proxies=tuple(settings.trusted_proxy),
        )
        self.diary = Diary(self.journal, self.boot, clock, wall, self.access.subject_hash)
        self.uses = UseLog(self.boot, self.access, wall)
        self.breaker = Breaker(clock, wall)
        self.virtuals = Virtuals(self.breaker.shut, wall)
        self.queue = Queue(clock, wall, limits_told, self.breaker.shut)
        self.queue.load(self._snapshot_read)
        self.shed = Shed(clock, wall, self._snapshot_read.shedding)
        self.cache = AnswerCache(clock, caching.relevance(), self._snapshot_read.cache_bytes)
        self.keyed = Keyed(self.state, self._sealed.answer_key, wall, self._snapshot_read.stored)
        self.deferrals = Deferrals(self.state / "deferrals", self._sealed.token_key, self.access, wall)
        # The order is the order of admission; settling runs backwards. What costs nothing is answered before money is asked for.
        self.spending = Spending(self.state, clock, wall, self._makers.tally)
        self.spending.load(self._snapshot_read, self._callers_read)
        self.guard = DataGuard()
        self.guard.load(self._snapshot_read)
        self.call_policies: list[Policy[Exchange]] = [
            self.access, self.keyed.responses.policy, self.guard, Identifiers(), Quota(wall), self.shed, self.spending.limits,
            self.keyed.policy, self.cache, self.spending.budget, *([self.deferrals.policy] if worker else []),
        ]  # fmt: skip
        self.attempt_policies: list[Policy[Attempt]] = [self.queue, self.breaker]
        self.sweeper = Sweeper(clock)
        self.wire = Client(limits=ClientLimits(max_connections=VENDOR_CONNECTIONS))
        store = self._snapshot_read.samples
        self.sampler = Sampler(self.state, self._sealed.answer_key, store, clock=clock, wall=wall)
        self.tokens = Tokens(self.wire, self._address, clock=clock, wall=wall, keep=self._keep_refresh)
        self.rereads = Rereads(self.state, clock=clock, wall=wall)
        fallbacks = Fallbacks(
            may=lambda exchange, route: may_fall_back(exchange, route) and self.guard.may(exchange, route),
            affords=self.spending.budget.affords,
            stale=self.cache.stale,
            defer=self.deferrals.defer if worker else None,
            shut=self.breaker.shut,
            wall=wall,
            codecs=CODECS,
        )
        self.queue.elsewhere = fallbacks.ready
        dispatcher = Dispatcher(
            self.wire,
            self.diary,
            self.attempt_policies,
            self.sweeper,
            clock=clock,
            wall=wall,
            failed=failures.call_error,
            unknown=Samples(self.state / "samples").keep,
            noticed=Notices(self.state, wall).see,
            fallbacks=fallbacks,
        )
        environment = self._snapshot_read.environment
        self.faults = OnDemand(
            self.state, dispatcher, self.wire, self.attempt_policies, self.journal, environment, wall
        )
        besides = Besides(self.state, self.faults.told, wall)
        self.batches = Batches(dispatcher, self.diary, caching.relevance(), clock=clock)
        self.call_policies += [self.batches, Guesses()]
        told = outside.Told(self.state)
        self.view = View(
            self.breaker, clock=clock, wall=wall, outside=told.now, stale=self.cache.stale_served
        )
        local = LocalRoutes(
            self.access,
            self.breaker,
            clock=clock,
            wall=wall,
            reload_state=partial(published.reload_state, self.state),
            deferrals=self.deferrals,
            view=self.view,
            besides=besides.told,
            whole=self.keyed.whole,
            responses=self.keyed.responses,
        )
        self.gateway = Gateway(
            self._world(),
            self.access,
            self.call_policies,
            dispatcher,
            self.diary,
            local,
            Ids(self.boot),
            clock=clock,
            wall=wall,
        )
        local.gateway = self.keyed.responses.gateway = self.gateway
        parts = self.access, self.breaker, self.spending, self.cache, fallbacks
        local.explain = Explain(self.gateway, *parts, clock, wall)
        self.spending.running = lambda: self.gateway.running
        self.batches.running = self.gateway.running
        self.cache.refresh = caching.Refresh(self.gateway.handle)
        self._forgetting = caching.Forgetting(self.state / "cache.clear", self.cache)
        self._files = [
            Watched(self.state / "secrets.sealed", self._take_sealed),
            Watched(self.state / "snapshot.msgpack", self._take_snapshot),
            Watched(self.state / "callers.msgpack", self._take_callers),
            Watched(self.state / "kills", self._take_kills),
            Watched(told.path, told.take),
            Watched(self.state / "cache.clear", self._forgetting.take),
            self.keyed.watched,
            self.spending.watched(),
            self.faults.watched,
            besides.watched,
            *besides.more,
            self.rereads.watched,
        ]
        self.access.refresh = self._files[2].look
        self.rereads.look = self._files[0].look
        self._tasks: list[asyncio.Task[None]] = []
        self._take_kills()
        handler = self.gateway.handle
        if settings.one_port:
            handler = ConsoleLink(
                self.wire, settings.console_host, settings.console_port, handler, bool(settings.tls_cert),
                address=self.access.address, token_key=lambda: self._sealed.token_key,
            ).handle  # fmt: skip
        self.server = Server(handler, refuse=refused_by_wire, tls=tls(settings))

    def _address(self, service: Service, base_url: str) -> Address:
        return addresses.address(service, base_url, self._environ)

    def _scrub(self) -> None:
        """From now on nothing that this process says holds one of these credentials."""
        if isinstance(sys.stderr, Scrubbed):
            sys.stderr.scrubber = Scrubber(self._sealed.values.values())

    def _take_snapshot(self) -> None:
        self._snapshot_read = published.snapshot(self.state)
        self._swap()

    def _take_sealed(self) -> None:
        self._sealed, self._master = published.sealed(self.state, self._environ)
        self.access.load(self._callers_read, self._sealed.pepper, self._sealed.token_key)
        self._swap()

    def _take_callers(self) -> None:
        self._callers_read = published.callers(self.state)
        self.access.load(self._callers_read, self._sealed.pepper, self._sealed.token_key)
        self.spending.load(self._snapshot_read, self._callers_read)
        self._tell()

    def _take_kills(self) -> None:
        """A kill alone may end running calls (ruling 25)."""
        self._kills = dead = kills.read(self.state / "kills")
        self.access.dead = dead.keys
        self.gateway.world = self._world()
        dead = dead._replace(keys=self.access.dead)  # with the keys that were made with a dead one
        kills.enforce(dead, self.gateway.running, self.gateway.cut, self.queue.recheck)

    def _world(self) -> World:
        world = World(self._snapshot_read, self._sealed, self._makers, self._kills.vendors)
        world.virtual = self.virtuals.adopt(self._snapshot_read.virtual)
        self.sampler.adopt(world.services.values(), self._snapshot_read.samples)
        newer = handover.newer(self.state, self._sealed, self._master)
        self.tokens.adopt(world.services.values(), self._sealed.values, newer)
        self.rereads.adopt(world.services.values(), self._sealed)
        return world

    def _keep_refresh(self, ref: str, before: Sequence[str], value: str) -> None:
        pepper = self._sealed.pepper
        handover.hand_over(self.state, ref, value, replaces=before, pepper=pepper, master_key=self._master)

    def _swap(self) -> None:
        self._scrub()
        self.spending.load(self._snapshot_read, self._callers_read)
        self.queue.load(self._snapshot_read)
        self.guard.load(self._snapshot_read)
        self.shed.bounds = self._snapshot_read.shedding
        self.keyed.responses.load(self._snapshot_read.stored)
        self.gateway.world = self._world()
        services = self.gateway.world.services.values()
        self.cache.reload(services, self._snapshot_read.cache_bytes)
        self.breaker.keep({live.name: {member.name for member in live.members} for live in services})
        self._tell()

    def _tell(self) -> None:
        """Says in `gateway.json` what is live now; `trunkline reload` waits for it."""
        write(
            self.state / "gateway.json",
            to_json(
                {
                    "pid": os.getpid(),
                    "port": self.server.port,
                    "boot": self.boot,
                    "version": self.gateway.world.version,
                    "secrets": self._sealed.version,
                    "callers": self._callers_read.version,
                }
            ),
        )

    def stats(self) -> dict[str, Any]:
        """What the console shows of the running process."""
        return {
            "at": time.time(),
            "boot": self.boot,
            "running": len(self.gateway.running),
            "connections": self.server.connections,
            "lost_records": self.diary.lost,
            "refused": {**self.server.refused, **self.gateway.refused},
            **caching.stats(self.cache, self._forgetting),
            "batches": {"requests": self.batches.merged, "calls": self.batches.carried},
            "answers": self.keyed.stats(),
            "samples": self.sampler.stats(),
            "virtual": self.virtuals.stats(),
            "budgets": self.spending.budget.standings(),
            **self.view.stats(self.gateway.world),
            **self.queue.stats(),
            **self.shed.stats(),
        }

    async def _tell_stats(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                # In a thread: a disk that is busy with the journal would hold up the loop.
                await asyncio.to_thread(write, self.state / "gateway.stats", to_pack(self.stats()))
                if uses := self.uses.due():
                    await asyncio.to_thread(write, self.state / FILE_NAME, uses)
            await asyncio.sleep(STATS_S)

    async def open(self) -> None:
        """Everything but the sockets: calls can be handed to `gateway.handle` from now on."""
        loop = asyncio.get_running_loop()
        self.journal.open()
        self.diary.boot(os.getpid(), trunkline.__version__)
        self.keyed.open()
        self.sampler.open()
        self.spending.start()
        self.sweeper.start(loop)
        self.faults.begin()
        self.shed.start(loop, lambda: self.gateway.running)
        self._tasks = [loop.create_task(work) for work in (follow(self._files), self.tokens.run())]

    async def close(self) -> None:
        """Ends what still runs, and lets go of files."""
        for exchange in list(self.gateway.running):
            self.gateway.cut(
                exchange, CallError("shutting_down", "the process stopped before the answer was complete")
            )
        await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        self.sweeper.stop()
        self.shed.stop()
        self.tokens.stop()
        await self.wire.close()
        self.diary.stop()
        self.keyed.close()
        self.sampler.close()
        self.deferrals.stop()
        self.journal.close()

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then lets running calls end."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await self.open()
        await self.server.start(self.settings.host, self.settings.port)
        self._tasks.append(loop.create_task(self._tell_stats()))
        self._tell()
        tune_gc()
        await stop.wait()
        self.gateway.draining = True
        until = time.monotonic() + self.settings.drain
        await self.server.drain(self.settings.drain)
        while self.gateway.running and time.monotonic() < until:  # noqa: ASYNC110 - once, at the end
            # Calls whose callers are gone, and whose answers are awaited under a key.
            await asyncio.sleep(0.02)
        await self.close()


def main() -> None:
    """Exit codes as `trunkline serve` documents them: 3 for settings that do not fit."""
    set_limits()
    sys.stderr = Scrubbed(sys.stderr)
    try:
        settings = process_settings.read(os.environ)
        with fast_loop() as loop:
            loop.run(start(settings))
    except (process_settings.SettingsInvalid, masterkey.MasterKeyProblem, OSError) as problem:
        say(str(problem))
        raise SystemExit(3) from None


async def start(settings: Settings) -> None:
    """Builds the process inside its loop and runs it."""
    await Process(settings, os.environ).run()


if __name__ == "__main__":
    main()

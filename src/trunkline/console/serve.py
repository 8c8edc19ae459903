"""Starts the console process: the drain in a thread, the admin API on a port, and a clean end on SIGTERM or SIGINT.

Writes nothing but the ledger, the log of notices and, at the first start, the admin token.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import uvicorn

from trunkline import settings as process
from trunkline.console.access import Access, admin_token
from trunkline.console.app import build
from trunkline.console.attending import Attending
from trunkline.console.callers_watch import CallersWatch, ReviewWatch
from trunkline.console.context import Console
from trunkline.console.drills import Drills
from trunkline.console.guard import allowed_hosts
from trunkline.console.lookers import lookers
from trunkline.console.looking import Looking
from trunkline.console.published import Published
from trunkline.console.rotating import Rotating
from trunkline.console.runbook_watch import RunbookWatch
from trunkline.console.secret_watch import SecretWatch
from trunkline.console.telling import Telling
from trunkline.console.watching import Watching, ended_lately
from trunkline.control.state import State
from trunkline.core.record import Begin, End
from trunkline.journal.priority import low_priority
from trunkline.journal.spend import FILE_NAME
from trunkline.ledger.drain import Drain
from trunkline.ledger.follow import Follower
from trunkline.ledger.query import Ledger
from trunkline.ledger.spent import kept_book
from trunkline.ledger.usage import Rollups
from trunkline.ops import findings
from trunkline.ops.hits import Hits
from trunkline.ops.served import Served
from trunkline.ops.totals import Totals

GRACE_S = 5
NICE = 5
"""Calls come first where the console shares a core with the gateway or its callers; still a quarter of a busy core, so that the journal
is drained."""


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Run until told to stop; returns the exit code."""
    try:
        settings = process.read(environ)
        token = admin_token(settings.state_path)
        listener = _listen(settings.console_host, settings.console_port)
    except process.SettingsInvalid as fault:
        return _fail(str(fault), 2)
    except (OSError, ValueError) as fault:
        return _fail(f"the console cannot start: {fault}", 1)
    low_priority(NICE)
    folder = settings.config_path.resolve().parent
    console, follower = compose(
        settings.state_path, token, open_metrics=settings.open_metrics, registry_folder=folder
    )
    watching = Watching(
        settings.state_path,
        console.published,
        console.hits,
        unknown=console.unknown.count,
        looks=settings.probes,
    )
    drills = Drills(settings.state_path, console.published, environ=environ)
    app = build(console, allowed_hosts(settings.console_host, settings.console_hosts))
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=200,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=32768,
    )
    server = uvicorn.Server(config)
    end_by_signals(server)
    telling = Telling(settings.state_path, console.published)
    callers = CallersWatch(console, more=ReviewWatch(console))
    attending = Attending(console, more=RunbookWatch(folder, console.clock))
    looking = console.looking = Looking(console.state, lookers(console))
    follower.start()
    telling.start()
    attending.start()
    callers.start()
    looking.start()
    rotating = Rotating(settings.state_path, console.published, watching.place)
    secret_watch = SecretWatch(settings.state_path, console.published)
    secret_watch.start()
    try:
        asyncio.run(_serve(server, listener, [watching, drills, rotating]))
    finally:
        secret_watch.stop()
        looking.stop()
        callers.stop()
        attending.stop()
        telling.stop()
        follower.stop()
    return 0


def compose(
    state_dir: Path, token: str, *, open_metrics: bool = False, registry_folder: Path | None = None
) -> tuple[Console, Follower]:
    """The console's parts, joined; nothing runs yet."""
    journal, folder = state_dir / "journal", state_dir / "ledger"
    published, totals, hits = Published(state_dir), Totals(), Hits()
    rollups, ledger, served = Rollups(folder), Ledger(folder), Served()

    def ended(calls: Sequence[tuple[Begin, End]]) -> None:
        totals.add(calls)
        hits.add(calls)
        for one in served.seen(calls):
            _note(console, one)

    def make() -> Drain:
        book = kept_book(journal, folder, state_dir / FILE_NAME, time.time_ns() // 1000)
        drain = Drain(journal, folder, on_ended=ended, book=book)
        try:
            drain.open()
        except BaseException:
            drain.close()
            raise
        for key, sums, latency in rollups.totals():
            totals.seed(*key, sums, latency)
        hits.seed(ended_lately(ledger, time.time()))
        return drain

    follower = Follower(make, journal)
    console = Console(
        state_dir,
        access=Access(token, published.find_key, State(state_dir)),
        published=published,
        ledger=ledger,
        rollups=rollups,
        totals=totals,
        drain=follower.status,
        hits=hits,
        open_metrics=open_metrics,
        registry_folder=registry_folder,
    )
    return console, follower


def _note(console: Console, finding: findings.Finding) -> None:
    """Drained is drained: what cannot be written now is seen again in an hour."""
    try:
        findings.note(console.state, finding, time.time())
    except Exception as problem:
        sys.stderr.write(f"a finding could not be noted: {finding.title}: {problem}\n")


class Runs(Protocol):
    """What goes on beside the admin API."""

    async def run(self) -> None:
        """Until cancelled."""


def end_by_signals(server: uvicorn.Server) -> None:
    """A signal that comes before the server listens to them ends it, too. It raises each once more when it has ended: nothing then."""

    def end(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


async def _serve(server: uvicorn.Server, listener: socket.socket, beside: Sequence[Runs]) -> None:
    import anyio.to_thread

    anyio.to_thread.current_default_thread_limiter().total_tokens = 4  # each thread holds database pages
    running = {asyncio.create_task(one.run()) for one in beside}
    try:
        await server.serve(sockets=[listener])
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything else starts, so that a taken port is one clear line. Raises OSError saying which."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as fault:
        listener.close()
        raise OSError(
            f"{host}:{port} cannot be used ({fault.strerror}); choose another with --console-port"
        ) from None
    return listener


def _fail(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code

"""`trunkline serve`: compiles and publishes, runs gateway, console and simulator, brings a dead one back, stops in order.

One loop: signals wake it, else it looks at the sources every WATCH_S. It carries no calls and knows none. Only outside stores of
secrets, which may be slow, are asked by threads of their own (`stores.py`).
Not for: what a reload does (`reload.py`), what people read at start (`cli/banner.py`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from trunkline.control import kills, publish, published
from trunkline.control.child import Child, child_environ
from trunkline.control.claim import check_port, claim, end_orphans, free_port
from trunkline.control.demand import Demand
from trunkline.control.egress_wish import EgressWish
from trunkline.control.exposed import check_private
from trunkline.control.reload import Compiler, Outcome, gateway_facts, registry_stamp
from trunkline.control.rereads import Rereads
from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.dumps import no_core_dumps
from trunkline.core.outside import is_outside
from trunkline.plugins.secrets import masterkey
from trunkline.registry.findings import RegistryInvalid
from trunkline.settings import Settings, to_environ

WATCH_S = 0.2
READY_S = 20.0
SECOND_STAGE_S = 20.0

Say = Callable[[str], None]


class Supervisor:
    """The processes of one state folder. `say` writes a line for people; `ready` is called once, when the first answer can come."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        *,
        say: Say,
        ready: Callable[[State, Settings], None] = lambda *_: None,
    ) -> None:
        self.settings = settings
        self.state = State(settings.state_path, environ)
        self._environ = environ
        self._say = say
        self._ready = ready
        self._children: list[Child] = []
        self._applied: object = None
        self._seen: object = None
        self._prune_for = ""
        self._simulator_port = 0
        self._asked_to_stop = 0
        self._asked_to_reload = False
        self._refused = ""
        self._live = ""
        self._rereads: Rereads | None = None

    def run(self) -> int:
        """Serves until told to stop; answers the exit status. Raises ClaimRefused, RegistryInvalid and problems of the state."""
        settings = self.settings
        no_core_dumps()
        with claim(self.state), self._signals() as woken:
            end_orphans(self.state)
            check_private(self.state, settings.tls_key)
            check_port(settings.host, settings.port, "--port")
            check_port(settings.console_host, settings.console_port, "--console-port")
            if not settings.console_port:
                # Chosen here, since the gateway, the banner and a console that comes back must all know it.
                self.settings = msgspec.structs.replace(settings, console_port=free_port())
            check_port(settings.host, settings.egress_port, "--egress-port")
            self.state.gateway.unlink(missing_ok=True)
            self._child("gateway", "app", pid_file=self.state.gateway_pid).start(held=True)
            try:
                compiler = self._compile_first()
                self._children[0].let_go()
                self._watch(compiler, woken)
            finally:
                forced = self._stop(woken)
            return 130 if forced else 0

    def _compile_first(self) -> Compiler:
        simulator_port = 0
        if self.settings.simulate_missing:
            simulator_port = free_port(_remembered_port(self.state))
        url = f"http://127.0.0.1:{simulator_port}" if simulator_port else ""
        compiler = Compiler(self.state, self.settings, self._environ, simulator_url=url)
        token = self._token(compiler)
        outcome = compiler.run(first=True)
        if not outcome.ok:
            raise RegistryInvalid(outcome.findings)
        publish.callers(self.state)
        self._applied = self._seen = token
        self._prune_for = self._live = outcome.version
        self._simulator_port = simulator_port
        self._play_what_is_simulated()
        compiler.stores.start()
        self._rereads = Rereads(self.state, compiler.stores, compiler.values)
        return compiler

    def _play_what_is_simulated(self) -> None:
        """Starts the simulator once something live needs it."""
        there = published.read_snapshot(self.state)
        playing = any(child.name == "simulator" for child in self._children)
        if playing or not self._simulator_port or there is None:
            return
        if any(service.simulated for service in there.services):
            self.state.write(self.state.simulator, codec.to_json({"port": self._simulator_port}) + b"\n")
            arguments = ("--port", str(self._simulator_port))
            place = self.state.simulator_pid
            self._child("simulator", "simulator", arguments=arguments, pid_file=place, quiet=True).start()

    def _child(
        self,
        name: str,
        module: str,
        *,
        arguments: tuple[str, ...] = (),
        pid_file: Path | None = None,
        quiet: bool = False,
        demand: Callable[[], bool] | None = None,
    ) -> Child:
        settings = msgspec.structs.replace(self.settings, state_dir=str(self.state.path.resolve()))
        environ = child_environ(self._environ, to_environ(settings))
        if is_outside(environ.get(masterkey.VARIABLE, "")):
            # Children talk to no store: they get the key itself.
            environ[masterkey.VARIABLE] = self.state.master_key().hex()
        if quiet:
            environ = {
                key: value for key, value in environ.items() if not key.startswith("TRUNKLINE_MASTER_KEY")
            }
        child = Child(
            name,
            f"trunkline.{module}",
            environ,
            arguments=arguments,
            pid_file=pid_file,
            quiet=quiet,
            demand=demand,
        )
        self._children.append(child)
        return child

    def _watch(self, compiler: Compiler, woken: int) -> None:
        give_up = time.monotonic() + READY_S
        complete = announced = False
        while not self._asked_to_stop:
            self._sleep(woken, self._wait_s() if complete else 0.01)
            self._bring_back()
            ready = not announced and self._gateway_ready()
            if not complete and (ready or time.monotonic() > give_up):
                complete = True
                self._start_the_rest()
                if not ready:
                    self._say(f"The gateway has not been ready for {READY_S:g} s; see what it wrote above.")
            if ready:  # late as well: nobody else tells the port and the first key
                announced = True
                self._ready(self.state, self._settled())
            self._follow_sources(compiler)

    def _start_the_rest(self) -> None:
        # The console is heavy; it may start once the first call can be answered.
        self._child("console", "console", pid_file=self.state.console_pid).start()
        # Made now, started by `_bring_back` at the first need.
        need = Demand(self.state.path)
        self._child("worker", "worker", pid_file=self.state.worker_pid, demand=need)
        wish = EgressWish(self.state, self.settings.egress_port)
        self._child("egress", "egress", pid_file=self.state.egress_pid, demand=wish)

    def _follow_sources(self, compiler: Compiler) -> None:
        """Publishes anew when a source has changed and then stood still for one look (half-written files are left alone)."""
        if self._rereads is not None and self._rereads.look():
            self._apply(compiler)
            self._guarded(self._rereads.settle)
        token = self._token(compiler)
        still, self._seen = token == self._seen, token
        if self._asked_to_reload or (still and token != self._applied):
            self._asked_to_reload = False
            self._applied = token
            self._apply(compiler)
        elif self._prune_for and gateway_facts(self.state).get("version") == self._prune_for:
            self._prune_for = ""
            self._guarded(compiler.prune)

    def _apply(self, compiler: Compiler) -> None:
        def publish_all() -> None:
            kills.absorb(self.state)
            publish.callers(self.state)
            outcome = compiler.run(first=False)
            publish.callers(self.state)  # whose tokens are taken stands in the registry
            self._tell(outcome)
            self._play_what_is_simulated()
            compiler.stores.start()
            self._prune_for = outcome.version if outcome.ok else ""

        self._guarded(publish_all)

    def _guarded(self, act: Callable[[], None]) -> None:
        """What fails here (a full disk, a locked database) is said once and tried again at the next change; serving goes on."""
        try:
            act()
        except Exception as problem:  # the supervisor must outlive whatever a changed source brings
            said = f"Publishing failed ({type(problem).__name__}: {problem}); what was live stays live."
            if said != self._refused:
                self._say(said)
            self._refused = said
            self._applied = None

    def _tell(self, outcome: Outcome) -> None:
        if outcome.ok:
            if outcome.version != self._live or self._refused:
                self._say(f"Serving registry {outcome.version}.")
            self._refused, self._live = "", outcome.version
            return
        said = "\n".join(str(finding) for finding in outcome.errors)
        if said != self._refused:
            self._say(f"The changed registry is refused; {outcome.version} stays live.\n{said}")
        self._refused = said

    def _token(self, compiler: Compiler) -> object:
        state = self.state
        wal = state.control_db.with_name("control.db-wal")
        stamps = tuple(
            registry_stamp(path) for path in (self.settings.config_path, state.kills, state.control_db, wal)
        )
        return (stamps, compiler.resolver.stamps(compiler.watched))

    def _gateway_ready(self) -> bool:
        gateway = next(child for child in self._children if child.name == "gateway")
        return bool(gateway.pid) and gateway_facts(self.state).get("pid") == gateway.pid

    def _settled(self) -> Settings:
        """The settings with the port that the gateway really has; a restarted gateway takes the same."""
        port = gateway_facts(self.state).get("port")
        settings = msgspec.structs.replace(self.settings, port=int(port)) if port else self.settings
        self.settings = settings
        where = {
            "pid": os.getpid(),
            "host": settings.host,
            "port": settings.port,
            "tls": bool(settings.tls_cert),
        }
        where |= {"console_host": settings.console_host, "console_port": settings.console_port}
        where |= {
            "one_port": settings.one_port,
            "env": settings.env,
            "config": str(settings.config_path.resolve()),
        }
        self.state.write(self.state.serve, codec.to_json(where) + b"\n")
        for child in self._children:
            child.environ["TRUNKLINE_PORT"] = str(settings.port)
        return settings

    def _bring_back(self) -> None:
        for child in self._children:
            if child.process is not None and (status := child.ended()) is not None and not child.resting:
                wait = child.restart_at - time.monotonic()
                when = "at once" if wait <= 0.01 else f"in {wait:.1f} s"
                self._say(f"The {child.name} ended ({_how(status)}); starting it again {when}.")
            if child.process is None and child.restart_at <= time.monotonic() and child.wanted:
                child.start()

    def _wait_s(self) -> float:
        away = [child for child in self._children if child.process is None and not child.resting]
        due = [child.restart_at - time.monotonic() for child in away]
        return max(0.0, min([WATCH_S, *due]))

    def _stop(self, woken: int) -> bool:
        """Gateway first (its calls may end), then worker and console (the rest is noted), then simulator. True if it had to be forced."""
        patience = {"gateway": self.settings.drain + 5.0, "worker": SECOND_STAGE_S}
        patience |= {"egress": SECOND_STAGE_S, "console": SECOND_STAGE_S, "simulator": 3.0}
        for worker in [child for child in self._children if child.name == "worker"]:
            # It begins nothing more; what it runs are calls of the gateway, which waits for them.
            worker.signal(signal.SIGTERM)
        for name, seconds in patience.items():
            for child in [c for c in self._children if c.name == name and c.process is not None]:
                child.signal(signal.SIGTERM)
                deadline = time.monotonic() + seconds
                while child.process is not None and child.ended() is None:
                    late = time.monotonic() > deadline
                    if late and name == "simulator":  # it keeps nothing that could be lost
                        child.kill()
                    elif late or self._asked_to_stop > 1:
                        for other in self._children:
                            other.kill()
                        return True
                    else:
                        self._sleep(woken, 0.1)
        self.state.gateway.unlink(missing_ok=True)
        return False

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """Lets signals wake the loop through a pipe; answers its reading end."""
        reading, writing = os.pipe()
        for end in (reading, writing):
            os.set_blocking(end, False)
        before = {
            n: signal.signal(n, lambda *_: None)
            for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        }
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reading)
            os.close(writing)

    def _sleep(self, woken: int, seconds: float) -> None:
        ready, _, _ = select.select([woken], [], [], seconds)
        if not ready:
            return
        for number in os.read(woken, 512):
            if number == signal.SIGHUP:
                self._asked_to_reload = True
            elif number == signal.SIGINT:
                self._asked_to_stop += 1
                if self._asked_to_stop == 1:
                    self._say("Stopping: running calls may end. Press Ctrl-C again to stop at once.")
            elif number == signal.SIGTERM:
                self._asked_to_stop = max(1, self._asked_to_stop)


def _remembered_port(state: State) -> int:
    """The simulator's port of the run before: with the same one the published snapshot stays the same."""
    try:
        return int(codec.from_json(state.simulator.read_bytes())["port"])
    except (OSError, codec.DecodeError, KeyError, TypeError, ValueError):
        return 0


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"

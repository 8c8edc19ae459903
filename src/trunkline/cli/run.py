"""`trunkline run`: starts a process with the secrets that the registry gives it, and tells it when one has changed.

The secrets come from this installation (whoever may read its state folder), or over the admin API with a key of scope `secrets:NAME`. They
stand in the environment of that process alone: not in arguments, not in files. Not for: which secrets those are (`control/processes.py`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import click

from trunkline.cli.place import place_options, state_here
from trunkline.cli.show import say

if TYPE_CHECKING:
    from trunkline.control.state import State

LOOK_S = 0.2
CHANGED_EVERY_S = 1.0
REMOTE_EVERY_S = 5.0
PASSED_ON = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT")
WAYS = ("restart", "SIGHUP", "SIGUSR1", "SIGUSR2", "none")


class Given(NamedTuple):
    """What the process gets, and a mark that changes when it does."""

    name: str
    version: str
    on_rotate: str
    env: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Given({self.name!r}, {self.version!r}, {sorted(self.env)})"


class Giver(Protocol):
    """Where secrets come from."""

    every_s: float

    def give(self) -> Given:
        """All of them, audited. Raises when one is lacking."""

    def version(self) -> str:
        """Of what would be given now; empty when that cannot be told just now."""


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--as",
    "name",
    default="",
    metavar="PROCESS",
    help="Process of the registry (`processes:`); may be left out if there is one.",
)
@click.option("--on-rotate", type=click.Choice(WAYS), default=None, help="Instead of what the registry says.")
@click.option(
    "--grace", default="10s", show_default=True, help="How long a restarted process may take to end."
)
@click.option(
    "--url",
    envvar="TRUNKLINE_CONSOLE_URL",
    metavar="URL",
    help="Ask the admin API there, with the key in TRUNKLINE_SECRETS_KEY.",
)
@click.option(
    "--clean", is_flag=True, help="Hand on nothing of this environment but PATH, HOME, LANG, TERM and TZ."
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@place_options
def run(
    name: str, on_rotate: str | None, grace: str, url: str | None, clean: bool, command: tuple[str, ...]
) -> int:
    """Run a COMMAND with the secrets it may have in its environment, e.g. `trunkline run --as web -- gunicorn app:app`.

    Signals are passed on and its exit code is this command's. When a secret changes it is started again, or gets a signal
    (`on_rotate`). Each reading of the secrets is in the audit log.
    """
    from trunkline.control.periods import seconds

    try:
        grace_s = seconds(grace)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--grace") from None
    giver: Giver = (
        Remote(url, os.environ.get("TRUNKLINE_SECRETS_KEY", ""), name)
        if url
        else Local(state_here(must_exist=True), name)
    )
    return Runner(
        giver, list(command), base_environ(os.environ, clean=clean), on_rotate=on_rotate, grace_s=grace_s
    ).run()


class Local:
    """The installation whose state folder this user may read."""

    every_s = CHANGED_EVERY_S

    def __init__(self, state: State, name: str) -> None:
        from trunkline.control import processes

        self._state = state
        self._spec = processes.find(state, name)

    def give(self) -> Given:
        import getpass

        from trunkline.control import processes

        self._spec = processes.find(self._state, self._spec.name)
        made = processes.handed(self._state, self._spec, actor=f"run:{getpass.getuser()}")
        return Given(made.name, made.version, made.on_rotate, made.env)

    def version(self) -> str:
        from trunkline.control import processes

        try:
            return processes.version(self._state, processes.find(self._state, self._spec.name))
        except Exception:  # a database that is locked just now says nothing about the secrets
            return ""


class Remote:
    """The admin API of another machine."""

    every_s = REMOTE_EVERY_S

    def __init__(self, url: str, key: str, name: str) -> None:
        if not key:
            raise click.UsageError(
                "--url needs a key with the scope secrets:PROCESS in the variable TRUNKLINE_SECRETS_KEY."
            )
        if not name:
            raise click.UsageError("--url needs --as PROCESS.")
        self._at = f"{url.rstrip('/')}/api/processes/{name}"
        self._key = key

    def give(self) -> Given:
        told = self._ask("/secrets")
        return Given(told["name"], told["version"], told["on_rotate"], told["env"])

    def version(self) -> str:
        from trunkline.plugins.secrets import StoreDown

        try:
            return str(self._ask("")["version"])
        except (StoreDown, click.ClickException):
            return ""

    def _ask(self, path: str) -> dict[str, Any]:
        from trunkline.plugins.secrets.asking import Asking

        answer = Asking("the admin API").ask("GET", self._at + path, {"authorization": f"Bearer {self._key}"})
        if answer.status != 200 or not isinstance(answer.tree, dict):
            raise click.ClickException(
                f"{self._at} answered {answer.status}: {answer.get('message') or 'no reason given'}"
            )
        found: dict[str, Any] = answer.tree
        return found


class Runner:
    """One process, from its start to its end, through every change of its secrets."""

    def __init__(
        self,
        giver: Giver,
        command: list[str],
        environ: Mapping[str, str],
        *,
        on_rotate: str | None = None,
        grace_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._giver = giver
        self._command = command
        self._environ = environ
        self._on_rotate = on_rotate
        self._grace_s = grace_s
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._signalled = False

    def run(self) -> int:
        """Its exit code: 128 and the number of the signal that ended it, 126 and 127 for a command that cannot be started."""
        given = self._giver.give()
        before = {name: signal.signal(getattr(signal, name), self._pass_on) for name in PASSED_ON}
        try:
            while True:
                code = self._start(given)
                if code is not None:
                    return code
                again = self._watch(given)
                if isinstance(again, int):
                    return again
                given = again
        finally:
            for name, handler in before.items():
                signal.signal(getattr(signal, name), handler)

    def _start(self, given: Given) -> int | None:
        try:
            self._process = subprocess.Popen(self._command, env={**self._environ, **given.env})  # noqa: S603
        except FileNotFoundError:
            say(f"There is no command {self._command[0]!r} on the path.")
            return 127
        except OSError as problem:
            say(f"{self._command[0]} cannot be started: {problem.strerror}.")
            return 126
        return None

    def _watch(self, given: Given) -> int | Given:
        """Until the process ends (its code), or has to be started again (with what)."""
        assert self._process is not None
        way = self._on_rotate or given.on_rotate
        look_at = self._clock() + self._giver.every_s
        while True:
            try:
                return _code(self._process.wait(LOOK_S))
            except subprocess.TimeoutExpired:
                pass
            if way == "none" or self._signalled or self._clock() < look_at:
                continue
            look_at = self._clock() + self._giver.every_s
            told = self._giver.version()
            if not told or told == given.version:
                continue
            newer = self._newer(given)
            if newer.version == given.version:
                continue
            given = newer
            if way == "restart":
                say(f"A secret of {given.name} has changed: {self._command[0]} is started again.")
                ended = self._ended_by_us()
                return given if ended is None else ended
            say(f"A secret of {given.name} has changed: {self._command[0]} gets {way}.")
            self._process.send_signal(getattr(signal, way))

    def _newer(self, given: Given) -> Given:
        """What would be given now; what was given, when that cannot be had."""
        try:
            return self._giver.give()
        except Exception as problem:
            say(
                f"A secret of {given.name} has changed and cannot be had ({problem}); the process goes on as it is."
            )
            return given._replace(version=given.version)

    def _ended_by_us(self) -> int | None:
        """Ends the process, by force if it must be; its code when somebody else wants it to end as well."""
        assert self._process is not None
        self._process.terminate()
        try:
            code = self._process.wait(self._grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return _code(code) if self._signalled else None

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        """A terminal sends Ctrl-C to the whole group, the process among it: it must not get it twice."""
        self._signalled = self._signalled or number in (signal.SIGTERM, signal.SIGQUIT)
        by_terminal = number in (signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH) and sys.stdin.isatty()
        if self._process is not None and self._process.poll() is None and not by_terminal:
            self._process.send_signal(number)


def base_environ(environ: Mapping[str, str], *, clean: bool) -> dict[str, str]:
    """What a process gets besides its secrets: never what opens the store itself."""
    if clean:
        return {name: environ[name] for name in ("PATH", "HOME", "LANG", "TERM", "TZ") if name in environ}
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("TRUNKLINE_MASTER_KEY", "TRUNKLINE_SECRETS_KEY"))
    }


def _code(status: int) -> int:
    return 128 - status if status < 0 else status

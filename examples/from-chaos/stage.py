"""What the walk stands on: the shop as it was and as it becomes, the simulator, Trunkline, and commands with their time."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

LETTERS = string.ascii_letters + string.digits
FORMS = {
    "OPENAI": ("sk-proj-7", LETTERS, 47),
    "OPENAI_OLD": ("sk-proj-3", LETTERS, 47),
    "STRIPE": ("sk_live_5", LETTERS, 23),
    "PDFSHIFT": ("9", "0123456789abcdef", 31),
    "SENDGRID": ("SG.4", LETTERS, 21),
}
EMAIL = "maya.lindqvist@example.org"
PATIENCE_S = 60.0


class WalkFailed(Exception):
    """Something is not as the page says."""


def copied(source: Path, target: Path) -> dict[str, str]:
    """The shop with made-up keys in the places of `@@NAME@@`; answers them. `dot-env` becomes `.env`."""
    made: dict[str, str] = {}
    for path in sorted(one for one in source.rglob("*") if one.is_file() and "__pycache__" not in one.parts):
        text = re.sub(
            r"@@(\w+)@@", lambda found: made.setdefault(found[1], key(found[1])), path.read_text("utf-8")
        )
        where = target / path.relative_to(source).with_name(path.name.replace("dot-", ".", 1))
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text, "utf-8")
    return made


def key(form: str) -> str:
    """A made-up key in the form of a vendor."""
    start, letters, size = FORMS[form]
    made = start + "".join(random.choices(letters, k=size))
    return f"{made}.{''.join(random.choices(LETTERS, k=43))}" if form == "SENDGRID" else made


@dataclass
class Spent:
    """What removing one sign took."""

    commands: int = 0
    lines: int = 0
    seconds: float = 0.0


class Stage:
    """The folders and processes of one walk."""

    def __init__(self, folder: Path, port: int) -> None:
        self.here = Path(__file__).parent
        self.before, self.shop = folder / "before", folder / "shop"
        self.keys = copied(self.here / "shop", self.before)
        shutil.copytree(self.before, self.shop)
        for where in (self.before, self.shop):
            for command in (
                "git init -q",
                "git add -A",
                "git -c user.name=Jo -c user.email=jo@larkspur.example commit -qm Shop",
            ):
                subprocess.run(command.split(), cwd=where, check=True)
        self.port, self.console, self.vendors = port or free(), port + 1 if port else free(), free()
        self.url, self.simulator = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.vendors}"
        self.node = shutil.which("node")
        self.spent: list[Spent] = []
        self.first_call = 0.0
        self._running: list[subprocess.Popen[bytes]] = []
        self._fixing = False

    def __enter__(self) -> Stage:
        self._start(
            "simulator",
            [sys.executable, "-m", "trunkline.simulator", "--port", str(self.vendors)],
            self.before,
        )
        eventually("the simulator answers", lambda: asked(self.simulator + "/_sim/state") is not None)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self._running):
            process.wait(PATIENCE_S)

    # --- saying

    def title(self, text: str) -> None:
        print(f"\n== {text}\n", flush=True)

    def say(self, text: str) -> None:
        print(text, flush=True)

    def proves(self, true: bool, said: str) -> None:
        """Prints what is so; ends the walk where it is not."""
        if not true:
            raise WalkFailed(f"This does not hold: {said}")
        print(f"  -> {said}", flush=True)

    # --- doing

    def fixing(self) -> Fixing:
        """What is done below counts as the fix of the newest sign."""
        return Fixing(self)

    def types(
        self, line: str, *, stdin: str = "", code: int = 0, shown: int = 40, env: dict[str, str] | None = None
    ) -> str:
        """A command as a person types it in the shop's folder; answers all that it said."""
        print(f"$ {line}", flush=True)
        if self._fixing:
            self.spent[-1].commands += 1
        said = self._run(line, self.shop, {"TRUNKLINE_URL": self.url, **(env or {})}, stdin, code)
        self._show(said, shown)
        return said

    def was(
        self, line: str, *, shown: int = 40, timeout: float = PATIENCE_S, env: dict[str, str] | None = None
    ) -> str:
        """The same in the shop as it was, whose vendors are the simulator."""
        print(f"$ {line}", flush=True)
        around = {"SIMULATOR": self.simulator, "PYTHONPATH": str(self.here / "internet"), **(env or {})}
        said = self._run(line, self.before, around, "", None, timeout)
        self._show(said, shown)
        return said

    def quietly(self, line: str) -> str:
        """A command whose words nobody needs to see."""
        return self._run(line, self.shop, {}, "", None)

    def _run(
        self,
        line: str,
        where: Path,
        env: dict[str, str],
        stdin: str,
        code: int | None,
        timeout: float = PATIENCE_S,
    ) -> str:
        words = shlex.split(line)
        words = {"trunkline": [sys.executable, "-m", "trunkline.cli"], "python": [sys.executable]}.get(
            words[0], words[:1]
        ) + words[1:]
        around = {
            "PATH": os.environ["PATH"],
            "HOME": str(where),
            "NO_COLOR": "1",
            "TRUNKLINE_ENV": "staging",
            "PYTHONDONTWRITEBYTECODE": "1",
            **env,
        }
        try:
            ran = subprocess.run(
                words,
                check=False,
                cwd=where,
                env=around,
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return f"(still waiting after {timeout:.0f} s)"
        if code is not None and ran.returncode != code:
            raise WalkFailed(f"{line!r} ended with {ran.returncode}, not {code}:\n{ran.stdout}")
        return ran.stdout

    def _show(self, said: str, most: int) -> None:
        lines = said.rstrip().splitlines()
        for one in lines[:most]:
            print(f"  {one}".rstrip())
        if len(lines) > most:
            print(f"  ... {len(lines) - most} more lines")

    def replaces(self, name: str, *pairs: tuple[str, str]) -> None:
        """Edits a file of the shop as a person would; `old` is a regular expression."""
        path = self.shop / name
        there = path.read_text("utf-8")
        text = there
        for old, new in pairs:
            text, count = re.subn(old, new, text, flags=re.MULTILINE)
            if not count:
                raise WalkFailed(f"{name} does not hold {old!r}")
        path.write_text(text, "utf-8")
        added = [line for line in text.splitlines() if line not in there.splitlines()]
        gone = [line for line in there.splitlines() if line not in text.splitlines()]
        self._edited(name, max(len(added), len(gone)))
        for line in added:
            print(f"  + {line}")

    def removes(self, *names: str) -> None:
        """Deletes files of the shop."""
        for name in names:
            self._edited(name, 1, "delete")
            (self.shop / name).unlink()

    def writes(self, name: str, text: str) -> None:
        """Writes a file of the shop anew; what stood there already is not counted."""
        path = self.shop / name
        there = path.read_text("utf-8").splitlines() if path.exists() else []
        self._edited(name, len([line for line in text.splitlines() if line not in there]))
        path.write_text(text, "utf-8")

    def _edited(self, name: str, lines: int, how: str = "edit") -> None:
        print(f"{how} {name}", flush=True)
        if self._fixing:
            self.spent[-1].lines += lines

    def serves(self) -> None:
        """Starts Trunkline beside the shop."""
        line = f"trunkline serve --port {self.port} --console-port {self.console}"
        print(f"$ {line} &", flush=True)
        self.spent[-1].commands += 1
        self._start(
            "serve", [sys.executable, "-m", "trunkline.cli", *line.split()[1:], "--drain", "1"], self.shop
        )
        eventually("Trunkline serves", lambda: asked(self.url + "/health/live") is not None)

    def _start(self, name: str, words: list[str], where: Path) -> None:
        around = {"PATH": os.environ["PATH"], "HOME": str(where), "TRUNKLINE_ENV": "staging"}
        with (where.parent / f"{name}.log").open("wb") as log:
            self._running.append(
                subprocess.Popen(
                    words, cwd=where, env=around, stdout=log, stderr=log, stdin=subprocess.DEVNULL
                )
            )

    # --- the vendors' side

    def vendor(self, path: str, **body: object) -> None:
        """Changes how the simulator plays the vendors."""
        asked(f"{self.simulator}/_sim/{path}", body)

    def vendors_are_well(self) -> None:
        """No vendor fails any more."""
        asked(f"{self.simulator}/_sim/reset", {})


class Fixing:
    """Counts commands, lines and seconds."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __enter__(self) -> None:
        self._stage.spent.append(Spent())
        self._stage._fixing, self._since = True, time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._stage._fixing = False
        self._stage.spent[-1].seconds = time.monotonic() - self._since


def free() -> int:
    """A port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def asked(address: str, body: dict[str, object] | None = None) -> object:
    """The JSON (or text) at an address; None where nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read() or b"{}"
    except OSError:
        return None


def eventually(what: str, holds: object) -> None:
    """Waits until something holds."""
    until = time.monotonic() + PATIENCE_S
    while not holds():  # type: ignore[operator]
        if time.monotonic() > until:
            raise WalkFailed(f"It never came to be that {what}.")
        time.sleep(0.5)

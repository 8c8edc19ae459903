"""What `trunkline doctor` looks at: one function per check, each answering with a verdict and, if it is not `ok`, the cure.

Looks only; nothing is made or mended here. Not for: the registry (`lint.py`).
"""

from __future__ import annotations

import hashlib
import shutil
import site
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from trunkline.control.child import is_alive
from trunkline.control.claim import ClaimRefused, check_port, is_claimed, read_pid
from trunkline.control.reload import gateway_facts, read_outcome
from trunkline.control.state import State
from trunkline.journal.deferrals import inbox_names
from trunkline.plugins.secrets import masterkey
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.settings import Settings
from trunkline.tasks import parts

LEAST_FREE_BYTES = 1 << 30
STUCK_S = 60.0
KNOWN_PTH = ("distutils-precedence.pth", "_virtualenv.pth", "coverage.pth", "a1_coverage.pth")


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of one check. `note` is for what a person should look at although nothing is known to be wrong."""

    name: str
    verdict: Literal["ok", "note", "warn", "fail"]
    text: str
    cure: str = ""


def diagnose(state: State, settings: Settings, environ: Mapping[str, str]) -> list[Check]:
    """All checks in the order in which a person would look."""
    found = [_python(), *_pth_files(), _folder(state), _master_key(state, environ)]
    if state.path.is_dir():
        found += [
            _disk(state),
            _gateway(state),
            _console(state),
            _journal(state),
            _reload(state),
            *_deferred(state),
            *_control(state),
        ]
    if not is_claimed(state):
        found += [
            _port(settings.host, settings.port, "port"),
            _port(settings.console_host, settings.console_port, "console-port"),
        ]
    return [*found, _registry(settings, state, environ)]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    kind = "a virtual environment" if sys.prefix != sys.base_prefix else "no virtual environment"
    return Check(name="python", verdict="ok", text=f"{version} in {kind}")


def _pth_files() -> Iterator[Check]:
    """Files that run at every start of Python: how a poisoned package once stole every key on a machine."""
    folders = {
        Path(sysconfig.get_paths()["purelib"]),
        *(map(Path, site.getsitepackages()) if hasattr(site, "getsitepackages") else ()),
    }
    for path in sorted(path for folder in folders if folder.is_dir() for path in folder.glob("*.pth")):
        content = path.read_bytes()
        runs = any(line.startswith((b"import ", b"import\t")) for line in content.splitlines())
        if runs:
            known = path.name in KNOWN_PTH or path.name.startswith("__editable__")
            digest = hashlib.sha256(content).hexdigest()[:16]
            said = f"{path.name} (sha256 {digest}) runs code at every start of Python"
            cure = f"Look into {path}; remove it if you do not know it."
            yield Check(
                name="pth-file", verdict="ok" if known else "note", text=said, cure="" if known else cure
            )


def _deferred(state: State) -> Iterator[Check]:
    """Accepted calls that nobody takes over: nothing is to be seen of them but here."""
    folder = parts.folder(state.path)
    names = [name for name in inbox_names(folder) if name.startswith("tsk_")]
    damaged = sorted(path.name for path in (folder / "damaged").glob("*"))
    oldest_s = time.time() - int(names[0][4:16], 16) / 1e3 if names else 0.0
    if is_claimed(state) and oldest_s > STUCK_S:
        said = f"{len(names)} accepted calls have not been taken over, the oldest for {oldest_s:.0f} s"
        cure = "See what the worker wrote to the log; it ends with the reason when it cannot start."
        yield Check(name="deferred", verdict="fail", text=said, cure=cure)
    if damaged:
        said = f"{len(damaged)} items of the inbox could not be read ({', '.join(damaged[:3])})"
        cure = f"Their calls were accepted and never run. Look into {folder / 'damaged'}, then remove it."
        yield Check(name="deferred", verdict="warn", text=said, cure=cure)


def _folder(state: State) -> Check:
    if not state.path.is_dir():
        return Check(
            name="state",
            verdict="note",
            text=f"no state folder {state.path} yet",
            cure="`trunkline serve` makes it.",
        )
    mode = state.path.stat().st_mode & 0o777
    if mode & 0o077:
        cure = f"Run: chmod 700 {state.path}"
        return Check(
            name="state", verdict="warn", text=f"{state.path} is open to others (mode {mode:04o})", cure=cure
        )
    secret = (state.sealed, state.callers, state.control_db, state.snapshot, state.admin_token)
    loose = [path.name for path in secret if path.exists() and path.stat().st_mode & 0o077]
    if loose:
        cure = f"Run: chmod 600 {' '.join(str(state.path / name) for name in loose)}"
        return Check(
            name="state", verdict="warn", text=f"{', '.join(loose)} may be read by others", cure=cure
        )
    return Check(name="state", verdict="ok", text=f"{state.path}, mode {mode:04o}")


def _master_key(state: State, environ: Mapping[str, str]) -> Check:
    try:
        key = masterkey.read(state.path, environ)
        if key is None and state.control_db.exists():
            state.master_key()
    except MasterKeyProblem as problem:
        return Check(
            name="master-key", verdict="fail", text=str(problem), cure="Put the right master key in place."
        )
    if key is None:
        return Check(name="master-key", verdict="note", text="none yet", cure="It is made at first need.")
    where = "handed in from outside" if not state.owns_master_key else str(state.master_key_file)
    return Check(name="master-key", verdict="ok", text=f"{masterkey.key_id(key)}, {where}")


def _control(state: State) -> Iterator[Check]:
    """The control database, its keys and the audit chain; opened only if it is there."""
    if not state.control_db.exists():
        return
    from trunkline.control import audit

    try:
        verdict = audit.verify(state)
    except Exception as problem:  # whatever is wrong with the database is the finding
        yield Check(
            name="control",
            verdict="fail",
            text=f"{state.control_db.name}: {problem}",
            cure="Restore a backup (`trunkline restore`).",
        )
        return
    if verdict.ok:
        yield Check(name="audit", verdict="ok", text=f"{verdict.rows} rows, chain whole")
    else:
        cure = "Somebody changed the database by hand; compare it with a backup."
        yield Check(name="audit", verdict="fail", text=verdict.problem, cure=cure)


def _disk(state: State) -> Check:
    free = shutil.disk_usage(state.path).free
    said = f"{free / 1e9:.1f} GB free"
    if free < LEAST_FREE_BYTES:
        return Check(
            name="disk",
            verdict="warn",
            text=said,
            cure="Make room: on a full disk calls that act are refused.",
        )
    return Check(name="disk", verdict="ok", text=said)


def _gateway(state: State) -> Check:
    if not is_claimed(state):
        return Check(
            name="gateway", verdict="note", text="not running", cure="Start it with `trunkline serve`."
        )
    facts = gateway_facts(state)
    pid = int(facts.get("pid", 0) or 0)
    if not is_alive(pid):
        return Check(
            name="gateway",
            verdict="fail",
            text="the supervisor runs, the gateway does not",
            cure="See what `trunkline serve` wrote.",
        )
    return Check(
        name="gateway",
        verdict="ok",
        text=f"pid {pid}, port {facts.get('port')}, registry {facts.get('version')}",
    )


def _console(state: State) -> Check:
    pid = read_pid(state.console_pid)
    if is_alive(pid):
        return Check(name="console", verdict="ok", text=f"pid {pid}")
    if not is_claimed(state):
        return Check(
            name="console", verdict="note", text="not running", cure="Start it with `trunkline serve`."
        )
    cure = "Calls go on, and the journal keeps them. See what `trunkline serve` wrote."
    return Check(name="console", verdict="fail", text="the supervisor runs, the console does not", cure=cure)


def _journal(state: State) -> Check:
    from trunkline.journal.files import folder_bytes, segments

    count, size = len(segments(state.journal)), folder_bytes(state.journal)
    said = f"{count} segments, {size / 1e6:.0f} MB"
    if size > 1 << 30:
        return Check(
            name="journal", verdict="warn", text=said, cure="It is not being drained; is the console running?"
        )
    return Check(name="journal", verdict="ok", text=said)


def _reload(state: State) -> Check:
    outcome = read_outcome(state)
    if outcome is None or outcome.ok:
        return Check(
            name="reload",
            verdict="ok",
            text=f"live: {outcome.version}" if outcome else "nothing published yet",
        )
    said = "; ".join(str(finding) for finding in outcome.errors)
    return Check(
        name="reload",
        verdict="fail",
        text=f"the last change is refused: {said}",
        cure="Correct the registry" + ("; the one before is live." if outcome.version else "."),
    )


def _port(host: str, port: int, name: str) -> Check:
    try:
        check_port(host, port, f"--{name}")
    except ClaimRefused as refusal:
        return Check(
            name=name,
            verdict="fail",
            text=str(refusal),
            cure=f"Stop what uses it, or choose another with --{name}.",
        )
    return Check(name=name, verdict="ok", text=f"{host}:{port} is free")


def _registry(settings: Settings, state: State, environ: Mapping[str, str]) -> Check:
    from trunkline.control.lint import findings_of

    if not settings.config_path.exists():
        return Check(
            name="registry",
            verdict="note",
            text=f"no {settings.config}",
            cure="`make run` writes a first one.",
        )
    ok, findings = findings_of(settings.config_path, settings.env, environ, state)
    errors = [finding for finding in findings if finding.severity == "error"]
    if not ok or errors:
        first = str(errors[0]) if errors else "invalid"
        return Check(name="registry", verdict="fail", text=first, cure="Run: trunkline check")
    missing = sum(finding.code == "secret-missing" for finding in findings)
    return Check(
        name="registry",
        verdict="ok",
        text=f"{settings.config} is valid" + (f"; {missing} secrets are not set" if missing else ""),
    )

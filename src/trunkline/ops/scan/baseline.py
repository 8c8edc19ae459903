"""The baseline of a scan: the problems that are known, so that only new ones fail a build.

Holds ids and the salt of marks, never a value. Not for: judging (`judge.py`).
"""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from .judge import Problem

LARGEST = 16 << 20


class BaselineInvalid(Exception):
    """A baseline that cannot be read; says the file and the cure."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One known problem; all but `id` is for people who read the file."""

    id: str
    rule: str
    path: str
    subject: str


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    version: int
    salt: str
    problems: list[Known]


def read(path: Path) -> Baseline:
    """Reads the file. Raises BaselineInvalid."""
    try:
        if path.stat().st_size > LARGEST:
            raise BaselineInvalid(
                f"{path} is larger than {LARGEST >> 20} MB; write it anew with --write-baseline."
            )
        made = msgspec.json.decode(path.read_bytes(), type=Baseline)
        bytes.fromhex(made.salt)
    except FileNotFoundError:
        raise BaselineInvalid(
            f"There is no baseline {path}. Write it first: trunkline scan --write-baseline {path}"
        ) from None
    except (OSError, msgspec.MsgspecError, ValueError) as problem:
        raise BaselineInvalid(
            f"{path} is no baseline of a scan ({problem}). Write it anew with --write-baseline."
        ) from None
    if made.version != 1:
        raise BaselineInvalid(
            f"{path} is of version {made.version}; this Trunkline reads version 1. Write it anew with --write-baseline."
        )
    return made


def text_of(problems: list[Problem], salt: bytes) -> str:
    """The file for these problems, one per line, so that its changes can be read."""
    known = sorted(
        {Known(id=p.id, rule=p.rule, path=p.place.path, subject=p.subject) for p in problems},
        key=lambda k: (k.path, k.rule, k.id),
    )
    rows = ",\n".join("    " + msgspec.json.encode(one).decode() for one in known)
    return f'{{\n  "version": 1,\n  "salt": "{salt.hex()}",\n  "problems": [\n{rows}\n  ]\n}}\n'


def marked(problems: list[Problem], baseline: Baseline) -> list[Problem]:
    """The problems with those of the baseline marked as known."""
    ids = {known.id for known in baseline.problems}
    return [msgspec.structs.replace(problem, known=problem.id in ids) for problem in problems]


def gone(problems: list[Problem], baseline: Baseline) -> list[Known]:
    """Problems of the baseline that are no more."""
    ids = {problem.id for problem in problems}
    return [known for known in baseline.problems if known.id not in ids]


def new_salt() -> bytes:
    """For marks that another run can make again."""
    return secrets.token_bytes(32)

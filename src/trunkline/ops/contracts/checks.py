"""Declared checks of contracts: a call, and what its answer must be like. Read from YAML, judged against an answer. Pure but for reading.

    integration: stripe
    checks:
      - name: a payment intent can be made
        call: POST /v1/payment_intents
        body: {amount: 2000, currency: eur}
        expect:
          status: 200
          values: {/object: payment_intent, /currency: /eur|usd/}
          present: [/id]
          shape: lock

Not for: making the calls (`cli/contract_tests.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from trunkline.core.codec import DecodeError, from_json, to_json
from trunkline.engine.pointer import found
from trunkline.ops.contracts.cassette import slug
from trunkline.ops.contracts.change import HARMS, Harm
from trunkline.ops.contracts.lock import Lock
from trunkline.ops.contracts.reading import events
from trunkline.ops.contracts.single import Answer, differences

FOLDER = "contracts"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ChecksInvalid(Exception):
    """A file of checks cannot be read; says where, why, and the cure."""


class Expect(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What an answer must be like."""

    status: int | list[int] = 0
    """0: any below 400."""
    values: dict[str, Any] = {}
    """JSON pointer -> value; a text between slashes is a regular expression for the whole value."""
    present: list[str] = []
    absent: list[str] = []
    headers: dict[str, str] = {}
    """Name -> value, or a regular expression between slashes."""
    events: list[str] = []
    """Names of events of a stream, in this order; others may lie between them."""
    shape: Literal["", "lock", "strict"] = ""
    """`lock`: nothing that breaks or endangers callers differs from the lock; `strict`: nothing at all."""


class Check(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One check."""

    name: str
    call: str
    """Method and path, with query."""
    integration: str = ""
    """Instead of the file's."""
    operation: str = ""
    """Name in the lock; found by method and path unless told."""
    headers: dict[str, str] = {}
    body: Any = None
    """A mapping or list is sent as JSON, a text as it is."""
    expect: Expect = msgspec.field(default_factory=Expect)
    file: str = ""

    @property
    def method(self) -> str:
        return self.call.split()[0].upper()

    @property
    def target(self) -> str:
        return self.call.split()[1]

    @property
    def content(self) -> bytes:
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else to_json(self.body)


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    integration: str = ""
    checks: list[Check]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a check. `problems`: everything that does not hold."""

    check: str
    integration: str
    file: str
    passed: bool
    problems: list[str]


def read(path: Path) -> list[Check]:
    """The checks of a file. Raises ChecksInvalid."""
    try:
        tree = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 (a safe one)
        file = msgspec.convert(tree, _File)
    except OSError as problem:
        raise ChecksInvalid(f"{path} cannot be read: {problem.strerror}.") from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        raise ChecksInvalid(f"{path}:{mark.line + 1 if mark else 1} is no valid YAML.") from None
    except msgspec.ValidationError as problem:
        raise ChecksInvalid(
            f"{path}: {problem}. `docs/how-to/contracts.md` shows what a check may say."
        ) from None
    except UnicodeDecodeError:
        raise ChecksInvalid(f"{path} is no text in UTF-8.") from None
    for check in file.checks:
        check.integration = check.integration or file.integration
        check.file = str(path)
        if not check.integration:
            raise ChecksInvalid(
                f"{path}: the check {check.name!r} names no `integration`; add it, or one for the file."
            )
        if not is_call(check.call):
            raise ChecksInvalid(f"{path}: `call: {check.call}` of {check.name!r} is no `METHOD /path`.")
        for why in _unusable(check.expect):
            raise ChecksInvalid(f"{path}: {why} in {check.name!r}.")
    return file.checks


def _unusable(expect: Expect) -> Iterator[str]:
    """What would always hold, or could not be judged."""
    for name in ("values", "present", "absent"):
        for pointer in getattr(expect, name):
            if pointer and not pointer.startswith("/"):
                yield f"`{name}: {pointer}` is no JSON pointer, write `/{pointer}`,"
    for name, wanted in {**expect.values, **expect.headers}.items():
        try:
            if _is_pattern(wanted):
                re.compile(wanted[1:-1])
        except re.error as problem:
            yield f"`{name}: {wanted}` is no regular expression ({problem})"


def doubles(checks: Iterable[Check]) -> Iterator[str]:
    """Checks that would share one cassette, of which the later would replace the earlier."""
    known: dict[tuple[str, str], Check] = {}
    for check in checks:
        first = known.setdefault((slug(check.integration), slug(check.name)), check)
        if first is not check:
            yield (
                f"{check.file}: {check.name!r} and {first.name!r} ({first.file}) of {check.integration} would share a cassette. "
                "Give one of them another name."
            )


def is_call(text: str) -> bool:
    """Whether a text is `METHOD /path`."""
    return bool(re.fullmatch(r"[A-Za-z]+ /\S*", text.strip()))


def judged(check: Check, answer: Answer, lock: Lock, operation: str) -> Outcome:
    """Whether an answer is as the check wants it."""
    problems = [
        *_status(check.expect, answer),
        *_headers(check.expect, answer),
        *_contents(check.expect, answer),
    ]
    if check.expect.shape:
        problems += _shape(check, answer, lock, operation)
    return Outcome(
        check=check.name,
        integration=check.integration,
        file=check.file,
        passed=not problems,
        problems=problems,
    )


def _status(expect: Expect, answer: Answer) -> Iterator[str]:
    wanted = [expect.status] if isinstance(expect.status, int) else expect.status
    if expect.status and answer.status not in wanted:
        yield f"status is {answer.status}, not {' or '.join(map(str, wanted))}"
    if not expect.status and answer.status >= 400:
        yield f"status is {answer.status}"


def _headers(expect: Expect, answer: Answer) -> Iterator[str]:
    for name, wanted in expect.headers.items():
        value = answer.headers.get(name.lower())
        if value is None:
            yield f"header {name} is missing"
        elif not _fits(value, wanted):
            yield f"header {name} is {value[:80]!r}, not {wanted!r}"


def _contents(expect: Expect, answer: Answer) -> Iterator[str]:
    if not (expect.values or expect.present or expect.absent or expect.events):
        return
    stream = answer.headers.get("content-type", "").startswith("text/event-stream")
    tree: Any = None
    if stream:
        told = events(answer.body)
        yield from _events(expect.events, [name if name != "message" else _kind(data) for name, data in told])
        tree = [_tree(data) for _, data in told]
    elif expect.events:
        yield f"the answer is no stream but {answer.headers.get('content-type', 'nothing')}"
    else:
        tree = _tree(answer.body)
        if tree is None:
            yield f"the body is no JSON but {answer.headers.get('content-type') or 'of no type'}, {len(answer.body)} bytes"
            return
    for pointer, wanted in expect.values.items():
        values = list(found(tree, pointer))
        if not values and wanted is None:
            continue
        if not values:
            yield f"{pointer} is missing"
        elif not any(_fits(value, wanted) for value in values):
            yield f"{pointer} is {_short(values[0])}, not {_short(wanted)}"
    yield from (f"{pointer} is missing" for pointer in expect.present if not list(found(tree, pointer)))
    yield from (f"{pointer} is there" for pointer in expect.absent if list(found(tree, pointer)))


def _events(wanted: list[str], told: list[str]) -> Iterator[str]:
    rest = iter(told)
    for name in wanted:
        if name not in rest:
            yield f"event {name} does not come{' where it should' if name in told else ''}"
            return


def _kind(data: str) -> str:
    tree = _tree(data)
    kind = tree.get("type") if isinstance(tree, dict) else None
    return kind if isinstance(kind, str) else data if len(data) <= 20 else "message"


def _is_pattern(wanted: Any) -> bool:
    return isinstance(wanted, str) and len(wanted) > 1 and wanted.startswith("/") and wanted.endswith("/")


def _fits(value: Any, wanted: Any) -> bool:
    if _is_pattern(wanted):
        return bool(re.fullmatch(wanted[1:-1], value if isinstance(value, str) else _short(value)))
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _short(value: Any) -> str:
    return to_json(value).decode()[:80]


def _tree(data: bytes | str) -> Any:
    try:
        return from_json(data)
    except DecodeError:
        return None


def _shape(check: Check, answer: Answer, lock: Lock, operation: str) -> Iterator[str]:
    one = lock.integrations.get(check.integration)
    if one is None or not operation:
        cure = f"Learn it first: trunkline contracts accept {check.integration}"
        yield f"{check.integration} {check.call.partition('?')[0]} is not in the lock. {cure}"
        return
    least: Harm = "risky" if check.expect.shape == "lock" else "harmless"
    for change in differences(answer, one.operations[operation], one.errors):
        if HARMS.index(change.harm) >= HARMS.index(least):
            yield change.title

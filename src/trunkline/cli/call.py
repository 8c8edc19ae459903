"""`trunkline call`: one call through the running gateway, as any caller would make it."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say

if TYPE_CHECKING:
    from http.client import HTTPResponse

KEEP_FOR_JUDGING = 64 * 1024


@click.command()
@click.argument("integration")
@click.argument("method")
@click.argument("path")
@click.option(
    "-d",
    "--data",
    metavar="TEXT|@FILE|@-",
    help="Request body; @- reads stdin. JSON unless -H says otherwise.",
)
@click.option("-f", "--field", "fields", multiple=True, metavar="K=V", help="Form field; repeat for more.")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="N: V", help="Request header; repeat for more."
)
@click.option("--key", metavar="KEY", help="Caller key; TRUNKLINE_KEY or a key of its own unless told.")
@json_option
@place_options
def call(
    integration: str,
    method: str,
    path: str,
    data: str | None,
    fields: tuple[str, ...],
    headers: tuple[str, ...],
    key: str | None,
    as_json: bool,
) -> int:
    """Make one call, e.g. `trunkline call stripe GET /v1/customers?limit=3`.

    The answer's body goes to stdout as it comes; status, attempts and cost to stderr. Without a key, one is made for
    this call and revoked after it. Exit codes: 4 not allowed, 5 the vendor failed, 6 budget, 7 unavailable.
    """
    from trunkline.cli.running import local_key, request
    from trunkline.control.running import running_facts

    body = body_of(data, fields)
    lines = [header_of(text) for text in headers]
    if body is not None and not any(name.lower() == "content-type" for name, _ in lines):
        lines.append(("content-type", "application/x-www-form-urlencoded" if fields else "application/json"))
    state = state_here(must_exist=True)
    facts = running_facts(state)
    given = key or os.environ.get("TRUNKLINE_KEY")
    target = f"/api/proxy/{integration}/{path.lstrip('/')}"
    scopes = [f"integration:{integration}", f"route:{integration}"]
    with nullcontext(given) if given else local_key(state, scopes) as text:
        lines.append(("x-trunkline-key", str(text)))
        with request(facts, method.upper(), target, lines, body) as answer:
            return _print_json(answer) if as_json else _print(answer)


def _print(answer: HTTPResponse) -> int:
    kept = b""
    out = sys.stdout.buffer
    while piece := answer.read1(65536):
        kept = kept or piece[:KEEP_FOR_JUDGING]
        out.write(piece)
        out.flush()
    if sys.stdout.isatty() and kept and not kept.endswith(b"\n"):
        click.echo()
    say(_summary(answer))
    return _judge(answer, kept)


def _print_json(answer: HTTPResponse) -> int:
    content = answer.read()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    code = _judge(answer, content)
    shown: Any = _json(content)
    body = shown if shown is not None else content.decode("utf-8", "replace")
    json_out({"status": answer.status, "headers": headers, "body": body, "exit_code": code})
    return code


def _summary(answer: HTTPResponse) -> str:
    parts = [f"{answer.status} {answer.reason}".strip()]
    for header, text in (
        ("x-trunkline-attempts", "attempts {}"),
        ("x-trunkline-overhead-ms", "overhead {} ms"),
        ("x-trunkline-cost-usd", "cost ${}"),
        ("x-trunkline-simulated", "simulated"),
        ("x-correlation-id", "{}"),
    ):
        value = answer.getheader(header)
        if value:
            parts.append(text.format(value))
    return " · ".join(parts)


def _judge(answer: HTTPResponse, content: bytes) -> int:
    tree = _json(content)
    told = tree if isinstance(tree, dict) and "correlationId" in tree else {}
    source = answer.getheader("x-trunkline-error-source") or str(told.get("source", ""))
    code = answer.getheader("x-trunkline-error-code") or str(told.get("code", ""))
    return exits.of_answer(answer.status, source, code)


def _json(content: bytes) -> Any:
    from trunkline.core import codec

    try:
        return codec.from_json(content)
    except codec.DecodeError:
        return None


def header_of(text: str) -> tuple[str, str]:
    """`Name: value` in its two parts."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{text!r} must be written as 'Name: value'", param_hint="-H")
    return name.strip(), value.strip()


def body_of(data: str | None, fields: tuple[str, ...]) -> bytes | None:
    """What `-d` and `-f` say; None for nothing."""
    if data is not None and fields:
        raise click.UsageError("Give -d or -f, not both.")
    if fields:
        if wrong := [field for field in fields if "=" not in field]:
            raise click.BadParameter(f"{wrong[0]!r} must be written as name=value", param_hint="-f")
        return urlencode(
            [(name, value) for name, _, value in (field.partition("=") for field in fields)]
        ).encode()
    if data is None or not data.startswith("@"):
        return data.encode() if data is not None else None
    return sys.stdin.buffer.read() if data == "@-" else Path(data[1:]).read_bytes()

"""`trunkline explain`: what would become of a call, from the running gateway, without making it."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.call import body_of, header_of
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table

if TYPE_CHECKING:
    from trunkline.core.service import Snapshot

COLUMNS = ("", "target", "credential", "ready", "breaker", "limits left", "about $", "why")


@click.command()
@click.argument("what")
@click.argument("text", required=False, default="")
@click.option("-X", "--method", default="POST", show_default=True, help="Of a path.")
@click.option("-d", "--data", metavar="JSON|@FILE|@-", help="Request body of a path; @- reads stdin.")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="N: V", help="Request header; repeat for more."
)
@click.option("--stream", is_flag=True, help="Of a model: as a stream.")
@click.option("--key", metavar="KEY", help="Caller key; TRUNKLINE_KEY or a key of its own unless told.")
@json_option
@place_options
def explain(
    what: str,
    text: str,
    method: str,
    data: str | None,
    headers: tuple[str, ...],
    stream: bool,
    key: str | None,
    as_json: bool,
) -> int:
    """Tell what would become of a call: `trunkline explain MODEL [TEXT]`, or `trunkline explain /PATH [-d BODY]`.

    Shows the route, each candidate with breaker, limits and price, what translation would lose, limits and budgets of the
    caller, and the cache. No vendor is called and nothing is spent. Exit codes: 0 it would be answered, 4 it would be refused.
    """
    from trunkline.cli.running import local_key, request
    from trunkline.control.published import read_snapshot
    from trunkline.control.running import running_facts

    lines = dict(header_of(one) for one in headers)
    state = state_here(must_exist=True)
    if what.startswith("/"):
        asked = _path(what, method, data, lines)
    else:
        asked = _model(what, text, stream, lines, embeds=_embeds(read_snapshot(state), what))
    facts = running_facts(state)
    given = key or os.environ.get("TRUNKLINE_KEY")
    with nullcontext(given) if given else local_key(state, ["*"]) as secret:
        own = [("x-trunkline-key", str(secret)), ("content-type", "application/json")]
        body = json.dumps(asked).encode()
        with request(facts, "POST", "/v1/explain", own, body) as answer:
            told = json.loads(answer.read() or b"{}")
            if answer.status != 200:
                raise click.ClickException(str(told.get("message") or told))
    if as_json:
        json_out(told)
    else:
        shown(told)
    return exits.AUTH if told["would"].startswith("be refused") else exits.OK


def _embeds(live: Snapshot | None, name: str) -> bool:
    """Whether a name is that of an embedding model, as far as the live registry tells."""
    if live is None:
        return False
    targets = {one.name: one.candidates[0].target for one in live.virtual}
    targets |= {one.name: one.target for one in live.aliases}
    integration, _, model = targets.get(name, name).partition("/")
    models = next((one.models for one in live.services if one.name == integration), [])
    return any(one.kind == "embedding" for one in models if one.id == model)


def _model(name: str, text: str, stream: bool, headers: dict[str, str], *, embeds: bool) -> dict[str, Any]:
    if embeds:
        asked = {"model": name, "input": text or "Say hello"}
        return {"path": "/v1/embeddings", "headers": headers, "body": asked}
    messages = [{"role": "user", "content": text or "Say hello"}]
    body: dict[str, Any] = {"model": name, "messages": messages}
    return {
        "path": "/v1/chat/completions",
        "headers": headers,
        "body": {**body, "stream": True} if stream else body,
    }


def _path(path: str, method: str, data: str | None, headers: dict[str, str]) -> dict[str, Any]:
    body = body_of(data, ())
    asked: dict[str, Any] = {"path": path, "method": method.upper(), "headers": headers}
    if body is None:
        return asked
    try:
        return {**asked, "body": json.loads(body)}
    except ValueError:
        import base64

        return {**asked, "body_base64": base64.b64encode(body).decode()}


def shown(told: dict[str, Any]) -> None:
    """For people: what it comes to first, then why."""
    call = told["call"]
    click.echo(f"It would {told['would']}.")
    if told["refused"] is not None:
        say(f"{told['refused']['code']}: {told['refused']['message']}")
    facts = (
        "dialect",
        "model",
        "integration",
        "operation",
        "route",
        "strategy",
        "repeat",
        "attempts",
        "timeout_s",
        "lane",
    )
    click.echo("  ".join(f"{name}={call[name]}" for name in facts if call.get(name) is not None))
    if "candidates" not in told:
        return
    table(COLUMNS, [row for n, one in enumerate(told["candidates"]) for row in _rows(n, one)], empty="")
    for one in told["candidates"]:
        _translation(one)
    for one in told["left_out"]:
        click.echo(f"not for this call: {one['target']}: {one['why']}")
    for one in told["fallbacks"]:
        on = one["on"] if isinstance(one["on"], str) else ", ".join(one["on"])
        click.echo(f"then {one['does']}, after {on}")
    for one in told["limits"]:
        click.echo(f"limit {one['limit']}: {one['remaining']} {one['unit']} left")
    for one in told["budgets"]:
        click.echo(
            f"budget {one['budget']}: ${one['spent_usd']:.6g} of ${one['limit_usd']:.6g} spent this {one['per']}, "
            f"${one['reserved_usd']:.6g} set aside, this call about ${one['call_usd']:.6g}"
        )
    age = told["cache"]["age_s"]
    click.echo(f"cache: {told['cache']['verdict']}" + (f", {age:g} s old" if age is not None else ""))


def _rows(n: int, one: dict[str, Any]) -> list[list[Any]]:
    price = one["price"] or {}
    cost = price.get("estimate_usd")
    about = "" if one["price"] is None else "unpriced" if cost is None else f"{cost:.6f}"
    return [
        [
            n + 1 if place == 0 else "",
            one["target"] if place == 0 else "",
            member["credential"],
            "yes" if member["ready"] else member["problem"] or ("waits" if member["waits"] else "no"),
            member["breaker"],
            f"{member['limits_left']:.0%}",
            about if place == 0 else "",
            one["why"] if place == 0 else "",
        ]
        for place, member in enumerate(one["credentials"])
    ]


def _translation(one: dict[str, Any]) -> None:
    made = one["translation"]
    if "impossible" in made:
        click.echo(f"{one['target']}: {made['impossible']}")
    elif made["needed"]:
        lost = "; ".join(
            f"{c['act']} {c['field']}" + (f" ({c['how']})" if c["how"] else "") for c in made["changes"]
        )
        click.echo(f"{one['target']}: translated {made['dialects']}: {lost or 'nothing is lost'}")

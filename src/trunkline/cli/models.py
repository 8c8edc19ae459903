"""`trunkline models`: which models can be called, what they can do, what they cost and when they end; where each figure was read.

Not for: what is known (`registry/model_list.py`), nor names of your own and their strategies (`registry/shape_models.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trunkline.cli import exits
from trunkline.cli.integrations import known as published
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options
from trunkline.cli.show import json_out, say, table

if TYPE_CHECKING:
    from trunkline.core.service import Snapshot
    from trunkline.registry.model_list import Known, Wanted

F = TypeVar("F", bound=Callable[..., Any])
SORTS = ("price", "output-price", "context", "released", "shutdown")
KINDS = ("input", "output", "cached", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_cached",
         "audio_output", "image_input", "image_cached", "image_output")  # fmt: skip
EMPTY = "No such model among those that the registry can call. With --all the whole catalog is searched."


class Tokens(click.ParamType[int]):
    """A count of tokens: 200000, 200k or 1M."""

    name = "tokens"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d{1,9})([kKmM]?)", str(value))
        if found is None:
            self.fail(f"{value!r} is no count of tokens; write 200000, 200k or 1M.", param, ctx)
        return int(found[1]) * {"": 1, "k": 1000, "m": 1_000_000}[found[2].lower()]


def filters(command: F) -> F:
    """The options that narrow a list."""
    for option in reversed(
        (
            click.option("--integration", metavar="NAME", help="Only those of one integration."),
            click.option("--vendor", metavar="NAME", help="Only those of one vendor of the catalog."),
            click.option("--kind", metavar="KIND", help="chat, embedding, image, speech, transcription, ..."),
            click.option(
                "--feature", "features", multiple=True, metavar="NAME", help="Known to have it: tools, ..."
            ),
            click.option("--takes", multiple=True, metavar="KIND", help="Reads it: text, image, audio, ..."),
            click.option(
                "--context", type=Tokens(), default=0, metavar="TOKENS", help="A window at least so long."
            ),
            click.option(
                "--output", type=Tokens(), default=0, metavar="TOKENS", help="Answers at least so long."
            ),
            click.option(
                "--under", type=float, default=-1.0, metavar="USD", help="Input at most, per million."
            ),
            click.option(
                "--ends-before", metavar="YYYY-MM-DD", default="", help="Shut down before that day."
            ),
            click.option("--sort", type=click.Choice(SORTS), help="Instead of the order of the registry."),
            click.option(
                "--all", "everything", is_flag=True, help="The whole catalog, not only your registry."
            ),
        )
    ):
        command = option(command)
    return command


@click.group(cls=Subcommands, invoke_without_command=True)
@click.option("--integration", metavar="NAME", help="Only those of one integration.")
@json_option
@place_options
@click.pass_context
def models(context: click.Context, integration: str | None, as_json: bool) -> None:
    """The models that can be named in calls: what they can do, what they cost, when they end."""
    if context.invoked_subcommand is None:
        _list("", {"integration": integration}, sort=None, everything=False, as_json=as_json)


@models.command("list")
@filters
@json_option
@place_options
def list_(sort: str | None, everything: bool, as_json: bool, **wanted: Any) -> None:
    """List models, narrowed by what you need.

    What the table does not know of a model does not count as there: `--feature tools` lists models that are known to have it.
    """
    _list("", wanted, sort=sort, everything=everything, as_json=as_json)


@models.command()
@click.argument("text")
@filters
@json_option
@place_options
def search(text: str, sort: str | None, everything: bool, as_json: bool, **wanted: Any) -> None:
    """List models with all words of TEXT in their names, other names among them."""
    _list(text, wanted, sort=sort, everything=everything, as_json=as_json)


@models.command()
@click.argument("name")
@json_option
@place_options
def show(name: str, as_json: bool) -> int:
    """Show one model: each figure with where and when it was read, and what the registry says otherwise."""
    found = _find(name)
    if found is None:
        return exits.FAILED
    if as_json:
        json_out(found)
    else:
        table(("field", "value", "from", "read"), _fields(found))
        _warn([found])
    return exits.OK


@models.command()
@click.argument("names", nargs=-1, required=True)
@json_option
@place_options
def compare(names: tuple[str, ...], as_json: bool) -> int:
    """Show models beside each other."""
    found = [one for name in names if (one := _find(name)) is not None]
    if len(found) < len(names):
        return exits.FAILED
    if as_json:
        json_out(found)
        return exits.OK
    columns = [{row[0]: row[1] for row in _fields(one)} for one in found]
    fields = list(dict.fromkeys(field for column in columns for field in column))
    table(
        ("", *(one.id for one in found)),
        [[field, *(column.get(field, "") for column in columns)] for field in fields if field != "model"],
    )
    _warn(found)
    return exits.OK


@models.command()
@click.option("--before", metavar="YYYY-MM-DD", default="", help="Only those that end before that day.")
@click.option("--all", "everything", is_flag=True, help="The whole catalog, not only your registry.")
@json_option
@place_options
def deprecations(before: str, everything: bool, as_json: bool) -> None:
    """Models that have ended, end, or whose end was announced; the soonest first."""
    found = [
        one
        for one in _known(everything)
        if (one.shutdown or one.deprecated) and (not before or "" < one.shutdown < _day(before))
    ]
    found.sort(key=lambda one: (one.shutdown or "9999", one.id))
    if as_json:
        json_out(found)
        return
    table(
        ("model", "announced", "ends", "instead"),
        [[one.id, one.deprecated, _ending(one), one.replacement] for one in found],
        empty="No model is known to end.",
    )


def _list(text: str, wanted: dict[str, Any], *, sort: str | None, everything: bool, as_json: bool) -> None:
    from trunkline.registry.model_list import price_age

    asked = _wanted(text, wanted)
    found = [one for one in _known(everything) if asked.fits(one)]
    if sort is not None:
        found.sort(key=lambda one: _rank(one, sort))
    narrowed = text or everything or any(value not in (None, "", (), 0, -1.0) for value in wanted.values())
    snapshot = published()[0] if not narrowed else None
    aliases = [] if snapshot is None else _own_names(snapshot)
    if as_json:
        age = price_age(found, _today())
        json_out({"models": [_told(one) for one in found], "aliases": aliases, "price_age_days": age})
        return
    rows: list[list[Any]] = [
        [one["id"], f"-> {one['target']}" if one["target"] else "", *[""] * 5] for one in aliases
    ]
    rows += [
        [
            one.id,
            one.kind if not one.alias_of else f"= {one.alias_of.partition('/')[2]}",
            one.context or "",
            one.max_output or "",
            plain(one.price.input) if one.price else "",
            plain(one.price.output) if one.price else "",
            _ending(one),
        ]
        for one in found
    ]
    columns = ("model", "kind", "context", "output", "$/M in", "$/M out", "ends")
    table(
        columns,
        rows,
        empty=EMPTY if narrowed and not everything else "No models: no AI integration is registered.",
    )
    _warn(found)


def _own_names(snapshot: Snapshot) -> list[dict[str, Any]]:
    several = [
        {"id": one.name, "target": ", ".join(candidate.target for candidate in one.candidates)}
        for one in snapshot.virtual
    ]
    return [*({"id": one.name, "target": one.target} for one in snapshot.aliases), *several]


def _told(one: Known) -> dict[str, Any]:
    """As JSON; prices also by themselves, where they can be read at once."""
    import msgspec

    row: dict[str, Any] = msgspec.to_builtins(one)
    row["input_usd_per_million"] = one.price.input if one.price else None
    row["output_usd_per_million"] = one.price.output if one.price else None
    row["price_source"] = one.price.source if one.price else None
    row["price_date"] = one.price.date or None if one.price else None
    return row


def _wanted(text: str, given: dict[str, Any]) -> Wanted:
    from trunkline.registry.model_list import Wanted
    from trunkline.registry.model_table import FEATURES, MODALITIES

    for option, words, known in (("feature", "features", FEATURES), ("takes", "takes", MODALITIES)):
        for word in given.get(words, ()):
            if word not in known:
                raise click.UsageError(f"--{option} {word!r} is none of {', '.join(known)}.")
    if given.get("ends_before"):
        _day(given["ends_before"])
    return Wanted(text=text, **{key: value for key, value in given.items() if value is not None})


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.UsageError(f"{text!r} is no day; write it as 2027-01-31.") from None


def _known(everything: bool) -> list[Known]:
    from trunkline.registry.model_list import known, shipped

    return shipped() if everything else known(published()[0].services)


def _find(name: str) -> Known | None:
    """By `integration/model`, or by the name of a model alone where it is one's only; says so where there is none."""
    from trunkline.core.text import nearest

    for everything in (False, True):
        rows = _known(everything)
        exact = [one for one in rows if one.id == name] or [one for one in rows if one.model == name]
        if len(exact) == 1:
            return exact[0]
        if exact:
            say(f"{name!r} is served by several: {', '.join(one.id for one in exact)}. Name one of them.")
            return None
    near = nearest(name, [one.id for one in rows]) or nearest(name, [one.model for one in rows])
    say(
        f"There is no model {name!r}, neither in the registry nor in the catalog."
        + (f" Did you mean {near!r}?" if near else "")
    )
    return None


def _fields(one: Known) -> list[list[Any]]:
    """What is known, a line a figure: value, where it is from, when it was read."""
    rows: list[list[Any]] = []

    def tell(field: str, value: Any, figure: str = "") -> None:
        if not value:
            return
        source = one.sources.get(figure)
        origin = "the registry" if figure in one.overridden else source.name if source else ""
        rows.append([field, value, origin, source.date if source else ""])

    tell("model", one.id)
    tell("other name of", one.alias_of)
    tell("title", one.title, "title")
    tell("kind", one.kind, "kind")
    tell("other names", ", ".join(one.aliases), "aliases")
    tell("context", one.context, "context")
    tell("longest answer", one.max_output, "max_output")
    rows += _prices(one)
    tell("vendor's prices", one.pricing)
    tell("takes", ", ".join(one.input), "input")
    tell("makes", ", ".join(one.output), "output")
    tell("can", ", ".join(one.features), "features")
    tell("cannot", ", ".join(one.lacks), "features")
    tell("knows until", one.knowledge, "knowledge")
    tell("released", one.released, "released")
    tell("end announced", one.deprecated, "deprecated")
    tell("ends", one.shutdown, "shutdown")
    tell("instead", one.replacement, "replacement")
    if one.origin == "registry":
        rows.append(["known from", "the registry alone", "", ""])
    return rows


def _prices(one: Known) -> list[list[Any]]:
    price = one.price
    if price is None:
        return [["price", "unknown: its calls are unpriced", "", ""]]
    origin = "the registry" if "price" in one.overridden and price.source == "registry" else price.source
    figures = [[f"$/M {kind}", plain(getattr(price, kind))] for kind in KINDS if getattr(price, kind) >= 0]
    figures += [[f"  above {step.above} tokens", _figures(step)] for step in price.long]
    figures += [
        [f"  {name}", _figures(tier) or f"{tier.factor:g} times"] for name, tier in price.service.items()
    ]
    figures += [[f"$ a {fee}", plain(amount)] for fee, amount in price.fees.items()]
    return [[*figure, origin, price.date] for figure in figures]


def _figures(figures: Any) -> str:
    return ", ".join(
        f"{kind} {plain(getattr(figures, kind))}" for kind in KINDS if getattr(figures, kind) >= 0
    )


def plain(amount: float) -> str:
    """An amount of money as people write it: never 5e-05."""
    return f"{amount:.12f}".rstrip("0").rstrip(".")


def _ending(one: Known) -> str:
    return (
        f"{one.shutdown} (ended)" if one.shutdown and one.shutdown <= _today().isoformat() else one.shutdown
    )


def _rank(one: Known, sort: str) -> tuple[bool, Any]:
    """What is not known comes last."""
    if sort in ("price", "output-price"):
        figure = one.price and (one.price.input if sort == "price" else one.price.output)
        return figure is None, figure or 0.0
    if sort == "context":
        return not one.context, -one.context
    day = one.released if sort == "released" else one.shutdown
    return not day, -date.fromisoformat(day).toordinal() if day and sort == "released" else day


def _warn(told: list[Known]) -> None:
    """How old the prices shown are; loudly when they are old."""
    from trunkline.registry.catalog import PRICES_OLD_DAYS
    from trunkline.registry.model_list import price_age

    age = price_age(told, _today())
    if age is None:
        return
    days = f"{age} day{'s' if age != 1 else ''} ago"
    if age > PRICES_OLD_DAYS:
        say(f"Warning: the oldest of these prices was read {days}.")
        say("Newer ones come with a newer Trunkline, or from `price` in the registry.")
    else:
        say(f"Prices in USD; the oldest was read {days}.")


def _today() -> date:
    return datetime.now(UTC).date()

"""`trunkline prices`: what calls cost that are no model calls, and where each figure was read.

Not for: models (`models.py`), what calls did cost (`usage.py`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli.integrations import known
from trunkline.cli.models import plain
from trunkline.cli.place import json_option, place_options
from trunkline.cli.show import json_out, say, table

if TYPE_CHECKING:
    from trunkline.core.tariff import Tariff

COLUMNS = ("price", "holds for", "USD", "from", "read")


@click.command()
@click.option("--integration", metavar="NAME", help="Only those of one integration.")
@click.option("--all", "everything", is_flag=True, help="The whole catalog, not only your registry.")
@json_option
@place_options
def prices(integration: str | None, everything: bool, as_json: bool) -> None:
    """What calls cost that are no model calls: by call, unit, share of an amount, in steps of a month's count.

    Of several tariffs of an operation the first that fits a call holds. Prices of models: `trunkline models`.
    """
    rows = [row for row in (_shipped() if everything else _registered()) if integration in (None, row[0])]
    if as_json:
        json_out([_told(name, one, everything) for name, one in rows])
        return
    empty = "No prices of this kind. Declare `tariffs` of an integration, or see the catalog's with --all."
    table(COLUMNS, [_row(name, one) for name, one in rows], empty=empty)
    if everything and any(not one.assumed for _, one in rows):
        say("(named) holds only where the registry names it: `tariffs: [{id: ...}]`.")
    _age([one for _, one in rows])


def _registered() -> list[tuple[str, Tariff]]:
    return [(service.name, one) for service in known()[0].services for one in service.tariffs]


def _shipped() -> list[tuple[str, Tariff]]:
    from trunkline.registry import catalog

    return [(name, one) for name in catalog.names() for one in catalog.entry(name).tariffs]


def _told(name: str, one: Tariff, everything: bool) -> dict[str, Any]:
    """As JSON. The id is the one in records; the catalog's own has the name of the vendor."""
    import msgspec

    from trunkline.core.tariff import Rate

    told: dict[str, Any] = {"integration": name, "price_id": Rate(name, one).id, "costs": costs(one)}
    return told | {**msgspec.to_builtins(one), "assumed": one.assumed if everything else True}


def _row(name: str, one: Tariff) -> list[str]:
    holds = one.title or ", ".join(one.operations) or "all calls"
    return [f"{name}/{one.id}", holds + ("" if one.assumed else " (named)"), costs(one), one.source, one.date]


def costs(one: Tariff) -> str:
    """The figures as people say them."""
    said = []
    if one.percent >= 0:
        said.append(f"{plain(one.percent)} %")
    if one.unit:
        each = one.unit if one.per == 1 else f"{one.per:,} {one.unit}s" + (" begun" if one.started else "")
        said.append(f"{plain(one.usd)} / {each}")
    if one.call >= 0:
        said.append(f"{plain(one.call)} a call" if said or one.call else "nothing")
    text = " + ".join(said)
    text += "".join(f"; above {rung.above:,}: {plain(rung.usd)}" for rung in one.steps)
    text += f" ({one.tiers}, a month)" if one.steps else ""
    text += f", at least {plain(one.least)}" if one.least >= 0 else ""
    text += f", at most {plain(one.most)}" if one.most >= 0 else ""
    text += f", beside it {', '.join(one.beside)}" if one.beside else ""
    return text if one.currency == "USD" else f"{one.currency} {text}"


def _age(told: list[Tariff]) -> None:
    from trunkline.registry.catalog import PRICES_OLD_DAYS

    days = [date.fromisoformat(one.date) for one in told if one.date]
    if not days:
        return
    age = (datetime.now(UTC).date() - min(days)).days
    if age > PRICES_OLD_DAYS:
        say(f"Warning: the oldest of these prices was read {age} days ago.")
        say("Newer ones come with a newer Trunkline, or from `tariffs` in the registry.")
    else:
        say(f"The oldest was read {age} day{'s' if age != 1 else ''} ago.")

"""The keys of `tariffs:`: what calls cost that are no model calls. The file and the gateway know them in one form.

Not for: prices of models (`shape_vendor.py`), nor what a tariff comes to (`core/tariff.py`).
"""

from __future__ import annotations

from trunkline.core import tariff


class Rung(tariff.Rung, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of a month's count."""


class Tariff(tariff.Tariff, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What calls that are no model calls cost, in USD unless `currency` says otherwise. The first tariff that fits a call holds, the
    registry's before the catalog's; calls of their operations that none fits are unpriced. Only what the vendor has answered
    well (HTTP 2xx) costs.
    """

    steps: list[Rung] = []  # type: ignore[assignment]
    """Other prices of a unit beyond so many in a calendar month (UTC)."""

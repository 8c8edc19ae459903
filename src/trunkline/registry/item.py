"""One integration under judgement: its own text, its catalog entry, and where findings about it go."""

from __future__ import annotations

from typing import NamedTuple

from .catalog import Entry
from .document import Place
from .layer import Scribe
from .shape import Integration, Registry
from .shape_vendor import Secret


class Item(NamedTuple):
    """What every check of one integration needs. `listeners` are Trunkline's own addresses."""

    name: str
    own: Integration
    entry: Entry | None
    registry: Registry
    scribe: Scribe
    listeners: tuple[str, ...]

    @property
    def place(self) -> Place:
        return ("integrations", self.name)

    def fault(
        self, at: Place, code: str, message: str, cure: str = "", *, value: str = "", at_key: bool = False
    ) -> None:
        """Writes an error about the part `at` of this integration."""
        self.scribe.error(self.place + at, code, message, cure, value=value, at_key=at_key)


def secret_of(integration: Integration) -> Secret | None:
    """The secret of an integration, wherever it stands."""
    if integration.secret is not None:
        return integration.secret
    return integration.auth.secret if integration.auth else None

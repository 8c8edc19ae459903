"""The registry of one environment: the base with an overlay merged in, and the place in the file of each item.

Not for: judging (`verify.py`) or combining with the catalog (`merge.py`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from .diagnose import faults
from .document import Document, Place, dotted
from .findings import Finding, RegistryInvalid, Severity
from .shape import ENVIRONMENTS, Registry


class Scribe:
    """Collects findings, with the place of each item in base or overlay."""

    def __init__(self, source: Document, environment: str) -> None:
        self.findings: list[Finding] = []
        self._source = source
        self._overlay: Place = ("environments", environment)

    @property
    def file(self) -> str:
        return self._source.file

    def write(
        self,
        severity: Severity,
        place: Place,
        code: str,
        message: str,
        cure: str = "",
        *,
        value: str = "",
        at_key: bool = False,
    ) -> None:
        """Adds one finding about the item at `place` (as if there were no overlay)."""
        line, column = self._position(place, at_key)
        self.findings.append(
            Finding(
                severity=severity,
                code=code,
                file=self.file,
                line=line,
                column=column,
                item=dotted(place),
                value=value,
                message=message,
                cure=cure,
            )
        )

    def error(
        self, place: Place, code: str, message: str, cure: str = "", *, value: str = "", at_key: bool = False
    ) -> None:
        self.write("error", place, code, message, cure, value=value, at_key=at_key)

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]

    def _position(self, place: Place, at_key: bool) -> tuple[int, int]:
        line, column, depth = self._source.find(place, key=at_key)
        over = self._source.find(self._overlay + place, key=at_key)
        deeper = over[2] - len(self._overlay) >= depth and over[2] > len(self._overlay)
        return (over[0], over[1]) if deeper else (line, column)


def overlaid(base: Any, over: Any) -> Any:
    """`over` on top of `base`: mappings key by key, everything else replaces, null removes a key."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    out = dict(base)
    for key, value in over.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = overlaid(out[key], value) if key in out else value
    return out


def declared(source: Document) -> list[str]:
    """The environments that the file holds overlays for."""
    data = source.data
    overlays = data.get("environments") if isinstance(data, dict) else None
    return [name for name in ENVIRONMENTS if isinstance(overlays, dict) and overlays.get(name)]


def layer(source: Document, environment: str) -> tuple[Registry, Scribe]:
    """The registry as it holds in one environment. Raises RegistryInvalid with every fault of form."""
    scribe = Scribe(source, environment)
    data = source.data
    if not isinstance(data, dict):
        scribe.error(
            (), "bad-type", "The file holds no mapping.", "Begin it with `version: 1` and `integrations:`."
        )
        raise RegistryInvalid(scribe.findings)
    overlays = data.get("environments")
    over = overlays.get(environment) if isinstance(overlays, dict) else None
    merged = dict(data)
    if isinstance(over, dict):
        _layer_keys_only(over, scribe)
        merged = overlaid(merged, over)
    elif over is not None:
        scribe.error(
            ("environments", environment),
            "bad-type",
            "An overlay must be a mapping.",
            "Write e.g. `{integrations: ...}`.",
        )
    try:
        registry = msgspec.convert(merged, Registry)
    except msgspec.ValidationError as error:
        for fault in faults(merged, Registry):
            scribe.error(
                fault.place, fault.code, fault.message, fault.cure, value=fault.value, at_key=fault.at_key
            )
        if not scribe.findings:
            scribe.error((), "bad-value", str(error))
        raise RegistryInvalid(scribe.findings) from None
    if scribe.findings:
        raise RegistryInvalid(scribe.findings)
    return registry, scribe


def _layer_keys_only(over: dict[str, Any], scribe: Scribe) -> None:
    for key in ("version", "environments"):
        if key in over:
            scribe.error(
                (key,), "bad-key", f"`{key}` cannot stand in an overlay.", "Remove it here.", at_key=True
            )

"""Settings of a process, from `TRUNKLINE_*` variables and flags; and the same written back for a child process.

What Trunkline may call is not set here (`trunkline.yaml`), and secrets are not (`plugins/secrets`). Light: every process
reads it at start.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

PREFIX = "TRUNKLINE_"

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


class SettingsInvalid(Exception):
    """One or more settings have a value that cannot be used; each line names the variable, the value and the cure."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All process settings. A field `x_y` is the variable `TRUNKLINE_X_Y` and the flag `--x-y`."""

    env: str = "prod"
    """Which overlay of the registry holds."""
    config: str = "trunkline.yaml"
    """The registry."""
    state_dir: str = ".trunkline"
    """The folder of all state: keys, secrets, journal, ledger."""
    host: str = "127.0.0.1"
    """Address of the data plane."""
    port: int = 4000
    """Its port; 0 takes any free one."""
    console_host: str = "127.0.0.1"
    """Address of the console and admin API."""
    console_port: int = 4001
    """Their port."""
    console_hosts: list[str] = []
    """Further host names under which the console may be asked for, beside loopback and its address."""
    egress_port: int = 0
    """Port of the CONNECT listener, on the address of the data plane; 0: as the registry says (`egress: {port: ...}`)."""
    one_port: bool = False
    """The console is served under `/console` of the data plane's port."""
    drain: float = 35.0
    """Seconds in which running calls may end after SIGTERM."""
    simulate_missing: bool = False
    """Vendors whose secret is missing are played by the simulator."""
    trusted_proxy: list[str] = []
    """Networks whose `X-Forwarded-For` is believed."""
    open_metrics: bool = False
    """`/metrics` needs no key."""
    tls_cert: str = ""
    """Certificate chain (PEM); with it the data plane serves HTTPS."""
    tls_key: str = ""
    """Its key (PEM)."""
    probes: bool = True
    """Integrations are probed with free calls, and their vendors' status pages are read."""
    workers: int = 1
    """Gateway processes; only 1 so far."""

    @property
    def state_path(self) -> Path:
        return Path(self.state_dir)

    @property
    def config_path(self) -> Path:
        return Path(self.config)


def read(environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the environment; a flag that is not None wins. Raises SettingsInvalid with every problem at once."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in msgspec.structs.fields(Settings):
        text = environ.get(PREFIX + field.name.upper())
        given = (flags or {}).get(field.name)
        if given is not None:
            values[field.name] = list(given) if isinstance(given, tuple) else given
        elif text is not None:
            try:
                values[field.name] = _parse(field.type, text)
            except ValueError as problem:
                problems.append(f"{PREFIX}{field.name.upper()}={text!r}: {problem}")
    if problems:
        raise SettingsInvalid(problems)
    settings = Settings(**_for_one_port(values, environ))
    problems = list(_check(settings))
    if problems:
        raise SettingsInvalid(problems)
    return settings


def to_environ(settings: Settings) -> dict[str, str]:
    """The variables that give a child process the same settings."""
    return {
        PREFIX + field.name.upper(): _format(getattr(settings, field.name))
        for field in msgspec.structs.fields(Settings)
    }


def _for_one_port(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Platforms that give a single port name it in PORT and expect every interface to be served (ruling 26)."""
    text = environ.get("PORT", "")
    if values.get("one_port") and "port" not in values and text:
        if not text.isdigit():
            raise SettingsInvalid([f"PORT={text!r}: must be a number from 1 to 65535"])
        values["port"] = int(text)
        values.setdefault("host", "0.0.0.0")  # noqa: S104 (what such a platform asks for)
    return values


def _parse(kind: Any, text: str) -> Any:
    if kind is bool:
        word = text.strip().lower()
        if word not in _TRUE + _FALSE:
            raise ValueError("must be true or false")
        return word in _TRUE
    if kind is int:
        if not text.strip().isdigit():
            raise ValueError("must be a whole number")
        return int(text)
    if kind is float:
        try:
            return float(text.strip().removesuffix("s"))
        except ValueError:
            raise ValueError("must be a number of seconds, e.g. 35") from None
    if kind is str:
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _format(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)


def _check(settings: Settings) -> list[str]:
    problems = []
    for name in ("port", "console_port", "egress_port"):
        port = getattr(settings, name)
        if not 0 <= port <= 65535:
            problems.append(f"{_said(name)} {port}: must be from 1 to 65535 (0 takes any free port)")
    if settings.port and settings.port == settings.console_port and not settings.one_port:
        problems.append(
            f"{_said('console_port')} {settings.port}: is the port of the data plane too; choose another"
        )
    if settings.egress_port and settings.egress_port in (settings.port, settings.console_port):
        problems.append(
            f"{_said('egress_port')} {settings.egress_port}: is a port of Trunkline already; choose another, e.g. 4002"
        )
    if not 0 <= settings.drain <= 3600:
        problems.append(f"{_said('drain')} {settings.drain:g}: must be from 0 to 3600 seconds")
    if not settings.env.replace("-", "").replace("_", "").isalnum():
        problems.append(
            f"{_said('env')} {settings.env!r}: must name an environment, e.g. dev, staging or prod"
        )
    if settings.workers != 1:
        problems.append(
            f"{_said('workers')} {settings.workers}: only 1; several gateways need a shared store (Valkey), not built yet"
        )
    if bool(settings.tls_cert) != bool(settings.tls_key):
        problems.append(f"{_said('tls_cert')} and {_said('tls_key')}: give both or neither")
    problems += [
        f"{_said(name)} {getattr(settings, name)!r}: there is no such file"
        for name in ("tls_cert", "tls_key")
        if getattr(settings, name) and not Path(getattr(settings, name)).is_file()
    ]
    return problems + [
        f"{_said('trusted_proxy')} {net!r}: {why}"
        for net in settings.trusted_proxy
        if (why := _no_network(net))
    ]


def _no_network(text: str) -> str:
    import ipaddress

    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "must be an address or a network, e.g. 10.0.0.0/8"
    return ""


def _said(name: str) -> str:
    return f"--{name.replace('_', '-')} ({PREFIX}{name.upper()})"

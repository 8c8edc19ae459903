"""What `init` and `scan` share: how much is read, how far it is, and what a registry declares.

Not for: the commands.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trunkline.cli.place import settings_here

if TYPE_CHECKING:
    from trunkline.ops.scan.judge import Declared
    from trunkline.ops.scan.tree import Limits

F = TypeVar("F", bound=Callable[..., Any])
EVERY_S = 0.2


def limits_options(command: F) -> F:
    """Adds the bounds of reading."""
    for flag, kind, metavar, text in (
        ("--max-seconds", float, "S", "Stop reading after so long; 300 unless told."),
        ("--max-file-kb", int, "KB", "Leave larger files out; 1024 unless told."),
        ("--max-files", int, "N", "Read at most so many files; 200000 unless told."),
    ):
        command = click.option(flag, type=kind, metavar=metavar, help=text)(command)
    return command


def limits_of(bounds: dict[str, Any]) -> Limits:
    """The bounds that were given. Raises a usage error for those that cannot be."""
    from trunkline.ops.scan.tree import Limits

    given = {name: value for name, value in bounds.items() if value is not None}
    for name, value in given.items():
        if value <= 0:
            raise click.BadParameter(
                f"{value:g} must be more than 0", param_hint=f"--{name.replace('_', '-')}"
            )
    usual = Limits()
    return Limits(
        seconds=given.get("max_seconds", usual.seconds),
        file_bytes=given.get("max_file_kb", usual.file_bytes >> 10) << 10,
        files=given.get("max_files", usual.files),
    )


class Progress:
    """One line on stderr that counts files, for a person at a terminal."""

    def __init__(self, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._next = time.monotonic() + EVERY_S
        self._wrote = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wrote:
            click.echo("\r\x1b[K", nl=False, err=True)

    def files(self, count: int) -> None:
        """So many were read."""
        if self._shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            self._wrote = True
            click.echo(f"\rReading ... {count} files", nl=False, err=True)


def declared_in(registry: Path) -> Declared:
    """What a registry says of hosts and vendors, in any environment. Raises RegistryInvalid."""
    from trunkline.ops.scan.judge import declared_of
    from trunkline.registry.load import load

    settings = settings_here()
    loaded = load(registry, environment=settings.env, environ={})
    addresses: dict[str, list[str]] = {}
    vendors: dict[str, str] = {}
    for service in loaded.snapshot.services:
        pool = [credential.base_url for credential in service.credentials]
        addresses[service.name] = [url for url in (service.base_url, *pool, service.auth.token_url) if url]
        if service.vendor:
            vendors.setdefault(service.vendor, service.name)
    allowed = [host.partition(":")[0] for host in loaded.snapshot.egress.allow]
    return declared_of(addresses, vendors, allowed)

"""`trunkline backup` and `trunkline restore`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option(
    "--with-master-key",
    is_flag=True,
    help="Put the master key in too: then the file alone opens every secret.",
)
@json_option
@place_options
def backup(file: str | None, with_master_key: bool, as_json: bool) -> None:
    """Write one file with everything worth keeping: keys, secrets (encrypted), audit, ledger, deferred calls, answers kept for
    idempotency keys, the registry.

    Taken while all goes on. Without --with-master-key the master key must be kept elsewhere.
    """
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.control import archive
    from trunkline.journal.deferrals import inbox_names
    from trunkline.tasks import parts

    target = Path(file or time.strftime("trunkline-%Y%m%d-%H%M%S.tar"))
    state = state_here(must_exist=True)
    up_to_date(state)
    made = archive.backup(state, settings_here().config_path, target, with_master_key=with_master_key)
    if as_json:
        json_out({"file": str(target), "bytes": target.stat().st_size, **made})
        return
    say(f"Wrote {target} ({_size(target.stat().st_size)}): {', '.join(_shortly(made['members']))}.")
    if left := len(inbox_names(parts.folder(state.path))):
        say(
            f"{left} deferred calls were just accepted and lie in {parts.folder(state.path) / 'inbox'}; they are not in it."
        )
    if with_master_key:
        say("It holds the master key: whoever has this file has every stored secret.")
    else:
        say(
            f"Keep the master key too ({made['kek_id']}); without it the stored secrets in this file cannot be opened."
        )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Put it in the place of what is there.")
@json_option
@place_options
def restore(file: str, replace: bool, as_json: bool) -> None:
    """Bring a backup back, into an empty state folder or with --replace. Trunkline must be stopped."""
    from trunkline.control import archive

    done = archive.restore(Path(file), state_here(), settings_here().config_path, replace=replace)
    if as_json:
        json_out(done)
    else:
        say(f"Restored {', '.join(_shortly(done['members']))}. Start with `trunkline serve`.")
        if done["cancelled_tasks"]:
            say(
                f"{done['cancelled_tasks']} deferred calls had not ended when the backup was made and may have run since: they are "
                "cancelled. See `trunkline tasks list --state cancelled`; `trunkline tasks retry ID` runs one."
            )


def _shortly(members: list[str]) -> list[str]:
    """Many files of one folder are its name."""
    return list(
        dict.fromkeys(
            f"{name.partition('/')[0]}/" if name.startswith("answers/") else name for name in members
        )
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{-(-count // 1000)} KB"

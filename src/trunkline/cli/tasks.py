"""`trunkline tasks`: deferred calls: list them, show one, cancel one, have one run anew."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table, text_lines

if TYPE_CHECKING:
    from trunkline.control.tasks import Tasks, What
    from trunkline.core.deferral import Shown

COLUMNS = (
    "id",
    "state",
    "integration",
    "attempts",
    "run_at",
    "deadline",
    "error",
    "reason",
    "correlation_id",
)


@click.group(cls=Subcommands, invoke_without_command=True)
@json_option
@place_options
@click.pass_context
def tasks(context: click.Context, as_json: bool) -> None:
    """Deferred calls: accepted, and run when their limit or vendor allows. Without a command, the newest."""
    if context.invoked_subcommand is None:
        _list((), 50, as_json)


@tasks.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(["queued", "waiting", "running", "done", "failed", "cancelled", "timed_out"]),
    help="Only those in this state; repeat for more.",
)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
@place_options
def list_(states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Newest first; with --json one object per line."""
    _list(states, limit, as_json)


@tasks.command()
@click.argument("task_id", metavar="ID")
@click.option("--answer", is_flag=True, help="Write the answer's body to stdout and nothing else. Audited.")
@json_option
@place_options
def show(task_id: str, answer: bool, as_json: bool) -> int:
    """Show one task."""
    from trunkline.control import audit
    from trunkline.control.tasks import Tasks, plain

    state = state_here(must_exist=True)
    task = Tasks(state).find(task_id)
    if answer:
        if task.answer is None or task.answer.omitted:
            say(f"There is no answer of {task_id} to show: it is {task.state}, or the answer was erased.")
            return 1
        audit.append(state, "cli", "task.answer", task_id, {"integration": task.integration})
        sys.stdout.buffer.write(task.answer.body)
        return 0
    told = plain(task)
    told["answer_status"] = task.answer.status if task.answer is not None else None
    told.pop("answer")
    if as_json:
        json_out(told)
    else:
        text_lines(f"{name:15} {_cell(value)}" for name, value in told.items() if value is not None)
    return 0


@tasks.command()
@click.argument("task_id", metavar="ID")
@json_option
@place_options
def cancel(task_id: str, as_json: bool) -> None:
    """Cancel a task that has not ended. What has been sent to its vendor already may happen all the same."""
    _order("cancel", task_id, as_json)


@tasks.command()
@click.argument("task_id", metavar="ID")
@json_option
@place_options
def retry(task_id: str, as_json: bool) -> None:
    """Run a task anew that failed, was cancelled or timed out. It has as much time as it had."""
    _order("retry", task_id, as_json)


def _tasks() -> Tasks:
    from trunkline.control.tasks import Tasks

    return Tasks(state_here(must_exist=True))


def _order(what: What, task_id: str, as_json: bool) -> None:
    from trunkline.control.tasks import plain

    tasks_ = _tasks()
    before = tasks_.order(what, task_id)
    patience_s = 5.0 if _is_running() else 0.0
    task = tasks_.settled(what, task_id, before, patience_s)
    if as_json:
        json_out(plain(task))
    elif task.updated_at > before.updated_at:
        say(f"{task_id} is {task.state}.")
    else:
        say(f"{task_id} is {task.state}; the wish is noted and followed as soon as a worker runs.")


def _is_running() -> bool:
    from trunkline.control.claim import is_claimed

    return is_claimed(state_here())


def _list(states: tuple[str, ...], limit: int, as_json: bool) -> None:
    from trunkline.control.tasks import plain

    found = _tasks().listed(states=states, limit=limit)
    if as_json:
        for task in found:
            json_out({name: value for name, value in plain(task).items() if name != "answer"})
        return
    table(COLUMNS, [_row(task) for task in found], empty="No call was deferred.")


def _row(task: Shown) -> list[Any]:
    from trunkline.core.deferral import public

    told = public(task, answer=False)
    told["error"] = task.error_code
    return [told[name] for name in COLUMNS]


def _cell(value: Any) -> str:
    return ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)

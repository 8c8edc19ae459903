"""Finding commands, and what a mistake leads to."""

import subprocess
import sys

import click
import pytest

from trunkline.cli import exits
from trunkline.cli.main import COMMANDS, explain
from trunkline.cli.main import trunkline as group


def every_command():
    """All commands with their subcommands, as words."""
    with click.Context(group) as context:
        for name in COMMANDS:
            command = group.get_command(context, name)
            yield [name]
            for sub in getattr(command, "commands", {}):
                yield [name, sub]


@pytest.mark.parametrize("words", [[], *every_command()], ids=" ".join)
def test_every_command_has_help(trunkline, words):
    ran = trunkline(*words, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: {' '.join(['trunkline', *words])}")


@pytest.mark.parametrize(
    "words",
    [[], ["keys"], ["keys", "create"], ["logs"], ["serve"], ["doctor"], ["secrets", "rotate"]],
    ids=" ".join,
)
def test_help_imports_none_of_the_heavy_parts(words):
    program = f"""
import sys
from trunkline.cli.main import run
code = run({[*words, "--help"]!r})
heavy = {{"sqlalchemy", "alembic", "rich", "yaml", "cryptography", "msgspec", "asyncio", "trunkline.control.keys"}} & set(sys.modules)
print(code, sorted(heavy), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.stderr == "0 []\n"


def test_an_unknown_command_is_a_usage_error_with_a_guess(trunkline):
    ran = trunkline("kyes")
    assert (ran.code, ran.out) == (2, "")
    assert "There is no command 'kyes'. Did you mean 'keys'?" in ran.err
    assert "There is no command 'creat'. Did you mean 'create'?" in trunkline("keys", "creat").err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["keys", "create"], 2, "Missing option '--name'"),
        (["serve", "--port", "x"], 2, "'x' is not a valid integer"),
        (["serve", "--port", "99999"], 3, "--port (TRUNKLINE_PORT) 99999: must be from 1 to 65535"),
        (["serve", "--workers", "2"], 3, "only 1; several gateways need a shared store"),
        (["serve"], 3, "trunkline.yaml"),
        (["check"], 3, "trunkline.yaml"),
        (["logs"], 3, "There is no state folder .trunkline. Start `trunkline serve` here first"),
        (["call", "stripe", "GET", "/v1/x"], 3, "There is no state folder"),
        (["keys", "show", "nobody"], 1, "There is no key 'nobody'"),
        (["secrets", "versions", "NOBODY"], 1, "The store has no secret 'NOBODY'"),
        (["restore", "none.tar"], 2, "does not exist"),
        (["--env", "nowhere", "check"], 3, "nowhere"),
    ],
)
def test_a_mistake_gets_its_exit_code_and_no_traceback(trunkline, arguments, code, said):
    ran = trunkline(*arguments)
    assert ran.code == code
    assert said in ran.err + ran.out
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("status", "source", "code", "expected"),
    [
        (200, "", "", exits.OK),
        (200, "slack", "invalid_request", exits.UPSTREAM),
        (401, "trunkline", "unauthenticated", exits.AUTH),
        (403, "trunkline", "forbidden", exits.AUTH),
        (404, "trunkline", "unknown_route", exits.FAILED),
        (402, "trunkline", "over_budget", exits.BUDGET),
        (402, "openai", "spend_exhausted", exits.BUDGET),
        (503, "trunkline", "circuit_open", exits.UNAVAILABLE),
        (429, "trunkline", "caller_rate_limited", exits.UNAVAILABLE),
        (404, "stripe", "not_found", exits.UPSTREAM),
        (500, "stripe", "server_error", exits.UPSTREAM),
    ],
)
def test_exit_codes_of_answers(status, source, code, expected):
    assert exits.of_answer(status, source, code) == expected


def test_a_defect_is_called_one_and_keeps_its_traceback_for_who_asks(capsys, monkeypatch):
    monkeypatch.delenv("TRUNKLINE_DEBUG", raising=False)
    assert explain(ZeroDivisionError("x")) == 1
    assert "a defect of Trunkline: ZeroDivisionError: x" in capsys.readouterr().err
    monkeypatch.setenv("TRUNKLINE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        explain(ZeroDivisionError("x"))


@pytest.mark.parametrize("harm", ["overwritten", "emptied"])
def test_a_damaged_database_is_named_with_the_cure(harm, tmp_path, capsys):
    from sqlalchemy import create_engine, text

    path = tmp_path / "control.db"
    path.write_bytes(b"x" * 4096 if harm == "overwritten" else b"")
    with pytest.raises(Exception) as caught, create_engine(f"sqlite:///{path}").connect() as connection:
        connection.execute(text("select * from audit"))
    code = explain(caught.value)

    said = capsys.readouterr().err
    assert (code, "is damaged" in said, "trunkline restore" in said, "defect" in said) == (
        3,
        True,
        True,
        False,
    )


def test_every_failure_that_has_an_exit_code_exists():
    """A renamed exception must not silently become a defect."""
    from sqlalchemy.exc import OperationalError

    from trunkline.cli.drill import NotInProduction
    from trunkline.cli.drilling.stage import StageProblem
    from trunkline.cli.runbook import RunbookProblem
    from trunkline.control.alerting import AlertProblem
    from trunkline.control.anchor import AnchorProblem
    from trunkline.control.archive import ArchiveProblem
    from trunkline.control.baseline import ReviewProblem
    from trunkline.control.claim import ClaimRefused
    from trunkline.control.contracts import ContractProblem
    from trunkline.control.faults import FaultProblem
    from trunkline.control.findings import FindingProblem
    from trunkline.control.incidents import IncidentProblem
    from trunkline.control.keys import KeyProblem, WishInvalid
    from trunkline.control.processes import ProcessProblem
    from trunkline.control.running import NotRunning
    from trunkline.control.secrets import SecretProblem
    from trunkline.control.sessions import SessionProblem
    from trunkline.control.state import StateProblem
    from trunkline.control.tasks import TaskProblem
    from trunkline.control.teams import TeamProblem
    from trunkline.control.trace import TraceProblem
    from trunkline.control.unknown import UnknownProblem
    from trunkline.control.users import UserProblem
    from trunkline.ledger.migrate import SchemaRefused
    from trunkline.ops.contracts.cassette import CassetteInvalid
    from trunkline.ops.contracts.checks import ChecksInvalid
    from trunkline.ops.contracts.lock import LockInvalid
    from trunkline.ops.contracts.openapi import DescriptionInvalid
    from trunkline.ops.scan.baseline import BaselineInvalid
    from trunkline.ops.scan.registry_text import MergeRefused
    from trunkline.ops.scan.values import ValueProblem
    from trunkline.plugins.secrets import SecretUnavailable
    from trunkline.plugins.secrets.masterkey import MasterKeyProblem
    from trunkline.registry.findings import RegistryInvalid
    from trunkline.settings import SettingsInvalid

    known = (
        ArchiveProblem,
        ClaimRefused,
        KeyProblem,
        MasterKeyProblem,
        NotRunning,
        OperationalError,
        RegistryInvalid,
        UnknownProblem,
    )
    known += (SchemaRefused, SecretProblem, SecretUnavailable, SettingsInvalid, StateProblem, WishInvalid)
    known += (
        FaultProblem,
        FindingProblem,
        IncidentProblem,
        RunbookProblem,
        AlertProblem,
        NotInProduction,
        StageProblem,
        TraceProblem,
        TaskProblem,
    )
    known += (AnchorProblem, ReviewProblem, SessionProblem, TeamProblem, UserProblem, ProcessProblem)
    known += (ContractProblem, CassetteInvalid, ChecksInvalid, LockInvalid, DescriptionInvalid)
    known += (BaselineInvalid, MergeRefused, ValueProblem)
    assert {one.__name__ for one in known} == exits.BY_FAILURE.keys()


def test_completion_scripts_are_printed(trunkline):
    for shell in ("bash", "zsh", "fish"):
        assert "_TRUNKLINE_COMPLETE" in trunkline("completion", shell).out
    assert trunkline("completion", "tcsh").code == 2


def test_version(trunkline):
    import trunkline as package

    assert trunkline("version").out == f"trunkline {package.__version__}\n"
    assert trunkline("version", "--json").json["trunkline"] == package.__version__

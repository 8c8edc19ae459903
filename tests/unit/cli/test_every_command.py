"""Every command, by the tree that the command line is made from: help, JSON where it reads, usage (U5 of the battery, short form).

A new command is in here without a word. What each says as JSON, its exit codes and how fast help comes are judged by the battery.
"""

from __future__ import annotations

from tests.support.commands import OWN_FORM, SAID_ONCE, every, named_codes, takes
from trunkline.cli import exits
from trunkline.cli.main import COMMANDS

ALL = every()


def test_the_table_of_commands_is_the_tree() -> None:
    assert {path[0] for path in ALL} == set(COMMANDS)
    assert len(ALL) > 100


def test_every_command_that_reads_says_it_as_json_too() -> None:
    without = {path for path, command in ALL.items() if not takes(command, "--json")}
    assert without - SAID_ONCE - OWN_FORM == set()
    assert (SAID_ONCE | OWN_FORM) - without == set(), "no longer so"


def test_the_exit_codes_that_help_names_are_those_of_the_table() -> None:
    unknown = {
        path: odd for path, command in ALL.items() if (odd := named_codes(command) - set(exits.MEANINGS))
    }
    assert unknown == {}


def test_every_command_has_a_sentence_that_says_what_it_does() -> None:
    short = [
        path for path, command in ALL.items() if len((command.help or "").strip().partition("\n")[0]) <= 10
    ]
    assert short == []


def test_a_word_too_much_is_a_matter_of_usage(trunkline) -> None:
    for path in ALL:
        if path in {("run",), ("completion",)}:
            continue
        ran = trunkline(*path, "--no-such-option")
        assert (ran.code, ran.out) == (exits.USAGE, ""), path
        assert "--no-such-option" in ran.err

"""`env:NAME`."""

import pytest

from trunkline.plugins.secrets import SecretUnavailable, resolve
from trunkline.plugins.secrets.env import Env


@pytest.mark.row("S1")
def test_a_variable_is_read_without_the_space_around_it():
    assert resolve("env:A", {"env": Env({"A": " value\n"})}) == "value"


@pytest.mark.parametrize(
    ("environ", "why"), [({}, "is not set in the environment"), ({"A": " "}, "is empty")]
)
def test_a_missing_or_empty_variable_is_said_with_the_cure(environ, why):
    with pytest.raises(SecretUnavailable) as problem:
        Env(environ).fetch("A")
    assert why in problem.value.why
    assert problem.value.ref == "env:A"
    assert "Set A and start Trunkline again, or use `store:`" in problem.value.cure
    assert not problem.value.deliberate


def test_the_stamp_changes_with_the_value():
    assert Env({"A": "1"}).stamp("A") != Env({"A": "2"}).stamp("A")
    assert Env({"A": "1"}).stamp("A") == Env({"A": "1"}).stamp("A")


@pytest.mark.parametrize("ref", ["A", "vault:x", "env:", ""])
def test_what_is_no_reference_is_said(ref):
    with pytest.raises(
        SecretUnavailable, match=r"this is no reference to a secret. Begin it with one of env:."
    ):
        resolve(ref, {"env": Env({})})

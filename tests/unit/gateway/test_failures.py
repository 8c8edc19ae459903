"""Each failure of the wire has a row that says what it means for a call."""

from __future__ import annotations

import inspect

import pytest

from trunkline.core.errors import KINDS
from trunkline.gateway.failures import CODES, call_error
from trunkline.wire import errors

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.WireError)]


@pytest.mark.row("E1")
def test_each_failure_of_the_wire_has_a_row_and_no_row_is_of_another_world() -> None:
    assert len(CLASSES) > 10
    assert set(CODES) == set(CLASSES)
    assert set(CODES.values()) <= set(KINDS)


def test_all_of_the_wires_own_failures_are_wire_errors() -> None:
    own = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]
    assert own == CLASSES


@pytest.mark.row("F1")
@pytest.mark.parametrize("failure", CLASSES)
@pytest.mark.parametrize("sent", [True, False])
def test_a_failure_keeps_its_words_and_whether_a_byte_went_out(
    failure: type[errors.WireError], sent: bool
) -> None:
    error = call_error(failure("the vendor said nothing", sent=sent))
    assert (error.code, error.message, error.never_acted, error.scope) == (
        CODES[failure], "the vendor said nothing", not sent, "integration",
    )  # fmt: skip
    assert not (error.may_have_acted and not sent)


def test_a_subclass_of_tomorrow_is_a_network_failure() -> None:
    class Tomorrow(errors.WireError):
        pass

    assert call_error(Tomorrow("x")).code == "network"


def test_what_is_no_failure_of_the_wire_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        call_error(ZeroDivisionError())


@pytest.mark.row("F1")
def test_a_reply_that_was_too_long_is_not_asked_for_again() -> None:
    assert not call_error(errors.ReplyTooLarge("long", sent=True)).again
    assert call_error(errors.BadReply("bad", sent=True)).again

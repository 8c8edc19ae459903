"""The words of a call: callers with their scopes, members that hide their secret, targets and exchanges."""

from __future__ import annotations

from base64 import b64encode

import pytest

from trunkline.core.call import Caller, Live, Member, Route, Target
from trunkline.core.exchange import Attempt, Exchange
from trunkline.testing import SECRET, Heard, caller_key, request, service


@pytest.mark.row("W1")
def test_scopes_are_split_so_that_a_check_is_a_look_up() -> None:
    scopes = [
        "integration:stripe",
        "integration:crm:create",
        "model:openai/*",
        "route:llm",
        "health:read",
        "connection:crm",
    ]
    caller = Caller(caller_key(scopes=scopes))
    assert (caller.integrations, caller.operations, caller.models, caller.routes, caller.others) == (
        {"stripe"}, {"crm:create"}, ["openai/*"], {"llm"}, {"health:read", "connection:crm"},
    )  # fmt: skip
    assert not caller.everything


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    ("scopes", "may"),
    [(["*"], True), (["health:read"], True), (["integration:health:read"], False), (["health"], False), ([], False)],
)  # fmt: skip
def test_other_scopes_are_held_by_name_or_by_a_key_for_everything(scopes: list[str], may: bool) -> None:
    assert Caller(caller_key(scopes=scopes)).may("health:read") is may


@pytest.mark.row("S1")
@pytest.mark.parametrize(
    "spelled",
    [
        SECRET.encode(),
        b64encode(SECRET.encode()),
        b64encode(f"{SECRET}:".encode()),
        b64encode(f"api:{SECRET}".encode()),
    ],
)
def test_a_vendor_that_repeats_our_credential_is_blotted(spelled: bytes) -> None:
    member = Member("env:A", 1, None, b"acme.test", b"")
    member.hide(SECRET)
    told = member.blotted(b'{"message":"bad token ' + spelled + b' given"}')
    assert b"***" in told
    assert SECRET.encode() not in told
    assert spelled not in told
    assert told.startswith(b'{"message":"bad token ')


def test_a_members_words_stay_where_they_are_none_of_ours() -> None:
    member = Member("env:A", 1, None, b"", b"")
    assert member.blotted(b"all is well") == b"all is well"
    member.hide(SECRET)
    assert member.blotted(b"all is well") == b"all is well"


@pytest.mark.row("S1")
def test_a_member_never_shows_its_secret() -> None:
    member = Member("env:A", 2, None, b"", b"")
    member.hide(SECRET)
    assert repr(member) == "Member('env:A', weight=2)"


@pytest.mark.row("R10")
def test_a_target_is_named_by_its_model_and_kept_by_its_credential() -> None:
    live, member = Live(service("acme")), Member("env:B", 1, None, b"", b"")
    plain, model = Target(live, member), Target(live, member, "tiny")
    assert (plain.name, model.name) == ("acme", "acme/tiny")
    assert plain.key == model.key == ("acme", "env:B")


def test_two_calls_share_a_route_and_nothing_else() -> None:
    one, two = (Exchange(request(), Heard(), name, 1.0, 2.0) for name in ("c1", "c2"))
    one.route = two.route = Route(Live(service()))
    one.tried.append(None)  # type: ignore[arg-type]
    assert two.tried == []
    assert (one.correlation_id, two.correlation_id) == ("c1", "c2")
    assert (one.state, one.over, one.cost_usd) == ("running", False, -1.0)


def test_an_attempt_begins_with_nothing_known() -> None:
    exchange = Exchange(request(), Heard(), "c1", 1.0, 2.0)
    attempt = Attempt(exchange, Target(Live(service()), Member("m", 1, None, b"", b"")), 1, 5.0)
    assert (attempt.status, attempt.error, attempt.response, attempt.vendor_request_id) == (0, None, None, "")

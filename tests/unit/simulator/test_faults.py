"""Which requests are hit: rules are pure, counted and repeatable."""

from trunkline.simulator import altered, corpus, wire_faults
from trunkline.simulator.faults import ALIASES, Fault, Faults, Rule, from_header


def hits(rule: Rule, requests: int = 10) -> list[int]:
    return [number for number in range(requests) if rule.strikes("stripe", "POST", "/v1/charges")]


def test_a_rule_hits_only_what_it_names() -> None:
    rule = Rule("reset", vendor="stripe", method="POST", path="/v1/ch*")
    assert rule.strikes("stripe", "POST", "/v1/charges")
    assert not rule.strikes("openai", "POST", "/v1/charges")
    assert not rule.strikes("stripe", "GET", "/v1/charges")
    assert not rule.strikes("stripe", "POST", "/v1/customers")


def test_some_are_spared_first_and_then_a_number_is_hit() -> None:
    assert hits(Rule("reset", after=2, times=3)) == [2, 3, 4]


def test_chance_is_repeatable_and_about_as_likely_as_asked() -> None:
    first = hits(Rule("reset", probability=0.3, seed=7), 1000)
    assert first == hits(Rule("reset", probability=0.3, seed=7), 1000)
    assert first != hits(Rule("reset", probability=0.3, seed=8), 1000)
    assert 230 < len(first) < 370


def test_the_request_s_own_header_wins_over_rules() -> None:
    faults = Faults()
    faults.add(Rule("reset"))
    assert faults.choose("openai", "GET", "/", None) == Fault("reset")
    assert faults.choose("openai", "GET", "/", "F10;bytes_per_s=5") == Fault("drip", {"bytes_per_s": "5"})


def test_a_header_may_carry_an_unnamed_argument() -> None:
    assert from_header("status;503") == Fault("status", {"value": "503"})
    assert from_header("status;503").number("status", 500) == 503
    assert from_header("reset;act=false").acts is False
    assert from_header("reset").acts is True


def test_every_name_of_the_battery_leads_to_a_fault() -> None:
    known = {*wire_faults.FAULTS, *altered.FAULTS, *corpus.names()}
    assert set(ALIASES.values()) <= known
    assert not set(wire_faults.FAULTS) & set(altered.FAULTS)
    assert not corpus.names() & {*wire_faults.FAULTS, *altered.FAULTS}


def test_rules_are_lifted_one_by_one_or_all() -> None:
    faults = Faults()
    first, _ = faults.add(Rule("reset")), faults.add(Rule("never"))
    assert faults.remove(first.id) == 1
    assert [rule.fault for rule in faults.rules] == ["never"]
    assert faults.remove() == 1

"""Named ways in which a vendor breaks or extends an operation. Each takes a contract and gives a changed copy, and where it changed.

Where is drawn in proportion to how often callers meet the place: what is never sent cannot break anybody. Not for: the judgement.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tests.drift.contract import (
    Choice,
    Constant,
    Contract,
    Either,
    Event,
    Fields,
    Flag,
    Keyed,
    Many,
    Member,
    Node,
    Number,
    Text,
)
from tests.drift.traffic import refusal

NEW_WORD = "never_heard_of"


@dataclass
class Mutant:
    """A changed contract. `places`: paths of the part in which it changed, any of which may be named by who finds it."""

    operator: str
    contract: Contract
    part: str
    """reply, event:<name>, stream, error, status, request"""
    places: tuple[str, ...]
    what: str
    value: str = ""
    """The value that is no longer used, where that is the change."""


@dataclass
class Place:
    """A field of an object somewhere in a shape. `seen`: in what share of replies."""

    path: str
    owner: Fields
    name: str
    seen: float

    @property
    def member(self) -> Member:
        return self.owner.members[self.name]

    @property
    def node(self) -> Node:
        return self.member.node

    def put(self, node: Node) -> None:
        node.null = self.node.null
        self.member.node = node


def places(node: Node, path: str = "", seen: float = 1.0) -> Iterator[Place]:
    """Every named field below a node."""
    seen *= 1.0 - node.null
    if isinstance(node, Fields):
        for name, member in node.members.items():
            inner = f"{path}/{name}"
            yield Place(inner, node, name, seen * member.often)
            yield from places(member.node, inner, seen * member.often)
    elif isinstance(node, Many):
        yield from places(node.item, f"{path}/[]", seen * (1.0 if node.low else 0.8))
    elif isinstance(node, Keyed):
        yield from places(node.item, f"{path}/{{}}", seen * (1.0 if node.low else 0.8))
    elif isinstance(node, Either):
        for option, weight in zip(node.options, node.weights, strict=True):
            yield from places(option, path, seen * weight / sum(node.weights))


def chosen(rng: Random, node: Node, fits: Callable[[Place], bool] = lambda _: True) -> Place | None:
    """One place that fits."""
    found = [place for place in places(node) if fits(place)]
    if not found:
        return None
    return rng.choices(found, [place.seen for place in found])[0]


Operator = Callable[[Contract, Random], "Mutant | None"]
OPERATORS: dict[str, Operator] = {}


def operator(function: Operator) -> Operator:
    OPERATORS[function.__name__] = function
    return function


def mutated(name: str, contract: Contract, rng: Random) -> Mutant | None:
    """A changed copy of a contract; None where it holds nothing that the operator applies to."""
    return OPERATORS[name](copy.deepcopy(contract), rng)


def _where(contract: Contract, rng: Random) -> tuple[str, Node] | None:
    """The part of a contract that a change of shape hits: the reply, or one kind of event."""
    if not contract.stream:
        return "reply", contract.reply
    events = [event for event in contract.stream if not isinstance(event.node, Constant)]
    event = rng.choice(events)
    return f"event:{event.name}", event.node


def _shaped(
    name: str,
    contract: Contract,
    rng: Random,
    fits: Callable[[Place], bool],
    change: Callable[[Place], tuple[list[str], str] | None],
) -> Mutant | None:
    where = _where(contract, rng)
    if where is None:
        return None
    part, node = where
    place = chosen(rng, node, fits)
    if place is None:
        return None
    done = change(place)
    return None if done is None else Mutant(name, contract, part, tuple(done[0]), done[1])


def _any(_: Place) -> bool:
    return True


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


@operator
def remove_field(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        del place.owner.members[place.name]
        return [place.path], f"{place.path} is gone"

    return _shaped("remove_field", contract, rng, _any, change)


@operator
def add_field(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        node = rng.choice(
            (
                Text(),
                Number(),
                Flag(),
                Fields(members={"state": Member(Choice(values=["on"], weights=[1.0]))}),
            )
        )
        often = rng.choice((1.0, 1.0, 0.7, 0.3))
        place.owner.members["brand_new"] = Member(node, often)
        path = f"{_parent(place.path)}/brand_new"
        return [path], f"{path} comes in {often:.0%}"

    return _shaped("add_field", contract, rng, _any, change)


@operator
def rename_field(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        new = f"{place.name}_renamed"
        place.owner.members = {
            new if name == place.name else name: m for name, m in place.owner.members.items()
        }
        return [place.path, f"{_parent(place.path)}/{new}"], f"{place.path} is now called {new}"

    return _shaped("rename_field", contract, rng, _any, change)


@operator
def nest_field(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        member = place.owner.members.pop(place.name)
        place.owner.members["details_of"] = Member(Fields(members={place.name: member}))
        new = f"{_parent(place.path)}/details_of"
        return [place.path, new], f"{place.path} moved into {new}"

    return _shaped("nest_field", contract, rng, _any, change)


@operator
def retype_field(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        wrapped = Fields(members={"value": Member(Text())})
        others: list[Node] = [wrapped, Many(item=Text(), low=1, high=2)]
        if isinstance(place.node, Text | Choice):
            others.append(Number())
        elif isinstance(place.node, Number | Flag):
            others.append(Text())
        if isinstance(place.node, Fields | Keyed):
            others = [Text(), Number()]
        if isinstance(place.node, Many):
            others = [Text(), wrapped]
        place.put(rng.choice(others))
        return [place.path], f"{place.path} is a {type(place.node).__name__} now"

    return _shaped("retype_field", contract, rng, _any, change)


@operator
def make_nullable(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        place.node.null = rng.choice((0.2, 0.5, 1.0))
        return [place.path], f"{place.path} is null in {place.node.null:.0%}"

    return _shaped("make_nullable", contract, rng, lambda p: p.node.null == 0.0, change)


@operator
def make_optional(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        place.member.often = rng.choice((0.4, 0.6, 0.8))
        return [place.path], f"{place.path} comes in {place.member.often:.0%} only"

    return _shaped("make_optional", contract, rng, lambda p: p.member.often == 1.0, change)


@operator
def new_enum_value(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        node = place.node
        assert isinstance(node, Choice)
        share = rng.choice((0.1, 0.25, 0.5))
        node.weights = [*node.weights, share / (1 - share) * sum(node.weights)]
        node.values = [*node.values, NEW_WORD]
        node.by_caller = {}
        return [place.path], f"{place.path} takes {NEW_WORD} in {share:.0%}"

    return _shaped("new_enum_value", contract, rng, _is_enum, change)


@operator
def remove_enum_value(contract: Contract, rng: Random) -> Mutant | None:
    taken = ""

    def change(place: Place) -> tuple[list[str], str]:
        nonlocal taken
        node = place.node
        assert isinstance(node, Choice)
        gone = taken = rng.choices(node.values, node.weights)[0]
        kept = [(v, w) for v, w in zip(node.values, node.weights, strict=True) if v != gone]
        node.values, node.weights = [v for v, _ in kept], [w for _, w in kept]
        node.by_caller = {caller: value for caller, value in node.by_caller.items() if value != gone}
        return [place.path], f"{place.path} never is {gone} any more"

    made = _shaped("remove_enum_value", contract, rng, lambda place: _is_enum(place, 2), change)
    if made is not None:
        made.value = taken
    return made


def _is_enum(place: Place, least: int = 1) -> bool:
    node = place.node
    return isinstance(node, Choice) and node.closed and len(node.values) >= least


@operator
def number_to_string(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        place.put(Number(kind="text"))
        return [place.path], f"{place.path} is in quotes"

    return _shaped("number_to_string", contract, rng, lambda p: isinstance(p.node, Number), change)


@operator
def integer_to_float(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        place.put(Number(kind="float"))
        return [place.path], f"{place.path} has decimals"

    def fits(place: Place) -> bool:
        return isinstance(place.node, Number) and place.node.kind == "integer"

    return _shaped("integer_to_float", contract, rng, fits, change)


@operator
def date_format(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        node = place.node
        if isinstance(node, Number):
            place.put(rng.choice((Number(kind="epoch_ms"), Text(kind="datetime"))))
        else:
            assert isinstance(node, Text)
            others = [kind for kind in ("datetime", "date", "httpdate") if kind != node.kind]
            place.put(rng.choice((Text(kind=rng.choice(others)), Number(kind="epoch"))))
        return [place.path], f"{place.path} tells time otherwise"

    def fits(place: Place) -> bool:
        node = place.node
        if isinstance(node, Number):
            return node.kind == "epoch"
        return isinstance(node, Text) and node.kind in ("datetime", "date", "httpdate")

    return _shaped("date_format", contract, rng, fits, change)


@operator
def array_to_object(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        node = place.node
        assert isinstance(node, Many)
        page = Fields(members={"items": Member(node), "has_more": Member(Flag())})
        place.put(rng.choice((page, Keyed(item=node.item, low=node.low, high=node.high))))
        return [place.path], f"{place.path} is no array any more"

    return _shaped("array_to_object", contract, rng, lambda p: isinstance(p.node, Many), change)


@operator
def object_to_array(contract: Contract, rng: Random) -> Mutant | None:
    def change(place: Place) -> tuple[list[str], str]:
        place.put(Many(item=place.node, low=1, high=1))
        return [place.path], f"{place.path} is an array now"

    return _shaped("object_to_array", contract, rng, lambda p: isinstance(p.node, Fields), change)


@operator
def wrap_reply(contract: Contract, rng: Random) -> Mutant | None:
    if contract.stream:
        return None
    contract.reply = Fields(members={"result": Member(contract.reply)})
    return Mutant("wrap_reply", contract, "reply", ("", "/result"), "the reply moved into /result")


@operator
def change_status(contract: Contract, rng: Random) -> Mutant | None:
    contract.status = rng.choice([status for status in (200, 201, 202) if status != contract.status])
    return Mutant("change_status", contract, "status", ("",), f"answers {contract.status}")


@operator
def change_error_status(contract: Contract, rng: Random) -> Mutant | None:
    if not contract.errors:
        return None
    contract.errors = [
        (422 if status < 500 else 503, shape, often) for status, shape, often in contract.errors
    ]
    return Mutant("change_error_status", contract, "error", ("",), "errors come with other statuses")


@operator
def change_error_shape(contract: Contract, rng: Random) -> Mutant | None:
    if not contract.errors:
        return None
    changed = []
    for status, shape, often in contract.errors:
        members = {
            "errors": Member(Many(item=shape, low=1, high=1)),
            "problem": Member(Text()),
        }
        name = rng.choice(sorted(members))
        changed.append((status, Fields(members={name: members[name]}), often))
        rng = Random(1)  # all of one kind
    contract.errors = changed
    return Mutant(
        "change_error_shape",
        contract,
        "error",
        ("", "/errors", "/problem", "/error", "/message"),
        "errors look otherwise",
    )


@operator
def new_required_in_request(contract: Contract, rng: Random) -> Mutant | None:
    shape = contract.errors[0][1] if contract.errors else None
    if contract.request is None or not isinstance(shape, Fields):
        return None
    told = refusal("parameter_missing", "Missing required parameter: 'region'.", shape)
    contract.refuses = (rng.choice((1.0, 1.0, 0.6)), rng.choice((400, 422)), told)
    return Mutant(
        "new_required_in_request", contract, "request", ("",), "requests without `region` are refused"
    )


@operator
def remove_event(contract: Contract, rng: Random) -> Mutant | None:
    always = [event for event in contract.stream if event.low > 0 and event.named]
    if not always:
        return None
    gone = rng.choice(always)
    contract.stream.remove(gone)
    return Mutant("remove_event", contract, "stream", (gone.name,), f"event {gone.name} never comes")


@operator
def add_event(contract: Contract, rng: Random) -> Mutant | None:
    if not any(event.named for event in contract.stream):
        return None
    node = Fields(
        members={"type": Member(Constant(what="brand_new_event")), "at": Member(Number(kind="epoch"))}
    )
    contract.stream.insert(
        rng.randint(0, len(contract.stream)), Event("brand_new_event", node, rng.choice((0, 1)), 1)
    )
    return Mutant("add_event", contract, "stream", ("brand_new_event",), "event brand_new_event comes")


@operator
def rename_event(contract: Contract, rng: Random) -> Mutant | None:
    always = [event for event in contract.stream if event.low > 0 and event.named]
    if not always:
        return None
    renamed = rng.choice(always)
    old, renamed.name = renamed.name, f"{renamed.name}.v2"
    if isinstance(renamed.node, Fields) and "type" in renamed.node.members:
        renamed.node.members["type"] = Member(Constant(what=renamed.name))
    return Mutant(
        "rename_event", contract, "stream", (old, renamed.name), f"event {old} is called {renamed.name}"
    )

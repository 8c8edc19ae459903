"""Conditions in CEL, the Common Expression Language (github.com/google/cel-spec): parsed and checked once, then a call of closures.

A subset: bool, int, double, string, lists, maps of strings; all operators and the ternary; `in`, `size`, `has`, `startsWith`,
`endsWith`, `contains`; indexes and members. No macros, bytes, timestamps or patterns (Python's can take for ever). What it has means
what the specification says: no coercion, integers of 64 bits, `&&` and `||` that bear an error on one side. Names and types are
checked when it is parsed, so that a wrong condition is found in the registry and not in a call. Pure. Why our own: decision 0014.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from trunkline.core.cel_values import (
    INT,
    CelError,
    Failed,
    Run,
    Token,
    Type,
    Typed,
    bearing,
    bools,
    chosen,
    compared,
    constant,
    indexed,
    method,
    reckoned,
    size,
    want,
    whole,
)

LONGEST = 4096
DEEPEST = 64
_TOKEN = re.compile(
    r"""\s*(?:(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)|(?P<hex>0[xX][0-9a-fA-F]+)|(?P<int>\d+)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<name>[A-Za-z_]\w*)|(?P<op>&&|\|\||[<>=!]=|[-+*/%<>!?:.,()\[\]]))""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "0": "\0"}


class Condition(NamedTuple):
    """A checked expression."""

    text: str
    type: Type
    run: Run
    names: frozenset[str]
    """The variables that it needs."""

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it is true; one without a value is not."""
        try:
            return self.run(values) is True
        except Failed:
            return False

    def why_not(self, values: Mapping[str, Any]) -> str:
        """Why it does not hold; empty where it does."""
        try:
            return "" if self.run(values) is True else "does not hold"
        except Failed as problem:
            return f"has no value: {problem}"


def condition(text: str, names: Mapping[str, Type]) -> Condition:
    """Parses what must come out as a bool. Raises CelError."""
    parsed = expression(text, names)
    if parsed.type != "bool":
        raise CelError(f"it comes out as {parsed.type}, where true or false is needed")
    return parsed


def expression(text: str, names: Mapping[str, Type]) -> Condition:
    """Parses any expression over these variables. Raises CelError."""
    if len(text) > LONGEST:
        raise CelError(f"it has {len(text)} characters; at most {LONGEST}")
    parser = _Parser(text, names)
    kind, run = parser.whole()
    return Condition(text, kind, run, frozenset(parser.used))


class _Parser:
    """Recursive descent; each method answers the type and the closure of what it read."""

    def __init__(self, text: str, names: Mapping[str, Type]) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._names = names
        self._depth = 0
        self.used: set[str] = set()

    def whole(self) -> Typed:
        typed = self._ternary()
        token = self._token
        if token.kind != "end":
            raise CelError(f"{token.text!r} is not expected here", token.at)
        return typed

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> Token | None:
        token = self._token
        if token.text in texts and token.kind in ("op", "name"):
            self._next += 1
            return token
        return None

    def _need(self, text: str) -> None:
        if not self._take(text):
            found = self._token
            raise CelError(f"{text!r} is missing before {found.text or 'the end'!r}", found.at)

    def _ternary(self) -> Typed:
        self._depth += 1
        if self._depth > DEEPEST:
            raise CelError("it is nested too deeply", self._token.at)
        first = self._either()
        asked = self._take("?")
        if asked:
            want(first[0], "bool", "what stands before `?`", asked.at)
            left = self._ternary()
            self._need(":")
            right = self._ternary()
            if left[0] != right[0]:
                raise CelError(f"`?` chooses between {left[0]} and {right[0]}", asked.at)
            first = left[0], chosen(first[1], left[1], right[1])
        self._depth -= 1
        return first

    def _either(self) -> Typed:
        left = self._both()
        while token := self._take("||"):
            right = self._both()
            bools(left, right, token)
            left = "bool", bearing(left[1], right[1], decides=True)
        return left

    def _both(self) -> Typed:
        left = self._relation()
        while token := self._take("&&"):
            right = self._relation()
            bools(left, right, token)
            left = "bool", bearing(left[1], right[1], decides=False)
        return left

    def _relation(self) -> Typed:
        left = self._sum()
        while token := self._take("==", "!=", "<", "<=", ">", ">=", "in"):
            left = compared(token, left, self._sum())
        return left

    def _sum(self) -> Typed:
        left = self._product()
        while token := self._take("+", "-"):
            left = reckoned(token, left, self._product())
        return left

    def _product(self) -> Typed:
        left = self._unary()
        while token := self._take("*", "/", "%"):
            left = reckoned(token, left, self._unary())
        return left

    def _unary(self) -> Typed:
        token = self._take("!", "-")
        if token is None:
            return self._member()
        following = self._token
        if token.text == "-" and following.kind in ("int", "hex"):
            self._next += 1
            return _literal(following, sign=-1)
        self._depth += 1
        if self._depth > DEEPEST:
            raise CelError("it is nested too deeply", token.at)
        kind, run = self._unary()
        self._depth -= 1
        if token.text == "!":
            want(kind, "bool", "what `!` turns round", token.at)
            return "bool", lambda v: not run(v)
        if kind not in ("int", "double"):
            raise CelError(f"`-` needs a number, not {kind}", token.at)
        return kind, whole(lambda v: -run(v)) if kind == "int" else lambda v: -run(v)

    def _member(self) -> Typed:
        typed = self._primary()
        while token := self._take(".", "["):
            if token.text == "[":
                index = self._ternary()
                self._need("]")
                typed = indexed(typed, index, token.at)
                continue
            name = self._name("a member")
            called = self._take("(")
            key = ("string", constant(name.text))
            typed = method(name, typed, self._arguments()) if called else indexed(typed, key, name.at)
        return typed

    def _primary(self) -> Typed:
        token = self._token
        if self._take("("):
            typed = self._ternary()
            self._need(")")
            return typed
        if self._take("["):
            return self._list(token)
        self._next += 1
        if token.kind == "name":
            return self._named(token)
        if token.kind in ("float", "int", "hex", "string"):
            return _literal(token)
        raise CelError(
            "it ends too early" if token.kind == "end" else f"{token.text!r} is not expected here", token.at
        )

    def _named(self, token: Token) -> Typed:
        name = token.text
        if name in ("true", "false"):
            return "bool", constant(name == "true")
        if self._take("("):
            return self._function(token)
        kind = self._names.get(name)
        if kind is None:
            raise CelError(f"there is no {name!r}; there are {', '.join(sorted(self._names))}", token.at)
        self.used.add(name)
        return kind, operator.itemgetter(name)

    def _function(self, token: Token) -> Typed:
        if token.text == "has":
            subject = self._primary()
            self._need(".")
            name = self._name("a member")
            self._need(")")
            want(subject[0], "map", "what `has` looks into", name.at)
            return "bool", lambda v: name.text in subject[1](v)
        arguments = self._arguments()
        if token.text == "size" and len(arguments) == 1:
            return size(arguments[0], token.at)
        raise CelError(
            f"there is no function {token.text!r} of {len(arguments)}; there are has, size", token.at
        )

    def _arguments(self) -> list[Typed]:
        given: list[Typed] = []
        while not self._take(")"):
            if given:
                self._need(",")
            given.append(self._ternary())
        return given

    def _list(self, begin: Token) -> Typed:
        items: list[Typed] = []
        while not self._take("]"):
            if items:
                self._need(",")
            items.append(self._ternary())
        kinds = {kind for kind, _ in items}
        if len(kinds) > 1:
            raise CelError(f"a list of {' and '.join(sorted(kinds))}; one type only", begin.at)
        runs = [run for _, run in items]
        return f"list:{kinds.pop()}" if kinds else "list", lambda v: [run(v) for run in runs]

    def _name(self, what: str) -> Token:
        token = self._token
        if token.kind != "name":
            raise CelError(f"{what} is missing", token.at)
        self._next += 1
        return token


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        hit = _TOKEN.match(text, at)
        if hit is None or hit.lastgroup is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise CelError(f"{text[at]!r} means nothing here", at)
        found.append(Token(hit.lastgroup, hit[hit.lastgroup], hit.start(hit.lastgroup)))
        at = hit.end()
    return [*found, Token("end", "", len(text))]


def _literal(token: Token, sign: int = 1) -> Typed:
    if token.kind == "float":
        return "double", constant(float(token.text))
    if token.kind == "string":
        return "string", constant(_unescaped(token))
    number = sign * int(token.text, 16 if token.kind == "hex" else 10)
    if number not in INT:
        raise CelError(f"{token.text} is beyond 64 bits", token.at)
    return "int", constant(number)


def _unescaped(token: Token) -> str:
    def meant(hit: re.Match[str]) -> str:
        if hit[1] not in _ESCAPES:
            raise CelError(f"`\\{hit[1]}` means nothing; `\\\\` is a backslash", token.at + 1 + hit.start())
        return _ESCAPES[hit[1]]

    return re.sub(r"\\(.)", meant, token.text[1:-1])

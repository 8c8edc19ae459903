"""What to change where a client is made or an address is called, so that the calls go through Trunkline: lines of a unified diff.

Credentials that stand in such lines are masked. Not for: finding the places (`clients.py`).
"""

from __future__ import annotations

import difflib
import re

import msgspec

from . import edits
from .clients import STEP, Made, Row
from .context import enclosed
from .found import Site
from .lexer import GO, JAVA, JAVASCRIPT, PHP, PYTHON, RUBY, read
from .needed import options_name, with_imports
from .secrets_seen import Forms, is_placeholder, is_random, safe
from .services import Service

FIRST_SIGN = 0xE000
BY_NAME = {language.name: language for language in (PYTHON, JAVASCRIPT, GO, RUBY, PHP, JAVA)}
_TOKENS = re.compile(
    r"/[^\s\"'`?]{0,60}(?:oauth2?/|/token\b|/revoke\b|access_token\b)|/(?:oauth2?|token|revoke)\b"
)
ROOT_ROUTES = {"gemini": ""}
"""Vendors whose own paths are routes of Trunkline, where its key may stand as theirs does."""

KEY_NAME = "TRUNKLINE_KEY"
READS = {
    "python": f'os.environ["{KEY_NAME}"]',
    "javascript": f"process.env.{KEY_NAME}",
    "go": f'os.Getenv("{KEY_NAME}")',
    "ruby": f'ENV.fetch("{KEY_NAME}")',
    "php": f"getenv('{KEY_NAME}')",
    "java": f'System.getenv("{KEY_NAME}")',
}
NAMED_HEADERS = frozenset(("x-api-key", "api-key", "x-goog-api-key", "authorization"))
"""Headers in which Trunkline finds its key by itself."""


def with_change(made: Made, text: str, service: Service, proxy_url: str, forms: Forms) -> Site:
    """The site with its diff, or with what to do where no line can be given."""
    site, row = made.site, made.row
    if site.through:
        return site
    if (stays := _why_it_stays(made, text, service)) != "":
        return msgspec.structs.replace(site, note=stays)
    address = _address(made, text, service, proxy_url)
    changed = changed_text(made, text, service, proxy_url)
    if changed is None:
        said = row.note if row is not None and row.note else "no exact change is known for it; lead it to"
        return msgspec.structs.replace(site, note=f"{said}: {address}", key=_key(service))
    lines = unified(site.place.path, text, with_imports(site.language, changed))
    shown = [masked(line, forms) if is_changed_line(line) else line for line in lines]
    key = _key(service) if row is None or not row.key else ""
    return msgspec.structs.replace(site, diff=shown, hidden=shown != lines, key=key)


def changed_text(made: Made, text: str, service: Service, proxy_url: str) -> str | None:
    """The file with this one place changed; None where no exact change is known. Nothing before the place is touched."""
    row = made.row
    if made.site.through or _why_it_stays(made, text, service):
        return None
    address = _address(made, text, service, proxy_url)
    if row is None:
        changed = _literal(made, text, address, service)
    elif row.note or not (row.style or row.assign):
        return None
    else:
        changed = _assignment(row, made, text, address) if row.assign else _call(row, made, text, address)
    return changed if changed != text else None


def patched(
    all_of_one_file: list[tuple[Made, Service]], text: str, proxy_url: str, forms: Forms
) -> tuple[str, list[Made]]:
    """The file with all its places changed, and those that were left as they are since a credential stands in their lines."""
    left: list[Made] = []
    now = text
    for made, service in sorted(all_of_one_file, key=lambda pair: -pair[0].start):
        changed = changed_text(made, now, service, proxy_url)
        if changed is None:
            continue
        if any(masked(line, forms) != line for line in unified("", now, changed) if is_changed_line(line)):
            left.append(made)
        else:
            now = changed
    if now != text and all_of_one_file:
        now = with_imports(all_of_one_file[0][0].site.language, now)
    return now, left


def unified(path: str, before: str, after: str) -> list[str]:
    """Lines of a unified diff without context."""
    files = (f"a/{path}", f"b/{path}")
    return list(difflib.unified_diff(before.split("\n"), after.split("\n"), *files, n=0, lineterm=""))


def is_changed_line(line: str) -> bool:
    """Of a diff: a line that goes or comes."""
    return line[:1] in ("-", "+") and line[:4] not in ("--- ", "+++ ")


def _why_it_stays(made: Made, text: str, service: Service) -> str:
    """Why a client is not led through the proxy; empty where it is."""
    if service.way == "connect":
        why = f" ({service.why})" if service.why else ""
        return f"stays as it is{why}; confine it with the CONNECT listener"
    if made.row is None and _TOKENS.match(text, made.start + len(made.address)):
        return (
            "tokens are fetched here with the product's own secret: stays as it is, or let Trunkline hold them "
            "(`auth: {kind: oauth2}`)"
        )
    return ""


def _address(made: Made, text: str, service: Service, proxy_url: str) -> str:
    """Where the client is to lead."""
    proxied = f"{proxy_url}/api/proxy/{service.name}"
    row = made.row
    if row is None:
        return proxy_url + ROOT_ROUTES[service.vendor] if service.vendor in ROOT_ROUTES else proxied
    written = _written(row, made, text)
    if written is not None and service.vendor != row.vendor:
        return proxied + _path_below(written, service)
    if service.vendor == row.vendor and row.path is not None:
        return proxy_url + row.path
    if service.vendor != row.vendor and row.vendor == "openai":
        return proxied + service.openai_base
    return proxied + (_path_below(written, service) if written else row.own)


def _written(row: Row, made: Made, text: str) -> str | None:
    """The path of the literal address that stands in the arguments."""
    from .clients import given
    from .hosts import addresses

    body = text[made.opening + 1 : made.closing] if made.closing > 0 else ""
    base = given(row, body)
    match = next((match for match, _ in addresses(base or "")), None)
    return (match["path"] or "") if match else None


def _path_below(path: str, service: Service) -> str:
    """What of a path is left when the registry's address has the beginning of it."""
    own = service.base_url.partition("://")[2].partition("/")[2].rstrip("/")
    return path.removeprefix(f"/{own}") if own else path


def _literal(made: Made, text: str, address: str, service: Service) -> str:
    """The literal address replaced; what follows it stays, save a beginning of the path that the registry's address has."""
    own = service.base_url.partition("://")[2].partition("/")[2].rstrip("/")
    below = f"(?:/{re.escape(own)})?" if own else ""
    match = re.compile(re.escape(made.address) + below, re.IGNORECASE).match(text, made.start)
    return text[: made.start] + address + text[match.end() :] if match else text


def _call(row: Row, made: Made, text: str, address: str) -> str:
    if made.closing < 0:
        return text
    base = row.base_form % _quoted(row.language, address)
    key = row.key_form % READS[row.language]
    bases, keys = (
        [row.base, *([row.old["base"]] if "base" in row.old else [])],
        [row.key, *([row.old["key"]] if "key" in row.old else [])],
    )
    if row.style == "builder":
        return _builder(row, made, text, base, key)
    comments: list[str] = []
    body = _without_comments(made, text, comments)
    if row.language == "python" and edits.splats(body) > 1:
        return text  # which of them holds what cannot be told
    if row.style == "object" and row.quote:
        body = edits.as_array(body, row.key)
    if row.key == "0":
        body = edits.with_first(body, key)
    if row.style == "keywords":
        sign = "=" if row.language == "python" else ": "
        body = edits.with_keyword(body, keys, key, sign, positional=True) if row.key != "0" else body
        body = edits.with_keyword(body, bases, base, sign)
    elif row.style == "object":
        body = edits.with_member(body, bases, base, quote=row.quote)
        body = edits.with_member(body, keys, key, quote=row.quote) if row.key != "0" else body
    elif row.style == "options":
        body = _options(row, text, body, key, base)
    for number, comment in enumerate(comments):
        body = body.replace(chr(FIRST_SIGN + number) * len(comment), comment)
    return text[: made.opening + 1] + body + text[made.closing :]


def _options(row: Row, text: str, body: str, key: str, base: str) -> str:
    """Options of Go, by the name that the file has for their package."""
    for name, value in ((row.key, key), (row.base, base)):
        if name != "0":
            package, _, option = name.partition(".")
            used = re.search(r"(\w+)\.With(?:Token|APIKey|BaseURL)\(", body)
            named = (used[1] if used else options_name(text)) if package == "option" else package
            body = edits.with_option(body, f"{named}.{option}", value)
    return body


def _without_comments(made: Made, text: str, comments: list[str]) -> str:
    """The arguments with a sign of its own in the place of each comment, for as long as they are changed."""
    begin, end = made.opening + 1, made.closing
    for match in re.finditer(r"\S(?:[^\n]*\S)?", _only_comments(made, text)[begin:end]):
        if len(comments) < 1000:
            comments.append(text[begin + match.start() : begin + match.end()])
            sign = chr(FIRST_SIGN + len(comments) - 1) * len(match[0])
            text = text[: begin + match.start()] + sign + text[begin + match.end() :]
    return text[begin:end]


def _only_comments(made: Made, text: str) -> str:
    """Everything but comments blanked out."""
    language = BY_NAME[made.site.language]
    code = read(text, language).code
    return "".join(
        there if there != here or there == "\n" else " " for there, here in zip(text, code, strict=True)
    )


def _builder(row: Row, made: Made, text: str, base: str, key: str) -> str:
    start = made.closing + 1
    at = start
    while (match := STEP.match(text, at)) is not None:
        close = enclosed(text, match.end() - 1)
        if close < 0:
            break
        at = close + 1
    sign = "->" if row.language == "php" else "."
    chain = edits.with_step(edits.with_step(text[start:at], row.key, key, sign), row.base, base, sign)
    return text[:start] + chain + text[at:]


def _assignment(row: Row, made: Made, text: str, address: str) -> str:
    """`x.key = ...` with our key, and the address in a line of its own below."""
    end = text.find("\n", made.start)
    end = len(text) if end < 0 else end
    line_start = text.rfind("\n", 0, made.start) + 1
    indent = re.match(r"\s*", text[line_start : made.start])
    last = ";" if text[made.start : end].rstrip().endswith(";") else ""
    value = _quoted(row.language, address)
    second = f"{row.then} = {value}" if row.then else f"{row.then_call}({value})" if row.then_call else ""
    line = f"{row.assign} = {READS[row.language]}{last}"
    if second:
        line += f"\n{indent[0] if indent else ''}{second}{last}"
    return text[: made.start] + line + text[end:]


def _quoted(language: str, address: str) -> str:
    return f"'{address}'" if language == "php" else f'"{address}"'


def masked(line: str, forms: Forms) -> str:
    """The line without anything that may be a credential."""
    for _, value in list(forms.places(line)):
        line = line.replace(value, "***")

    def hide(match: re.Match[str]) -> str:
        value = match[2]
        return f"{match[1]}***{match[1]}" if is_random(value) and not is_placeholder(value) else match[0]

    return safe(re.sub(r"([\"'`])([^\"'`\s]{12,})\1", hide, line))


def _key(service: Service) -> str:
    """What to do about the key where the line itself does not hold it."""
    if service.key is None:
        return f"send a Trunkline key as `Authorization: Bearer` or `x-trunkline-key` ({KEY_NAME})"
    names = service.key.name or "its key"
    kind = service.auth.get("kind") or "bearer"
    if kind == "bearer" or service.auth.get("name", "").lower() in NAMED_HEADERS:
        return f"what it sends as its key ({names}) becomes a Trunkline key ({KEY_NAME})"
    return f"send the header `x-trunkline-key` with a Trunkline key ({KEY_NAME}), and drop {names}"

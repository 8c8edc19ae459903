"""`trunkline.yaml` for what was found: an entry per service with its evidence, and as comments what a person has to say.

Text, not a dump: people go on with this file. Also adds what is missing to a registry that is there. Not for: what the keys mean
(`registry/shape.py`).
"""

from __future__ import annotations

import json
import re

from trunkline.registry import document

from .names import BROWSER
from .services import Service

EVIDENCE_SHOWN = 3
_ANYBODYS = re.compile(r"(?:(?:api|auth|access|secret)[._-]?)?(?:key|token|secret)", re.IGNORECASE)
"""Names of variables that two vendors' keys may both have in one project."""
HEAD = """\
# Written by `trunkline init` from what this project calls. Every entry names its evidence; what only people know stands below it as a
# comment: answer it, and take the # away. `trunkline check` lists what is still open, `trunkline-plan.md` says how to go on.
# No secret belongs here, only where it is: store:NAME is the built-in store (`trunkline secrets import` fills it).
version: 1

defaults:
  # owner: who answers for credentials and bills?
  rotation: {every: 90d}

integrations:
"""


class MergeRefused(Exception):
    """A registry is written in a way to which nothing can be added by lines; says the cure."""


def text_of(services: list[Service]) -> str:
    """The whole file."""
    entries = [entry_of(service) for service in services]
    hosts = sorted({host for service in services for host in service.hosts if host.startswith("*.")})
    egress = ""
    if hosts:
        egress = "\negress: # hosts that the CONNECT listener lets through besides (`trunkline serve --egress-port 4002`)\n"
        egress += f"  allow: [{', '.join(_scalar(host) for host in hosts)}]\n"
    body = "\n".join(entries) if entries else "  {}\n"
    return HEAD + body + egress


def entry_of(service: Service) -> str:
    """One entry, indented below `integrations:`."""
    lines = [f"  # {_shown(service)}"]
    if not service.base_url and not service.in_catalog:
        lines += _unfinished(service)
        return "\n".join(lines) + "\n"
    lines.append(f"  {service.name}:")
    lines += [f"    {key}: {value}" for key, value in _members(service)]
    lines += _questions(service)
    if lines[-1] == f"  {service.name}:":
        lines[-1] += " {}"
    elif all(line.lstrip().startswith("#") for line in lines[lines.index(f"  {service.name}:") + 1 :]):
        lines[lines.index(f"  {service.name}:")] += " {}"
    return "\n".join(lines) + "\n"


def secret_name(service: Service) -> str:
    """The name under which its key goes into the store."""
    if service.key is not None and service.key.name:
        name = service.key.name
        for start in BROWSER:
            name = name.removeprefix(start)
        plain = re.sub(r"[^A-Za-z0-9._/-]", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)).strip("_")
        if _ANYBODYS.fullmatch(plain):
            return service.usual_key or f"{service.name.upper().replace('-', '_')}_KEY"
        return plain.upper() if re.fullmatch(r"[A-Za-z0-9_]+", plain) else plain
    return service.usual_key or service.name.upper().replace("-", "_") + "_KEY"


def _members(service: Service) -> list[tuple[str, str]]:
    """Keys with their values as text, comments included."""
    found: list[tuple[str, str]] = []
    if service.in_catalog:
        if service.name != service.vendor:
            found.append(("vendor", service.vendor))
        if not service.usual or (not service.base_url and service.key_needed):
            found.append(("base_url", _address(service)))
        if service.key is not None or service.key_needed:
            found.append(("secret", f"store:{secret_name(service)}{_place(service)}"))
        return found
    if service.title:
        found.append(("title", _scalar(service.title)))
    found.append(("base_url", _address(service)))
    if service.base_url.startswith("http://"):
        found.append(("allow_http", "true # as the code has it; use https if it can"))
    auth = dict(service.auth)
    if auth.get("kind") == "none" or service.key is None:
        why = f" # {service.why}; its client keeps its own" if service.why else ""
        found.append(("auth", "{kind: none}" + why))
    else:
        auth["secret"] = f"store:{secret_name(service)}"
        inner = ", ".join(f"{key}: {_scalar(value)}" for key, value in auth.items())
        known = "" if service.vendor else " # is it a bearer token? else header {name}, query {name}, basic"
        found.append(("auth", f"{{{inner}}}{known or _place(service)}"))
    found.append(("timeout", "{first_byte: 30s, total: 60s}"))
    return found


def _questions(service: Service) -> list[str]:
    """What only people know, as comments."""
    lines = ["    # owner: who?"]
    if service.data is None:
        lines.append(
            "    # data: [...]   which kinds of data may it get? e.g. prompts, pii.email, payment; [] for none"
        )
    else:
        lines.append(f"    # data: [{', '.join(service.data)}]   a guess")
    if service.key is None and service.key_needed and service.in_catalog:
        lines.insert(0, "    # no credential for it was found; which is it?")
    return lines


def _unfinished(service: Service) -> list[str]:
    """An entry whose address nobody could tell: as a comment, since the registry must be valid."""
    lines = [f"  # {service.name}:   # which address?", "  #   base_url: https://"]
    if service.key is not None:
        auth = {
            **(service.auth if service.auth.get("kind") != "none" else {"kind": "bearer"}),
            "secret": f"store:{secret_name(service)}",
        }
        lines.append(
            "  #   auth: {" + ", ".join(f"{key}: {_scalar(value)}" for key, value in auth.items()) + "}"
        )
    return lines


def _address(service: Service) -> str:
    if service.base_url:
        return _scalar(service.base_url)
    return (
        "https://YOUR-RESOURCE.openai.azure.com # which resource?"
        if service.vendor == "azure-openai"
        else "https://"
    )


def _shown(service: Service) -> str:
    """Its evidence, a few places of it."""
    seen = list(dict.fromkeys(f"{one.place} {one.what}" for one in service.evidence))
    more = f", and {len(seen) - EVIDENCE_SHOWN} more" if len(seen) > EVIDENCE_SHOWN else ""
    said = ", ".join(seen[:EVIDENCE_SHOWN]) + more
    return re.sub(r"[^\x20-\x7e]", "?", f"{service.title or service.name}: {said}")


def _place(service: Service) -> str:
    return f" # {service.key.place}" if service.key is not None else ""


def _scalar(text: str) -> str:
    """Text as YAML has it plainly, quoted where it must be."""
    plain = r"[A-Za-z][A-Za-z0-9 ._/-]*|https?://[A-Za-z0-9./:_-]+|store:[A-Za-z0-9._/-]+"
    words = ("true", "false", "null", "yes", "no", "on", "off", "none")
    if re.fullmatch(plain, text) and text.strip() == text and text.lower() not in words:
        return text
    return json.dumps(text)


def merged(there: str, services: list[Service]) -> str:
    """The registry that is there with the missing integrations added; its comments and order stay. Raises MergeRefused."""
    if not services:
        return there
    source = document.parse(there, "trunkline.yaml")
    data = source.data if isinstance(source.data, dict) else {}
    names = list(data.get("integrations") or {})
    block = "\n".join(entry_of(service) for service in services)
    if not names:
        kept = re.sub(r"^integrations:[^\n]*\n?", "", there, flags=re.MULTILINE).rstrip("\n")
        return f"{kept}\n\nintegrations:\n{block}"
    lines = there.split("\n")
    line, column, _ = source.find(("integrations", names[-1]), key=True)
    head, _, _ = source.find(("integrations",), key=True)
    if line == head or column < 2:
        raise MergeRefused(
            "`integrations` is written in braces; write one integration per line, or use --force."
        )
    last = _last_line(lines, line - 1, column - 1)
    indent = " " * (column - 1)
    shifted = [indent + row[2:] if row.startswith("  ") else row for row in block.rstrip("\n").split("\n")]
    return "\n".join([*lines[: last + 1], "", *shifted, *lines[last + 1 :]])


def _last_line(lines: list[str], first: int, indent: int) -> int:
    """The last line of the entries of which one begins at `first`, all indented by at least `indent`.

    With the comments that stand deeper, or right below it at its own depth.
    """
    last = first
    for number in range(first, len(lines)):
        line = lines[number]
        depth = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            if depth > indent or (depth == indent and last == number - 1):
                last = number
        elif depth < indent:
            break
        else:
            last = number
    return last


def is_asked(there: str, service: Service) -> bool:
    """Whether the registry has the entry as a comment, for a person to finish."""
    unfinished = not service.base_url and not service.in_catalog
    return unfinished and re.search(rf"^\s*#\s*{re.escape(service.name)}:", there, re.MULTILINE) is not None

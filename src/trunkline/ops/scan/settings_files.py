"""Everything that is found in one file of settings: env files, compose, CI, Vercel, Netlify and the like, configuration.

Not for: code (`code.py`), nor for lists of packages (`manifests.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from . import hosts, settings_lines
from .clients import ENV_READ
from .found import Credential, Host, Kind, Place
from .secrets_seen import PRIVATE_KEY, USERINFO, Forms, Keeper, Seen, is_placeholder, safe
from .settings_lines import Setting
from .tree import File, is_env_file
from .vendors import Vendors

SUFFIXES = frozenset(
    (".yml", ".yaml", ".toml", ".properties", ".ini", ".cfg", ".conf", ".json", ".jsonc")
) | {
    ".tf",
    ".tfvars",
}
_NO_CALLS = (".tf", ".tfvars")
"""Addresses there are of modules and resources; the product calls none of them from there."""
_CI = re.compile(
    r"^(?:\.github/(?:workflows|actions)/.+\.ya?ml|\.gitlab-ci\.yml|\.gitlab/.+\.ya?ml|\.circleci/.+\.ya?ml|azure-pipelines\.ya?ml|"
    r"bitbucket-pipelines\.ya?ml|\.travis\.yml|\.drone\.ya?ml|\.buildkite/.+\.ya?ml|cloudbuild\.ya?ml|buildspec\.ya?ml)$"
)
_PLATFORM = re.compile(
    r"(?:^|/)(?:vercel\.json|now\.json|netlify\.toml|app\.json|render\.ya?ml|fly\.toml|railway\.(?:toml|json)|wrangler\.toml|wrangler\.jsonc?|"
    r"serverless\.ya?ml|app\.ya?ml|apprunner\.ya?ml|heroku\.yml|nixpacks\.toml)$"
)
_COMPOSE = re.compile(r"(?:^|/)(?:docker-)?compose[\w.-]*\.ya?ml$")
_CONFIG_JSON = re.compile(
    r"(?:^|/)(?:(?:appsettings|config|settings|secrets|credentials|local|default|production|development|staging|\.mcp|mcp)[\w.-]*"
    r"|(?:\.?config|settings|secrets|credentials)/[\w.-]+)\.jsonc?$"
)
_NOT_READ = re.compile(
    r"(?:^|/)(?:package-lock\.json|composer\.lock|pnpm-lock\.yaml|tsconfig[\w.-]*\.json|jsconfig\.json|\.eslintrc[\w.]*|biome\.jsonc?|turbo\.json|"
    r"components\.json|renovate\.json|dependabot\.yml|\.pre-commit-config\.yaml|mkdocs\.yml|FUNDING\.yml|lerna\.json|nx\.json|babel\.config\.json|"
    r"uv\.lock|poetry\.lock|Cargo\.toml|setup\.cfg|tox\.ini|pytest\.ini|mypy\.ini|phpunit\.xml|trunkline\.ya?ml|package\.json|composer\.json|pyproject\.toml)$"
)
_SPEC = re.compile(r"^(?:\s*\{\s*)?\s*[\"']?(?:openapi|swagger|asyncapi)[\"']?\s*:", re.MULTILINE)
_SECRET_REF = re.compile(r"\$\{\{\s*secrets\.([A-Za-z_]\w*)\s*\}\}")
_ENV_REF = re.compile(r"\$\{([A-Z][A-Z0-9_]{2,})(?:[:?!+-][^}]*)?\}")
_ENV_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")

_BARE = re.compile(
    r"(?:(?:api|auth|access|secret|private)[._-]?)?(?:key|token|secret|password)|(?:api|auth|access)(?:Key|Token)"
)
"""Names that every vendor's section has."""
_SECTION = re.compile(
    r"(?!(?:env|environment|data|secrets|variables|vars|with|inputs|args|config)$)[A-Za-z][\w-]{1,40}"
)


class InSettings(msgspec.Struct, kw_only=True):
    """What one file of settings shows."""

    hosts: list[Host] = []
    credentials: list[Credential] = []
    set_names: list[str] = []


def kind_of(path: str) -> Kind | None:
    """What kind of settings a file holds; None if it is not read."""
    name = path.rsplit("/", 1)[-1]
    if is_env_file(name):
        return "env"
    if _CI.match(path) or name == "Jenkinsfile":
        return "ci"
    if _PLATFORM.search(path):
        return "platform"
    suffix = "." + name.rsplit(".", 1)[-1].lower() if "." in name[1:] else ""
    if suffix not in SUFFIXES or _NOT_READ.search(path):
        return None
    return "settings"


def look(file: File, kind: Kind, vendors: Vendors, keeper: Keeper, forms: Forms) -> InSettings:
    """Reads one file."""
    found = InSettings()
    settings = _settings(file, kind)
    if kind == "env":
        found.set_names = sorted(
            {setting.name for setting in settings if setting.value and not setting.commented}
        )
    for seen in _seen(file, kind, settings, forms):
        made = keeper.kept(seen, file, kind)
        if made is not None:
            found.credentials.append(made)
    found.credentials = _once(found.credentials)
    if kind != "ci" and file.suffix not in _NO_CALLS and not _SPEC.search(file.text[:4000]):
        found.hosts = list(_hosts(file, kind, settings, vendors))
    return found


def seen_in(file: File, kind: Kind, forms: Forms) -> Iterator[Seen]:
    """Everything in a file that may be a credential."""
    yield from _seen(file, kind, _settings(file, kind), forms)


def _settings(file: File, kind: Kind) -> list[Setting]:
    if kind == "env":
        return settings_lines.env(file.text)
    if file.suffix in (".json", ".jsonc") and kind == "settings" and not _CONFIG_JSON.search(file.path):
        return []
    return list(settings_lines.read(file.suffix or ".ini", file.text))


def _seen(file: File, kind: Kind, settings: list[Setting], forms: Forms) -> Iterator[Seen]:
    for setting in settings:
        plain = kind == "env" or bool(_ENV_NAME.fullmatch(setting.name)) or _is_variable(setting)
        yield Seen(_named(setting), setting.value, setting.line, plain)
        if setting.name.lower().endswith("env") and _ENV_NAME.fullmatch(setting.value):
            yield Seen(setting.value, "", setting.line, True)
        user = USERINFO.search(setting.value)
        if user is not None and not is_placeholder(user[3]):
            yield Seen(f"{setting.name}_PASSWORD", user[3], setting.line, False)
    for pattern in (_SECRET_REF, _ENV_REF, ENV_READ) if kind != "env" else ():
        for match in pattern.finditer(file.text):
            name = next(group for group in match.groups() if group)
            yield Seen(name, "", file.text.count("\n", 0, match.start()) + 1, True)
    for offset, value in forms.places(file.text):
        line = file.text.count("\n", 0, offset) + 1
        near = next((_named(setting) for setting in settings if setting.line == line), "")
        yield Seen(near, value, line, False)
    named = {setting.line for setting in settings if PRIVATE_KEY.search(setting.value)}
    for match in PRIVATE_KEY.finditer(file.text):
        line = file.text.count("\n", 0, match.start()) + 1
        if line not in named:
            yield Seen("private_key", match[0], line, False)


def _named(setting: Setting) -> str:
    """`api-key` below `twilio:` says nothing by itself."""
    above = setting.parents[-1] if setting.parents else ""
    if not _BARE.fullmatch(setting.name) or not _SECTION.fullmatch(above):
        return setting.name
    return f"{above}.{setting.name}"


def _is_variable(setting: Setting) -> bool:
    """One word, but in a list of an environment's variables."""
    return setting.parents[-1:] in (("environment",), ("env",)) and setting.name.isupper()


def _once(kept: list[Credential]) -> list[Credential]:
    """One name, or one value, in one line is one credential; what holds a value wins."""
    best: dict[tuple[int, str], Credential] = {}
    for one in sorted(kept, key=lambda c: (not c.valued, not c.name, c.place.line)):
        if one.mark and any(other.mark == one.mark and other.place == one.place for other in best.values()):
            continue
        best.setdefault((one.place.line, one.name), one)
    return sorted(best.values(), key=lambda c: c.place)


def _hosts(file: File, kind: Kind, settings: list[Setting], vendors: Vendors) -> Iterator[Host]:
    for setting in settings:
        if setting.commented or "://" not in setting.value:
            continue
        for match, host in hosts.addresses(setting.value):
            called = hosts.judge_setting(match, host, setting.name, vendors)
            if called is not None:
                yield Host(
                    host=called.host,
                    scheme=called.scheme,
                    port=called.port,
                    path=called.path,
                    vendor=called.vendor,
                    place=Place(file.path, setting.line),
                    role=file.role,
                    kind=kind,
                    why=safe(called.why),
                )
            break

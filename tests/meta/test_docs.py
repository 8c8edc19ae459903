"""What the pages say holds: their links lead somewhere, their commands exist, their registries load, their examples compile."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml
from tree import ROOT, name, tracked

from trunkline.cli.main import trunkline
from trunkline.registry.load import load

PAGES = [path for path in tracked() if path.suffix == ".md" and "tests" not in path.parts]
CLIENTS = [path for path in tracked() if path.parent == ROOT / "examples" / "clients"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"(?:^|\| |=\$\(|`)(?:\.venv/bin/)?(trunkline [^`|#\n]*)", re.MULTILINE)
GENERATED = ("docs/reference/", "docs/runbooks/", "examples/runbooks/")


def anchors(page: Path) -> set[str]:
    titles = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def blocks(page: Path, *languages: str) -> list[str]:
    found = FENCE.findall(page.read_text("utf-8"))
    return [text for language, text in found if language in languages]


@pytest.mark.row("Q4")
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_something_that_is_there(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def wrong(line: str) -> str:
    """What is wrong with a command line of a page; empty if it may be typed so."""
    words = shlex.split(line.replace("\\\n", " "))[1:]
    command: click.Command = trunkline
    context = click.Context(trunkline)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(context, words[0])
        if inner is None:
            return f"{line}: there is no command {words[0]!r}"
        command, words = inner, words[1:]
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    used = {word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
    strange = sorted(used - known - {"--help", "-h"})
    return f"{line}: no option {strange}" if strange and command.name != "bench" else ""


@pytest.mark.parametrize("page", [p for p in PAGES if not name(p).startswith(GENERATED)], ids=name)
def test_commands_exist_with_their_options(page: Path) -> None:
    shown = [
        line for text in blocks(page, "", "sh", "bash") for line in COMMAND.findall(text.replace("\\\n", " "))
    ]
    shown += [line for line in COMMAND.findall(FENCE.sub("", page.read_text("utf-8"))) if " " in line]
    assert [said for line in shown if (said := wrong(line.strip()))] == []


def test_the_rule_of_commands_bites() -> None:
    assert "no command 'nope'" in wrong("trunkline nope")
    assert "--nope" in wrong("trunkline keys create --nope")
    assert wrong("trunkline keys create --name x --scope '*'") == ""


REGISTRIES = [
    pytest.param(text, id=f"{name(page)}-{n}")
    for page in PAGES
    for n, text in enumerate(blocks(page, "yaml"))
    if not name(page).startswith(GENERATED)
    and re.match(r"\s*(integrations|models|routes|defaults|  \w+:)", text)
]


@pytest.mark.parametrize("text", REGISTRIES)
def test_a_registry_on_a_page_loads(text: str, tmp_path: Path) -> None:
    """A part of a file is completed: by the key above it, and by the integrations that its routes and models name."""
    # PyYAML reads a bare `on` as true; the registry reads it as it stands.
    text = re.sub(r"(?<=[{,] )on:", '"on":', text)
    part = yaml.safe_load(f"integrations:\n{text}" if text.startswith("  ") else text)
    there = part.setdefault("integrations", {})
    behind = [one.get("targets") or [one["target"]] for one in part.get("models", {}).values()]
    named = [one["target"] if isinstance(one, dict) else one for many in behind for one in many]
    targets = [one.partition("/")[0] for one in named]
    routes = part.get("routes", {}).values()
    for route in routes:
        long = route if isinstance(route, dict) else {"integration": route}
        targets += long.get("split") or [long["integration"]]
    for vendor in targets:
        there.setdefault(vendor, {"secret": "env:SOME_KEY"})
    file = tmp_path / "trunkline.yaml"
    file.write_text(yaml.safe_dump({"version": 1, **part}))
    for environment in ("dev", "prod"):
        assert load(file, environment=environment, environ={}).snapshot.services


def test_there_is_an_example_for_each_kind_of_client() -> None:
    kinds = {path.stem.removeprefix("with_") for path in CLIENTS} - {"README"}
    assert kinds >= {
        "curl",
        "openai",
        "anthropic",
        "google_genai",
        "stripe",
        "langchain",
        "vercel_ai",
        "fetch",
    }
    listed = (ROOT / "examples" / "clients" / "README.md").read_text("utf-8")
    assert [path.name for path in CLIENTS if path.name != "README.md" and path.name not in listed] == []


@pytest.mark.parametrize("path", CLIENTS, ids=name)
def test_an_example_compiles(path: Path) -> None:
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        compile(text, path.name, "exec")
    elif path.suffix == ".sh":
        subprocess.run(["sh", "-n", str(path)], check=True)
    elif path.suffix == ".mjs":
        node = shutil.which("node")
        assert text.count("{") == text.count("}")
        if node is not None:
            subprocess.run([node, "--check", str(path)], check=True)
    assert "TRUNKLINE_KEY" in text or path.suffix == ".html"

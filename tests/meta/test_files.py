"""Rules for every tracked file: no address of a package index, no path of somebody's machine; locks that install anywhere."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from tree import ROOT, name, tracked

# Written in pieces, so that this file does not break its own rule.
FORBIDDEN = re.compile(
    "|".join(
        (
            r"pypi" + r"\.org/simple",
            r"files\.python" + r"hosted\.org",
            r"registry\.npm" + r"js\.org",
            r"(?:extra-)?index-" + r"url",
            r"(?<![\w.])/(?:ro" + r"ot|ho" + r"me/[a-z]|Us" + r"ers/[a-z])[\w-]*/",
            r"(?<![\w.])/wo" + r"rk/(?:main|shared|brief)",
        )
    )
)
MOST_DISTRIBUTIONS = 30
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / "requirements" / lock).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "text",
    ["--index-" + "url x", "/ro" + "ot/project/", "see /ho" + "me/jane/x", "https://pypi" + ".org/simple/"],
)
def test_the_rule_of_addresses_bites(text: str) -> None:
    assert FORBIDDEN.search(text)


def test_no_file_names_an_index_or_a_machine() -> None:
    found = []
    for path in tracked():
        data = path.read_bytes()
        text = data.decode("utf-8", "replace")
        if b"\0" not in data and FORBIDDEN.search(text):
            found += [
                f"{name(path)}:{number}"
                for number, line in enumerate(text.splitlines(), 1)
                if FORBIDDEN.search(line)
            ]
    assert found == []


def test_the_default_install_is_small() -> None:
    # One more is Trunkline itself.
    assert len(pins("runtime.txt")) + 1 <= MOST_DISTRIBUTIONS


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt", "battery.txt", "build.txt"])
def test_everything_locked_has_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements" / lock).read_text(encoding="utf-8").strip())
    assert [block for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)] == []


def test_the_locks_agree_with_each_other() -> None:
    runtime, dev = pins("runtime.txt"), pins("dev.txt")
    assert runtime
    assert {dist: version for dist, version in runtime.items() if dev.get(dist) != version} == {}


def declared() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return {
        "runtime.txt": project["dependencies"],
        "dev.txt": [*extras["test"], *extras["dev"]],
        "battery.txt": extras["battery"],
    }


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt", "battery.txt"])
def test_everything_declared_is_locked_and_explained(lock: str) -> None:
    names = [re.split(r"[<>=;\[ ]", requirement)[0] for requirement in declared()[lock]]
    locked, page = pins(lock), (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    assert [each for each in names if each.replace(".", "-").lower() not in locked] == []
    assert [each for each in names if f"`{each.lower()}`" not in page] == []


def test_the_node_lock_is_exact_and_names_no_address() -> None:
    folder = ROOT / "tests" / "real" / "node"
    wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert {each: packages[f"node_modules/{each}"]["version"] for each in wanted} == wanted
    assert [path for path, entry in packages.items() if "resolved" in entry] == []
    assert [path for path, entry in packages.items() if path and "integrity" not in entry] == []


def test_links_between_pages_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
    dead = [
        f"{name(page)}: {target}"
        for page in tracked()
        if page.suffix == ".md"
        for target in link.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert dead == []


def test_ci_runs_tests_and_checks() -> None:
    script = Path(ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.splitlines()[-2:] == ["make test", "make check"]
    assert "set -euo pipefail" in script

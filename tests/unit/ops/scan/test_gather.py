"""Reading a whole folder: anything at all may lie in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline.ops.scan import (
    code,
    gather,
    lexer,
    plan,
    plan_text,
    registry_text,
    services,
    settings_files,
    vendors,
)
from trunkline.ops.scan.secrets_seen import Forms, Keeper
from trunkline.ops.scan.tree import File, decoded

KNOWN = vendors.load()
FORMS = Forms(KNOWN)
KEEPER = Keeper(KNOWN, b"s" * 32)
NAMES = [
    "a.py",
    "a.ts",
    "a.vue",
    "a.go",
    "a.rb",
    "a.php",
    "A.java",
    ".env",
    "docker-compose.yml",
    "a.toml",
    "vercel.json",
    "package.json",
    "Gemfile",
    "pom.xml",
    "go.mod",
    ".github/workflows/a.yml",
]
PIECES = st.sampled_from(
    [
        "https://api.openai.com/v1",
        "OpenAI(",
        "new OpenAI({",
        "api_key=",
        "fetch(",
        '"',
        "'",
        "`",
        "\n",
        "import openai\n",
        "from 'openai'",
        "ENV['A_KEY']",
        "process.env.A_KEY",
        "A_KEY=",
        "${",
        "}",
        ")",
        "stripe.api_key = ",
        "sk_live_a1b2c3d4e5f6g7h8i9",
        "\\",
        "- ",
        ": ",
        "<script>",
        "=== ",
        "#",
        "//",
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(NAMES),
    st.binary(max_size=200) | st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode()),
)
def test_any_bytes_are_read_as_any_file(name: str, raw: bytes) -> None:
    text = decoded(raw)
    if text is None:
        return
    file = File(name, text, "code", False)
    language = lexer.language_of(name, "." + name.rsplit(".", 1)[-1])
    if language is not None:
        code.look(file, language, KNOWN, KEEPER, FORMS)
    kind = settings_files.kind_of(name)
    if kind is not None:
        settings_files.look(file, kind, KNOWN, KEEPER, FORMS)


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=50,
)
@given(
    st.lists(PIECES, max_size=60).map("".join),
    st.sampled_from(["a.py", "a.ts", "a.go", "a.rb", "a.php", "A.java"]),
)
def test_a_plan_and_a_registry_come_out_of_anything(tmp_path: Path, text: str, name: str) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / name).write_text(text)
    look = gather.look(tmp_path, vendors=KNOWN)
    found = services.services_of(look.found, KNOWN)
    made = plan.made(look, found, KNOWN, registry="trunkline.yaml", proxy_url="http://127.0.0.1:4000")
    plan.patch(look, found, KNOWN, "http://127.0.0.1:4000")

    assert "sk_live_a1b2c3d4e5f6g7h8i9" not in plan_text.markdown(made) + registry_text.text_of(found)


@pytest.mark.parametrize(
    "line",
    [
        "a" * 100_000,
        "'" * 100_000,
        "(" * 50_000,
        "https://" * 20_000,
        "x = " * 30_000,
        "=>" * 40_000,
        "${" * 40_000,
        "a.b." * 30_000,
        "/" * 100_000,
        '"\\' * 50_000,
        "- " * 50_000,
    ],
)
@pytest.mark.parametrize("name", ["a.py", "a.ts", "a.rb", "a.php", "a.go", ".env", "a.yml", "vercel.json"])
def test_nasty_lines_do_not_hold_reading_up(name: str, line: str, tmp_path: Path) -> None:
    """A pattern that tried all ways of reading one of these would not end before the suite is stopped."""
    (tmp_path / name).write_text("".join(f"{line[n : n + 900]}\n" for n in range(0, len(line), 900)))
    gather.look(tmp_path, vendors=KNOWN)


def test_an_empty_folder_and_a_missing_one(tmp_path: Path) -> None:
    assert gather.look(tmp_path, vendors=KNOWN).found.files == 0
    assert gather.look(tmp_path / "none", vendors=KNOWN).found.skipped.unreadable == 1


def test_one_file_can_be_read_alone(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("import stripe\n")
    assert [str(one.place) for one in gather.look(tmp_path, vendors=KNOWN, only="b.py").found.imports] == [
        "b.py:1"
    ]

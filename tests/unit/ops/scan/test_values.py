"""Values for the store: which are taken from a file, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.ops.scan import values, vendors

from .made import value


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", 'A=1\n# OLD_KEY=x\nSTRIPE_KEY="@"\nSTRIPE_KEY=@\n'),
        ("c.yaml", "app:\n  STRIPE_KEY: '@'\n"),
        ("c.json", '{"app": {"STRIPE_KEY": "@"}}'),
        ("c.toml", 'STRIPE_KEY = "@"\n'),
        ("c.properties", "STRIPE_KEY=@\n"),
    ],
)
def test_named_values_of_every_kind_of_file(
    name: str, text: str, tmp_path: Path, known: vendors.Vendors
) -> None:
    made = value("STRIPE_LIVE")
    (tmp_path / name).write_text(text.replace("@", made))
    found = [one for one in values.named(tmp_path / name, known) if values.is_credential(one, known)]

    assert [(one.name, one.value) for one in found] == [("STRIPE_KEY", made)]
    assert made not in repr(found)


def test_the_credential_of_a_line_of_code_or_settings(tmp_path: Path, known: vendors.Vendors) -> None:
    key = value("STRIPE_LIVE")
    (tmp_path / "a.py").write_text(
        f'x = 1\nstripe.api_key = "{key}"  # soon gone\ny = "{key}", "{value("OPENAI")}"\n'
    )
    (tmp_path / "d.yml").write_text(f"a:\n  TOKEN: {value('GITHUB')}\n")

    assert values.in_line(tmp_path / "a.py", 2, known) == values.Value("stripe.api_key", 2, key)
    assert values.in_line(tmp_path / "d.yml", 2, known).value == value("GITHUB")
    with pytest.raises(values.ValueProblem, match=r"a\.py:1 holds nothing"):
        values.in_line(tmp_path / "a.py", 1, known)
    with pytest.raises(values.ValueProblem, match=r"holds 2 values") as caught:
        values.in_line(tmp_path / "a.py", 3, known)
    assert key not in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path, known: vendors.Vendors) -> None:
    (tmp_path / "b.env").write_bytes(b"A=\0")
    with pytest.raises(values.ValueProblem, match="binary"):
        values.named(tmp_path / "b.env", known)
    with pytest.raises(values.ValueProblem, match="cannot be read"):
        values.named(tmp_path / "none.env", known)


PEM = "-----BEGIN PRIVATE KEY-----\n" + f"{value('PEM')}\n" * 3 + "-----END PRIVATE KEY-----\n"


@pytest.mark.row("S1", "R6")
@pytest.mark.parametrize(
    ("name", "written"),
    [
        (".env", f'GOOGLE_PRIVATE_KEY="{PEM}"\n'),
        (".env", "GOOGLE_PRIVATE_KEY='" + PEM.replace("\n", "\\n") + "'\n"),
        ("key.js", 'const key = "' + PEM.replace("\n", "\\n") + '"\n'),
        ("key.pem", PEM),
    ],
    ids=["over lines", "on one line", "in code", "alone"],
)
def test_a_private_key_is_had_whole(tmp_path: Path, known: vendors.Vendors, name: str, written: str) -> None:
    (tmp_path / name).write_text(written)
    assert values.in_line(tmp_path / name, 1, known).value.replace("\\n", "\n").strip() == PEM.strip()
    if name == ".env":
        (found,) = values.named(tmp_path / name, known)
        assert (found.name, values.is_credential(found, known)) == ("GOOGLE_PRIVATE_KEY", True)

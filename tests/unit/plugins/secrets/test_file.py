"""`file:path#key`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.plugins.secrets import SecretUnavailable
from trunkline.plugins.secrets.file import File, parse_dotenv

SECRET = "sk-test-not-a-real-key"


def written(folder, name, content):
    (folder / name).write_text(content)
    return File(folder)


@pytest.mark.row("S1")
@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("plain", f"{SECRET}\n", ""),
        ("a.json", f'{{"KEY": "{SECRET}"}}', "#KEY"),
        ("a.json", f'{{"db": {{"main": "{SECRET}"}}}}', "#db.main"),
        ("a.json", f'{{"db": {{"main": "{SECRET}"}}}}', "#/db/main"),
        ("a.json", f'{{"db.main": "{SECRET}"}}', "#db.main"),
        ("a.yaml", f"db:\n  main: {SECRET}\n", "#db.main"),
        ("a.yml", f"KEY: {SECRET}\n", "#KEY"),
        (".env", f"# comment\nexport KEY='{SECRET}'\nOTHER=x\n", "#KEY"),
        ("secrets.env", f'KEY = "{SECRET}"\n', "#KEY"),
        ("noending", f"KEY={SECRET} # the old one\n", "#KEY"),
    ],
)
def test_a_value_is_found_in_each_format(tmp_path, name, content, key):
    assert written(tmp_path, name, content).fetch(name + key) == SECRET


def test_paths_start_at_the_root_unless_absolute(tmp_path):
    (tmp_path / "inner").mkdir()
    source = written(tmp_path, "s", SECRET)
    assert source.fetch("inner/../s") == SECRET
    assert File(tmp_path / "inner").fetch(str(tmp_path / "s")) == SECRET


@pytest.mark.parametrize(
    ("name", "content", "key", "why"),
    [
        ("a", None, "", "there is no file"),
        ("a", "", "", "the value there is empty"),
        ("a.json", f'{{"KEY": "{SECRET}", }}', "#KEY", "is not well-formed JSON"),
        ("a.yaml", f"KEY: [{SECRET}", "#KEY", "is not well-formed YAML"),
        ("a.json", f'{{"KEY": ["{SECRET}"]}}', "#KEY", "is no text"),
        ("a.json", f'{{"KEY": "{SECRET}"}}', "#OTHER", "has no value at OTHER"),
        ("a.json", f'["{SECRET}"]', "#KEY", "has no value at KEY"),
        ("a.env", "KEY=\n", "#KEY", "the value there is empty"),
        ("a", "x" * (1 << 20) + "y", "", "larger than 1 MB"),
    ],
)
def test_what_is_wrong_is_said_without_the_content(tmp_path, name, content, key, why):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SecretUnavailable) as problem:
        File(tmp_path).fetch(name + key)
    assert why in problem.value.why
    assert problem.value.cure.endswith(".")
    assert SECRET not in str(problem.value)


def test_a_file_of_bytes_or_a_folder_is_said(tmp_path):
    (tmp_path / "b").write_bytes(b"\xff\xfe\xfd")
    for name in ("b", "."):
        with pytest.raises(SecretUnavailable, match="cannot be read"):
            File(tmp_path).fetch(name)


def test_the_stamp_changes_when_the_file_is_replaced(tmp_path):
    source = written(tmp_path, "s", "one")
    before = source.stamp("s#KEY")
    assert source.stamp("s") == before
    (tmp_path / "t").write_text("two")
    (tmp_path / "t").replace(tmp_path / "s")
    assert source.stamp("s#KEY") != before
    (tmp_path / "s").unlink()
    assert source.stamp("s#KEY") is None


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_of_lines(text):
    for name, value in parse_dotenv(text).items():
        assert name
        assert "\n" not in name + value

"""Comments and literals of each language; any text at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.scan import lexer
from trunkline.ops.scan.lexer import GO, JAVA, JAVASCRIPT, PHP, PYTHON, RUBY, Language

LANGUAGES = [PYTHON, JAVASCRIPT, GO, RUBY, PHP, JAVA]

CASES = [
    (PYTHON, 'x = "a" # it\'s "b"\n', ["a"], 'x = "a"           \n'),
    (PYTHON, '"""doc \'q\' """\ny = f"k{a}" + rb\'z\'\n', ["k{a}", "z"], None),
    (PYTHON, 'call(\n    """not a docstring""",\n)\n', ["not a docstring"], None),
    (PYTHON, 'x = \'never closed\ny = "closed"\n', ["closed"], None),
    (
        JAVASCRIPT,
        "const re = /['\"]/g; // don't\nf('a', `b${c}`); /* \"d\" */ a / b / 'e'\n",
        ["a", "b${c}", "e"],
        None,
    ),
    (JAVASCRIPT, "<p>Don't</p>\nf('x')\n", ["x"], None),
    (GO, 'const a = `raw "x"` // "no"\nb := \'"\'\nc := "d\\"e"\n', ['raw "x"', 'd\\"e'], None),
    (
        RUBY,
        "a = \"#{x} y\" # 'nope'\nb = <<~MD\n  it's https://x\n  MD\nc = 'd'\n=begin\n'nope'\n=end\n",
        ["#{x} y", "  it's https://x\n  MD", "d"],
        None,
    ),
    (
        PHP,
        "<?php # 'nope'\n#[Attr('yes')]\n$a = 'b'; // 'nope'\n/* 'nope' */\n$c = <<<TXT\n 'in'\nTXT;\n",
        ["yes", "b", " 'in'\nTXT"],
        None,
    ),
    (
        JAVA,
        'String a = """\n  x "y" z\n"""; // "nope"\nchar c = \'"\'; b("d");\n',
        ['\n  x "y" z\n', "d"],
        None,
    ),
]


@pytest.mark.parametrize(("language", "text", "literals", "code"), CASES)
def test_literals_are_found_and_comments_blanked(
    language: Language, text: str, literals: list[str], code: str | None
) -> None:
    source = lexer.read(text, language)

    assert [literal.text for literal in source.literals] == literals
    assert "nope" not in source.code
    assert code is None or source.code == code


def test_only_the_scripts_of_components_are_read() -> None:
    text = "<template>'a'</template>\n<script setup>\nconst x = 'b'\n</script>\n<style>'c'</style>\n"
    source = lexer.read(text, JAVASCRIPT, "w/Widget.vue")

    assert [(literal.text, source.line_of(literal.start)) for literal in source.literals] == [("b", 3)]


def test_lines_and_offsets_stay_as_they_are() -> None:
    source = lexer.read("# a\n'b'\n\n'c'\n", PYTHON)

    assert [source.line_of(literal.start) for literal in source.literals] == [2, 4]
    assert (source.line_text(2), source.line_start(4), source.line_count) == ("'b'", 9, 5)


PIECES = st.sampled_from(
    [
        '"',
        "'",
        "`",
        '"""',
        "'''",
        "\\",
        "\n",
        "#",
        "//",
        "/*",
        "*/",
        "/",
        "=",
        "(",
        "<<~A",
        "<<<A",
        "A\n",
        "x",
        " ",
        "${",
        "}",
        "<script>",
        "</script>",
        "---",
    ]
)


@given(
    st.lists(PIECES | st.text(max_size=3), max_size=60).map("".join),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["a.x", "a.vue", "a.astro"]),
)
def test_any_text_keeps_its_length_and_its_lines(text: str, language: Language, path: str) -> None:
    source = lexer.read(text, language, path)

    assert len(source.code) == len(source.text) == len(text)
    assert source.code.count("\n") == text.count("\n")
    for literal in source.literals:
        assert source.text[literal.start : literal.end] == literal.text
        assert 1 <= source.line_of(literal.start) <= source.line_count

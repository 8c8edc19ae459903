"""Which files are read: bounds, encodings, links, what git ignores."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.ops.scan.found import Skipped
from trunkline.ops.scan.tree import Limits, Tree, decoded, is_env_file, is_example_env, is_minified, role_of


def paths(root: Path, **more: object) -> list[str]:
    return [
        file.path for file in Tree(root, lambda path, name: name.endswith((".py", ".js")), **more).files()
    ]  # type: ignore[arg-type]


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")


def test_packages_of_others_and_ignored_files_are_left_out_but_env_files_are_read(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a.py",
        "node_modules/x/i.js",
        "vendor/y.py",
        ".venv/z.py",
        "made/g.py",
        "made/.env",
        "sub/b.py",
        "sub/c.py",
        ".env",
        "d.txt",
    )
    (tmp_path / ".gitignore").write_text("made/\n.env\n")
    (tmp_path / "sub/.gitignore").write_text("c.py\n")
    tree = Tree(tmp_path, lambda path, name: name.endswith(".py"))

    assert [(file.path, file.ignored) for file in tree.files()] == [
        (".env", True),
        ("a.py", False),
        ("made/.env", True),
        ("sub/b.py", False),
    ]
    assert tree.skipped == Skipped(ignored=1)


def test_env_files_of_platforms_are_read(tmp_path: Path) -> None:
    put(tmp_path, ".vercel/.env.development.local", ".vercel/output/i.js", ".netlify/functions/f.js")

    assert paths(tmp_path) == [".vercel/.env.development.local"]


def test_links_are_not_followed_so_that_loops_end_and_nothing_outside_is_read(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    put(inside, "a.py")
    put(outside, "secret.py", ".env")
    (inside / "loop").symlink_to(inside)
    (inside / "b.py").symlink_to(outside / "secret.py")
    (inside / ".env").symlink_to(outside / ".env")
    (inside / "dangling.py").symlink_to(inside / "nowhere.py")

    assert paths(inside) == ["a.py"]


def test_large_binary_minified_and_unreadable_files_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "ok.py")
    (tmp_path / "big.py").write_text("x" * 3000)
    (tmp_path / "bin.py").write_bytes(b"a\0b")
    (tmp_path / "min.js").write_text("a=1;" * 200 + "\n" + "b" * 1200)
    tree = Tree(tmp_path, lambda path, name: True, limits=Limits(file_bytes=2048))

    assert [file.path for file in tree.files()] == ["min.js", "ok.py"]
    assert tree.skipped == Skipped(large=1, binary=1)
    assert is_minified("a=1;" * 2000)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(files=2), "after 2 files"),
        (Limits(total_bytes=8), "after 0 MB"),
        (Limits(seconds=5), "after 5 s"),
    ],
)
def test_reading_ends_at_every_bound_and_says_so(limits: Limits, said: str, tmp_path: Path) -> None:
    put(tmp_path, *(f"{n}.py" for n in range(9)))
    ticks = iter(range(0, 1000, 2))
    tree = Tree(tmp_path, lambda path, name: True, limits=limits, clock=lambda: float(next(ticks)))
    read = list(tree.files())

    assert len(read) < 9
    assert tree.skipped.stopped == said


def test_progress_is_told(tmp_path: Path) -> None:
    put(tmp_path, "a.py", "b.py")
    told: list[int] = []
    list(Tree(tmp_path, lambda path, name: True, said=told.append).files())

    assert told == [1, 2]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a\r\nb\rc", "a\nb\nc"),
        ("é".encode("latin-1"), "\ufffd"),
        (b"\xef\xbb\xbfx", "x"),
        ("x=1".encode("utf-16"), "x=1"),
        (b"a\0", None),
        (b"", ""),
    ],
)
def test_text_of_any_encoding_is_read(raw: bytes, text: str | None) -> None:
    assert decoded(raw) == text


def test_files_are_told_apart_by_where_they_lie() -> None:
    places = {
        "code": ["app/pay.py", "src/contest/x.go", "latest/a.js"],
        "test": [
            "tests/pay.py",
            "pkg/pay_test.go",
            "a.spec.ts",
            "spec/models/a.rb",
            "src/test/java/A.java",
            "conftest.py",
            "tests.py",
            "X/UserTest.java",
        ],
        "example": ["examples/a.py"],
        "docs": ["docs/conf.py", "config/locales/de.yml"],
    }
    assert {role: [role_of(path) for path in paths] for role, paths in places.items()} == {
        role: [role] * len(paths) for role, paths in places.items()
    }


def test_env_files_are_known_by_their_names() -> None:
    yes = [
        ".env",
        ".env.local",
        ".example.env",
        "env.sample",
        "prod.env",
        ".envrc",
        ".dev.vars",
        ".env.example.sail",
        "secrets.env",
    ]
    no = ["env.ts", "environment.py", "env.d.ts", "README.env.md", "envoy", ".env.test.js", "config/env"]

    assert ([is_env_file(name) for name in yes], [is_env_file(name) for name in no]) == (
        [True] * 9,
        [False] * 7,
    )
    assert [
        is_example_env(name) for name in (".env.example", ".env.sample", ".env.dist", ".env", ".env.local")
    ] == [True, True, True, False, False]

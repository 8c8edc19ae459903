"""Which tests show which row of the specification, and which rows have none yet (`make rows`).

Rows are named by `@pytest.mark.row("P1", "P2")`. `docs/rows.txt` holds the rows that are promised so far.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def promised(text: str) -> list[str]:
    """Read the list: rows apart by white space, `#` begins a comment."""
    return [row for line in text.splitlines() for row in line.split("#")[0].split()]


def named_rows(source: str) -> Iterator[tuple[str, str]]:
    """Give (row, test) for each marker on a test, its class or its module."""
    if ".row(" in source:
        yield from _walk(ast.parse(source), [], "")


def _walk(node: ast.AST, inherited: list[str], prefix: str) -> Iterator[tuple[str, str]]:
    body = getattr(node, "body", [])
    rows = inherited + [row for item in body if isinstance(item, ast.Assign) for row in _module_rows(item)]
    for item in body:
        if isinstance(item, ast.ClassDef):
            own = [row for mark in item.decorator_list for row in _rows(mark)]
            yield from _walk(item, rows + own, f"{prefix}{item.name}::")
        elif isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name.startswith("test"):
            own = [row for mark in item.decorator_list for row in _rows(mark)]
            yield from ((row, prefix + item.name) for row in rows + own)


def _module_rows(item: ast.Assign) -> list[str]:
    is_mark = any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in item.targets)
    return [row for call in ast.walk(item.value) for row in _rows(call)] if is_mark else []


def _rows(mark: ast.AST) -> list[str]:
    if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "row":
        return [str(arg.value) for arg in mark.args if isinstance(arg, ast.Constant)]
    return []


def shown(folder: Path) -> dict[str, list[str]]:
    """Map each row to its tests under a folder."""
    tests: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        if "node_modules" not in path.parts:
            for row, test in named_rows(path.read_text(encoding="utf-8")):
                tests[row].append(f"{path.relative_to(folder.parent)}::{test}")
    return tests


def main() -> None:
    """Print rows with their tests, then the promised ones that have none."""
    tests = shown(ROOT / "tests")
    wanted = promised((ROOT / "docs" / "rows.txt").read_text(encoding="utf-8"))
    for row in sorted({*wanted, *tests}, key=lambda row: (row[0], int(row[1:]))):
        print(f"{row}: {len(tests.get(row, []))} tests{'' if row in wanted else ' (not promised yet)'}")
        for test in tests.get(row, []):
            print(f"    {test}")
    bare = [row for row in wanted if not tests.get(row)]
    print(
        f"\n{len(wanted) - len(bare)} of {len(wanted)} promised rows have tests; without: {' '.join(bare) or 'none'}"
    )


if __name__ == "__main__":
    main()

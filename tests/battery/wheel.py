"""S14: what is installed is what lies in the source tree, and nothing else comes along."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Built:
    """A wheel beside the tree that it was made from, and an installation by hashes alone."""

    files: int = 0
    differ: list[str] = field(default_factory=list)
    """In one of them only, or not the same."""
    pth: list[str] = field(default_factory=list)
    """Files that Python would run at every start, in the wheel or brought by a dependency."""
    version: str = ""
    """What the installed command says."""
    distributions: list[str] = field(default_factory=list)


def build(folder: Path) -> Path:
    """A wheel, by the locked build tools of this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def compare(wheel: Path) -> Built:
    """Every file of the package against the tree's, byte for byte. What git does not know is not of the tree."""
    said = subprocess.run(
        ["git", "ls-files", "src"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    tree = {path.removeprefix("src/"): (ROOT / path).read_bytes() for path in said.splitlines()}
    with zipfile.ZipFile(wheel) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    package = {name: data for name, data in inside.items() if ".dist-info/" not in name}
    differ = [name for name in tree.keys() | package.keys() if tree.get(name) != package.get(name)]
    return Built(
        files=len(package), differ=sorted(differ), pth=[name for name in inside if name.endswith(".pth")]
    )


def install(wheel: Path, folder: Path, found: Built) -> None:
    """Into an environment of its own: what is locked, by its hashes, then the wheel without looking for anything more."""
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    before, own = _names(python), set(folder.rglob("*.pth"))
    locked = ["--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / "requirements" / "runtime.txt")]
    for arguments in (locked, ["--no-deps", "--no-index", str(wheel)]):
        subprocess.run([*pip, *arguments], check=True, capture_output=True, timeout=600)
    found.distributions = sorted(_names(python) - before)
    found.pth += [str(path.relative_to(folder)) for path in set(folder.rglob("*.pth")) - own]
    ran = subprocess.run(
        [folder / "bin" / "trunkline", "version"], check=True, capture_output=True, text=True, timeout=60
    )
    found.version = ran.stdout.strip()


def _names(python: Path) -> set[str]:
    program = "import importlib.metadata as m; print(*{d.name for d in m.distributions()}, sep='\\n')"
    said = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    return set(said.stdout.split())

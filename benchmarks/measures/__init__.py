"""The measurements, each in a file: `run(bench)` gives rows, or raises NotRun (something is missing) or Broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.bench import Bench
from benchmarks.measures import beside, calls, drain, images, latency, memory, start, streams, translation
from benchmarks.report import Row


class Measure(NamedTuple):
    """A part of the suite that `--only` can name."""

    name: str
    what: str
    run: Callable[[Bench], list[Row]]


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("calls", "processor time per call beside nginx", calls.run),
        Measure("translation", "processor time per call that is translated", translation.run),
        Measure("peers", "processor time per call beside other gateways", beside.run),
        Measure("latency", "added latency at 1,000 calls/s", latency.run),
        Measure("images", "small calls beside 10 MB images", images.run),
        Measure("streams", "streams beside nginx", streams.run),
        Measure("memory", "memory idle and with open streams", memory.run),
        Measure("start", "start to first answer", start.run),
        Measure("drain", "journal into the ledger", drain.run),
    )
}

OFF = (
    "Trunkline: nothing; identity, limits, breaker, journal and the watching of its files are on, as `trunkline serve` has them",
    "its key has no bound on concurrency; its console is paused in calls, peers and drain, because it would take the load's core",
    "nginx: it knows no callers, limits nothing and writes nothing down (access log off); answers are not buffered for streams",
    "LiteLLM: no database and no Redis, so no record of spending; its master key is checked; one worker, production mode, log level ERROR",
    "Portkey: its open-source gateway has no keys, limits or records of its own; NODE_ENV=production, headless",
)

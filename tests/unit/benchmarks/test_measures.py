"""From samples to rows: what counts as quiet, what is judged, what is only told."""

from __future__ import annotations

from benchmarks.figures import Pair
from benchmarks.measures import MEASURES, beside, calls, drain, images, latency, memory, start, streams
from benchmarks.open_load import Latency
from benchmarks.peers import PEERS, by_command
from benchmarks.report import Row
from benchmarks.wrk import Spent


def verdicts(rows: list[Row]) -> dict[str, tuple[float | None, str]]:
    return {row.name: (None if row.measured is None else round(row.measured, 3), row.verdict) for row in rows}


def turn(direct: float, nginx: float, ours: float, alone: float = 0.8) -> latency.Turn:
    return latency.Turn(*(Latency(p99 / 2, p99, 1000) for p99 in (direct, nginx, ours, alone)))


def test_processor_time_is_judged_by_the_median_of_the_pairs() -> None:
    pairs = [Pair(60, 20), Pair(100, 20), Pair(64, 20)]
    rates = [Pair(15_000, 50_000), Pair(9_000, 50_000), Pair(14_000, 50_000)]
    assert verdicts(calls.rows(pairs, rates)) == {
        "calls.ratio": (3.2, "pass"),
        "calls.cpu": (64, "told"),
        "calls.rate": (14_000, "told"),
    }


def test_latency_is_the_difference_to_nginx_in_the_same_run() -> None:
    turns = [turn(0.3, 0.5, 1.2), turn(0.3, 0.6, 1.4), turn(0.3, 0.4, 0.9)]
    assert verdicts(latency.rows(turns, 3)) == {
        "latency.p99": (0.7, "pass"),
        "latency.p99.alone": (0.3, "told"),
        "latency.p50": (0.35, "told"),
    }


def test_runs_in_which_nginx_missed_the_bound_are_left_out() -> None:
    turns = [turn(0.3, 9.0, 9.1), turn(0.3, 0.6, 2.4)]
    assert verdicts(latency.rows(turns, 1))["latency.p99"] == (1.8, "miss")
    assert verdicts(latency.rows(turns, 2))["latency.p99"] == (1.8, "too noisy")
    assert verdicts(latency.rows(turns[:1], 1))["latency.p99"] == (0.1, "too noisy")


def test_images_are_judged_by_what_they_move_more_than_nginx() -> None:
    assert verdicts(images.rows([Pair(4.0, 1.0), Pair(6.0, 2.0)], 2)) == {"images.p99": (3.5, "pass")}
    assert verdicts(images.rows([Pair(4.0, 1.0), Pair(60.0, 20.0)], 2)) == {"images.p99": (3.0, "too noisy")}


def test_a_first_token_is_compared_with_nginx() -> None:
    def first(direct: float, nginx: float, ours: float) -> streams.First:
        return streams.First(*(Latency(p50, p50 * 3, 100) for p50 in (direct, nginx, ours)))

    assert verdicts(streams.first_rows([first(0.2, 0.4, 0.9)])) == {"streams.first": (0.5, "pass")}
    assert verdicts(streams.first_rows([first(0.2, 0.4, 1.5)])) == {"streams.first": (1.1, "miss")}
    assert verdicts(streams.first_rows([first(0.2, 1.4, 1.5)])) == {"streams.first": (0.1, "too noisy")}


def test_a_chunk_is_compared_with_nginx() -> None:
    assert verdicts(streams.chunk_rows([Pair(30, 16), Pair(48, 16), Pair(33, 16)])) == {
        "streams.chunk": (2.062, "miss")
    }


def test_memory_per_stream_is_what_came_on_top_of_idle() -> None:
    idle, console = {"Rss": 40_000, "Pss": 30_000}, {"Rss": 60_000, "Pss": 50_000}
    assert verdicts(memory.rows(idle, console, {"Rss": 140_000, "Pss": 130_000}, 5000, 5000)) == {
        "memory.idle": (29.297, "pass"),
        "memory.both": (78.125, "told"),
        "memory.stream": (20.0, "pass"),
        "memory.opened": (5000, "pass"),
    }


def test_memory_per_stream_is_not_judged_when_too_few_opened() -> None:
    rows = memory.rows({"Rss": 40_000}, {"Rss": 60_000}, {"Rss": 60_000}, 1000, 5000)
    assert verdicts(rows)["memory.stream"] == (20.0, "told")
    assert verdicts(rows)["memory.opened"] == (1000, "miss")


def test_peers_are_judged_by_processor_time_and_by_calls_per_second() -> None:
    theirs, ours = [Spent(10_000, 100, 400)] * 2, [Spent(100, 9_000, 36_000), Spent(80, 11_000, 44_000)]
    assert verdicts(beside.rows("litellm", PEERS["litellm"], theirs, ours)) == {
        "peers.litellm.ratio": (112.5, "pass"),
        "peers.litellm.rate": (100, "pass"),
    }


def test_a_gateway_of_the_users_own_is_told_and_not_judged() -> None:
    own = by_command("mine", "mine --port {port} --to {upstream}")
    spent = [Spent(300, 3_000, 400)], [Spent(100, 9_000, 36_000)]
    assert verdicts(beside.rows("mine", own, *spent)) == {
        "peers.mine.ratio": (3, "told"),
        "peers.mine.rate": (3, "told"),
    }


def test_a_drain_is_judged_by_the_clock() -> None:
    drained = [drain.Drained(9_000, wall_s, 1.0, 9_000_000) for wall_s in (2.0, 4.0, 2.5)]
    assert verdicts(drain.rows(drained, 3_600_000)) == {
        "drain.rate": (3600, "pass"),
        "drain.bytes": (400, "told"),
    }


def test_every_part_of_the_suite_has_a_name_and_words() -> None:
    assert {name: measure.name for name, measure in MEASURES.items()} == {name: name for name in MEASURES}
    assert [measure.what for measure in MEASURES.values() if not measure.what] == []


def test_a_start_is_the_median_of_its_runs() -> None:
    (row,) = start.rows([0.7, 1.4, 0.8], [0.5, 0.6, 0.5])
    assert (row.measured, row.verdict, row.note) == (
        0.8,
        "pass",
        "median of 3, 0.70–1.40; 0.50 s of processor time",
    )
    assert start.rows([1.2], [])[0].verdict == "miss"

"""What is kept of refused hosts until somebody is told."""

from __future__ import annotations

from trunkline.ops.egress.counts import HOSTS, Counts


def test_calls_to_one_host_become_one_finding_that_says_who_called() -> None:
    counts = Counts()
    for n, caller in enumerate(("web", "web", "batch")):
        counts.undeclared("api.example.com", 443, caller, f"10.0.0.{n}", 100.0 + n, plain=False)
    (finding,) = counts.take()

    assert (finding.kind, finding.integration, finding.subject, finding.severity) == (
        "egress.undeclared",
        "",
        "api.example.com:443",
        "warning",
    )
    assert (
        finding.title
        == "web, batch tried to reach api.example.com:443, which the registry does not declare; it was refused."
    )
    assert finding.detail == {
        "calls": 3,
        "last_at": 102.0,
        "callers": {"web": 2, "batch": 1},
        "from": ["10.0.0.0", "10.0.0.1", "10.0.0.2"],
        "plain": False,
        "cure": "Declare an integration with this address, or list `api.example.com:443` under `egress: {allow: [...]}`.",
    }
    assert counts.take() == []


def test_hosts_without_end_take_no_more_memory() -> None:
    counts = Counts()
    for n in range(HOSTS + 7):
        counts.undeclared(f"h{n}.example.com", 443, "web", "10.0.0.1", 1.0, plain=True)

    assert (len(counts.take()), counts.told()["dropped"]) == (HOSTS, 7)


def test_what_could_not_be_kept_comes_again() -> None:
    counts = Counts()
    counts.undeclared("api.example.com", 443, "web", "10.0.0.1", 1.0, plain=False)
    taken = counts.take()
    counts.give_back(taken)

    assert counts.take() == taken

"""What sampled calls hold is kept by place and category, and what nobody declared becomes a finding; never a value."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.support.sampled import sample
from trunkline.control.state import State
from trunkline.core.handling import Privacy
from trunkline.core.service import Service, Snapshot
from trunkline.ledger import data_tables
from trunkline.ops import findings
from trunkline.ops.data.looker import DataLooker

AT = 1_795_000_000.0
JANE = {"customer": {"email": "jane@example.com", "card": "4242 4242 4242 4242"}}


class Site:
    """A looker with a registry that can be changed."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "state", {}).create()
        self.now = AT
        self.declare([])
        self.looker = DataLooker(self.state, lambda: self.snapshot, clock=lambda: self.now)

    def declare(self, data: list[str], *, said: bool = True, forbid: list[str] | None = None) -> None:
        privacy = Privacy(declared=said, forbid=forbid or [])
        service = Service(name="stripe", data=data, privacy=privacy)
        version = f"{data}{said}{forbid}"
        self.snapshot = Snapshot(version=version, created="", environment="dev", services=[service])

    def see(self, *bodies: object, answer: object = None, **more: object) -> None:
        for n, body in enumerate(bodies):
            self.looker(sample(answer, asked=body, minute=n, **more))
        self.looker.flush()

    def open(self) -> dict[str, tuple[str, str]]:
        return {row.subject: (row.kind, row.severity) for row in findings.listed(self.state, kind="data")}

    def places(self) -> list[tuple[str, str, str, int]]:
        with self.state.view() as connection:
            rows = data_tables.listed(connection)
        return [(row["side"], row["path"], row["category"], row["samples"]) for row in rows]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.row("G2")
def test_where_which_category_stood_is_kept_and_counted_never_the_value(site: Site) -> None:
    site.see(JANE, JANE, answer={"receipt_email": "jane@example.com"})
    assert site.places() == [
        ("answer", "receipt_email", "pii.email", 2),
        ("request", "customer.card", "payment.card", 2),
        ("request", "customer.email", "pii.email", 2),
    ]
    files = [path.read_bytes() for path in site.state.path.rglob("*") if path.is_file()]
    assert not any(b"jane" in data or b"4242" in data for data in files)


@pytest.mark.row("G2")
def test_what_nobody_declared_is_a_finding_with_the_calls_that_show_it(site: Site) -> None:
    site.declare(["payment"])
    site.see(JANE)
    [row] = findings.listed(site.state, kind="data")
    assert (row.kind, row.integration, row.subject, row.severity) == (
        "data.undeclared",
        "stripe",
        "pii.email",
        "warning",
    )
    assert row.title == "stripe receives e-mail addresses (pii.email), which nobody declared"
    assert row.correlation_ids == ["corr-0"]
    assert row.detail["places"] == ["create_charge customer.email"]
    assert "jane" not in msgspec.json.encode(row).decode()


def test_a_declaration_ends_the_finding_and_taking_it_back_opens_it_again(site: Site) -> None:
    site.see(JANE)
    assert set(site.open()) == {"pii.email", "payment.card"}
    site.declare(["pii"])
    site.looker.flush()
    assert set(site.open()) == {"payment.card"}
    site.declare([])
    site.looker.flush()
    assert set(site.open()) == {"pii.email", "payment.card"}


def test_what_a_person_has_resolved_stays_so_until_it_is_seen_again(site: Site) -> None:
    site.see(JANE)
    findings.resolve(site.state, "data.undeclared", "stripe", "pii.email", "fixed in the shop", AT + 60)
    site.declare(["payment"])
    site.looker.flush()
    assert site.open() == {}
    site.looker(sample(None, asked=JANE, minute=5))
    site.looker.flush()
    assert set(site.open()) == {"pii.email"}


def test_forbidden_is_critical_even_where_the_whole_is_allowed(site: Site) -> None:
    site.declare(["pii", "payment"], forbid=["payment.card"])
    site.see(JANE)
    assert site.open() == {"payment.card": ("data.forbidden", "critical")}


def test_names_are_believed_after_three_calls_e_mail_at_once(site: Site) -> None:
    body = {"note": "Dear Priya Raghavan, thank you"}
    site.see(body, body)
    assert site.open() == {}
    site.see(body)
    assert site.open() == {"pii.name": ("data.undeclared", "warning")}


def test_what_only_answers_hold_is_kept_and_no_finding(site: Site) -> None:
    site.see({"limit": 10}, answer={"data": [{"email": "jane@example.com"}]})
    assert site.places() == [("answer", "data[].email", "pii.email", 1)]
    assert site.open() == {}


def test_a_prompt_is_data_too_and_a_path_is_looked_at(site: Site) -> None:
    site.see(
        {"messages": [{"role": "user", "content": "Hi"}]}, model="gpt-4o-mini", path="/c/jane%40example.com"
    )
    assert site.places() == [("request", "", "prompts", 1), ("request", "(path)", "pii.email", 1)]


@pytest.mark.row("G2")
def test_query_header_and_names_of_files_are_looked_at(site: Site) -> None:
    upload = b'--x\r\ncontent-disposition: form-data; name="cv"; filename="Jane_Doe_CV.pdf"\r\ncontent-type: application/pdf\r\n\r\n\xff\0'
    site.looker(
        sample(
            query="email=jane%40example.com&limit=2",
            fields=[("x-customer-phone", "+44 20 7183 8750"), ("x-run", "nightly")],
            request=upload + b"\r\n--x--\r\n",
            request_type="multipart/form-data; boundary=x",
        )
    )
    site.looker.flush()
    assert site.places() == [
        ("request", "(header) x-customer-phone", "pii.phone", 1),
        ("request", "(query) email", "pii.email", 1),
        ("request", "cv.file", "pii.name", 1),
    ]


def test_what_goes_on_is_noted_again_after_an_hour_only(site: Site) -> None:
    for _ in range(3):
        site.see(JANE)
    assert {row.times for row in findings.listed(site.state, kind="data")} == {1}
    site.now += 3601
    site.see(JANE)
    assert {row.times for row in findings.listed(site.state, kind="data")} == {2}


def test_many_different_paths_are_kept_as_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.ops.data.looker.PLACES_MAX", 2)
    site.see({f"k{c}": "jane@example.com" for c in "abcde"})
    paths = [path for _, path, _, _ in site.places()]
    assert (len(paths), paths[0]) == (3, "*")


def test_findings_of_an_integration_that_is_gone_end(site: Site) -> None:
    site.see(JANE)
    site.snapshot = Snapshot(version="none", created="", environment="dev", services=[])
    site.looker.flush()
    assert site.open() == {}

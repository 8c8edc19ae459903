"""Sampled calls are tied to the e-mail addresses in them; the addresses themselves go nowhere."""

from __future__ import annotations

from tests.support.sampled import sample
from trunkline.core.persons import person_hash
from trunkline.ledger.persons import Tie
from trunkline.ops.data.about import MOST, AboutLooker, addresses

SALT = b"s" * 32


def ties(*samples: object) -> list[Tie]:
    written: list[Tie] = []
    looker = AboutLooker(lambda text: person_hash(SALT, text), written.extend)
    for one in samples:
        looker(one)  # type: ignore[arg-type]
    looker.flush()
    looker.flush()
    return written


def test_addresses_in_request_path_and_answer_are_tied_once_each() -> None:
    one = sample(
        {"data": [{"email": "kofi@example.com"}, {"email": "Jane@example.com"}]},
        asked={"note": "write to jane@example.com"},
        path="/people/li%40example.org",
    )
    jane, kofi, li = (
        person_hash(SALT, f"{name}") for name in ("jane@example.com", "kofi@example.com", "li@example.org")
    )
    assert ties(one, one) == [
        Tie(jane, "c", one.at_us, "sample"),
        Tie(li, "c", one.at_us, "sample"),
        Tie(kofi, "c", one.at_us, "answer"),
    ]


def test_calls_without_addresses_are_tied_to_nobody() -> None:
    assert ties(sample({"ok": True}, asked={"amount": 5})) == []


def test_forms_and_streams_are_read_and_many_addresses_are_bounded() -> None:
    assert addresses(b"email=jane%40example.com", "application/x-www-form-urlencoded") == ["jane@example.com"]
    assert addresses(b'data: {"t":"a@example.com"}\n\n', "text/event-stream") == ["a@example.com"]
    many = b"[" + b",".join(b'"u%d@example.com"' % n for n in range(MOST + 9)) + b"]"
    assert len(addresses(many, "application/json")) == MOST


def test_addresses_in_query_header_and_names_of_files_are_tied_too() -> None:
    upload = b'--x\r\ncontent-disposition: form-data; name="cv"; filename="kofi@example.com.pdf"\r\n\r\n%PDF\r\n--x--\r\n'
    one = sample(
        path="/search",
        query="q=li%40example.org&limit=2",
        fields=[("x-acting-for", "Jane <jane@example.com>")],
        request=upload,
        request_type="multipart/form-data; boundary=x",
    )
    people = ("kofi@example.com", "li@example.org", "jane@example.com")
    assert [tie.person for tie in ties(one)] == [person_hash(SALT, name) for name in people]

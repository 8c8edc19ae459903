"""What was learned, kept between runs."""

from pathlib import Path

import pytest

from tests.unit.ops.contracts.test_watch import watch
from trunkline.ops.contracts import store
from trunkline.ops.contracts.store import OPERATIONS_MAX, Book, called


def test_a_book_is_read_back_as_it_was(tmp_path: Path) -> None:
    book = Book({"create_charge": watch().operation})
    store.write(tmp_path, "stripe@2026-08", book)
    assert store.read(tmp_path, "stripe@2026-08") == book
    assert [name for name, _ in store.books(tmp_path)] == ["stripe@2026-08"]
    (path,) = (tmp_path / store.FOLDER).iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_not_there_or_broken_is_an_empty_book(tmp_path: Path) -> None:
    assert store.read(tmp_path, "stripe") == Book()
    assert list(store.books(tmp_path)) == []
    (tmp_path / store.FOLDER).mkdir()
    (tmp_path / store.FOLDER / "stripe.msgpack").write_bytes(b"\xc1nonsense")
    assert store.read(tmp_path, "stripe") == Book()


def test_an_operation_that_was_not_seen_for_longest_makes_room() -> None:
    book = Book()
    for n in range(OPERATIONS_MAX):
        book.operation(f"op{n}").until_us = 1000 - n
    book.operation("one more")
    assert len(book.operations) == OPERATIONS_MAX
    assert f"op{OPERATIONS_MAX - 1}" not in book.operations
    assert book.operation("op0").until_us == 1000


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/charges", "GET /v1/charges"),
        ("/v1/charges/ch_3PqLk2eZvKYlo2C", "GET /v1/charges/{id}"),
        ("/orders/12345/lines", "GET /orders/{id}/lines"),
        ("/u/6f1f0a52-7d1e-4a4e-9a5c-0c1f2d3e4f50", "GET /u/{id}"),
        ("/people/jane@example.org", "GET /people/{id}"),
        ("/v1/chat/completions", "GET /v1/chat/completions"),
        ("/v1/payment_intents", "GET /v1/payment_intents"),
        ("/v2/oauth2_tokens/thread_abc123", "GET /v2/oauth2_tokens/{id}"),
    ],
)
def test_undeclared_operations_are_named_by_method_and_path_without_ids(path: str, name: str) -> None:
    assert called("", "GET", path) == name
    assert called("declared", "GET", path) == "declared"

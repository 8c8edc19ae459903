"""Whoever's data is taken out of recordings; what remains has the form that it had."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.scrub import Scrubber
from trunkline.ops.contracts.disguise import Disguise
from trunkline.ops.contracts.formats import text_format
from trunkline.ops.contracts.observe import Seen

SECRET = "sk_live_51Hxyzsecretsecret"
PERSON: dict[str, Any] = {
    "id": "cus_NffrFeUfNV2Hib", "object": "customer", "name": "Jane Doe", "email": "jane.doe@corp.example", "phone": "+491711234567",
    "address": {"line1": "Gartenweg 7", "city": "Ulm", "postal_code": "89073", "country": "DE"},
    "metadata": {"nickname": "jd", "tier": "gold"}, "description": "Jane's order of 3 books", "created": 1_764_000_000,
    "url": "https://shop.example/u/jane?t=1", "ip": "203.0.113.9", "ssn": 123456789, "token": SECRET,
    "uuid": "6f1f0a52-7d1e-4a4e-9a5c-0c1f2d3e4f50",
}  # fmt: skip
OF_HER = (
    "Jane", "Doe", "jane", "corp", "491711234567", "Gartenweg", "Ulm", "89073", "jd", "books", "203.0.113.9", "123456789", SECRET,
    "6f1f0a52", "NffrFeUfNV2Hib",
)  # fmt: skip


def disguise(key: bytes = b"k" * 32) -> Disguise:
    return Disguise(key, Scrubber([SECRET]))


def hidden(value: Any, media: str = "application/json") -> Any:
    return json.loads(disguise().body(json.dumps(value).encode(), media))


@pytest.mark.row("C5")
def test_nothing_of_a_person_is_left() -> None:
    told = json.dumps(hidden(PERSON))
    assert [word for word in OF_HER if re.search(rf"\b{re.escape(word)}\b", told)] == []


def test_what_is_left_has_the_same_form() -> None:
    told = hidden(PERSON)
    assert list(told) == list(PERSON)
    assert re.fullmatch(r"cus_[A-Za-z0-9]{14}", told["id"])
    assert (told["object"], told["created"]) == ("customer", 1_764_000_000)
    assert told["email"].endswith("@example.com")
    assert told["url"].startswith("https://example.com/")
    assert re.fullmatch(r"\d{9}", str(told["ssn"]))
    assert text_format(told["uuid"]) == "uuid"
    assert len(told["description"]) == len(PERSON["description"])


def test_the_same_value_has_one_stand_in_within_a_recording_and_another_in_the_next() -> None:
    one, other = disguise(), disguise(b"x" * 32)
    body = json.dumps({"id": "cus_NffrFeUfNV2Hib"}).encode()
    first = json.loads(one.body(body, ""))["id"]
    assert one.path("/v1/customers/cus_NffrFeUfNV2Hib") == f"/v1/customers/{first}"
    assert json.loads(other.body(body, ""))["id"] != first


def test_words_of_the_vendors_sets_settings_and_dates_stay() -> None:
    body = {
        "status": "requires_action",
        "model": "gpt-4.1-mini",
        "currency": "eur",
        "at": "2026-11-21T10:00:00Z",
        "none": None,
        "ok": True,
        "n": 5,
    }
    assert hidden(body) == body


def test_what_users_wrote_is_replaced_even_where_it_is_one_word() -> None:
    body = {"messages": [{"role": "user", "content": "Hello, I am Jane."}], "metadata": {"tier": "gold"}}
    told = hidden(body)
    assert told["messages"][0]["role"] == "user"
    assert "Jane" not in told["messages"][0]["content"]
    assert told["metadata"]["tier"] != "gold"


def test_vectors_say_nothing() -> None:
    assert hidden({"embedding": [0.25] * 100})["embedding"] == [0.0] * 100
    assert hidden({"box": [1, 2]})["box"] == [1, 2]


def test_forms_queries_texts_and_bytes() -> None:
    one = disguise()
    form = one.body(
        b"amount=2000&currency=eur&address[city]=Ulm&email=a%40b.example", "application/x-www-form-urlencoded"
    )
    assert form.startswith(b"amount=")
    assert b"currency=eur" in form
    assert b"Ulm" not in form
    assert b"b.example" not in form
    assert "example.com" in one.query("limit=5&email=a%40b.example")
    assert one.body(b"", "application/json") == b""
    assert b"Jane" not in one.body(b"Jane was here", "text/plain")
    assert one.body(b"\x89PNG", "image/png") == b"<4 bytes of image/png>"


def test_an_event_keeps_its_name_and_form() -> None:
    raw = b'event: delta\nid: 77\ndata: {"type":"delta","text":"Jane Doe"}\n\n'
    told = disguise().event(raw)
    assert told.startswith(b"event: delta\n")
    assert b'"type":"delta"' in told
    assert b"Jane" not in told
    assert b"77" not in told
    assert disguise().event(b"data: [DONE]\n\n") == b"data: [DONE]\n\n"
    assert disguise().event(b"data: Jane Doe said something long\n\n") == b"data: <text>\n\n"


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(max_size=20)
    | st.just("cus_NffrFeUfNV2Hib")
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=4),
    max_leaves=15,
)


@given(TREES)
def test_types_and_fields_are_never_changed(tree: Any) -> None:
    def kinds(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kinds(item) for key, item in value.items()}
        return [kinds(item) for item in value] if isinstance(value, list) else type(value)

    assert kinds(disguise().value("", tree)) == kinds(tree)


def test_a_disguised_body_fits_the_contract_of_the_first() -> None:
    """Types and places are the same, so that a cassette can be judged against the lock."""
    first, second = Seen(), Seen()
    first.body(PERSON)
    second.body(hidden(PERSON))
    types = [
        {place: {fact for fact in facts if fact[:2] == "t:"} for place, facts in seen.places.items()}
        for seen in (first, second)
    ]
    assert types[0] == types[1]

"""A sampled call -> what each part of its operation shows."""

from typing import Any

from tests.support.sampled import sample, sse
from trunkline.core.sample import Sample
from trunkline.core.service import ErrorShape
from trunkline.ops.contracts.reading import error_parts, parts_of


def parts(one: Sample) -> dict[str, Any]:
    return {name: seen.places for name, seen in parts_of(one, {}, {}, ErrorShape()).items()}


def words(one: dict[str, Any], part: str) -> set[str]:
    return {fact[2:] for fact in one[part][""] if fact.startswith("v:")}


def test_a_success_shows_request_reply_status_and_that_it_was_accepted() -> None:
    found = parts(sample({"id": 1}, asked={"amount": 5}))
    assert set(found) == {"request", "reply", "status", "outcome"}
    assert (words(found, "status"), words(found, "outcome")) == ({"200"}, {"accepted"})
    assert "/amount" in found["request"]


def test_a_form_is_read_like_json() -> None:
    form = b"amount=5&metadata[order]=1&items[0][price]=x&items[1][price]=y"
    one = sample({}, request=form, request_type="application/x-www-form-urlencoded")
    assert set(parts(one)["request"]) == {
        "",
        "/amount",
        "/metadata",
        "/metadata/{}",
        "/items",
        "/items/[]",
        "/items/[]/price",
    }


def test_a_stream_shows_its_events_and_which_came() -> None:
    body = sse(("message_start", {"type": "message_start"}), ("ping", {"type": "ping"}), ("", "[DONE]"))
    found = parts(sample(body, media="text/event-stream"))
    assert {"event message_start", "event ping", "stream"} <= set(found)
    assert set(found["stream"]) == {"", "/message_start", "/ping", "/[DONE]"}


def test_events_without_a_name_are_known_by_the_type_in_them() -> None:
    body = sse(("", {"type": "response.created"}), ("", {"choices": []}))
    assert {"event response.created", "event data"} <= set(parts(sample(body, media="text/event-stream")))


def test_the_begin_of_a_stream_does_not_say_which_events_are_missing() -> None:
    body = sse(("message_start", {"a": 1}))
    assert "stream" not in parts(sample(body, media="text/event-stream", response_cut=True))


def test_of_a_body_that_was_cut_its_begin_counts() -> None:
    whole = b'{"data": [{"id": 1, "name": "x"}, {"id": 2, "na'
    found = parts(sample(whole, response_cut=True))
    assert found["reply"]["/data/[]/id"] == {"+", "t:integer"}


def test_what_cannot_be_read_shows_nothing_but_its_status() -> None:
    for body, media in (
        (b"<html>", "text/html"),
        (b"{broken", "application/json"),
        (b"\x00\xff", "application/pdf"),
    ):
        assert set(parts(sample(body, media=media))) == {"status", "outcome"}


def test_a_refusal_that_asks_for_something_is_an_outcome() -> None:
    told = {"error": {"code": "parameter_missing", "message": "Missing required parameter: 'region'."}}
    assert words(parts(sample(told, status=400)), "outcome") == {"400 parameter_missing"}
    assert "outcome" not in parts(sample({"error": {"message": "Your card was declined."}}, status=402))
    silent = sample({"error": {"code": "x", "message": "Not this one."}}, status=400)
    assert words(parts(silent), "outcome") == {"refused"}


def test_errors_show_their_shape_and_status_but_not_those_of_the_moment() -> None:
    def found(status: int) -> set[str]:
        return set(error_parts(sample({"error": {"message": "no"}}, status=status), {}, {}))

    assert (found(404), found(500), found(429)) == ({"error", "error status"}, {"error"}, set())


def test_words_of_the_request_are_no_words_of_the_vendor() -> None:
    found = parts(sample({"currency": "eur", "status": "open"}, asked={"currency": "eur"}))
    assert "v:eur" not in found["reply"]["/currency"]
    assert "v:open" in found["reply"]["/status"]


def test_json_lines_show_each_line_as_an_event() -> None:
    body = b'{"response":"a","done":false}\n{"done":true,"total":5}\n'
    found = parts(sample(body, media="application/x-ndjson"))
    assert set(found["event data"]) == {"", "/response", "/done", "/total"}
    assert set(found["stream"]) == {"", "/data"}
    assert "event data" not in parts(sample(b"x" * (3 << 20), media="application/x-ndjson"))

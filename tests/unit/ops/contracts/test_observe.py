"""What one body shows."""

from typing import Any

from trunkline.ops.contracts.observe import FIELDS_MAX, ITEMS_MAX, NODES_MAX, VALUES_MAX, Seen, spread


def shown(tree: Any, known: tuple[str, ...] = (), **more: Any) -> dict[str, set[str]]:
    seen = Seen(**more)
    seen.body(tree, known)
    return seen.places


def test_a_body_is_types_formats_and_words_at_places() -> None:
    assert shown(
        {
            "id": "pi_3MtwBwLkdIwHu7ix28a3",
            "status": "succeeded",
            "created": 1_764_000_000,
            "tags": ["a"],
            "next": None,
        }
    ) == {
        "": {"+", "t:object"},
        "/id": {"+", "t:string", "f:text", "~"},
        "/status": {"+", "t:string", "f:text", "v:succeeded"},
        "/created": {"+", "t:integer", "f:epoch-s"},
        "/tags": {"+", "t:array"},
        "/tags/[]": {"+", "t:string", "f:text", "v:a"},
        "/next": {"+", "t:null"},
    }


def test_objects_that_name_their_kind_are_kept_apart() -> None:
    body = {"content": [{"type": "text", "text": "Hello there"}, {"type": "tool_use", "id": "x"}]}
    found = shown(body, ("/content/[]<text>/text", "/content/[]<text>/citations"))
    assert found["/content/[]/type"] == {"+", "t:string", "f:text", "v:text", "v:tool_use"}
    assert found["/content/[]<text>/citations"] == {"-"}
    assert "/content/[]<tool_use>/text" not in found


def test_a_field_that_only_some_items_lack_is_there_and_missing() -> None:
    assert shown({"data": [{"a": 1}, {}]}, ("/data/[]/a",))["/data/[]/a"] == {"+", "-", "t:integer"}


def test_keys_that_are_data_are_no_places() -> None:
    assert set(shown({"metadata": {"order": "6735"}, "prices": {"cus_NffrFeUfNV2Hib": 1}})) == {
        "", "/metadata", "/metadata/{}", "/prices", "/prices/{}",
    }  # fmt: skip
    assert set(shown({"name": "x", "anna@example.com": 1})) == {"", "/name", "/{}"}


def test_words_of_people_and_echoes_of_the_request_are_not_kept() -> None:
    assert shown({"name": "anna", "city": "Oslo", "metadata": {"k": "gold"}})["/name"] == {
        "+",
        "t:string",
        "f:text",
        "~",
    }
    assert shown({"metadata": {"k": "gold"}})["/metadata/{}"] == {"+", "t:string", "f:text", "~"}
    assert shown({"Currency": "eur"}, echo=(("currency", "eur"),))["/Currency"] == {"+", "t:string", "f:text"}
    other = {("voicemethod", "POST")}
    assert "v:POST" in shown({"fallback_method": "POST"}, echo=other)["/fallback_method"]


def test_dated_names_of_models_are_what_callers_chose() -> None:
    assert "v:gpt-DATE" in shown({"ranker": "gpt-2024-08-06"})["/ranker"]
    assert "~" in shown({"model": "gpt-2024-08-06"})["/model"]
    assert "v:gpt-5" in shown({"model": "gpt-5"})["/model"]


def test_what_users_of_an_api_design_themselves_is_not_looked_into() -> None:
    assert set(shown({"input": {"secret_plan": {"a": 1}}, "id": "x"})) == {"", "/input", "/id"}


def test_signs_in_keys_cannot_be_mistaken_for_places() -> None:
    assert set(shown({"a/b": 1, "c~d": 1, "e<f>": 1})) == {"", "/a~1b", "/c~0d", "/e~3f~4"}


def test_enormous_bodies_are_looked_at_in_part() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = {"a": deep}
    assert max(place.count("/") for place in shown(deep)) == 16
    assert len(spread(list(range(10_000)))) == ITEMS_MAX
    assert set(shown({f"field{n}": n for n in range(FIELDS_MAX + 1)})) == {"", "/{}"}
    many = shown([[[{"a": 1}] * ITEMS_MAX] * ITEMS_MAX] * NODES_MAX, ("/[]/[]/[]/c",))
    assert "/[]/[]/[]/c" not in many, "what was not looked at is not missing"


def test_so_many_words_are_no_set() -> None:
    words = [f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(VALUES_MAX + 1)]
    assert "~" in shown([words[:40], words[40:]])["/[]/[]"]


def test_words_under_names_of_secrets_and_of_what_people_write_are_not_kept() -> None:
    """They would stand in the lock, which is committed."""
    body = {
        "password": "hunter",
        "access_token": "sesame",
        "text": "jane",
        "first": "jane",
        "status": "paid",
        "token_type": "bearer",
    }
    found = shown(body)
    kept = {place for place, facts in found.items() if any(fact.startswith("v:") for fact in facts)}
    assert kept == {"/status", "/token_type"}

"""The shape of a body with nothing of anybody in it."""

from trunkline.core.codec import to_json
from trunkline.ops.contracts.skeleton import skeleton


def test_values_become_types_and_formats() -> None:
    body = {
        "id": "cus_81hs9sk2k", "name": "Jane Doe", "mail": "jane@example.org", "born": "1980-01-02", "age": 46, "weight": 61.5,
        "vip": True, "left": None, "tags": ["a b", "c"],
    }  # fmt: skip
    assert skeleton(body) == {
        "id": "<text>", "name": "<text>", "mail": "<email>", "born": "<date>", "age": "<integer>", "weight": "<number>",
        "vip": True, "left": None, "tags": ["<text>"],
    }  # fmt: skip


def test_known_words_stay() -> None:
    assert skeleton({"status": "open", "name": "Jane"}, {"open"}) == {"status": "open", "name": "<text>"}


def test_keys_of_maps_are_data() -> None:
    told = skeleton(
        {"metadata": {"jane": "1"}, "users": {"u_9183hsh2kq": {"n": 1}, "u_8s7d6f5gh2": {"n": 2}}}
    )
    assert b"jane" not in to_json(told)
    assert told["users"] == {"{}": {"n": "<integer>"}}


def test_it_is_bounded() -> None:
    deep: object = 1
    for _ in range(50):
        deep = {"a": deep}
    assert "..." in to_json(skeleton(deep)).decode()
    assert len(to_json(skeleton({f"f{n}x": {f"g{m}": m for m in range(99)} for n in range(99)}))) < 20_000

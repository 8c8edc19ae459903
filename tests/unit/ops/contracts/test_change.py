"""Changes: whom they hurt, and their words."""

import pytest

from trunkline.ops.contracts.change import Change, harm_of, worst


@pytest.mark.parametrize(
    ("part", "kind", "harm"),
    [
        ("reply", "removed", "breaking"),
        ("reply", "added", "harmless"),
        ("reply", "word added", "risky"),
        ("reply", "word removed", "harmless"),
        ("event delta", "retyped", "breaking"),
        ("error", "removed", "risky"),
        ("request", "added", "harmless"),
        ("request", "required", "breaking"),
        ("request", "word removed", "breaking"),
        ("request", "word added", "harmless"),
        ("outcome", "refused", "breaking"),
    ],
)
def test_harm_depends_on_the_direction(part: str, kind: str, harm: str) -> None:
    assert harm_of(part, kind) == harm


def test_the_worst_and_the_words() -> None:
    one = Change(part="reply", place="/a", kind="added", now="string", harm="harmless")
    two = Change(part="reply", place="/b", kind="removed", was="integer")
    assert (worst([one, two]), worst([])) == ("breaking", "harmless")
    assert (one.title, two.title) == ("reply /a: new (string)", "reply /b: no longer there (integer)")
    assert one.key == "reply /a added"

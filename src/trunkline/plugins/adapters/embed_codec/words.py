"""What vectors are for, and what becomes of texts that are too long, in the words of vendors.

OpenAI's dialect has no member for either, so its callers send those of other vendors (`input_type`, `truncate`); whoever serves the call
is told in its own words. Not for: members that only one dialect has.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from trunkline.core.conversation import Change, Untranslatable
from trunkline.core.embedding import EmbedRequest, Purpose

PURPOSE_MEMBERS = ("input_type", "taskType", "task_type")
TRUNCATE_MEMBERS = ("truncate", "truncation", "autoTruncate")
SPOKEN = frozenset((*PURPOSE_MEMBERS, *TRUNCATE_MEMBERS))
"""Members that are read into the canonical form, whoever's they are."""
_MEANS: dict[str, Purpose] = {
    "search_query": "query",
    "query": "query",
    "retrieval_query": "query",
    "question_answering": "query",
    "fact_verification": "query",
    "code_retrieval_query": "query",
    "search_document": "document",
    "document": "document",
    "passage": "document",
    "retrieval_document": "document",
    "semantic_similarity": "similarity",
    "similarity": "similarity",
    "classification": "classification",
    "clustering": "clustering",
    "task_type_unspecified": "",
}
"""Words of Cohere, Voyage, NVIDIA and Google, in lower case."""


def heard(said: Mapping[str, Any], asked: EmbedRequest) -> None:
    """Reads purpose and truncation of an object that may have them. Raises Untranslatable."""
    for name in PURPOSE_MEMBERS:
        word = said.get(name)
        if word is None:
            continue
        if not isinstance(word, str):
            raise Untranslatable(f"`{name}` is no string", name)
        asked.said_purpose, asked.purpose = word, _MEANS.get(word.lower(), "other")
    for name in TRUNCATE_MEMBERS:
        value = said.get(name)
        if isinstance(value, bool):
            asked.truncate = "end" if value else "none"
        elif isinstance(value, str) and value.lower() in ("end", "start", "none"):
            asked.truncate = value.lower()  # type: ignore[assignment]
        elif value is not None:
            raise Untranslatable(f"`{name}` is none of END, START, NONE, true, false", name)


def purpose(
    asked: EmbedRequest, words: Mapping[Purpose, str], own: Set[str], changes: list[Change]
) -> str | None:
    """The vendor's word for what the vectors are for; None where it has none or nothing was said. `own`: all words that it has."""
    if asked.said_purpose.upper() in own:
        return asked.said_purpose.upper()
    if asked.said_purpose.lower() in own:
        return asked.said_purpose.lower()
    if not asked.purpose:
        return None
    word = words.get(asked.purpose)
    if word is None:
        changes.append(Change("dropped", "purpose"))
    elif asked.said_purpose.lower() not in _PLAIN:
        changes.append(Change("changed", "purpose", word))
    return word


_PLAIN = frozenset(_MEANS) - {"question_answering", "fact_verification", "code_retrieval_query"}
"""Words that mean the same in all dialects; the others say more."""


def yes_or_no(asked: EmbedRequest, name: str, changes: list[Change]) -> dict[str, bool]:
    """Truncation for a vendor that cuts the end of what is too long, or does not."""
    if asked.truncate == "start":
        changes.append(Change("changed", "truncate", "end"))
    return {name: asked.truncate != "none"} if asked.truncate else {}


def dropped(asked: EmbedRequest, *taken: str, known: Set[str] = frozenset()) -> list[Change]:
    """What a vendor has no member for: of `user`, `titles`, `truncate` those that are not taken, and members nobody knows."""
    lost = [
        name
        for name, said in (
            ("user", asked.user),
            ("titles", any(asked.titles)),
            ("truncate", asked.truncate),
        )
        if said and name not in taken
    ]
    lost += [name for name in asked.extra if name not in known and name not in SPOKEN]
    return [Change("dropped", name) for name in lost]

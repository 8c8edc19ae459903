"""Names of persons in texts: by what stands before them (Mr, Dear, my name is), by common given and family names. Pure.

Without a model of language some names are missed and some words are taken for names: how many is measured in `docs/explanation/data.md`.
Names under a key that says so are `keys.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from unicodedata import combining, normalize

from trunkline.core.data.given_names import FAMILY, GIVEN, NOT_FAMILY, ORDINARY
from trunkline.core.data.listed import words

Span = tuple[int, int]

_CAP = r"[^\W\d_a-zß-öø-ÿ][^\W\d_]{0,24}(?:['’-][^\W\d_]{1,24}){0,2}"
_PARTICLE = r"(?:van|von|der|den|de|da|di|do|dos|das|du|del|della|la|le|el|al|bin|ibn|ter|ten|zu|af|av|y|e)"
_REST = rf"(?:[ ](?:{_PARTICLE}[ ]){{0,2}}(?:[^\W\d_a-z]\.[ ]?)?{_CAP})"
_TITLE = (
    r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Herrn?|Frau|Hr|Fr|Sr|Sra|Srta|Señora?|Don|Doña|Mme|Mlle|Monsieur|Madame|Mademoiselle|Sig|Signora?|Dott|"
    r"Dhr|Mevr|Mevrouw|Meneer|Pan|Pani|Sir|Lady|Rev|Capt|Sgt|Judge|Senator|Professor|Doctor|Nurse|Sheikh|Shri|Smt)"
)
_HONORIFIC = re.compile(
    rf"(?<![\w.])(?:{_TITLE}\.?[ ]){{1,3}}(?!{_TITLE}\b)((?:{_CAP}|[^\W\d_a-z]\.)(?:[ ](?:{_CAP}|[^\W\d_a-z]\.|{_PARTICLE}(?=[ ]))){{0,3}})"
)
_SAID = re.compile(
    rf"(?:[Mm]y (?:full )?name is|[Nn]ame['’]s|[Nn]amed|[Ii]ch hei(?:ß|ss)e|[Mm]ein Name ist|[Jj]e m['’]appelle|[Mm]on nom est|"
    rf"[Mm]e llamo|[Mm]i nombre es|[Mm]i chiamo|"
    rf"[Mm]ijn naam is|[Ii]k heet|[Mm]eu nome é|[Nn]azywam się|[Jj]ag heter|[Jj]eg hedder|[Jj]eg heter|[Bb]enim adım|"
    rf"[Ss]igned(?: by)?:?|[Cc]are of)\s+({_CAP}(?:{_REST}){{0,3}})"
)
_SAYINGS = (
    "ame is", "ame's", "ame’s", "amed ", "heiße", "heisse", "Name ist", "appelle", "nom est", "llamo", "nombre es", "chiamo",
    "naam is", "heet", "nome é", "azywam", "heter", "hedder", "adım", "igned", "are of",
)  # fmt: skip
_LABELLED = re.compile(
    rf"(?:^|(?<=[\n,;(|>])|(?<=[,;(|.] ))(?:[Aa]ttn\.?|[Pp]atient(?: name)?|[Nn]ame(?: of [a-z ]{{1,20}})?|[Ff]ull [Nn]ame|"
    rf"[Cc]ustomer(?: name)?|[Ff]rom|[Tt]o|"
    rf"[Cc]c|[Cc]ontact(?: person)?|[Cc]ardholder|[Cc]andidate|"
    rf"[Ee]mployee|[Aa]pplicant|[Rr]ecipient|[Oo]wner|[Nn]om(?: et prénom)?|[Nn]ombre|[Nn]ome|[Ii]mię i nazwisko|[Kk]und(?:e|"
    rf"in)):[ \t]*({_CAP}(?:{_REST}){{0,3}})"
)
_GREETED = re.compile(
    rf"(?:^|[\n>\"“.!?]\s*|,\s)(?:Dear|Hi|Hello|Hey|Hallo|Liebe[r]?|Sehr geehrte[r]?|Bonjour|Cher|Chère|Salut|Hola|Querid[oa]|"
    rf"Estimad[oa]|Ciao|Gentile|Beste|Olá|Prezad[oa]|Caro|Cara|Kære|Kära|Thanks|Thank you|Cheers),?[ ]"
    rf"({_CAP}(?:{_REST}){{0,2}})(?=[\s,!.:;?]|$)"
)
_FORMAL = re.compile(
    r"\s*(?:Dear|Lieber?|Ch[eè]re?|Querid[oa]|Estimad[oa]|Gentile|Beste|Prezad[oa]|Kære|Kära)\b"
)
"""Behind these stands a name, or one of a few other words; behind `Hello` may stand anything."""
_CLOSING = re.compile(
    rf"(?:[Rr]egards|[Ss]incerely|[Bb]est wishes|[Cc]heers|[Tt]hanks|[Tt]hank you|[Yy]ours(?: truly| faithfully)?|[Bb]est|[Gg]rüße|"
    rf"[Gg]ruß|[Cc]ordialement|[Ss]aludos|[Cc]ordiali saluti|[Gg]roeten|[Aa]braço),?\s*\n+\s*"
    rf"({_CAP}(?:{_REST}){{0,2}})(?=\s*(?:\n|$))"
)
_FULL = re.compile(
    rf"(?<![\w@/.#])({_CAP})((?:[ ](?:[^\W\d_a-z]\.))?)[ ]((?:{_PARTICLE}[ ]){{0,2}})({_CAP})(?![\w@])"
)
_MORE = re.compile(rf"(?:-|[ ](?:{_PARTICLE}[ ])?)({_CAP})(?![\w@])")
_REVERSED = re.compile(rf"(?<![\w@])({_CAP}),[ ]({_CAP})(?=[\s,;.)]|$)")
_INITIAL = re.compile(rf"(?<![\w@/.#])({_CAP}) [^\W\d_a-z]\. ({_CAP})(?![\w@])")
"""With an initial in the middle, also names that nobody knows."""
_SURNAME = re.compile(
    r"..(?:ovi?[cć]h?|evi?[cć]h?|ova|eva|[^aeiou]ov|[^aeiou]ev|sson|dottir|dóttir|nen|enko|chuk|idze|adze|shvili|yan|escu|opoulos|"
    r"akis|oğlu|owski|owska|ewski|ewska|insky|inska|czyk|czak|mann|ström|strøm|quist|qvist)$"
)
_ENDS_OF_WORDS = ("ing", "ed", "ly", "tion", "street", "ment", "ness")
_WORD = re.compile(rf"(?<![\w@/.#'’-]){_CAP}(?![\w@]|[.]\w)")
_NEXT = re.compile(rf"[ ]({_CAP})")
_PLACES = re.compile(
    r"\b(?:San|Santa|Santo|St\.?|Saint|Sainte|São|Sankt|Sint|Fort|Mount|Mt\.?|Lake|Port|Point|Cape|Isla|Île) $"
)
_KNOWN = GIVEN | FAMILY
_NO_PERSON = words(
    "all both there team everyone everybody sir madam world customer user friend friends colleagues folks guys support you hiring "
    "to whom it here again so much for in on very and that the this a an your our my no not please thanks admin support sales "
    "info hr the-team"
)


_TITLES = words(
    "Mr Mrs Ms Miss Mx Dr Prof Herr Herrn Frau Hr Fr Sr Sra Srta Señor Señora Don Doña Mme Mlle Monsieur Madame Mademoiselle Sig "
    "Signor Signora Dott Dhr Mevr Mevrouw Meneer Pan Pani Sir Lady Rev Capt Sgt Judge Senator Professor Doctor Nurse Sheikh Shri "
    "Smt"
)
_GREETINGS = words(
    "Dear Hi Hello Hey Hallo Liebe Lieber Sehr Bonjour Cher Chère Salut Hola Querido Querida Estimado Estimada Ciao Gentile Beste "
    "Olá Prezado Prezada Caro Cara Thanks Thank Cheers"
)
_CLOSINGS = words(
    "regards sincerely wishes cheers thanks you yours truly faithfully best grüße gruß cordialement saludos saluti groeten abraço"
)


def names(text: str, words: frozenset[str]) -> Iterator[Span]:
    """Names of persons; spans may overlap. `words`: those of the text, so that what cannot be there is not searched."""
    small = frozenset(map(_plain, words))
    for pattern in _introduced(text, words, small):
        for found in pattern.finditer(text):
            yield from _trimmed(text, *found.span(1))
    for found in _GREETED.finditer(text) if words & _GREETINGS else ():
        known = _plain(found[1].split()[0]) in GIVEN or _plain(found[1].split()[-1]) in FAMILY
        if known or _FORMAL.search(found[0][: found.start(1) - found.start()]):
            yield from _trimmed(text, *found.span(1))
    if small & _KNOWN or any(map(_SURNAME.search, small)):
        yield from _full(text)
        yield from _initialled(text)
        yield from _single(text)
        yield from _reversed(text)


def _introduced(text: str, words: frozenset[str], small: frozenset[str]) -> Iterator[re.Pattern[str]]:
    """The patterns of what stands before names, as far as the text can hold any."""
    if words & _TITLES:
        yield _HONORIFIC
    if any(saying in text for saying in _SAYINGS):
        yield _SAID
    if ":" in text:
        yield _LABELLED
    if "\n" in text and small & _CLOSINGS:
        yield _CLOSING


def _initialled(text: str) -> Iterator[Span]:
    for found in _INITIAL.finditer(text):
        if _plain(found[1]) not in NOT_FAMILY and _plain(found[2]) not in NOT_FAMILY:
            yield found.span()


def _reversed(text: str) -> Iterator[Span]:
    for found in _REVERSED.finditer(text):
        family, given = _plain(found[1]), _plain(found[2])
        if given in GIVEN and given not in ORDINARY and family in FAMILY:
            yield found.span()


def _full(text: str) -> Iterator[Span]:
    """A given name and a family name beside each other, one of which is common."""
    at = 0
    while found := _FULL.search(text, at):
        at = found.start(4) if not found[3] else found.end()
        given, family = _plain(found[1]), _plain(found[4])
        if (
            found[1].isupper() != found[4].isupper()
            or not _is_pair(given, family)
            or _is_place(text, found.start())
        ):
            continue
        end = found.end()
        more = _MORE.match(text, end)
        if more and _plain(more[1]) in FAMILY and _plain(more[1]) not in NOT_FAMILY:
            end = more.end()
        at = end
        yield found.start(), end


def _is_pair(given: str, family: str) -> bool:
    if family in NOT_FAMILY or given in _NO_PERSON or len(family) < 2:
        return False
    if _SURNAME.search(family) and given not in NOT_FAMILY:
        return True
    known = family in FAMILY and family not in ORDINARY
    if given in GIVEN:
        # An ordinary word before a capital is mostly the begin of a sentence or a place.
        return given not in ORDINARY or known or (family in GIVEN and family not in ORDINARY)
    return (
        known
        and given not in NOT_FAMILY
        and len(given) > 2
        and given.isalpha()
        and not given.endswith(_ENDS_OF_WORDS)
    )


def _single(text: str) -> Iterator[Span]:
    """A given name alone that is no other word."""
    for found in _WORD.finditer(text):
        small = _plain(found[0])
        if small not in GIVEN or small in ORDINARY or len(small) < 3 or _is_place(text, found.start()):
            continue
        following = _NEXT.match(text, found.end())
        if following is None or _plain(following[1]) not in NOT_FAMILY:
            yield found.span()


def _is_place(text: str, start: int) -> bool:
    """Whether what stands before makes a place of a name: San Francisco, St. Lucia."""
    return _PLACES.search(text[max(0, start - 8) : start]) is not None


@lru_cache(maxsize=16384)
def _plain(word: str) -> str:
    """In small letters, without accents."""
    small = word.lower()
    if small.isascii():
        return small
    return "".join(
        char for char in normalize("NFKD", small.replace("ł", "l").replace("ø", "o")) if not combining(char)
    )


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """Up to the first word that is no name; nothing if there is none before it."""
    last = start
    for word in re.finditer(r"\S+", text[start:end]):
        plain = _plain(word[0].strip(".,;:!?"))
        if plain in _NO_PERSON or (plain in NOT_FAMILY and plain not in GIVEN):
            break
        last = start + word.end()
    span = text[start:last].rstrip(" ,.;:!?")
    if " " in span or (len(span) > 1 and not span.isupper()):
        yield start, start + len(span)

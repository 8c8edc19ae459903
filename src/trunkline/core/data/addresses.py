"""Postal addresses in texts: a street with a number as it is written in some twenty countries, postcodes that only addresses have. Pure.

A town alone is no address. Addresses under a key that says so are `keys.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trunkline.core.data.listed import words

Span = tuple[int, int]

_W = r"[^\W\d_][\w'’.]{0,30}"
_CAP = r"[^\W\d_a-zß-öø-ÿ][\w'’.]{0,30}"
"""Bounded and without hyphens, which part words here: so no text takes long, however it is made."""
_STATES = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|AB|BC|MB|NB|NL|"
    "NS|ON|PE|QC|SK|"
    "NSW|VIC|QLD|TAS|ACT"
)
_UK_POSTCODE = r"(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPS-UW]|[A-HK-Y]\d[ABEHMNPRV-Y]) \d[ABD-HJLNP-UW-Z]{2})"
_CA_POSTCODE = r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d"
_UNIT = r"(?:,? *(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|#)\.? *#?[\w-]{1,6})"
_KINDS = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Parkway|Pkwy|"
    "Highway|Hwy|Close|Crescent|"
    "Cres|Gardens|Gdns|Grove|Mews|Row|Circle|Cir|Trail|Trl|Loop|Walk|Hill|Quay|Alley|Crossing|Turnpike|Esplanade|Parade|Rise|Green"
)
_COUNTED = r"(?:Hour|Day|Week|Month|Year|Minute|Second|Mile|Step|Point|Percent|Way|Man|Men|Star|Inch|Foot|Feet|Car|Person|People)s?\b"
_NUMBER = r"\d{1,5}(?:[-/]\d{1,4})?[A-Za-z]?"
_TOWN = rf"(?:,? *(?:\n *)?(?:[A-Z]{{1,2}}-)?\d{{4,6}}(?: ?[A-Z]{{2}}\b)? {_CAP}(?:[ -]{_CAP}){{0,2}})"
_ENGLISH = re.compile(
    rf"(?<![\w.,-])(?<!\d ){_NUMBER},? (?!{_COUNTED})(?:[NSEW]{{1,2}}\.? )?(?:(?:{_CAP}|\d{{1,3}}(?:st|nd|rd|th)|of|"
    rf"the)[ -]){{1,5}}(?:{_KINDS})\b\.?{_UNIT}?"
    rf"(?:,? *(?:\n *)?{_CAP}(?: {_CAP}){{0,2}},? +(?:\n *)?(?:(?:{_STATES}),? *\d{{4,5}}(?:-\d{{4}})?|{_UK_POSTCODE}|{_CA_POSTCODE}))?"
)
_GERMANIC = re.compile(
    rf"(?<!\w)(?:[^\W\d_a-z][\w.]{{0,30}}(?:stra(?:ß|ss)e|str\.|weg|allee|platz|gasse|ring|damm|ufer|chaussee|markt|hof|steig|stieg|"
    rf"graben|straat|laan|plein|gracht|kade|singel|dijk|vej|gade|"
    rf"gatan|vägen|gata|gaten|veien|vegen|katu|tie|kuja|tänav|stræti|utca|körút)|(?:Stra(?:ß|ss)e|Str\.|Weg|Allee|Platz|Ring|Damm|"
    rf"Ufer))[ ]\d{{1,4}}(?: ?[a-zA-Z](?!\w))?(?:[-/]\d{{1,4}})?(?!\w){_TOWN}?"
)
_PREFIX = re.compile(rf"(?<!\w)(?:{_CAP}[ -]){{1,3}}$")
_FRENCH = re.compile(
    r"(?<![\w.,-])\d{1,4}(?: ?(?:bis|ter|quater))?,? "
    r"(?:[Rr]ue|RUE|[Aa]venue|[Aa]v\.|[Bb]oulevard|[Bb]d\.?|[Pp]lace|[Cc]hemin|[Ii]mpasse|[Aa]llées?|[Qq]uai|"
    r"[Cc]ours|[Rr]oute|[Ss]quare|[Pp]assage|[Ff]aubourg|[Ss]entier|[Vv]illa|[Ee]splanade) "
    rf"(?:(?:de la|de l['’]|des|du|de|d['’]|la|le|les)[ ]?)?{_W}(?:[ -](?:de la |des |du |de |d['’]|et )?{_CAP}){{0,4}}{_TOWN}?"
)
_ROMANCE = re.compile(
    r"(?<!\w)(?:Calle|C/|Avda\.?|Avenida|Av\.|Plaza|Pza\.?|Paseo|Carrer|Camino|Ronda|Travesía|Via|Viale|Piazza|Piazzale|Corso|Largo|"
    r"Vicolo|Strada|Rua|R\.|Travessa|Praça|Alameda|Estrada|Rodovia|Jirón|Carrera|Cra\.) ?"
    rf"(?:(?:de la|de los|de las|del|de|da|do|dos|das|della|delle|dei|degli|di|d['’]|la|el|los|las)[ ]?)?{_W}(?:[ -](?:de la |del |"
    rf"de |da |do |dos |das |di |y |e )?{_CAP}){{0,4}},? "
    rf"(?:n[º°.o]*\.? ?|#)?\d{{1,5}}(?!\d|\.\d|%)(?: ?[A-Za-z](?!\w))?(?:,? *\d{{0,2}}[ºª°])?{_TOWN}?"
)
_SLAVIC = re.compile(
    rf"(?<!\w)(?:ul|al|os|pl|ulica|ulice|ulitsa|улица|ул|вул|bul|"
    rf"бул)\.? {_CAP}(?: {_CAP}){{0,3}},? ?\d{{1,4}}(?:[A-Za-z](?!\w))?(?:/\d{{1,4}})?(?:,? \d{{2}}-\d{{3}} {_CAP})?"
)
_BOX = re.compile(
    r"(?<!\w)(?:PSC \d{1,5},|P\.? ?O\.? ?Box|Post Office Box|Postfach|Postbus|Boîte postale|B\.?P\.|Apartado(?: de correos)?|"
    r"Casella postale|Caixa Postal|GPO Box)[ ]\d{1,7}(?!\w)",
    re.IGNORECASE,
)
_POSTCODES = re.compile(
    rf"(?<![\w-]){_UK_POSTCODE}(?![\w-])|(?<![\w-]){_CA_POSTCODE}(?![\w-])|"
    rf"(?<!\w){_CAP}(?: {_CAP}){{0,2}},? +(?:{_STATES}) +\d{{5}}(?:-\d{{4}})?(?![\w-])|"
    rf"(?<![\w.,-])\d{{4}} ?[A-Z]{{2}} [A-Z][a-z'’-]{{2,}}(?!\w)|〒 ?\d{{3}}-\d{{4}}|(?<!\w)(?:D|A|CH|F|B|L|NL|DK|S|FI|PL|CZ|I|"
    rf"E)-\d{{4,5}} {_CAP}"
)


_POSTCODE_LIKE = re.compile(r"\d ?[A-Z]{2}\b|\b[A-Z]\d[A-Z]|[A-Z]{2,3} +\d{5}|〒|\b[A-Z]{1,2}-\d{4}")
_ENGLISH_WORDS = frozenset(_KINDS.split("|"))
_FRENCH_WORDS = words(
    "rue avenue av boulevard bd place chemin impasse allée allées quai cours route square passage faubourg sentier villa "
    "esplanade"
)
_ROMANCE_WORDS = words(
    "Calle C Avda Avenida Av Plaza Pza Paseo Carrer Camino Ronda Travesía Via Viale Piazza Piazzale Corso Largo Vicolo Strada Rua "
    "R Travessa Praça Alameda Estrada Rodovia Jirón Carrera Cra"
)
_SLAVIC_WORDS = words("ul al os pl ulica ulice ulitsa улица ул вул bul бул")
_BOX_WORDS = words("box postfach postbus boîte boite bp b apartado casella caixa gpo")


def postal(text: str, words: frozenset[str]) -> Iterator[Span]:
    """Postal addresses; spans may overlap. `words`: those of the text, so that what cannot be there is not searched."""
    if words & _ENGLISH_WORDS:
        yield from _spans(_ENGLISH, text)
    for found in _GERMANIC.finditer(text):
        before = _PREFIX.search(text, max(0, found.start() - 64), found.start())
        yield (before.start() if before else found.start()), found.end()
    small = frozenset(word.lower() for word in words)
    if small & _FRENCH_WORDS:
        yield from _spans(_FRENCH, text)
    if words & _ROMANCE_WORDS:
        yield from _spans(_ROMANCE, text)
    if words & _SLAVIC_WORDS:
        yield from _spans(_SLAVIC, text)
    if small & _BOX_WORDS:
        yield from _spans(_BOX, text)
    if _POSTCODE_LIKE.search(text):
        yield from _spans(_POSTCODES, text)


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    return (found.span() for found in pattern.finditer(text))

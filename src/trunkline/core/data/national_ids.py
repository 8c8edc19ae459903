"""National identity, tax, health and social security numbers, each told by its form, its date and its check digits. Pure.

A number whose check passes by chance too often, or has none, counts only where a word of its kind stands before it, or names the key that
holds it. The forms are those that the authorities publish. Not for: numbers of companies, nor documents without a check of their own
(passports are told by their key alone, `keys.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from trunkline.core.data import national_checks as check
from trunkline.core.data.digits import iso7064_mod11_10

SEEN_BEFORE = 48
"""So many characters before a number are searched for a word of its kind."""
_PLACE = re.compile(r"\d(?:[ ./()+-]{0,2}[\dA-Z]){4,200}")
"""Where any of them could stand: the many patterns are tried there only."""
_LETTERS = 6
"""The most letters that one begins with."""


class Kind(NamedTuple):
    """One kind of number. `words`: what stands before it in a text; empty: it needs none."""

    name: str
    digits: int
    """It has at least so many."""
    form: re.Pattern[str]
    holds: Callable[[str], bool]
    words: re.Pattern[str] | None = None


class Number(NamedTuple):
    """A number that was found."""

    kind: str
    start: int
    end: int


def find(text: str, hint: bool = False) -> Iterator[Number]:
    """The numbers in a text. `hint`: the key that holds it says that it is one, so that none needs a word."""
    for place in _PLACE.finditer(text):
        digits = sum(map(str.isdigit, place[0]))
        yield from _within(text, max(0, place.start() - _LETTERS), place.end() + 2, digits, hint)


def _within(text: str, start: int, end: int, digits: int, hint: bool) -> Iterator[Number]:
    for kind in KINDS:
        if digits < kind.digits:
            continue
        for found in kind.form.finditer(text, start, end):
            if kind.words is not None and not hint:
                before = text[max(0, found.start() - SEEN_BEFORE) : found.start()]
                if not kind.words.search(before):
                    continue
            if kind.holds(_plain(found[0])):
                yield Number(kind.name, found.start(), found.end())


def _plain(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z+]", "", text).upper()


def _any(_: str) -> bool:
    return True


def _kind(name: str, digits: int, form: str, holds: Callable[[str], bool], words: str = "") -> Kind:
    """`form` is bounded so that no part of a longer number is taken for one."""
    pattern = re.compile(rf"(?<![\w.,+-])(?<!\d[ /]){form}(?![\w]|[.,/-]?\d)")
    return Kind(name, digits, pattern, holds, re.compile(words, re.IGNORECASE) if words else None)


_TAX = r"tax|tin\b|fiscal"
KINDS: tuple[Kind, ...] = (
    _kind("us.ssn", 9, r"\d{3}-\d{2}-\d{4}", check.us_ssn),
    _kind("us.ssn", 9, r"\d{3}[ .]?\d{2}[ .]?\d{4}", check.us_ssn, r"\bssn\b|social security|\bitin\b"),
    _kind(
        "ca.sin",
        9,
        r"\d{3}[ -]?\d{3}[ -]?\d{3}",
        check.ca_sin,
        r"\bsin\b|social insurance|assurance sociale|\bnas\b",
    ),
    _kind("gb.nhs", 10, r"\d{3}[ -]?\d{3}[ -]?\d{4}", check.gb_nhs, r"\bnhs\b"),
    _kind("gb.nino", 6, r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]", check.gb_nino),
    _kind("fr.nir", 13, r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", check.fr_nir),
    _kind(
        "de.steuer_id",
        11,
        r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
        check.de_steuer_id,
        r"steuer|\bidnr\b|\btin\b|tax id",
    ),
    _kind("de.kvnr", 9, r"[A-Z]\d{9}", check.de_insurance, r"kranken|versichert|\bkvnr\b|insurance"),
    _kind("es.dni", 7, r"(?:\d{8}|[XYZ]-?\d{7})[ -]?[A-HJ-NP-TV-Z]", check.es_dni),
    _kind("it.codice_fiscale", 7, r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", check.it_fiscal),
    _kind("nl.bsn", 9, r"\d{4}[ .]?\d{2}[ .]?\d{3}", check.nl_bsn, r"\bbsn\b|burgerservice|sofi"),
    _kind("be.register", 11, r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", check.be_register),
    _kind(
        "be.register",
        11,
        r"\d{11}",
        check.be_register,
        r"rijksregister|registre national|national register|\binsz\b|\bniss\b",
    ),
    _kind("pl.pesel", 11, r"\d{11}", check.pl_pesel),
    _kind("se.personnummer", 10, r"(?:\d{8}|\d{6})[-+]\d{4}", check.se_personal),
    _kind(
        "se.personnummer",
        10,
        r"(?:\d{2})?\d{10}",
        check.se_personal,
        r"personn(?:umme)?r|personal (?:identity )?number",
    ),
    _kind(
        "fi.hetu",
        9,
        r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]",
        lambda n: check.fi_hetu(n if len(n) == 11 else f"{n[:6]}-{n[6:]}"),
    ),
    _kind("dk.cpr", 10, r"\d{6}-?\d{4}", check.dk_cpr, r"\bcpr\b|personnummer"),
    _kind("no.fodselsnummer", 11, r"\d{6} ?\d{5}", check.no_birth),
    _kind("br.cpf", 11, r"\d{3}\.\d{3}\.\d{3}-\d{2}", check.br_cpf),
    _kind("br.cpf", 11, r"\d{11}", check.br_cpf, r"\bcpf\b"),
    _kind("in.aadhaar", 12, r"\d{4}[ -]\d{4}[ -]\d{4}", check.in_aadhaar),
    _kind("in.aadhaar", 12, r"\d{12}", check.in_aadhaar, r"aadha+r|\buid(?:ai)?\b"),
    _kind("in.pan", 4, r"[A-Z]{3}[PCHFATBLJG][A-Z]\d{4}[A-Z]", _any, r"\bpan\b|income tax|permanent account"),
    _kind("cn.identity", 17, r"[1-8]\d{5}(?:18|19|20)\d{9}[0-9Xx]", check.cn_identity),
    _kind("za.identity", 13, r"\d{13}", check.za_identity, r"\bid\b|identity|identiteit|south africa"),
    _kind("tr.kimlik", 11, r"[1-9]\d{10}", check.tr_kimlik),
    _kind("au.tfn", 9, r"\d{3} ?\d{3} ?\d{3}", check.au_tfn, r"\btfn\b|tax file"),
    _kind("kr.resident", 13, r"\d{6}-[1-8]\d{6}", check.kr_resident),
    _kind("mx.curp", 7, r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", check.mx_curp),
    _kind("cl.rut", 7, r"\d{1,2}\.\d{3}\.\d{3}-[0-9Kk]", check.cl_rut),
    _kind("cl.rut", 7, r"\d{7,8}-?[0-9Kk]", check.cl_rut, r"\bru[tn]\b"),
    _kind("ar.cuil", 11, r"2[0347]-\d{8}-\d", check.ar_cuil),
    _kind("ch.ahv", 13, r"756\.?\d{4}\.?\d{4}\.?\d{2}", check.ch_ahv),
    _kind("ro.cnp", 13, r"\d{13}", check.ro_cnp, r"\bcnp\b|cod numeric"),
    _kind("bg.egn", 10, r"\d{10}", check.bg_egn, r"\begn\b|егн"),
    _kind("cz.birth_number", 10, r"\d{6}/\d{4}", check.cz_birth),
    _kind(
        "baltic.code",
        11,
        r"[1-6]\d{10}",
        check.baltic,
        r"isikukood|asmens kodas|personal code|personal identification",
    ),
    _kind("hr.oib", 11, r"\d{11}", iso7064_mod11_10, r"\boib\b"),
    _kind("pt.nif", 9, r"\d{3} ?\d{3} ?\d{3}", check.pt_nif, r"\bnif\b|contribuinte"),
    _kind("sg.nric", 7, r"[STFG]\d{7}[A-Z]", check.sg_nric),
    _kind("tw.identity", 9, r"[A-Z][12]\d{8}", check.tw_identity),
    _kind("hk.identity", 6, r"[A-Z]{1,2}\d{6}\([0-9A]\)", check.hk_identity),
    _kind("il.identity", 9, r"\d{9}", check.il_identity, r"teudat|zehut|ת\.?ז"),
    _kind(
        "jp.my_number", 12, r"\d{4}[ -]?\d{4}[ -]?\d{4}", check.jp_number, r"my ?number|個人番号|マイナンバー"
    ),
)

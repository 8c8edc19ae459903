"""Numbers of persons, as authorities publish them for examples, and the same with a slip."""

from __future__ import annotations

import pytest

from trunkline.core.data import national_ids

ALONE = {
    "us.ssn": "219-09-9999", "gb.nino": "AB 12 34 56 C", "fr.nir": "2 55 08 14 168 025 38", "es.dni": "12345678Z",
    "it.codice_fiscale": "RSSMRA85T10A562S", "be.register": "85.07.30-033.28", "pl.pesel": "44051401359", "se.personnummer": "811228-9874",
    "fi.hetu": "131052-308T", "no.fodselsnummer": "150485 16456", "br.cpf": "529.982.247-25", "in.aadhaar": "2963 0949 9506",
    "cn.identity": "11010519491231002X", "tr.kimlik": "10000000146", "kr.resident": "900515-1990988", "mx.curp": "GARC850101HDFRRL05",
    "cl.rut": "12.345.678-5", "ar.cuil": "20-12345665-4", "ch.ahv": "756.9217.0769.85", "cz.birth_number": "736028/5163",
    "sg.nric": "S1234567D", "tw.identity": "A123456789", "hk.identity": "A123456(3)",
}  # fmt: skip
BEHIND_A_WORD = {
    "us.ssn": "SSN 219099999", "ca.sin": "SIN: 130 692 544", "gb.nhs": "NHS number 943 476 5919", "de.steuer_id": "Steuer-ID 39892641909",
    "de.kvnr": "Versichertennummer A123456780", "nl.bsn": "BSN 123456782", "dk.cpr": "CPR 211062-5629", "in.pan": "PAN ABCPE1234F",
    "za.identity": "ID number 8001015009087", "au.tfn": "TFN 072 532 028", "ro.cnp": "CNP 1630615123457", "bg.egn": "EGN 7523169263",
    "baltic.code": "isikukood 38504129788", "hr.oib": "OIB 69435151530", "pt.nif": "NIF 123456789", "il.identity": "teudat zehut 030933972",
    "jp.my_number": "My Number 5345 4311 0676", "br.cpf": "CPF 52998224725", "in.aadhaar": "Aadhaar 296309499506",
    "se.personnummer": "personnummer 198112289874", "cl.rut": "RUT 12345678-5", "be.register": "rijksregister 85073003328",
}  # fmt: skip
WITHOUT_CHECK = {"in.pan", "dk.cpr"}
"""Told by their form, their date and the word alone."""


def kinds(text: str) -> set[str]:
    return {found.kind for found in national_ids.find(text)}


@pytest.mark.parametrize(("kind", "number"), ALONE.items())
def test_a_number_with_a_sure_form_is_found_in_any_text(kind: str, number: str) -> None:
    text = f"please note {number}, as we said"
    found = [one for one in national_ids.find(text) if one.kind == kind]
    assert [text[one.start : one.end] for one in found] == [number]


@pytest.mark.parametrize(("kind", "text"), BEHIND_A_WORD.items())
def test_a_number_that_could_be_any_needs_a_word_before_it(kind: str, text: str) -> None:
    assert kind in kinds(f"my {text}.")
    number = text[text.index(next(char for char in text if char.isdigit())) :]
    assert kind not in kinds(f"order {number}.")


@pytest.mark.parametrize(("kind", "text"), [*ALONE.items(), *BEHIND_A_WORD.items()])
def test_a_slip_in_the_last_digit_makes_it_no_number(kind: str, text: str) -> None:
    if kind in WITHOUT_CHECK or kind in ("us.ssn", "gb.nino"):
        return
    at = max(place for place, char in enumerate(text) if char.isdigit())
    wrong = text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]
    assert kind not in kinds(f"my {wrong}.")


def test_what_was_never_given_is_no_number() -> None:
    assert kinds("SSN 000-12-3456 666-12-3456 900-12-3456 219-00-9999 219-09-0000 123-45-6789") == set()
    assert kinds("NINO GB 12 34 56 C") == set()


def test_a_part_of_a_longer_number_is_none() -> None:
    assert kinds("219-09-99990 7219-09-9999 219-09-9999-1 2219-09-9999.5") == set()


def test_the_key_may_stand_for_the_word() -> None:
    assert "nl.bsn" in {found.kind for found in national_ids.find("123456782", hint=True)}
    assert kinds("123456782") == set()

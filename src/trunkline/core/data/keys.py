"""What the key of a JSON member or form field says of its value: `first_name`, `billing.address.line1`, `dob`. Pure.

A key alone proves nothing: the value must look like one of its kind. Not for: what a text says by itself (`text.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from trunkline.core.data.births import DATE
from trunkline.core.data.listed import words
from trunkline.core.data.payment import card_scheme

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PERSONS = words(
    "customer client user person people contact patient recipient owner holder cardholder employee guest passenger traveler "
    "traveller author billing shipping delivery buyer seller payer payee member student applicant candidate subscriber sender "
    "receiver signer individual representative director shareholder beneficiary insured lead attendee participant resident tenant "
    "driver profile personal kunde client usuario cliente"
)
_NAMES = words(
    "firstname lastname fullname givenname familyname surname forename middlename maidenname nickname personname contactname "
    "customername clientname username_real cardholdername holdername patientname recipientname employeename guestname "
    "passengername ownername displayname realname legalname accountholdername accountholder accountname beneficiaryname "
    "sendername receivername signername vorname nachname prenom nom nombre apellido apellidos cognome sobrenome fname lname mname "
    "sname billingname shippingname nameoncard cardname attn addressee studentname authorname buyername payername attendeename "
    "fromname toname"
)
_PHONES = words(
    "phone phonenumber mobile mobilenumber tel telephone telephonenumber cell cellphone fax faxnumber msisdn whatsapp telefon "
    "telefono celular homephone workphone mobilephone contactnumber contactphone phoneno mobileno portable handy"
)
_STREETS = words(
    "street streetaddress street1 street2 streetname streetnumber streetline1 streetline2 addressline addressline1 addressline2 "
    "address1 address2 line1 line2 postaladdress mailingaddress homeaddress billingaddress shippingaddress deliveryaddress "
    "residentialaddress housenumber housename apartment postcode postalcode zip zipcode plz codepostal codigopostal adresse "
    "direccion endereco indirizzo strasse calle rue fulladdress addr"
)
_BIRTHS = words(
    "dob dateofbirth birthdate birthday birthdt borndate bornon geburtsdatum geburtstag datenaissance datedenaissance "
    "fechanacimiento fechadenacimiento birthyear"
)
_NATIONAL = words(
    "ssn socialsecuritynumber socialsecurity ssnlast4 nationalid nationalidnumber nationalinsurancenumber nino nhsnumber cpf bsn "
    "dni nie nif pesel personnummer personalnumber personalcode aadhaar aadhaarnumber sin steuerid codicefiscale curp rut cnp egn "
    "passport passportnumber passportno driverslicense driverlicense driverslicensenumber licensenumber drivinglicence "
    "identitynumber identitycard idcard idcardnumber nationalidentifier governmentid taxpayerid individualtaxid personid "
    "socialinsurancenumber healthcardnumber medicarenumber idnumber"
)
_CARDS = words(
    "cardnumber ccnumber creditcard creditcardnumber pan primaryaccountnumber cardno debitcard ccnum"
)
_CARD_CODES = words("cvc cvv cvv2 cvc2 cardcode securitycode cardsecuritycode")
_ACCOUNTS = words(
    "accountnumber bankaccount bankaccountnumber routingnumber sortcode accountno bankaccountno kontonummer blz clabe bban ifsc"
)
_LOOKS_LIKE_A_NAME = re.compile(r"[^\W\d_][^\d@<>{}\[\]\\/|#$%^&*+=~:;\"_]{0,78}")
_FORM_OF_A_PHONE = re.compile(r"\+?[\d ().\-/x]{7,24}")
_SHORT_NAMES = words("name first last given family")
_NOBODY = words("null none n/a na unknown true false test - string")
_THINGS = words(
    "filename hostname host url uri path slug model sku brand vendor toolname functionname tablename tagname label currency country "
    "city region state locale timezone type kind status role object id"
)
LONGEST = 200


Test = Callable[[str], bool]


def told_by(key: str, above: Sequence[str], value: str) -> str:
    """The category of a value by its key and the keys above it; empty if they say nothing of it."""
    meant = _meant(key, *above[-2:])
    if not meant or not value or len(value) > LONGEST:
        return ""
    return next((category for category, holds in meant if holds(value)), "")


@lru_cache(maxsize=8192)
def _meant(key: str, *above: str) -> tuple[tuple[str, Test], ...]:
    """What a key could say, each with the test that the value must pass."""
    joined = "".join(_parts(key))
    inside = "".join(_parts(above[-1])) if above else ""
    around = {word for part in above for word in _parts(part)}
    found: list[tuple[str, Test]] = []
    if joined in _CARD_CODES:
        found.append(("payment.card", _is_code))
    elif joined in _CARDS or (joined == "number" and "card" in around):
        found.append(("payment.card", _is_card))
    if joined in _ACCOUNTS:
        found.append(("payment.account", _is_account))
    if _ends(key, _NATIONAL):
        found.append(("pii.national_id", _is_document))
    if joined in _BIRTHS:
        found.append(("pii.birth_date", _is_date))
    elif inside in _BIRTHS and joined in ("day", "month", "year"):
        found.append(("pii.birth_date", str.isdigit))
    if _ends(key, _PHONES):
        found.append(("pii.phone", _is_phone))
    if joined == "address":
        found.append(("pii.address", _is_address))
    elif joined in _STREETS:
        found.append(("pii.address", _is_street))
    if joined in _NAMES or (joined in _SHORT_NAMES and around & _PERSONS):
        found.append(("pii.name", _is_name))
    return tuple(found)


@lru_cache(maxsize=8192)
def _parts(key: str) -> tuple[str, ...]:
    """The words of a key, in small letters: `billingDetails` and `billing_details` are the same."""
    return tuple(word.lower() for word in _WORDS.findall(key))


def _ends(key: str, words: frozenset[str]) -> bool:
    """The whole key, or its end: `customer_phone` is a phone, too."""
    parts = _parts(key)
    return any("".join(parts[start:]) in words for start in range(len(parts)))


def _is_name(value: str) -> bool:
    return (
        bool(_LOOKS_LIKE_A_NAME.fullmatch(value)) and len(value.split()) <= 6 and value.lower() not in _NOBODY
    )


def _is_phone(value: str) -> bool:
    return bool(_FORM_OF_A_PHONE.fullmatch(value)) and 7 <= sum(map(str.isdigit, value)) <= 15


def _is_address(value: str) -> bool:
    return bool(re.search(r"\d", value)) and " " in value.strip() and "@" not in value and "://" not in value


def _is_street(value: str) -> bool:
    return (
        bool(re.search(r"\w", value))
        and "@" not in value
        and "://" not in value
        and value.lower() not in _NOBODY
    )


def _is_date(value: str) -> bool:
    return bool(DATE.fullmatch(value) or re.fullmatch(r"(?:19|20)\d\d(?:-?\d\d-?\d\d(?:T.*)?)?|\d{8}", value))


def _is_document(value: str) -> bool:
    return 4 <= len(value) <= 24 and bool(re.fullmatch(r"[\w ./()-]*\d[\w ./()-]*", value))


def _is_code(value: str) -> bool:
    return value.isdigit() and len(value) in (3, 4)


def _is_card(value: str) -> bool:
    digits = re.sub(r"[ -]", "", value)
    return digits.isdigit() and bool(card_scheme(digits))


def _is_account(value: str) -> bool:
    return bool(re.fullmatch(r"[\dA-Z][\d A-Z-]{3,33}", value)) and any(map(str.isdigit, value))


@lru_cache(maxsize=8192)
def says_phone(key: str) -> bool:
    """Whether bare digits under this key are a telephone number."""
    return _ends(key, _PHONES)


@lru_cache(maxsize=8192)
def says_national_id(key: str) -> bool:
    """Whether numbers under this key are those of a document."""
    return _ends(key, _NATIONAL)


@lru_cache(maxsize=8192)
def says_card(key: str) -> bool:
    """Whether digits under this key are a card's."""
    return _ends(key, _CARDS)


@lru_cache(maxsize=8192)
def says_id(key: str) -> bool:
    """Whether long numbers under this key are marks and times of machines."""
    parts = _parts(key)
    return bool(parts) and parts[-1] in (
        "id",
        "ids",
        "uid",
        "created",
        "updated",
        "ts",
        "timestamp",
        "time",
        "at",
        "nonce",
        "hash",
        "sha",
        "etag",
        "cursor",
        "offset",
        "version",
    )


@lru_cache(maxsize=8192)
def says_thing(key: str) -> bool:
    """Whether a short text under this key is the name of a file, a host, a product, not of a person."""
    return _ends(key, _THINGS)

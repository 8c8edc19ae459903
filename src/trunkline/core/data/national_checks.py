"""The checks of national numbers: dates that they hold and digits that follow from the others. Pure; one function a kind of number.

Each takes the digits and letters alone, in capitals, and of the right form. Not for: the forms, and what stands before them
(`national_ids.py`).
"""

from __future__ import annotations

from datetime import date

from trunkline.core.data.digits import iso7064_mod11_2, iso7064_mod11_10, luhn, verhoeff, weighted


def _day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return 1870 <= year <= 2035


def _date(text: str, *centuries: int) -> bool:
    """Whether `yymmdd` is a day in one of these centuries."""
    year, month, day = int(text[:2]), int(text[2:4]), int(text[4:6])
    return any(_day(century + year, month, day) for century in centuries or (1900, 2000))


def us_ssn(n: str) -> bool:
    """No check digit; areas, groups and serials that are never given."""
    return (
        n[:3] not in ("000", "666")
        and n[0] != "9"
        and n[3:5] != "00"
        and n[5:] != "0000"
        and n != "123456789"
    )


def ca_sin(n: str) -> bool:
    """Canada, Social Insurance Number."""
    return n[0] not in "08" and luhn(n)


def gb_nhs(n: str) -> bool:
    """United Kingdom, NHS number: weights 10 to 2, modulo 11."""
    check = 11 - weighted(n, range(10, 1, -1)) % 11
    return check != 10 and check % 11 == int(n[9]) and len(set(n)) > 2


def gb_nino(n: str) -> bool:
    """United Kingdom, National Insurance number: no check digit; prefixes that are never given."""
    return n[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")


def fr_nir(n: str) -> bool:
    """France, numéro de sécurité sociale: 97 minus the rest; Corsica's departments count as 19 and 18."""
    body = n[:13].replace("2A", "19").replace("2B", "18")
    month = int(n[3:5])
    return (
        body.isdigit()
        and (1 <= month <= 12 or 20 <= month <= 42 or month >= 50)
        and 97 - int(body) % 97 == int(n[13:])
    )


def de_steuer_id(n: str) -> bool:
    """Of the first ten digits exactly one stands twice or thrice."""
    repeated = [count for digit in set(n[:10]) if (count := n[:10].count(digit)) > 1]
    return n[0] != "0" and len(repeated) == 1 and repeated[0] <= 3 and iso7064_mod11_10(n)


def de_insurance(n: str) -> bool:
    """Krankenversichertennummer: a letter as two digits, then every second digit doubled, digit sums added."""
    digits = f"{ord(n[0]) - 64:02d}{n[1:9]}"
    total = sum(sum(map(int, str(int(digit) * (1 + place % 2)))) for place, digit in enumerate(digits))
    return total % 10 == int(n[9])


def es_dni(n: str) -> bool:
    """Spain, DNI and NIE: the letter is the number modulo 23."""
    number = int(str("XYZ".index(n[0])) + n[1:-1]) if n[0] in "XYZ" else int(n[:-1])
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == n[-1]


_IT_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def it_fiscal(n: str) -> bool:
    """Italy, codice fiscale: the last letter is a sum over all others."""
    values = [int(char) if char.isdigit() else ord(char) - 65 for char in n[:15]]
    total = sum(_IT_ODD[value] if place % 2 == 0 else value for place, value in enumerate(values))
    return total % 26 == ord(n[15]) - 65


def nl_bsn(n: str) -> bool:
    """Netherlands, burgerservicenummer: the test of eleven."""
    return (weighted(n[:8], range(9, 1, -1)) - int(n[8])) % 11 == 0 and n != "0" * 9


def be_register(n: str) -> bool:
    """Who was born in 2000 or later has a 2 before the number when it is divided."""
    body, check, born = int(n[:9]), int(n[9:]), f"{n[:2]}{int(n[2:4]) % 20 or 1:02d}{n[4:6]}"
    if _date(born, 1900) and check == 97 - body % 97:
        return True
    return _date(born, 2000) and check == 97 - (2_000_000_000 + body) % 97


def pl_pesel(n: str) -> bool:
    """Poland, PESEL: the month tells the century."""
    month = int(n[2:4])
    century = {4: 1800, 0: 1900, 1: 2000, 2: 2100}.get(month // 20 if month < 80 else 4, 0)
    if not _day(century + int(n[:2]), month % 20, int(n[4:6])):
        return False
    return (10 - weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 == int(n[10])


def se_personal(n: str) -> bool:
    """Sweden, personnummer and samordningsnummer (60 added to the day)."""
    short = n.replace("+", "")[-10:]
    day = int(short[4:6])
    return _date(short[:4] + f"{day - 60 if day > 60 else day:02d}", 1800, 1900, 2000) and luhn(short)


def fi_hetu(n: str) -> bool:
    """Finland, henkilötunnus: the last character is the number modulo 31."""
    digits = n[:6] + n[7:10]
    return (
        _date(n[4:6] + n[2:4] + n[:2], 1800, 1900, 2000)
        and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(digits) % 31] == n[10]
    )


def dk_cpr(n: str) -> bool:
    """Denmark, CPR number: its date; since 2007 it has no check digit."""
    return _date(n[4:6] + n[2:4] + n[:2])


def no_birth(n: str) -> bool:
    """Norway, fødselsnummer and D-number (40 added to the day): two check digits."""
    day, month = int(n[:2]), int(n[2:4])
    if not _date(n[4:6] + f"{month - 40 if month > 40 else month:02d}{day - 40 if day > 40 else day:02d}"):
        return False
    first = -weighted(n, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    return first == int(n[9]) and -weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 == int(n[10])


def br_cpf(n: str) -> bool:
    """Brazil, CPF: two check digits."""
    if len(set(n)) == 1:
        return False
    return all((weighted(n, range(size + 1, 1, -1)) * 10 % 11) % 10 == int(n[size]) for size in (9, 10))


def in_aadhaar(n: str) -> bool:
    """India, Aadhaar: Verhoeff; no palindromes."""
    return n[0] not in "01" and n != n[::-1] and verhoeff(n)


def cn_identity(n: str) -> bool:
    """China, resident identity number."""
    return _day(int(n[6:10]), int(n[10:12]), int(n[12:14])) and iso7064_mod11_2(n)


def za_identity(n: str) -> bool:
    """South Africa, identity number."""
    return _date(n[:6]) and n[10] in "01" and luhn(n)


def tr_kimlik(n: str) -> bool:
    """Türkiye, T.C. kimlik numarası: two check digits."""
    odd, even = sum(map(int, n[0:9:2])), sum(map(int, n[1:8:2]))
    return n[0] != "0" and (odd * 7 - even) % 10 == int(n[9]) and sum(map(int, n[:10])) % 10 == int(n[10])


def au_tfn(n: str) -> bool:
    """Australia, tax file number."""
    return weighted(n, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def kr_resident(n: str) -> bool:
    """South Korea, resident registration number: the seventh digit tells the century."""
    century = {"9": 1800, "0": 1800, "1": 1900, "2": 1900, "5": 1900, "6": 1900}.get(n[6], 2000)
    return _date(n[:6], century) and (
        11 - weighted(n, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11
    ) % 10 == int(n[12])


def mx_curp(n: str) -> bool:
    """Mexico, CURP."""
    values = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ"
    total = sum(values.index(char) * (18 - place) for place, char in enumerate(n[:17]))
    return _date(n[4:10]) and (10 - total % 10) % 10 == int(n[17])


def cl_rut(n: str) -> bool:
    """Chile, RUT."""
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(n[:-1])))
    return "0123456789K0"[11 - total % 11] == n[-1]


def ar_cuil(n: str) -> bool:
    """Argentina, CUIL of persons."""
    check = 11 - weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return n[:2] in ("20", "23", "24", "27") and {10: 9, 11: 0}.get(check, check) == int(n[10])


def ch_ahv(n: str) -> bool:
    """Switzerland, AHV number: as EAN-13."""
    return (10 - weighted(n, (1, 3) * 6) % 10) % 10 == int(n[12])


def ro_cnp(n: str) -> bool:
    """Romania, CNP: with a county from 1 to 52."""
    check = weighted(n, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    if n[0] not in "12345678" or not 1 <= int(n[7:9]) <= 52:
        return False
    return _date(n[1:7], 1800, 1900, 2000) and (1 if check == 10 else check) == int(n[12])


def bg_egn(n: str) -> bool:
    """Bulgaria, EGN: the month tells the century."""
    month = int(n[2:4])
    century = 2000 if month > 40 else 1800 if month > 20 else 1900
    return _day(century + int(n[:2]), month % 20, int(n[4:6])) and weighted(
        n, (2, 4, 8, 5, 10, 9, 7, 3, 6)
    ) % 11 % 10 == int(n[9])


def cz_birth(n: str) -> bool:
    """Czechia and Slovakia, birth number of ten digits, divisible by 11."""
    month = int(n[2:4])
    month -= 50 if month > 50 else 0
    month -= 20 if month > 20 else 0
    if not _date(f"{n[:2]}{month:02d}{n[4:6]}"):
        return False
    return int(n) % 11 == 0 or (int(n[:9]) % 11 == 10 and n[9] == "0")


def baltic(n: str) -> bool:
    """Estonia and Lithuania."""
    if n[0] not in "123456" or not _date(n[1:7], 1800, 1900, 2000):
        return False
    check = weighted(n, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if check == 10:
        check = weighted(n, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return check == int(n[10])


def pt_nif(n: str) -> bool:
    """Portugal, NIF of persons."""
    check = 11 - weighted(n, range(9, 1, -1)) % 11
    return n[0] in "123" and (0 if check > 9 else check) == int(n[8])


def sg_nric(n: str) -> bool:
    """Singapore, NRIC and FIN."""
    total = weighted(n[1:8], (2, 7, 6, 5, 4, 3, 2)) + (4 if n[0] in "TG" else 0)
    return ("JZIHGFEDCBA" if n[0] in "ST" else "XWUTRQPNMLK")[total % 11] == n[8]


def tw_identity(n: str) -> bool:
    """Taiwan, national identification number."""
    code = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(n[0]) + 10
    return (code // 10 + weighted(str(code % 10) + n[1:], (9, 8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def hk_identity(n: str) -> bool:
    """Hong Kong, identity card."""
    values = [36, *(int(char, 36) for char in n[:7])] if len(n) == 8 else [int(char, 36) for char in n[:8]]
    check = -sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True)) % 11
    return ("A" if check == 10 else str(check)) == n[-1]


def il_identity(n: str) -> bool:
    """Israel, teudat zehut."""
    return luhn(n) and len(set(n)) > 2


def jp_number(n: str) -> bool:
    """Japan, My Number."""
    rest = (
        sum(
            int(digit) * (place + 2 if place < 6 else place - 4)
            for place, digit in enumerate(reversed(n[:11]))
        )
        % 11
    )
    return (0 if rest <= 1 else 11 - rest) == int(n[11])

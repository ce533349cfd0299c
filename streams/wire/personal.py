"""Personal data on its way in: what a certificate number tells, keyed hashes, addresses cut to the street.

The hash is HMAC-SHA-256 under the site's key, the first 32 hex digits: equal numbers can be joined, and nobody
without the key can try out the (few) numbers there are.
"""

from __future__ import annotations

import hmac
import re
from datetime import date
from functools import lru_cache

from streams.wire.columns import EARLIEST_YEAR, LATEST_YEAR

_IDENTITY_CARD = re.compile(r"[1-9]\d{5}(\d{4})(\d\d)(\d\d)\d\d(\d)[\dX]", re.ASCII)
_OLD_IDENTITY_CARD = re.compile(r"[1-9]\d{5}(\d\d)(\d\d)(\d\d)\d\d(\d)", re.ASCII)
_STREET = re.compile(r".*(?:村|社区|居委会|街道|乡|镇|路|街|巷|弄|屯|寨|庄)")
_DIGIT = re.compile(r"\d")
_HASH_DIGITS = 32
MALE = "1"
FEMALE = "2"


@lru_cache(maxsize=1 << 17)
def certificate(number: str, key: bytes) -> tuple[str, date | None, str | None]:
    """Keyed hash of a certificate number and, if it is a mainland identity number, birth date and sex.

    The 17th digit of 18 and the 15th of 15 are odd for men ("1") and even for women ("2"), as GB 11643 says.
    """
    number = number.strip().upper()
    digest = _keyed_hash(b"certificate:", number, key)
    found = _IDENTITY_CARD.fullmatch(number) or _OLD_IDENTITY_CARD.fullmatch(number)
    if found is None:
        return digest, None, None
    year, month, day, order = found.groups()
    try:
        birth = date(int(year) if len(year) == 4 else 1900 + int(year), int(month), int(day))
    except ValueError:
        return digest, None, None
    if not EARLIEST_YEAR <= birth.year <= LATEST_YEAR:
        return digest, None, None
    return digest, birth, MALE if int(order) % 2 else FEMALE


@lru_cache(maxsize=1 << 16)
def phone(number: str, key: bytes) -> str | None:
    """Keyed hash of a telephone number, however it is spaced; None for a text without digits."""
    digits = "".join(character for character in number if character in "0123456789")
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    return _keyed_hash(b"telephone:", digits, key) if digits else None


def street(address: str) -> str | None:
    """An address as far as the village or street: no house, no flat."""
    head = _DIGIT.split(address, maxsplit=1)[0]
    found = _STREET.match(head)
    return (found.group() if found else head).strip() or None


def _keyed_hash(domain: bytes, text: str, key: bytes) -> str:
    return hmac.digest(key, domain + text.encode(), "sha256").hex()[:_HASH_DIGITS]

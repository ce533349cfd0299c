"""What remains of personal data."""

from __future__ import annotations

from datetime import date

import pytest

from streams.wire import personal

KEY = b"a key of the tests"


@pytest.mark.parametrize(
    ("number", "birth", "sex"),
    [
        ("990101196002291234", date(1960, 2, 29), "1"),
        ("99010119600229122x", date(1960, 2, 29), "2"),
        (" 99010119600229122X ", date(1960, 2, 29), "2"),
        ("990101600229123", date(1960, 2, 29), "1"),
        ("990101196102291234", None, None),  # no leap year
        ("990101180001011234", None, None),
        ("990101210101011234", None, None),
        ("E12345678", None, None),
        ("H0123456700", None, None),
        ("99010119600229123", None, None),
        ("１90101196002291234", None, None),
    ],
)
def test_an_identity_number_tells_birth_date_and_sex(
    number: str, birth: date | None, sex: str | None
) -> None:
    assert personal.certificate(number, KEY)[1:] == (birth, sex)


def test_the_same_number_however_written_has_the_same_hash() -> None:
    assert personal.certificate("99010119600229122x", KEY) == personal.certificate(" 99010119600229122X", KEY)
    assert personal.phone("138-9999 0000", KEY) == personal.phone("+86 13899990000", KEY)
    assert personal.phone("13899990000", KEY) != personal.phone("13899990001", KEY)


def test_a_phone_number_and_a_certificate_number_of_the_same_digits_have_different_hashes() -> None:
    assert personal.phone("13899990000", KEY) != personal.certificate("13899990000", KEY)[0]


def test_a_text_without_digits_is_no_phone_number() -> None:
    assert personal.phone("无", KEY) is None


@pytest.mark.parametrize(
    ("address", "street"),
    [
        ("测试省测试市测试镇杏花村三组12号", "测试省测试市测试镇杏花村"),
        ("测试市测试区桔子洲街道阳光小区3栋2单元501", "测试市测试区桔子洲街道"),
        ("测试市中山路１２号", "测试市中山路"),
        ("测试市测试区", "测试市测试区"),
        ("12号", None),
        ("  ", None),
    ],
)
def test_an_address_is_cut_to_the_village_or_street(address: str, street: str | None) -> None:
    assert personal.street(address) == street

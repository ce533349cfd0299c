"""How alike the cases of an institution or a physician are: pairs of patients, and who makes no pair."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from tests.detectors.anomaly.small import rows_of

Rows = list[dict[str, Any]]


def seen(number: int, person: str, **columns: Any) -> dict[str, Any]:
    """An outpatient visit in January, to one physician, for one disease."""
    return {
        "mdtrt_id": f"M{number}", "psn_no": person, "fixmedins_code": "H1", "kind": "outpatient", "inpatient": False,
        "begntime": datetime.fromisoformat("2026-01-12 08:05"), "atddr_no": "D1", "adm_diag_code": "I10.x00",
    } | columns  # fmt: skip


def stayed(number: int, person: str, **columns: Any) -> dict[str, Any]:
    """A stay in January, under one physician, for one disease."""
    stay = {"kind": "inpatient", "inpatient": True, "dscg_time": datetime.fromisoformat("2026-01-20 10:00")}
    return seen(number, person, **stay, **columns)


def settled(number: int, cost: float) -> dict[str, Any]:
    return {
        "setl_id": f"S{number}",
        "mdtrt_id": f"M{number}",
        "setl_time": datetime.fromisoformat("2026-01-20 11:00"),
        "medfee_sumamt": cost,
    }


def registered(person: str, **columns: Any) -> dict[str, Any]:
    return {"psn_no": person, "begndate": date(2024, 1, 1), "addr": "测试县第4村", **columns}


def institution(**tables: Rows) -> dict[str, Any]:
    (row,) = rows_of("institution_month", **tables)
    return row


def practitioner(**tables: Rows) -> dict[str, Any]:
    (row,) = rows_of("practitioner_month", **tables)
    return row


def test_two_patients_alike_are_two_of_two_pairs() -> None:
    row = institution(
        visit=[stayed(1, "P1"), stayed(2, "P2")], settlement=[settled(1, 500), settled(2, 500)],
        insured=[registered("P1"), registered("P2")],
    )  # fmt: skip
    for name in ("same_diagnosis", "same_village", "same_doctor", "same_bill"):
        assert (row[f"{name}_pairs"], row[f"{name}_of"], row[name]) == (2, 2, 1.0), name


def test_one_of_three_pairs() -> None:
    row = institution(
        visit=[stayed(1, "P1"), stayed(2, "P2"), stayed(3, "P3", atddr_no="D2", adm_diag_code="J18.900")],
        settlement=[settled(1, 500), settled(2, 500), settled(3, 700)],
    )
    for name in ("same_diagnosis", "same_doctor", "same_bill"):
        assert (row[f"{name}_pairs"], row[f"{name}_of"]) == (2, 6), name


def test_stays_and_outpatient_visits_are_not_compared_with_each_other() -> None:
    row = institution(visit=[stayed(1, "P1"), seen(2, "P2")], settlement=[settled(1, 500), settled(2, 500)])
    for name in (
        "same_diagnosis",
        "same_outpatient_diagnosis",
        "same_doctor",
        "same_outpatient_doctor",
        "same_bill",
    ):
        assert (row[f"{name}_of"], row[name]) == (0, None), name


def test_one_patient_who_comes_again_is_like_himself_and_no_pair() -> None:
    row = institution(
        visit=[
            seen(1, "P1"),
            seen(2, "P1"),
            seen(3, "P2"),
            stayed(4, "P1"),
            stayed(5, "P1"),
            stayed(6, "P2"),
        ],
        settlement=[settled(4, 500), settled(5, 500), settled(6, 500)],
    )
    assert (row["same_outpatient_diagnosis_pairs"], row["same_outpatient_diagnosis_of"]) == (4, 4)
    assert (row["same_bill_pairs"], row["same_bill_of"]) == (2, 2)


@pytest.mark.parametrize(
    "home", [{"emp_name": "测试县第二小学"}, {"addr": "测试县敬老院"}, {"emp_name": "测试县养老院"}]
)
@pytest.mark.parametrize("of", [institution, practitioner])
def test_those_who_live_in_one_home_make_no_pair(of: Any, home: dict[str, str]) -> None:
    tables: dict[str, Rows] = {
        "visit": [stayed(1, "P1"), stayed(2, "P2"), stayed(3, "P3", adm_diag_code="J18.900")],
        "settlement": [settled(1, 500), settled(2, 500), settled(3, 700)],
    }
    strangers = of(**tables, insured=[registered(person) for person in ("P1", "P2", "P3")])
    together = of(**tables, insured=[registered("P1", **home), registered("P2", **home), registered("P3")])
    for name in ("same_diagnosis", "same_bill"):
        assert (strangers[f"{name}_pairs"], strangers[f"{name}_of"]) == (2, 6), name
        assert (together[f"{name}_pairs"], together[f"{name}_of"]) == (0, 4), name


def test_drugs_of_two_patients_and_each_only_once() -> None:
    line = {
        "bilg_dr_codg": "D1", "med_chrgitm_type": "09", "fee_ocur_time": datetime.fromisoformat("2026-01-12 08:30"),
        "fee_ocur_time_is_date": False, "kind": "2204", "mdtrt_id": "M1",
    }  # fmt: skip
    given = [("P1", "X1"), ("P1", "X1"), ("P1", "X1"), ("P2", "X1"), ("P2", "X2")]
    row = practitioner(
        visit=[seen(1, "P1")],
        fee_line=[
            line | {"feedetl_sn": str(n), "psn_no": person, "med_list_codg": drug}
            for n, (person, drug) in enumerate(given)
        ],
    )
    assert (row["same_drug_pairs"], row["same_drug_of"], row["drug_lines"]) == (2, 4, 5)

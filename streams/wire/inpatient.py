"""2301 to 2405: a stay is begun, changed, charged, ended, settled, and each of these taken back."""

from __future__ import annotations

from streams.wire.settlements import (
    CANCELLED,
    FUND_ITEM,
    FUND_ITEMS,
    LINE_ANSWER,
    LINE_INPUT,
    SETTLED,
    SETTLEMENT,
)
from streams.wire.shape import Kind, Table, many, record, transaction

_LINE = record(
    "InpatientLine",
    f"{LINE_INPUT} init_feedetl_sn mdtrt_id psn_no drord_no med_type bilg_dept_codg acord_dept_codg orders_dr_code "
    "hosp_appr_flag etip_flag etip_hosp_code dscg_tkdrug_flag matn_fee_flag",
)
_WITHDRAWN = record("InpatientWithdrawn", "feedetl_sn mdtrt_id psn_no")
_BILL = record(
    "InpatientBill",
    "psn_no mdtrt_cert_type certno psn_type medfee_sumamt psn_setlway mdtrt_id insutype acct_used_flag invono "
    "mid_setl_flag fulamt_ownpay_amt overlmt_selfpay preselfpay_amt inscp_scp_amt insuplc_admdvs mdtrtarea_admvs "
    "dise_codg exp_content",
)
_STAY = (
    "psn_no tel begntime mdtrt_cert_type med_type medrcdno atddr_no adm_dept_codg adm_bed dscg_maindiag_code "
    "dise_codg dise_type_code oprn_oprt_code matn_type birctrl_type geso_val birctrl_matn_date exp_content"
)
_ADMISSION = record("Admission", f"{_STAY} insutype ipt_no insuplc_admdvs mdtrtarea_admvs")
_ADMITTED = record("Admitted", "mdtrt_id")
_DISCHARGE = record(
    "Discharge",
    "mdtrt_id psn_no insutype endtime dise_codg oprn_oprt_code matn_type birctrl_type cop_flag dscg_dept_codg "
    "dscg_bed dscg_way die_date",
)
_CHANGE = record("AdmissionChange", f"{_STAY} mdtrt_id endtime ipt_otp_no")
_DIAGNOSIS = record(
    "InpatientDiagnosis",
    "diag_type maindiag_flag diag_srt_no diag_code diag_name diag_dept dise_dor_no diag_time vali_flag",
)
_UNDONE = record("StayUndone", "mdtrt_id psn_no")
_DATA = ("input.data",)


def _diagnoses(role: str) -> Table:
    return Table("diagnosis", rows="input.diseinfo", constants={"role": role})


KINDS = (
    Kind(
        "2301",
        transaction("2301", {"feedetail": many(_LINE)}, {"result": many(LINE_ANSWER)}),
        (),
        (Table("fee_line", rows="input.feedetail"),),
        answers={"input.feedetail": "response.output.result"},
    ),
    Kind(
        "2302",
        transaction("2302", {"data": many(_WITHDRAWN)}),
        (),
        (Table("cancellation", rows="input.data"),),
    ),
    Kind(
        "2304",
        transaction("2304", {"data": _BILL}, {"setlinfo": SETTLED, "setldetail": many(FUND_ITEM)}),
        ("response.output.setlinfo", "input.data"),
        (SETTLEMENT, FUND_ITEMS),
    ),
    Kind("2305", transaction("2305", {"data": CANCELLED}), _DATA, (Table("cancellation"),)),
    Kind(
        "2401",
        transaction("2401", {"mdtrtinfo": _ADMISSION, "diseinfo": many(_DIAGNOSIS)}, {"result": _ADMITTED}),
        ("response.output.result", "input.mdtrtinfo"),
        (Table("admission"), _diagnoses("admission")),
    ),
    Kind(
        "2402",
        transaction("2402", {"dscginfo": _DISCHARGE, "diseinfo": many(_DIAGNOSIS)}),
        ("input.dscginfo",),
        (Table("discharge"), _diagnoses("discharge")),
    ),
    Kind(
        "2403",
        transaction("2403", {"adminfo": _CHANGE, "diseinfo": many(_DIAGNOSIS)}),
        ("input.adminfo",),
        (Table("admission_change"), _diagnoses("admission")),
    ),
    Kind("2404", transaction("2404", {"data": _UNDONE}), _DATA, (Table("cancellation"),)),
    Kind("2405", transaction("2405", {"data": _UNDONE}), _DATA, (Table("cancellation"),)),
)

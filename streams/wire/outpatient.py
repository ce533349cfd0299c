"""2201 to 2208: an outpatient is registered, seen, charged, settled, and each of these taken back."""

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

_REGISTRATION = record(
    "Registration",
    "psn_no insutype begntime mdtrt_cert_type ipt_otp_no atddr_no dept_code caty",
)
_REGISTERED = record("Registered", "mdtrt_id psn_no ipt_otp_no")
_VISIT = record(
    "OutpatientVisit",
    "mdtrt_id psn_no med_type begntime dise_type_code dise_codg birctrl_type birctrl_matn_date exp_content",
)
_DIAGNOSIS = record(
    "OutpatientDiagnosis",
    "diag_type maindiag_flag diag_srt_no diag_code diag_name diag_dept dise_dor_no diag_time vali_flag",
)
_LINE = record(
    "OutpatientLine",
    f"{LINE_INPUT} mdtrt_id psn_no chrg_bchno bilg_dept_codg acord_dept_codg orders_dr_code hosp_appr_flag "
    "etip_flag etip_hosp_code dscg_tkdrug_flag matn_fee_flag init_feedetl_sn med_type",
)
_WITHDRAWN = record("OutpatientWithdrawn", "mdtrt_id psn_no chrg_bchno")
_BILL = record(
    "OutpatientBill",
    "psn_no mdtrt_cert_type certno med_type medfee_sumamt psn_setlway mdtrt_id chrg_bchno insutype acct_used_flag "
    "invono fulamt_ownpay_amt overlmt_selfpay preselfpay_amt inscp_scp_amt dise_codg exp_content",
)
_UNREGISTERED = record("Unregistered", "mdtrt_id psn_no")
_DATA = ("input.data",)

KINDS = (
    Kind(
        "2201",
        transaction("2201", {"data": _REGISTRATION}, {"data": _REGISTERED}),
        ("response.output.data", "input.data"),
        (Table("registration"),),
    ),
    Kind("2202", transaction("2202", {"data": _UNREGISTERED}), _DATA, (Table("cancellation"),)),
    Kind(
        "2203",
        transaction("2203", {"mdtrtinfo": _VISIT, "diseinfo": many(_DIAGNOSIS)}),
        ("input.mdtrtinfo",),
        (
            Table("outpatient"),
            Table("diagnosis", rows="input.diseinfo", constants={"role": "outpatient"}),
        ),
    ),
    Kind(
        "2204",
        transaction("2204", {"feedetail": many(_LINE)}, {"result": many(LINE_ANSWER)}),
        (),
        (Table("fee_line", rows="input.feedetail"),),
        answers={"input.feedetail": "response.output.result"},
    ),
    Kind("2205", transaction("2205", {"data": _WITHDRAWN}), _DATA, (Table("cancellation"),)),
    Kind(
        "2207",
        transaction("2207", {"data": _BILL}, {"setlinfo": SETTLED, "setldetail": many(FUND_ITEM)}),
        ("response.output.setlinfo", "input.data"),
        (SETTLEMENT, FUND_ITEMS),
    ),
    Kind("2208", transaction("2208", {"data": CANCELLED}), _DATA, (Table("cancellation"),)),
)

"""2102 and 2103: a pharmacy settles a purchase, and takes it back."""

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

_PURCHASE = record(
    "Purchase",
    "psn_no mdtrt_cert_type certno psn_type begntime medfee_sumamt invono insutype dise_codg acct_used_flag "
    "med_type exp_content",
)
_TRACE = record("PurchaseTrace", "drug_trac_codg trdn_flag")
_LINE = record("PurchaseLine", LINE_INPUT, durg_trac_info=many(_TRACE))

KINDS = (
    Kind(
        "2102",
        transaction(
            "2102",
            {"druginfo": _PURCHASE, "drugdetail": many(_LINE)},
            {"setlinfo": SETTLED, "setldetail": many(FUND_ITEM), "detlcutinfo": many(LINE_ANSWER)},
        ),
        ("response.output.setlinfo", "input.druginfo"),
        (
            SETTLEMENT,
            FUND_ITEMS,
            Table("fee_line", rows="input.drugdetail"),
            Table(
                "trace_scan",
                rows="input.drugdetail[].durg_trac_info",
                constants={"move": "sale"},
                renamed={"scanned_at": "fee_ocur_time"},
                only_with="drug_trac_codg",
            ),
        ),
        answers={"input.drugdetail": "response.output.detlcutinfo"},
    ),
    Kind("2103", transaction("2103", {"data": CANCELLED}), ("input.data",), (Table("cancellation"),)),
)

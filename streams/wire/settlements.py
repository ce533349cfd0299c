"""What a settlement looks like in every transaction that makes one (2102, 2207, 2304)."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from streams.wire.shape import Columns, Table, record

SETTLED = record(
    "Settled",
    "mdtrt_id setl_id psn_no certno gend brdy insutype psn_type cvlserv_flag setl_time mdtrt_cert_type med_type "
    "medfee_sumamt fulamt_ownpay_amt overlmt_selfpay preselfpay_amt inscp_scp_amt act_pay_dedc hifp_pay "
    "pool_prop_selfpay cvlserv_pay hifes_pay hifmi_pay hifob_pay hifdm_pay maf_pay hosp_part_amt oth_pay "
    "fund_pay_sumamt psn_part_amt acct_pay psn_cash_pay balc acct_mulaid_pay clr_way clr_type exp_content",
)
FUND_ITEM = record("FundItem", "fund_pay_type inscp_scp_amt crt_payb_lmt_amt fund_payamt")

# A message that states one amount of a group means 0 by leaving out another; one that states none of them says
# nothing about the group.
_ZERO_TOGETHER = (
    (
        "hifp_pay",
        "cvlserv_pay",
        "hifes_pay",
        "hifmi_pay",
        "hifob_pay",
        "hifdm_pay",
        "maf_pay",
        "oth_pay",
        "hosp_part_amt",
        "act_pay_dedc",
    ),
    ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"),
    ("acct_pay", "psn_cash_pay", "acct_mulaid_pay"),
)
_ZERO = pa.scalar(0, pa.decimal128(16, 2))


def _complete(columns: Columns) -> None:
    """The platform's time of settlement falls back on the time of the message; amounts left out are 0."""
    missing = pc.is_null(columns["setl_time"])
    if pc.any(missing).as_py():
        columns["setl_time"] = pc.coalesce(columns["setl_time"], columns["inf_time"])
        columns["setl_time_is_date"] = pc.if_else(missing, False, columns["setl_time_is_date"])
    for group in _ZERO_TOGETHER:
        if not any(columns[name].null_count for name in group):
            continue
        stated = pc.is_valid(pc.coalesce(*(columns[name] for name in group)))
        for name in group:
            absent = pc.and_(stated, pc.is_null(columns[name]))
            columns[name] = pc.if_else(absent, _ZERO, columns[name])


SETTLEMENT = Table("settlement", finish=_complete)
FUND_ITEMS = Table("fund_item", rows="response.output.setldetail")

LINE_INPUT = (
    "feedetl_sn rxno rx_circ_flag fee_ocur_time med_list_codg medins_list_codg det_item_fee_sumamt cnt pric "
    "sin_dos_dscr used_frqu_dscr prd_days bilg_dr_codg tcmdrug_used_way"
)
LINE_ANSWER = record(
    "LineAnswer",
    "feedetl_sn pric_uplmt_amt selfpay_prop fulamt_ownpay_amt overlmt_amt preselfpay_amt inscp_scp_amt chrgitm_lv "
    "med_chrgitm_type lmt_used_flag",
)
CANCELLED = record("Cancelled", "setl_id mdtrt_id psn_no")

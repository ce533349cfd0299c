"""What a message or a row of it must have to be a fact: identity, joins, times, amounts.

The platform marks many more columns as required than real messages carry; what is not listed here may be missing.
A message that lacks a field of its own is rejected whole, a row that lacks one is rejected alone. Where a field
may stand in several nodes, one of them is enough.
"""

from __future__ import annotations

from collections.abc import Mapping

MESSAGE = ""
"""The message itself, in the tables below; other keys are the lists whose elements the fields belong to."""

ENVELOPE = ("msgid", "inf_time", "fixmedins_code")
REGISTRY_ENVELOPE = ("msgid", "inf_time")

_LINE = ("feedetl_sn", "fee_ocur_time", "cnt", "det_item_fee_sumamt")
_SETTLEMENT = ("setl_id", "mdtrt_id", "psn_no", "medfee_sumamt")
_FUND_ITEM = {"response.output.setldetail": ("fund_pay_type", "fund_payamt")}
_DIAGNOSIS = {"input.diseinfo": ("diag_code",)}
_VISIT_LINE = {"input.feedetail": ("mdtrt_id", "psn_no", *_LINE)}
_SETTLEMENT_CANCELLED = {MESSAGE: ("setl_id", "psn_no")}
_VISIT_CANCELLED = {MESSAGE: ("mdtrt_id", "psn_no")}

REQUIRED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "1101": {
        MESSAGE: ("psn_no",),
        "response.output.insuinfo": ("insutype",),
        "response.output.idetinfo": ("psn_idet_type",),
    },
    "2102": {MESSAGE: (*_SETTLEMENT, "begntime"), "input.drugdetail": _LINE, **_FUND_ITEM},
    "2103": _SETTLEMENT_CANCELLED,
    "2201": {MESSAGE: ("mdtrt_id", "psn_no", "begntime")},
    "2202": _VISIT_CANCELLED,
    "2203": {MESSAGE: ("mdtrt_id", "psn_no", "begntime"), **_DIAGNOSIS},
    "2204": _VISIT_LINE,
    "2205": {MESSAGE: ("mdtrt_id", "psn_no", "chrg_bchno")},
    "2207": {MESSAGE: _SETTLEMENT, **_FUND_ITEM},
    "2208": _SETTLEMENT_CANCELLED,
    "2301": _VISIT_LINE,
    "2302": {"input.data": ("feedetl_sn", "mdtrt_id", "psn_no")},
    "2304": {MESSAGE: _SETTLEMENT, **_FUND_ITEM},
    "2305": _SETTLEMENT_CANCELLED,
    "2401": {MESSAGE: ("mdtrt_id", "psn_no", "begntime"), **_DIAGNOSIS},
    "2402": {MESSAGE: ("mdtrt_id", "psn_no", "endtime"), **_DIAGNOSIS},
    "2403": {MESSAGE: ("mdtrt_id", "psn_no"), **_DIAGNOSIS},
    "2404": _VISIT_CANCELLED,
    "2405": _VISIT_CANCELLED,
    "2501": {MESSAGE: ("psn_no", "reflin_medins_no")},
    "2503": {MESSAGE: ("psn_no", "opsp_dise_code", "begndate")},
    "2601": {MESSAGE: ("omsgid", "oinfno")},
    "3103": {"input.data.warns": ("warn_rslt_id", "dspo_way")},
    "3501A": {"input.invinfoDetail": ("med_list_codg", "invdate", "inv_cnt")},
    "3502A": {"input.invinfoDetail": ("med_list_codg", "inv_chg_time", "cnt")},
    "3503A": {"input.purcinfoDetail": ("med_list_codg", "purc_retn_stoin_time", "purc_retn_cnt")},
    "3505A": {"input.selinfoDetail": ("med_list_codg", "sel_retn_time", "sel_retn_cnt")},
    "3506A": {"input.selinfoDetail": ("med_list_codg", "sel_retn_time", "sel_retn_cnt")},
    "4101": {
        MESSAGE: ("setl_id", "mdtrt_id", "psn_no"),
        **_DIAGNOSIS,
        "input.oprninfo": ("oprn_oprt_code",),
        "input.icuinfo": ("scs_cutd_inpool_time",),
    },
    "4402A": {"input.data": ("mdtrt_id", "psn_no", "medcas_drord_detl_id")},
    "4501": {MESSAGE: ("mdtrt_id", "psn_no", "rpotc_no")},
    "4502": {MESSAGE: ("mdtrt_id", "psn_no", "rpotc_no")},
    "4602": {"input.data": ("mdtrt_id", "psn_no", "rcd_time")},
    "9601": {MESSAGE: ("psn_no",)},
    "9604": {"response.output.chkBedTask[].chkBedTaskDetail": ("psn_no",)},
    "institution": {MESSAGE: ("fixmedins_code",)},
    "practitioner": {MESSAGE: ("dr_codg",)},
    "death": {MESSAGE: ("psn_no", "source", "die_date")},
    "family": {MESSAGE: ("psn_no", "member_psn_no")},
    "insured": {MESSAGE: ("psn_no", "insutype")},
    "catalogue": {MESSAGE: ("med_list_codg",)},
    "manual_reimbursement": {MESSAGE: ("reim_id", "psn_no", "medfee_sumamt")},
}

# Lists without which the message says nothing.
REQUIRED_LISTS: Mapping[str, tuple[str, ...]] = {
    "2102": ("input.drugdetail",),
    "2204": ("input.feedetail",),
    "2301": ("input.feedetail",),
    "2302": ("input.data",),
    "3103": ("input.data.warns",),
    "3501A": ("input.invinfoDetail",),
    "3502A": ("input.invinfoDetail",),
    "3503A": ("input.purcinfoDetail",),
    "3505A": ("input.selinfoDetail",),
    "3506A": ("input.selinfoDetail",),
    "4402A": ("input.data",),
    "4602": ("input.data",),
}

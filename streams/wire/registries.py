"""Registry events: facts that other systems own."""

from __future__ import annotations

from streams.wire.shape import Kind, Table, registry

_FIELDS = {
    "institution": "fixmedins_code fixmedins_name fixmedins_type hosp_lv admdvs appr_bed_cnt longitude latitude "
    "begndate enddate",
    "practitioner": "dr_codg fixmedins_code psn_no prac_type status begndate enddate",
    "death": "psn_no die_date source",
    "family": "psn_no member_psn_no relation begndate enddate",
    "insured": "psn_no certno gend brdy insutype psn_type psn_idet_type insuplc_admdvs emp_name addr "
    "psn_insu_stas begndate enddate",
    "catalogue": "med_list_codg name list_type med_chrgitm_type chrgitm_lv generic_name dosage_days pric_uplmt_amt "
    "unit",
    "manual_reimbursement": "reim_id psn_no fixmedins_code mdtrt_type begntime endtime bill_code bill_no "
    "medfee_sumamt fund_pay_sumamt reim_time",
}

KINDS = tuple(
    Kind(name, registry(name, fields), ("data",), (Table(name),)) for name, fields in _FIELDS.items()
)

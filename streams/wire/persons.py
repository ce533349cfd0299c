"""1101: a person is looked up, and the platform answers who that is and how they are insured."""

from __future__ import annotations

from streams.wire.shape import Kind, Table, many, record, transaction

_BASE = record("PersonBase", "psn_no certno gend brdy")
_INSURANCE = record(
    "PersonInsurance",
    "insutype psn_type psn_insu_stas psn_insu_date paus_insu_date cvlserv_flag insuplc_admdvs emp_name balc",
)
_IDENTITY = record("PersonIdentity", "psn_idet_type psn_type_lv begntime endtime")

KINDS = (
    Kind(
        "1101",
        transaction(
            "1101", {}, {"baseinfo": _BASE, "insuinfo": many(_INSURANCE), "idetinfo": many(_IDENTITY)}
        ),
        ("response.output.baseinfo",),
        (
            Table("person"),
            Table("person_insurance", rows="response.output.insuinfo"),
            Table("person_identity", rows="response.output.idetinfo"),
        ),
    ),
)

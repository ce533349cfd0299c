"""4402A, 4501, 4502, 4602: orders, examination and laboratory reports, vital signs."""

from __future__ import annotations

from streams.wire.shape import Kind, Table, many, record, transaction

_ORDER = record(
    "MedicalOrder",
    "mdtrt_id psn_no medcas_drord_detl_id drord_no drord_type drord_item_type_code drord_detl_code drord_detl_name "
    "drord_isu_time drord_begntime drord_endtime medc_begntime medc_endtime medc_days isu_drord_dr_code "
    "isu_dept_code exe_dept_code ipt_bed_no vali_flag",
)
_REPORT = (
    "mdtrt_id psn_no rpotc_no appy_no exam_item_code exam_item_name inhosp_exam_item_code rpt_date bilg_dr_codg "
    "vali_flag"
)
_EXAMINATION = record("Examination", f"{_REPORT} exam_type_code exam_date")
_ITEM = ("exam_item_code", "exam_item_name", "inhosp_exam_item_code")
_EXAMINED = record("ExaminedItem", " ".join((*_ITEM, "exam_charge")))
_LABORATORY = record("Laboratory", f"{_REPORT} exam_charge")
_MEASURED = record("LaboratoryItem", "exam_item_detl_code exam_item_detl_name")
_VITAL = record("VitalSign", "mdtrt_id psn_no dept_code bedno rcd_time sign_time vali_flag")

KINDS = (
    Kind(
        "4402A",
        transaction("4402A", {"data": many(_ORDER)}),
        (),
        (Table("medical_order", rows="input.data"),),
    ),
    Kind(
        "4501",
        transaction("4501", {"examinfo": _EXAMINATION, "iteminfo": many(_EXAMINED)}),
        ("input.examinfo",),
        (
            Table(
                "report",
                rows="input.iteminfo",
                constants={"report": "examination"},
                renamed={name: f"{name} ^{name}" for name in _ITEM},
                never_empty=True,
            ),
        ),
    ),
    Kind(
        "4502",
        transaction("4502", {"labinfo": _LABORATORY, "iteminfo": many(_MEASURED)}),
        ("input.labinfo",),
        (
            Table(
                "report",
                rows="input.iteminfo",
                constants={"report": "laboratory"},
                renamed={
                    "exam_item_code": "exam_item_detl_code exam_item_code",
                    "exam_item_name": "exam_item_detl_name exam_item_name",
                },
                never_empty=True,
                first_row_only=frozenset({"exam_charge"}),
            ),
        ),
    ),
    Kind(
        "4602",
        transaction("4602", {"data": many(_VITAL)}),
        (),
        (Table("vital_sign", rows="input.data"),),
    ),
)

"""9601 and 9604: face checks and remote bed checks."""

from __future__ import annotations

from streams.wire.shape import Kind, Table, many, record, transaction

_ASKED = record("FaceCheck", "psn_no recog_biz plan_id mdtrt_id")
_ANSWERED = record("FaceCheckResult", "recog_rslt")
_CHECKED = record(
    "BedCheckPerson",
    "plan_id mdtrt_id psn_no crtf_time crtf_rslt sp_dcla_rea appl_stas chk_stas",
)
_TASK = record("BedCheckTask", "", chkBedTaskDetail=many(_CHECKED))

KINDS = (
    Kind(
        "9601",
        transaction("9601", {"recogInfo": _ASKED}, {"recogRslt": _ANSWERED}),
        ("input.recogInfo", "response.output.recogRslt"),
        (Table("presence", renamed={"checked_at": "inf_time"}),),
    ),
    Kind(
        "9604",
        transaction("9604", {}, {"chkBedTask": many(_TASK)}),
        (),
        (
            Table(
                "presence",
                rows="response.output.chkBedTask[].chkBedTaskDetail",
                renamed={"checked_at": "crtf_time", "recog_rslt": "crtf_rslt"},
            ),
        ),
    ),
)

"""2501, 2503, 2601, 3103: referrals, chronic-disease registrations, reversals, answers to reminders."""

from __future__ import annotations

from streams.wire.shape import Kind, Table, many, record, transaction

_REFERRAL = record(
    "Referral",
    "psn_no insutype tel diag_code reflin_medins_no mdtrtarea_admdvs refl_type refl_date begndate enddate "
    "refl_old_mdtrt_id",
)
_CHRONIC = record(
    "ChronicRegistration",
    "psn_no insutype opsp_dise_code tel ide_fixmedins_no hosp_ide_date diag_dr_codg begndate enddate",
)
_REVERSAL = record("Reversal", "psn_no omsgid oinfno")
_WARNING = record("Warning", "warn_rslt_id dspo_way dspo_way_rea")
_FEEDBACK = record("Feedback", "warn_type", warns=many(_WARNING))

KINDS = (
    Kind(
        "2501",
        transaction("2501", {"refmedin": _REFERRAL, "data": _REFERRAL}),
        ("input.refmedin", "input.data"),
        (Table("referral"),),
    ),
    Kind("2503", transaction("2503", {"data": _CHRONIC}), ("input.data",), (Table("chronic_registration"),)),
    Kind("2601", transaction("2601", {"data": _REVERSAL}), ("input.data",), (Table("cancellation"),)),
    Kind(
        "3103",
        transaction("3103", {"data": _FEEDBACK}),
        ("input.data",),
        (Table("feedback", rows="input.data.warns"),),
    ),
)

"""4101: the settlement list of a stay, with diagnoses, operations and intensive care."""

from __future__ import annotations

from streams.wire.shape import Kind, Table, many, record, transaction

_LIST = record(
    "SettlementList",
    "psn_no mdtrt_id setl_id medcasno curr_addr emp_name patn_rlts coner_tel nwb_adm_type nwb_bir_wt nwb_adm_wt "
    "adm_way trt_type adm_time adm_dept_code refldept_dept dscg_time dscg_dept_code dscg_caty wm_dise_code "
    "vent_used_dura spga_nurscare_days lv1_nurscare_days scd_nurscare_days lv3_nurscare_days dscg_way "
    "acp_optins_code bill_code bill_no days_rinp_flag_31 chfpdr_code setl_begn_date setl_end_date resp_nurs_code "
    "hi_paymtd age_days adm_caty",
)
_DIAGNOSIS = record("ListDiagnosis", "diag_type diag_code diag_name adm_cond_type maindiag_flag diag_srt_no")
_OPERATION = record(
    "ListOperation",
    "oprn_oprt_type oprn_oprt_name oprn_oprt_code anst_way oper_dr_code anst_dr_code oprn_oprt_begntime "
    "oprn_oprt_endtime anst_begntime anst_endtime",
)
_INTENSIVE = record("ListIntensive", "scs_cutd_ward_type scs_cutd_inpool_time scs_cutd_exit_time")

KINDS = (
    Kind(
        "4101",
        transaction(
            "4101",
            {
                "setlinfo": _LIST,
                "diseinfo": many(_DIAGNOSIS),
                "oprninfo": many(_OPERATION),
                "icuinfo": many(_INTENSIVE),
            },
        ),
        ("input.setlinfo",),
        (
            Table("settlement_list"),
            Table("diagnosis", rows="input.diseinfo", constants={"role": "list"}),
            Table("operation", rows="input.oprninfo"),
            Table("icu_stay", rows="input.icuinfo"),
        ),
    ),
)

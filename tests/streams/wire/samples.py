"""One message of every kind, with every field that matters filled in. All ids and persons are invented."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

NAME = "赵测试"
IDENTITY_CARD = "990101196002291234"
PHONE = "13899990000"
SECRETS = (NAME, IDENTITY_CARD, PHONE)
"""What must never be found in a fact."""

PERSON = "99000000000000000001"
KEY = b"a key of the tests"

Message = dict[str, Any]


def at(text: str) -> datetime:
    """A time as the facts have it: without zone."""
    return datetime.fromisoformat(text)


def event(infno: str, given: Any, output: Any = None, **envelope: Any) -> Message:
    return {
        "infno": infno,
        "msgid": f"H99010100001202611010830{infno}",
        "mdtrtarea_admvs": "990101",
        "insuplc_admdvs": "990102",
        "opter_type": "1",
        "opter": "YB001",
        "opter_name": NAME,
        "dev_no": "POS-7",
        "inf_time": "2026-11-01 08:30:00",
        "fixmedins_code": "H99010100001",
        "fixmedins_name": "测试医院",
        "cainfo": "signature",
        "input": given,
        "response": {"infcode": 0, "err_msg": "", "output": output},
        **envelope,
    }


def register(registry: str, **data: Any) -> Message:
    return {
        "registry": registry,
        "msgid": f"REG-{registry}-1",
        "inf_time": "2026-01-01 00:00:00",
        "data": data,
    }


def lines(*messages: Message) -> list[bytes]:
    return [json.dumps(each, ensure_ascii=False).encode() for each in messages]


CERTIFICATE = {
    "mdtrt_cert_type": "02",
    "mdtrt_cert_no": IDENTITY_CARD,
    "card_sn": "",
    "psn_cert_type": "01",
    "certno": IDENTITY_CARD,
    "psn_name": NAME,
}
DIAGNOSIS = {
    "psn_no": PERSON,
    "diag_type": "1",
    "maindiag_flag": "1",
    "diag_srt_no": "1",
    "diag_code": "K29.500",
    "diag_name": "慢性胃炎",
    "adm_cond_type": "1",
    "diag_dept": "A03",
    "dise_dor_no": "D990101000001",
    "dise_dor_name": NAME,
    "diag_time": "2026-11-01 09:00:00",
    "vali_flag": "1",
}
LINE = {
    "feedetl_sn": "1",
    "init_feedetl_sn": "",
    "mdtrt_id": "M0001",
    "drord_no": "YZ1",
    "psn_no": PERSON,
    "med_type": "21",
    "chrg_bchno": "B1",
    "rxno": "RX1",
    "rx_circ_flag": "0",
    "fee_ocur_time": "2026-11-01 23:00:00",
    "med_list_codg": "001109000010000",
    "medins_list_codg": "BED01",
    "det_item_fee_sumamt": "40.00",
    "cnt": "1",
    "pric": "40.000000",
    "sin_dos_dscr": "1片",
    "used_frqu_dscr": "qd",
    "prd_days": "7",
    "bilg_dept_codg": "A03",
    "bilg_dr_codg": "D990101000001",
    "bilg_dr_name": NAME,
    "acord_dept_codg": "A04",
    "orders_dr_code": "D990101000002",
    "orders_dr_name": NAME,
    "hosp_appr_flag": "1",
    "tcmdrug_used_way": "1",
    "etip_flag": "0",
    "etip_hosp_code": "H99010100009",
    "dscg_tkdrug_flag": "0",
    "matn_fee_flag": "0",
}
ANSWER = {
    "feedetl_sn": "1",
    "det_item_fee_sumamt": "40.00",
    "cnt": "1",
    "pric": "40.000000",
    "pric_uplmt_amt": "40.000000",
    "selfpay_prop": "0.1000",
    "fulamt_ownpay_amt": "1.00",
    "overlmt_amt": "2.00",
    "preselfpay_amt": "3.00",
    "inscp_scp_amt": "34.00",
    "chrgitm_lv": "01",
    "med_chrgitm_type": "01",
    "lmt_used_flag": "0",
}
SETTLED = {
    "mdtrt_id": "M0001",
    "setl_id": "S0001",
    "psn_no": PERSON,
    **CERTIFICATE,
    "gend": "1",
    "brdy": "1960-02-29",
    "age": "66.0",
    "insutype": "310",
    "psn_type": "11",
    "cvlserv_flag": "0",
    "setl_time": "2026-11-05 10:00:01",
    "med_type": "21",
    "medfee_sumamt": "2000.00",
    "fulamt_ownpay_amt": "100.00",
    "overlmt_selfpay": "0",
    "preselfpay_amt": "50.00",
    "inscp_scp_amt": "1850.00",
    "act_pay_dedc": "400.00",
    "hifp_pay": "1160.00",
    "pool_prop_selfpay": "0.8000",
    "cvlserv_pay": "0",
    "hifes_pay": "0",
    "hifmi_pay": "0",
    "hifob_pay": "0",
    "hifdm_pay": "0",
    "maf_pay": "0",
    "hosp_part_amt": "0",
    "oth_pay": "0",
    "fund_pay_sumamt": "1160.00",
    "psn_part_amt": "840.00",
    "acct_pay": "0",
    "psn_cash_pay": "840.00",
    "balc": "12.34",
    "acct_mulaid_pay": "0",
    "clr_way": "1",
    "clr_type": "21",
}
FUND_ITEM = {
    "fund_pay_type": "310100",
    "inscp_scp_amt": "1850.00",
    "crt_payb_lmt_amt": "300000.00",
    "fund_payamt": "1160.00",
}
BILL = {
    "psn_no": PERSON,
    **CERTIFICATE,
    "med_type": "21",
    "medfee_sumamt": "2000.00",
    "psn_setlway": "01",
    "mdtrt_id": "M0001",
    "chrg_bchno": "B1",
    "insutype": "310",
    "acct_used_flag": "2",
    "invono": "0000000001",
    "mid_setl_flag": "0",
    "dise_codg": "M03900",
    "exp_content": json.dumps(
        {
            "MDTRT_GRP_TYPE": "1",
            "TRUM_FLAG": "0",
            "REL_TTP_FLAG": "0",
            "OTP_ER_REFL_FLAG": "1",
            "ACCT_OWNER_PSN_NO": "99000000000000000002",
        }
    ),
}
STAY = {
    "psn_no": PERSON,
    "mdtrt_id": "M0001",
    "insutype": "310",
    "coner_name": NAME,
    "tel": PHONE,
    "begntime": "2026-11-01 08:20:00",
    "endtime": "2026-11-09",
    **CERTIFICATE,
    "med_type": "21",
    "ipt_no": "ZY0001",
    "ipt_otp_no": "ZY0001",
    "medrcdno": "BL0001",
    "atddr_no": "D990101000001",
    "chfpdr_name": NAME,
    "adm_dept_codg": "A03",
    "adm_bed": "12",
    "dscg_maindiag_code": "K29.500",
    "dise_codg": "M03900",
    "dise_type_code": "3",
    "oprn_oprt_code": "45.1300",
    "matn_type": "1",
    "birctrl_type": "2",
    "geso_val": "38",
    "birctrl_matn_date": "2026-11-02",
    "exp_content": '{"MDTRT_GRP_TYPE":"1","TRUM_FLAG":"0","REL_TTP_FLAG":"0","IPT_TYPE":"2","OTP_ER_REFL_FLAG":"3"}',
}
CANCELLED = {"setl_id": "S0001", "mdtrt_id": "M0001", "psn_no": PERSON}
UNDONE = {"mdtrt_id": "M0001", "psn_no": PERSON}
STOCK = {
    "med_list_codg": "XA02BCA126E001010100001",
    "fixmedins_hilist_id": "YP1",
    "fixmedins_hilist_name": "测试药",
    "fixmedins_bchno": "PC1",
    "manu_lotnum": "LOT1",
    "rx_flag": "1",
    "trdn_flag": "0",
    "pric": "30.000000",
}
TRACES = [{"drug_trac_codg": "81000010000000000001"}, {"drug_trac_codg": ""}]
SALE = {
    **STOCK,
    "prsc_dr_certno": IDENTITY_CARD,
    "prsc_dr_name": NAME,
    "phar_name": NAME,
    "hi_feesetl_type": "1",
    "setl_id": "S0002",
    "mdtrt_sn": "M0002",
    "psn_no": PERSON,
    "certno": IDENTITY_CARD,
    "psn_name": NAME,
    "finl_trns_pric": "30.000000",
    "rxno": "RX1",
    "rtal_docno": "LS1",
    "sel_retn_cnt": "2",
    "sel_retn_time": "2026-11-03 12:00:00",
    "prsc_dr_no": "D990101000001",
    "phar_no": "Y990101000001",
    "drugtracinfo": TRACES,
}
REPORT = {
    "mdtrt_id": "M0001",
    "psn_no": PERSON,
    "appy_no": "SQ1",
    "rpotc_no": "BG1",
    "exam_date": "2026-11-02",
    "rpt_date": "2026-11-02",
    "exam_type_code": "01",
    "exam_item_code": "JC1",
    "exam_item_name": "胃镜",
    "inhosp_exam_item_code": "IN1",
    "exam_charge": "90.00",
    "bilg_dr_codg": "D990101000001",
    "bilg_dr_name": NAME,
    "vali_flag": "1",
}

SAMPLES: dict[str, Message] = {
    "1101": event(
        "1101",
        {"data": {**CERTIFICATE, "begntime": "2026-11-01 08:00:00"}},
        {
            "baseinfo": {"psn_no": PERSON, **CERTIFICATE, "gend": "1", "brdy": "1960-02-29"},
            "insuinfo": [
                {
                    "balc": "12.34",
                    "insutype": "310",
                    "psn_type": "11",
                    "psn_insu_stas": "1",
                    "psn_insu_date": "2000-01-01",
                    "paus_insu_date": "",
                    "cvlserv_flag": "0",
                    "insuplc_admdvs": "990103",
                    "emp_name": "测试公司",
                }
            ],
            "idetinfo": [
                {
                    "psn_idet_type": "1",
                    "psn_type_lv": "2",
                    "begntime": "2020-01-01 00:00:00",
                    "endtime": "9999-12-31 00:00:00",
                }
            ],
        },
    ),
    "2102": event(
        "2102",
        {
            "druginfo": {**BILL, "begntime": "2026-11-03 12:00:00", "med_type": "41"},
            "drugdetail": [
                {
                    **LINE,
                    "cnt": "2",
                    "durg_trac_info": [
                        {"feedetl_sn": "1", "drug_trac_codg": "81000010000000000001", "trdn_flag": "0"},
                        {"feedetl_sn": "1", "drug_trac_codg": "81000010000000000002", "trdn_flag": "1"},
                    ],
                }
            ],
        },
        {"setlinfo": SETTLED, "setldetail": [FUND_ITEM], "detlcutinfo": [ANSWER]},
    ),
    "2103": event("2103", {"data": CANCELLED}),
    "2201": event(
        "2201",
        {
            "data": {
                "psn_no": PERSON,
                "insutype": "310",
                "begntime": "2026-11-01 08:20:00",
                **CERTIFICATE,
                "ipt_otp_no": "MZ1",
                "atddr_no": "D990101000001",
                "dr_name": NAME,
                "dept_code": "A03",
                "dept_name": "内科",
                "caty": "A03.01",
            }
        },
        {"data": {"mdtrt_id": "M0001", "psn_no": PERSON, "ipt_otp_no": "MZ1"}},
    ),
    "2202": event("2202", {"data": {**UNDONE, "ipt_otp_no": "MZ1"}}),
    "2203": event("2203", {"mdtrtinfo": STAY, "diseinfo": [DIAGNOSIS]}),
    "2204": event("2204", {"feedetail": [LINE]}, {"result": [ANSWER]}),
    "2205": event("2205", {"data": {**UNDONE, "chrg_bchno": "0000"}}),
    "2207": event("2207", {"data": BILL}, {"setlinfo": SETTLED, "setldetail": [FUND_ITEM]}),
    "2208": event("2208", {"data": CANCELLED}),
    "2301": event("2301", {"feedetail": [LINE]}, {"result": [ANSWER]}),
    "2302": event("2302", {"data": [{**UNDONE, "feedetl_sn": "1"}, {**UNDONE, "feedetl_sn": "2"}]}),
    "2304": event("2304", {"data": BILL}, {"setlinfo": SETTLED, "setldetail": [FUND_ITEM]}),
    "2305": event("2305", {"data": CANCELLED}),
    "2401": event("2401", {"mdtrtinfo": STAY, "diseinfo": [DIAGNOSIS]}, {"result": {"mdtrt_id": "M0001"}}),
    "2402": event(
        "2402",
        {
            "dscginfo": {
                **STAY,
                "dscg_dept_codg": "A03",
                "dscg_bed": "12",
                "dscg_way": "5",
                "die_date": "2026-11-09",
                "cop_flag": "0",
            },
            "diseinfo": [DIAGNOSIS],
        },
    ),
    "2403": event("2403", {"adminfo": STAY, "diseinfo": [DIAGNOSIS]}),
    "2404": event("2404", {"data": UNDONE}),
    "2405": event("2405", {"data": UNDONE}),
    "2501": event(
        "2501",
        {
            "refmedin": {
                "psn_no": PERSON,
                "insutype": "310",
                "tel": PHONE,
                "addr": "测试市测试路1号",
                "diag_code": "K29.500",
                "reflin_medins_no": "H99010100002",
                "mdtrtarea_admdvs": "990102",
                "refl_type": "1",
                "refl_date": "2026-11-02",
                "begndate": "2026-11-02",
                "enddate": "2027-11-01",
                "refl_old_mdtrt_id": "M0001",
            }
        },
    ),
    "2503": event(
        "2503",
        {
            "data": {
                "psn_no": PERSON,
                "insutype": "310",
                "opsp_dise_code": "M03900",
                "tel": PHONE,
                "ide_fixmedins_no": "H99010100002",
                "hosp_ide_date": "2026-10-01",
                "diag_dr_codg": "D990101000001",
                "diag_dr_name": NAME,
                "begndate": "2026-10-02",
                "enddate": "9999-12-31",
            }
        },
    ),
    "2601": event("2601", {"data": {"psn_no": PERSON, "omsgid": "H1", "oinfno": "2304"}}),
    "3103": event(
        "3103",
        {
            "data": {
                "warn_type": "1",
                "warns": [{"warn_rslt_id": "W1", "dspo_way": "1", "dspo_way_rea": "病情需要"}],
            }
        },
    ),
    "3501A": event("3501A", {"invinfoDetail": [{**STOCK, "invdate": "2026-11-01", "inv_cnt": "100"}]}),
    "3502A": event(
        "3502A",
        {
            "invinfoDetail": [
                {
                    **STOCK,
                    "inv_chg_type": "101",
                    "cnt": "5",
                    "inv_chg_time": "2026-11-02 10:00:00",
                    "inv_chg_opter_name": NAME,
                    "trac_codg_pac_hery": "1",
                    "drugtracinfo": TRACES,
                }
            ]
        },
    ),
    "3503A": event(
        "3503A",
        {
            "purcinfoDetail": [
                {
                    **STOCK,
                    "finl_trns_pric": "20.000000",
                    "purc_retn_cnt": "50",
                    "purc_invo_codg": "FP1",
                    "purc_invo_no": "FPH1",
                    "purc_retn_stoin_time": "2026-11-01 09:00:00",
                    "purc_retn_opter_name": NAME,
                    "prod_geay_flag": "0",
                }
            ]
        },
    ),
    "3505A": event("3505A", {"selinfoDetail": [SALE]}),
    "3506A": event("3506A", {"selinfoDetail": [SALE]}),
    "4101": event(
        "4101",
        {
            "setlinfo": {
                "psn_no": PERSON,
                "mdtrt_id": "M0001",
                "setl_id": "S0001",
                "medcasno": "BA1",
                "curr_addr": "测试省测试市测试镇杏花村12号",
                "emp_name": "测试公司",
                "emp_tel": PHONE,
                "coner_name": NAME,
                "patn_rlts": "1",
                "coner_addr": "测试村3号",
                "coner_tel": PHONE,
                "nwb_adm_type": "1",
                "nwb_bir_wt": "3250.00",
                "nwb_adm_wt": "3200",
                "adm_way": "1",
                "trt_type": "1",
                "adm_time": "2026-11-01 08:20:00",
                "adm_dept_code": "A03",
                "adm_caty": "A03",
                "refldept_dept": "A04",
                "dscg_time": "2026-11-09 09:00:00",
                "dscg_dept_code": "A03",
                "dscg_caty": "A03",
                "wm_dise_code": "K29.500",
                "vent_used_dura": "1/13/24",
                "spga_nurscare_days": "1",
                "lv1_nurscare_days": "2.5",
                "scd_nurscare_days": "3",
                "lv3_nurscare_days": "1.5",
                "dscg_way": "1",
                "acp_optins_code": "H99010100002",
                "bill_code": "PJ1",
                "bill_no": "PJH1",
                "days_rinp_flag_31": "1",
                "chfpdr_code": "D990101000001",
                "setl_begn_date": "2026-11-01",
                "setl_end_date": "2026-11-09",
                "medins_fill_psn": NAME,
                "resp_nurs_code": "N990101000001",
                "hi_paymtd": "5",
                "age_days": "12",
            },
            "diseinfo": [DIAGNOSIS],
            "oprninfo": [
                {
                    "oprn_oprt_type": "1",
                    "oprn_oprt_name": "胃镜检查",
                    "oprn_oprt_code": "44.1300",
                    "anst_way": "01",
                    "oper_dr_code": "D990101000001",
                    "anst_dr_code": "D990101000002",
                    "oprn_oprt_begntime": "2026-11-02 09:00:00",
                    "oprn_oprt_endtime": "2026-11-02 10:00:00",
                    "anst_begntime": "2026-11-02 08:50:00",
                    "anst_endtime": "2026-11-02",
                }
            ],
            "icuinfo": [
                {
                    "scs_cutd_ward_type": "1",
                    "scs_cutd_inpool_time": "2026-11-02 11:00:00",
                    "scs_cutd_exit_time": "2026-11-03 11:00:00",
                }
            ],
        },
        {"data": {"setl_list_id": "QD1"}},
    ),
    "4402A": event(
        "4402A",
        {
            "data": [
                {
                    "mdtrt_sn": "ZY0001",
                    "mdtrt_id": "M0001",
                    "psn_no": PERSON,
                    "ipt_bed_no": "12",
                    "drord_no": "YZ1",
                    "isu_dept_code": "A03",
                    "drord_isu_time": "2026-11-01 09:00:00",
                    "exe_dept_code": "A03",
                    "drord_ptr_name": NAME,
                    "drord_type": "2",
                    "drord_item_type_code": "26",
                    "drord_detl_code": "HL2",
                    "drord_detl_name": "二级护理",
                    "medc_days": "3",
                    "medc_begntime": "2026-11-01 09:00:00",
                    "medc_endtime": "2026-11-04",
                    "drord_begntime": "2026-11-01 09:10:00",
                    "drord_endtime": "2026-11-09 09:00:00",
                    "vali_flag": "1",
                    "medcas_drord_detl_id": "YZMX1",
                    "isu_drord_dr_code": "D990101000001",
                    "isu_drord_dr_name": NAME,
                }
            ]
        },
    ),
    "4501": event(
        "4501",
        {
            "examinfo": REPORT,
            "iteminfo": [
                {
                    "exam_item_code": "JC11",
                    "exam_item_name": "胃镜活检",
                    "inhosp_exam_item_code": "IN11",
                    "exam_charge": "45.00",
                },
                {"exam_charge": "45.00"},
            ],
            "imageinfo": [{"patient_name": NAME}],
        },
    ),
    "4502": event(
        "4502",
        {
            "labinfo": {**REPORT, "rpot_doc": NAME},
            "iteminfo": [
                {
                    "exam_item_detl_code": "ALT",
                    "exam_item_detl_name": "丙氨酸氨基转移酶",
                    "exam_rslt_val": "40",
                },
                {"exam_item_detl_code": "AST", "exam_item_detl_name": "天冬氨酸氨基转移酶"},
            ],
        },
    ),
    "4602": event(
        "4602",
        {
            "data": [
                {
                    "mdtrt_id": "M0001",
                    "psn_no": PERSON,
                    "dept_code": "A03",
                    "bedno": "12",
                    "rcd_time": "2026-11-02",
                    "tprt": "36.8",
                    "nurs_name": NAME,
                    "sign_time": "2026-11-02 10:00:00",
                    "vali_flag": "1",
                }
            ]
        },
    ),
    "9601": event(
        "9601",
        {
            "recogInfo": {
                "medins_code": "H99010100001",
                "psn_no": PERSON,
                "certno": IDENTITY_CARD,
                "psn_name": NAME,
                "recog_pic": "aGVsbG8=" * 100,
                "recog_biz": "10",
                "plan_id": "JH1",
                "mdtrt_id": "M0001",
            }
        },
        {"recogRslt": {"recog_rslt": "1", "recog_rslt_dscr": "通过"}},
    ),
    "9604": event(
        "9604",
        {"data": {"medins_code": "H99010100001"}},
        {
            "chkBedTask": [
                {
                    "task_id": "RW1",
                    "chkBedTaskDetail": [
                        {
                            "plan_id": "JH1",
                            "mdtrt_id": "M0001",
                            "psn_no": PERSON,
                            "psn_name": NAME,
                            "certno": IDENTITY_CARD,
                            "crtf_time": "2026-11-02 15:00:00",
                            "crtf_rslt": "1",
                            "sp_dcla_rea": "2",
                            "appl_stas": "0",
                            "appler_name": NAME,
                            "chk_stas": "1",
                        },
                        {"plan_id": "JH2", "mdtrt_id": "M0009", "psn_no": "99000000000000000009"},
                    ],
                }
            ]
        },
    ),
    "institution": register(
        "institution",
        fixmedins_code="H99010100001",
        fixmedins_name="测试医院",
        fixmedins_type="1",
        hosp_lv="09",
        admdvs="990101",
        appr_bed_cnt=120,
        longitude=112.98,
        latitude="28.19",
        begndate="2020-01-01",
        enddate="9999-12-31",
        vali_flag="1",
    ),
    "practitioner": register(
        "practitioner",
        dr_codg="D990101000001",
        dr_name=NAME,
        fixmedins_code="H99010100001",
        psn_no=PERSON,
        prac_type="doctor",
        status="active",
        begndate="2020-01-01",
        enddate="2030-01-01",
        vali_flag="1",
    ),
    "death": register("death", psn_no=PERSON, die_date="2026-11-09", source="civil", vali_flag="1"),
    "family": register(
        "family",
        psn_no=PERSON,
        member_psn_no="99000000000000000002",
        relation="spouse",
        begndate="1985-01-01",
        enddate="2030-01-01",
        vali_flag="1",
    ),
    "insured": register(
        "insured",
        psn_no=PERSON,
        psn_name=NAME,
        certno=IDENTITY_CARD,
        gend="1",
        brdy="1960-02-29",
        insutype="310",
        psn_type="11",
        psn_idet_type="1",
        insuplc_admdvs="990101",
        emp_name="测试公司",
        addr="测试市测试街道12号3栋401",
        psn_insu_stas="1",
        begndate="2000-01-01",
        enddate="2030-01-01",
        vali_flag="1",
    ),
    "catalogue": register(
        "catalogue",
        med_list_codg="XA02BCA126E001010100001",
        name="测试胶囊",
        list_type="101",
        med_chrgitm_type="09",
        chrgitm_lv="02",
        generic_name="测试",
        dosage_days="0.5",
        pric_uplmt_amt="30.000000",
        unit="盒",
        vali_flag="1",
    ),
    "manual_reimbursement": register(
        "manual_reimbursement",
        reim_id="LX1",
        psn_no=PERSON,
        fixmedins_code="H99010100009",
        mdtrt_type="21",
        begntime="2026-10-01",
        endtime="2026-10-05",
        bill_code="PJ1",
        bill_no="PJH1",
        medfee_sumamt="1000.00",
        fund_pay_sumamt="500.00",
        reim_time="2026-11-01 10:00:00",
        vali_flag="1",
    ),
}

"""Every transaction and registry becomes the rows it should."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from detectors.facts import fact_schemas
from streams.wire import Decoded, decode
from streams.wire.kinds import KINDS
from streams.wire.required import REQUIRED
from tests.streams.wire.samples import IDENTITY_CARD, KEY, PERSON, SAMPLES, SECRETS, at, event, lines

SECOND_PERSON = "99000000000000000002"

# Kind → table → for each row some columns with their values.
EXPECTED: dict[str, dict[str, list[dict[str, Any]]]] = {
    "1101": {
        "person": [{"psn_no": PERSON, "gend": "1", "brdy": date(1960, 2, 29), "cert_gend": "1"}],
        "person_insurance": [
            {
                "psn_no": PERSON,
                "insutype": "310",
                "insuplc_admdvs": "990103",
                "balc": Decimal("12.34"),
                "paus_insu_date": None,
                "emp_name": "测试公司",
            }
        ],
        "person_identity": [
            {"psn_idet_type": "1", "psn_type_lv": "2", "begntime": at("2020-01-01"), "endtime": None}
        ],
    },
    "2102": {
        "settlement": [
            {
                "kind": "2102",
                "setl_id": "S0001",
                "begntime": at("2026-11-03 12:00"),
                "acct_used_flag": "2",
                "acct_owner_psn_no": SECOND_PERSON,
                "dev_no": "POS-7",
                "med_type": "21",
            }
        ],
        "fund_item": [{"setl_id": "S0001"}],
        "fee_line": [
            {
                "kind": "2102",
                "setl_id": "S0001",
                "mdtrt_id": "M0001",
                "psn_no": PERSON,
                "cnt": Decimal("2.0000"),
                "rxno": "RX1",
                "med_chrgitm_type": "01",
            }
        ],
        "trace_scan": [
            {
                "drug_trac_codg": f"8100001000000000000{number}",
                "trdn_flag": flag,
                "row_no": number - 1,
                "move": "sale",
                "cnt": Decimal("2.0000"),
                "scanned_at": at("2026-11-01 23:00"),
                "setl_id": "S0001",
                "mdtrt_id": "M0001",
                "feedetl_sn": "1",
                "psn_no": PERSON,
            }
            for number, flag in ((1, "0"), (2, "1"))
        ],
    },
    "2103": {"cancellation": [{"kind": "2103", "setl_id": "S0001", "mdtrt_id": "M0001", "psn_no": PERSON}]},
    "2201": {
        "registration": [
            {
                "mdtrt_id": "M0001",
                "psn_no": PERSON,
                "begntime": at("2026-11-01 08:20"),
                "begntime_is_date": False,
                "ipt_otp_no": "MZ1",
                "dept_code": "A03",
                "caty": "A03.01",
                "opter_type": "1",
            }
        ]
    },
    "2202": {"cancellation": [{"kind": "2202", "setl_id": None, "mdtrt_id": "M0001"}]},
    "2203": {
        "outpatient": [
            {"mdtrt_id": "M0001", "dise_codg": "M03900", "otp_er_refl_flag": "3", "trum_flag": "0"}
        ],
        "diagnosis": [{"kind": "2203", "role": "outpatient", "mdtrt_id": "M0001", "vali_flag": "1"}],
    },
    "2204": {"fee_line": [{"kind": "2204", "chrg_bchno": "B1", "setl_id": None}]},
    "2205": {"cancellation": [{"kind": "2205", "chrg_bchno": "0000", "mdtrt_id": "M0001"}]},
    "2207": {"settlement": [{"kind": "2207", "chrg_bchno": "B1", "begntime": None}], "fund_item": [{}]},
    "2208": {"cancellation": [{"kind": "2208", "setl_id": "S0001"}]},
    "2301": {
        "fee_line": [
            {
                "kind": "2301",
                "row_no": 0,
                "mdtrt_id": "M0001",
                "feedetl_sn": "1",
                "init_feedetl_sn": None,
                "drord_no": "YZ1",
                "fee_ocur_time": at("2026-11-01 23:00"),
                "fee_ocur_time_is_date": False,
                "cnt": Decimal("1.0000"),
                "pric": Decimal("40.000000"),
                "det_item_fee_sumamt": Decimal("40.00"),
                "prd_days": Decimal("7.00"),
                "pric_uplmt_amt": Decimal("40.000000"),
                "selfpay_prop": Decimal("0.1000"),
                "inscp_scp_amt": Decimal("34.00"),
                "med_chrgitm_type": "01",
                "lmt_used_flag": "0",
                "orders_dr_code": "D990101000002",
            }
        ]
    },
    "2302": {
        "cancellation": [
            {"kind": "2302", "row_no": number, "feedetl_sn": str(number + 1), "mdtrt_id": "M0001"}
            for number in (0, 1)
        ]
    },
    "2304": {
        "settlement": [
            {
                "kind": "2304",
                "setl_id": "S0001",
                "mdtrt_id": "M0001",
                "setl_time": at("2026-11-05 10:00:01"),
                "invono": "0000000001",
                "mid_setl_flag": "0",
                "psn_setlway": "01",
                "clr_type": "21",
                "brdy": date(1960, 2, 29),
                "cert_brdy": date(1960, 2, 29),
                "cert_gend": "1",
                "medfee_sumamt": Decimal("2000.00"),
                "pool_prop_selfpay": Decimal("0.8000"),
                "fund_pay_sumamt": Decimal("1160.00"),
                "balc": Decimal("12.34"),
                "otp_er_refl_flag": "1",
                "opter": "YB001",
            }
        ],
        "fund_item": [
            {
                "row_no": 0,
                "setl_id": "S0001",
                "psn_no": PERSON,
                "fund_pay_type": "310100",
                "crt_payb_lmt_amt": Decimal("300000.00"),
                "fund_payamt": Decimal("1160.00"),
            }
        ],
    },
    "2305": {"cancellation": [{"kind": "2305", "setl_id": "S0001"}]},
    "2401": {
        "admission": [
            {
                "mdtrt_id": "M0001",
                "begntime": at("2026-11-01 08:20"),
                "adm_bed": "12",
                "geso_val": 38,
                "birctrl_matn_date": date(2026, 11, 2),
                "ipt_type": "2",
                "otp_er_refl_flag": "3",
                "insuplc_admdvs": "990102",
            }
        ],
        "diagnosis": [
            {
                "kind": "2401",
                "role": "admission",
                "mdtrt_id": "M0001",
                "diag_srt_no": 1,
                "diag_code": "K29.500",
                "diag_time": at("2026-11-01 09:00"),
            }
        ],
    },
    "2402": {
        "discharge": [
            {
                "endtime": at("2026-11-09 23:59:59"),
                "endtime_is_date": True,
                "dscg_way": "5",
                "die_date": date(2026, 11, 9),
                "dscg_bed": "12",
                "cop_flag": "0",
            }
        ],
        "diagnosis": [{"role": "discharge"}],
    },
    "2403": {
        "admission_change": [
            {
                "mdtrt_id": "M0001",
                "endtime": at("2026-11-09 23:59:59"),
                "endtime_is_date": True,
                "begntime_is_date": False,
                "ipt_otp_no": "ZY0001",
                "ipt_type": "2",
            }
        ],
        "diagnosis": [{"kind": "2403", "role": "admission"}],
    },
    "2404": {"cancellation": [{"kind": "2404", "mdtrt_id": "M0001"}]},
    "2405": {"cancellation": [{"kind": "2405", "mdtrt_id": "M0001"}]},
    "2501": {
        "referral": [
            {
                "reflin_medins_no": "H99010100002",
                "mdtrtarea_admdvs": "990102",
                "refl_date": date(2026, 11, 2),
                "refl_old_mdtrt_id": "M0001",
                "fixmedins_code": "H99010100001",
            }
        ]
    },
    "2503": {
        "chronic_registration": [
            {"opsp_dise_code": "M03900", "begndate": date(2026, 10, 2), "enddate": None, "insutype": "310"}
        ]
    },
    "2601": {"cancellation": [{"kind": "2601", "omsgid": "H1", "oinfno": "2304", "psn_no": PERSON}]},
    "3103": {
        "feedback": [{"warn_type": "1", "warn_rslt_id": "W1", "dspo_way": "1", "dspo_way_rea": "病情需要"}]
    },
    "3501A": {
        "stock_move": [
            {
                "move": "opening",
                "moved_at": at("2026-11-01"),
                "moved_at_is_date": True,
                "cnt": Decimal("100.0000"),
            }
        ]
    },
    "3502A": {
        "stock_move": [{"move": "change", "inv_chg_type": "101", "moved_at": at("2026-11-02 10:00")}],
        "trace_scan": [
            {
                "move": "change",
                "drug_trac_codg": "81000010000000000001",
                "trac_codg_pac_hery": "1",
                "cnt": Decimal("5.0000"),
                "scanned_at": at("2026-11-02 10:00"),
            }
        ],
    },
    "3503A": {
        "stock_move": [
            {
                "move": "purchase",
                "cnt": Decimal("50.0000"),
                "pric": Decimal("20.000000"),
                "purc_invo_no": "FPH1",
                "prod_geay_flag": "0",
            }
        ]
    },
    "3505A": {
        "stock_move": [
            {
                "move": "sale",
                "cnt": Decimal("2.0000"),
                "pric": Decimal("30.000000"),
                "setl_id": "S0002",
                "mdtrt_sn": "M0002",
                "phar_no": "Y990101000001",
            }
        ],
        "trace_scan": [
            {"move": "sale", "mdtrt_id": "M0002", "rtal_docno": "LS1", "psn_no": PERSON, "trdn_flag": "0"}
        ],
    },
    "3506A": {
        "stock_move": [{"move": "sale_return"}],
        "trace_scan": [{"move": "sale_return", "kind": "3506A"}],
    },
    "4101": {
        "settlement_list": [
            {
                "setl_id": "S0001",
                "curr_addr": "测试省测试市测试镇杏花村",
                "adm_time": at("2026-11-01 08:20"),
                "nwb_bir_wt": Decimal("3250.00"),
                "lv1_nurscare_days": Decimal("2.5"),
                "age_days": 12,
                "bill_no": "PJH1",
                "setl_end_date": date(2026, 11, 9),
                "hi_paymtd": "5",
            }
        ],
        "diagnosis": [{"role": "list", "setl_id": "S0001", "adm_cond_type": "1"}],
        "operation": [
            {
                "setl_id": "S0001",
                "oprn_oprt_code": "44.1300",
                "oprn_oprt_begntime": at("2026-11-02 09:00"),
                "anst_endtime": at("2026-11-02 23:59:59"),
            }
        ],
        "icu_stay": [{"setl_id": "S0001", "scs_cutd_inpool_time": at("2026-11-02 11:00")}],
    },
    "4402A": {
        "medical_order": [
            {
                "mdtrt_id": "M0001",
                "medcas_drord_detl_id": "YZMX1",
                "drord_item_type_code": "26",
                "medc_days": 3,
                "medc_endtime": at("2026-11-04 23:59:59"),
                "drord_begntime": at("2026-11-01 09:10"),
            }
        ]
    },
    "4501": {
        "report": [
            {
                "report": "examination",
                "exam_item_code": "JC11",
                "exam_charge": Decimal("45.00"),
                "rpotc_no": "BG1",
            },
            {"row_no": 1, "exam_item_code": "JC1", "exam_item_name": "胃镜", "exam_date": date(2026, 11, 2)},
        ]
    },
    "4502": {
        "report": [
            {
                "report": "laboratory",
                "exam_item_code": "ALT",
                "exam_charge": Decimal("90.00"),
                "exam_date": None,
            },
            {"exam_item_code": "AST", "exam_item_name": "天冬氨酸氨基转移酶", "exam_charge": None},
        ]
    },
    "4602": {"vital_sign": [{"rcd_time": at("2026-11-02"), "rcd_time_is_date": True, "bedno": "12"}]},
    "9601": {
        "presence": [
            {
                "kind": "9601",
                "psn_no": PERSON,
                "recog_biz": "10",
                "recog_rslt": "1",
                "checked_at": at("2026-11-01 08:30"),
                "plan_id": "JH1",
            }
        ]
    },
    "9604": {
        "presence": [
            {"kind": "9604", "recog_rslt": "1", "checked_at": at("2026-11-02 15:00"), "chk_stas": "1"},
            {"row_no": 1, "psn_no": "99000000000000000009", "mdtrt_id": "M0009", "checked_at": None},
        ]
    },
    "institution": {
        "institution": [
            {"fixmedins_code": "H99010100001", "appr_bed_cnt": 120, "longitude": 112.98, "enddate": None}
        ]
    },
    "practitioner": {"practitioner": [{"dr_codg": "D990101000001", "status": "active"}]},
    "death": {"death": [{"psn_no": PERSON, "die_date": date(2026, 11, 9), "source": "civil"}]},
    "family": {"family": [{"member_psn_no": SECOND_PERSON, "relation": "spouse"}]},
    "insured": {
        "insured": [
            {"psn_no": PERSON, "addr": "测试市测试街道", "cert_gend": "1", "begndate": date(2000, 1, 1)}
        ]
    },
    "catalogue": {"catalogue": [{"generic_name": "测试", "dosage_days": Decimal("0.5000"), "unit": "盒"}]},
    "manual_reimbursement": {
        "manual_reimbursement": [
            {
                "reim_id": "LX1",
                "begntime": at("2026-10-01"),
                "endtime": at("2026-10-05 23:59:59"),
                "endtime_is_date": True,
                "fund_pay_sumamt": Decimal("500.00"),
            }
        ]
    },
}


def decoded(*messages: dict[str, Any]) -> Decoded:
    return decode(lines(*messages), source="log", first_line=1, first_seq=100, key=KEY)


def test_every_kind_has_a_sample_and_a_list_of_required_fields() -> None:
    assert set(SAMPLES) == set(EXPECTED) == set(KINDS) == set(REQUIRED)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_message_becomes_its_rows(kind: str) -> None:
    result = decoded(SAMPLES[kind])
    assert result.rejects == []
    assert result.counts.facts == {kind: 1}
    assert set(result.tables) == {"message", *EXPECTED[kind]}
    for name, rows in EXPECTED[kind].items():
        found = result.tables[name].to_pylist()
        assert [
            {column: row[column] for column in wanted} for row, wanted in zip(found, rows, strict=True)
        ] == rows


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_row_carries_the_envelope(kind: str) -> None:
    for table in decoded(SAMPLES[kind]).tables.values():
        for row in table.to_pylist():
            assert row["seq"] == 100
            assert row["msgid"] == SAMPLES[kind]["msgid"]
            assert row["inf_time"] == datetime.fromisoformat(SAMPLES[kind]["inf_time"])


def test_the_tables_have_the_declared_schema() -> None:
    for name, table in decoded(*SAMPLES.values()).tables.items():
        assert table.schema == fact_schemas()[name]


def test_every_column_of_every_fact_table_is_filled_by_some_message() -> None:
    tables = decoded(*SAMPLES.values()).tables
    empty = [
        f"{name}.{column}"
        for name, schema in fact_schemas().items()
        for column in schema.names
        if tables[name][column].null_count == tables[name].num_rows
    ]
    in_the_sample_missing = {
        "person_insurance.paus_insu_date",
        "person_identity.endtime",
        "fee_line.init_feedetl_sn",
        "chronic_registration.enddate",
        "institution.enddate",
    }
    assert set(empty) == in_the_sample_missing


def test_a_message_says_who_sent_what_about_whom() -> None:
    row = decoded(SAMPLES["2301"]).tables["message"].to_pylist()[0]
    content = row.pop("content")
    assert 0 < content < 2**64
    assert row == {
        "seq": 100,
        "msgid": SAMPLES["2301"]["msgid"],
        "inf_time": at("2026-11-01 08:30"),
        "kind": "2301",
        "bad_rows": 0,
        "fixmedins_code": "H99010100001",
        "psn_no": PERSON,
        "mdtrt_id": "M0001",
        "mdtrtarea_admvs": "990101",
        "insuplc_admdvs": "990102",
        "opter": "YB001",
        "opter_type": "1",
        "dev_no": "POS-7",
    }


def test_a_message_about_several_persons_names_none_of_them() -> None:
    row = decoded(SAMPLES["9604"]).tables["message"].to_pylist()[0]
    assert (row["psn_no"], row["mdtrt_id"]) == (None, None)


def test_a_registry_event_is_no_message_of_the_institution_it_tells_of() -> None:
    row = decoded(SAMPLES["institution"]).tables["message"].to_pylist()[0]
    assert (row["kind"], row["fixmedins_code"]) == ("institution", None)


def test_a_sale_without_a_settlement_keeps_the_number_it_was_given() -> None:
    sale = {**SAMPLES["3505A"]["input"]["selinfoDetail"][0], "setl_id": "", "psn_no": "", "mdtrt_sn": "17"}
    tables = decoded(event("3505A", {"selinfoDetail": [sale]})).tables
    assert tables["trace_scan"]["mdtrt_id"].to_pylist() == ["17"]
    assert tables["stock_move"]["mdtrt_sn"].to_pylist() == ["17"]


def test_a_report_without_items_is_one_row() -> None:
    message = event("4501", {"examinfo": SAMPLES["4501"]["input"]["examinfo"]})
    rows = decoded(message).tables["report"].to_pylist()
    assert [(row["exam_item_code"], row["row_no"]) for row in rows] == [("JC1", 0)]


@pytest.mark.parametrize("kind", SAMPLES)
def test_no_name_certificate_or_phone_number_is_in_any_table(kind: str) -> None:
    tables = decoded(SAMPLES[kind]).tables
    everything = "\n".join(str(table.to_pylist()) for table in tables.values())
    assert not [secret for secret in SECRETS if secret in everything]


def test_certificate_and_phone_hashes_depend_on_the_key_and_on_nothing_else() -> None:
    batch = lines(SAMPLES["2401"], SAMPLES["2304"], SAMPLES["insured"])
    one, again, other = (
        decode(batch, source="log", first_line=1, first_seq=0, key=key).tables
        for key in (KEY, KEY, b"another")
    )
    for name, column in (("settlement", "cert_hash"), ("admission", "tel_hash"), ("insured", "cert_hash")):
        value = one[name][column][0].as_py()
        assert len(value) == 32
        assert value == again[name][column][0].as_py() != other[name][column][0].as_py()
        assert IDENTITY_CARD not in value
    assert one["settlement"]["cert_hash"] == one["insured"]["cert_hash"]

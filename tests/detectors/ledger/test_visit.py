"""Visits: one row each, folded in the order of (inf_time, msgid)."""

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.detectors.ledger.log import Message, at, build, say


class TestStay:
    def test_stands_on_its_admission_and_ends_with_its_discharge(self) -> None:
        found = build([say("2401", "a", 0, med_type="21", ipt_no="Z1"), say("2402", "d", 50, dscg_way="1")])
        assert found.rows(
            "visit",
            "kind",
            "inpatient",
            "med_type",
            "ipt_no",
            "begntime",
            "dscg_time",
            "bed_until",
            "seen_until",
        ) == [("inpatient", True, "21", "Z1", at(0), at(50), at(50), at(50))]
        assert found.rows("visit", "adm_msgid", "dscg_msgid", "msgids") == [("a", "d", ["a", "d"])]

    def test_open_lies_in_bed_for_ninety_days_but_was_seen_only_so_far(self) -> None:
        found = build(
            [
                say("2401", "a", 0),
                say("2301", "l", 9, feedetl_sn="1", fee_ocur_time=at(30)),
                say("2301", "w", 9, feedetl_sn="2", fee_ocur_time=at(40)),
                say("2302", "x", 10, feedetl_sn="2"),
            ]
        )
        assert found.rows("visit", "dscg_time", "bed_until", "seen_until") == [
            (None, at(0) + timedelta(days=90), at(30))
        ]

    @pytest.mark.parametrize(
        "last",
        [
            say("2304", "m", 60, setl_id="S1", setl_time=at(60)),
            say("4402A", "m", 60, medcas_drord_detl_id="O", drord_begntime=at(60)),
            say(
                "4501",
                "m",
                60,
                rpotc_no="R",
                report="examination",
                exam_date=date(2026, 1, 3),
                rpt_date=date(2026, 1, 4),
            ),
            say("4602", "m", 60, rcd_time=at(60)),
        ],
    )
    def test_open_was_seen_until_the_latest_time_in_its_own_messages(self, last: Message) -> None:
        expected = at(72) if last.kind == "4501" else at(60)
        assert build([say("2401", "a", 0), last]).one("visit", "seen_until") == expected

    @pytest.mark.parametrize("discharged", [None, 24 * 90, 24 * 91])
    def test_was_heard_of_day_by_day_where_it_is_open_or_long(self, discharged: int | None) -> None:
        log = [
            say("2401", "a", 0),
            say("2301", "l", 9, feedetl_sn="1", fee_ocur_time=at(3)),
            say("2301", "m", 9, feedetl_sn="2", fee_ocur_time=at(5)),
            say("4602", "v", 30, rcd_time=at(30)),
        ]
        if discharged:
            log.append(say("2402", "d", discharged, endtime=at(discharged)))
        heard = None if discharged == 24 * 90 else [at(5), at(30)]
        assert build(log).one("visit", "heard") == heard

    def test_was_admitted_when_the_platform_first_heard_of_it(self) -> None:
        again = [say("2401", "a", 5, begntime=at(0)), say("2401", "b", 9, begntime=at(0))]
        assert build(again).rows("visit", "adm_upload_time", "adm_msgid") == [(at(5), "b")]

    def test_without_any_other_message_was_seen_when_it_began(self) -> None:
        assert build([say("2401", "a", 0)]).one("visit", "seen_until") == at(0)

    @pytest.mark.parametrize(
        "log",
        list(
            permutations(
                [
                    say("2401", "a", 0, adm_bed="1", med_type="21", atddr_no="D1"),
                    say("2403", "c1", 1, adm_bed="2", atddr_no="D2"),
                    say("2403", "c2", 2, adm_bed="3", med_type="22"),
                ]
            )
        ),
    )
    def test_changes_overlay_field_by_field_and_a_missing_value_changes_nothing(
        self, log: tuple[Message, ...]
    ) -> None:
        found = build(log)
        assert found.rows("visit", "bed", "med_type", "atddr_no", "msgids") == [
            ("3", "22", "D2", ["a", "c1", "c2"])
        ]

    def test_a_change_of_the_begin_applies(self) -> None:
        found = build([say("2401", "a", 5), say("2403", "c", 6, begntime=at(0), begntime_is_date=True)])
        assert found.rows("visit", "begntime", "begntime_is_date") == [(at(0), True)]
        assert found.rows("presence", "seen_at", "seen_at_is_date", "msgid") == [(at(0), True, "c")]
        assert found.values("bed_stay", "from_time") == [at(0)]

    @pytest.mark.parametrize(
        ("then", "end"),
        [
            ([], None),
            (
                [say("2402", "d", 8, endtime=at(8))],
                at(8),
            ),  # the discharge comes later and says the end itself
            ([say("2402", "d", 4, endtime=at(4))], at(5)),  # the change corrects it
            ([say("2402", "d", 4, endtime=at(4)), say("2405", "x", 9)], None),
        ],
    )
    def test_the_end_that_a_change_says_counts_only_for_a_discharge_that_stands(
        self, then: list[Message], end: Any
    ) -> None:
        found = build([say("2401", "a", 0), say("2403", "c", 6, endtime=at(5)), *then])
        assert found.one("visit", "dscg_time") == end

    def test_admitted_twice_under_one_id_the_last_word_holds(self) -> None:
        found = build(
            [say("2401", "a2", 2, adm_bed="new", begntime=at(1)), say("2401", "a1", 1, adm_bed="old")]
        )
        assert found.rows("visit", "adm_msgid", "bed") == [("a2", "new")]
        assert found.rows("presence", "msgid") == [("a2",)]

    @pytest.mark.parametrize("kind", ["2402", "2403"])
    def test_of_which_the_admission_is_missing_is_known_all_the_same(self, kind: str) -> None:
        found = build([say(kind, "m", 5)])
        assert found.rows("visit", "mdtrt_id", "kind", "begntime", "adm_msgid", "msgids") == [
            ("M1", "inpatient", None, None, ["m"])
        ]

    def test_takes_what_only_the_settlement_list_says(self) -> None:
        found = build(
            [
                say("2401", "a", 0),
                say("2304", "s", 5, setl_id="S1"),
                say(
                    "4101",
                    "f",
                    6,
                    setl_id="S1",
                    adm_way="3",
                    hi_paymtd="5",
                    days_rinp_flag_31="2",
                    age_days=3,
                ),
            ]
        )
        assert found.rows(
            "visit", "adm_way", "transfer_in", "hi_paymtd", "days_rinp_flag_31", "newborn", "list_uploaded"
        ) == [("3", True, "5", "2", True, True)]
        assert found.one("visit", "msgids") == ["a", "f"]

    @pytest.mark.parametrize(
        ("admission", "list_way", "emergency"),
        [
            ({}, None, None),
            ({"med_type": "1301"}, None, True),
            ({"med_type": "24"}, None, True),
            ({"med_type": "21", "ipt_type": "2"}, None, True),
            ({"med_type": "21", "otp_er_refl_flag": "3"}, None, True),
            ({"med_type": "21", "ipt_type": "1"}, None, False),
            ({"med_type": "21"}, "2", False),
            ({"med_type": "21", "ipt_type": "1"}, "1", True),
            ({"med_type": "21"}, None, None),
        ],
    )
    def test_is_an_emergency_or_not_or_nothing_is_known_of_it(
        self, admission: dict[str, str], list_way: str | None, emergency: bool | None
    ) -> None:
        log = [say("2401", "a", 0, **admission)]
        if list_way:
            log += [say("2304", "s", 5, setl_id="S1"), say("4101", "f", 6, setl_id="S1", adm_way=list_way)]
        assert build(log).one("visit", "emergency") is emergency


class TestOtherVisits:
    def test_an_outpatient_visit_is_its_2203_over_its_2201(self) -> None:
        found = build(
            [
                say("2201", "r", 0, insutype="310", opter_type="2", dept_code="A"),
                say("2203", "o", 1, med_type="11", begntime=at(0.5)),
                say("2207", "s", 2, setl_id="S1", med_type="14"),
            ]
        )
        columns = (
            "kind",
            "inpatient",
            "med_type",
            "insutype",
            "begntime",
            "opter_type",
            "dept_code",
            "settled",
            "adm_msgid",
            "msgids",
        )
        assert found.rows("visit", *columns) == [
            ("outpatient", False, "11", "310", at(0.5), "2", "A", True, "o", ["o", "r"])
        ]
        assert found.rows("visit", "bed_until", "seen_until", "dscg_time") == [(None, None, None)]

    def test_without_a_2203_the_settlement_says_the_medical_type(self) -> None:
        assert (
            build([say("2201", "r", 0), say("2207", "s", 2, setl_id="S1", med_type="14")]).one(
                "visit", "med_type"
            )
            == "14"
        )

    @pytest.mark.parametrize(("kind", "visit"), [("2304", "inpatient"), ("2207", "outpatient")])
    def test_a_visit_known_only_by_its_settlement_has_no_begin(self, kind: str, visit: str) -> None:
        found = build([say(kind, "s", 2, setl_id="S1", begntime=at(1))])
        assert found.rows("visit", "kind", "inpatient", "begntime", "settled", "msgids") == [
            (visit, visit == "inpatient", None, True, ["s"])
        ]

    @pytest.mark.parametrize(("kind", "visit"), [("2301", "inpatient"), ("2204", "outpatient")])
    def test_a_visit_known_only_by_its_lines_has_no_begin(self, kind: str, visit: str) -> None:
        found = build([say(kind, "l", 2, {"feedetl_sn": "1"}, {"feedetl_sn": "2"})])
        assert found.rows("visit", "kind", "begntime", "settled", "msgids") == [(visit, None, False, ["l"])]

    def test_every_visit_has_one_row(self) -> None:
        log = [
            say("2401", "a", 0),
            say("2403", "c", 1, adm_bed="2"),
            say("2402", "d", 2),
            say("2304", "s1", 3, setl_id="S1"),
            say("2304", "s2", 4, setl_id="S2"),
            say("4101", "f1", 5, setl_id="S1"),
            say("4101", "f2", 6, setl_id="S2"),
            say("4101", "f3", 7, setl_id="S2"),
            say("2301", "l", 1, feedetl_sn="1"),
            say("2203", "o", 1, mdtrt_id="M2"),
            say("2203", "o2", 2, mdtrt_id="M2"),
            say("2201", "r", 0, mdtrt_id="M2"),
        ]
        assert build(log).values("visit", "mdtrt_id") == ["M1", "M2"]


@pytest.mark.parametrize(
    ("log", "incomplete"),
    [
        ([say("2401", "a", 0)], False),
        ([say("2401", "a", 0), say("2301", "l", 1, feedetl_sn="1", bad_rows=2)], True),
        ([say("2401", "a", 0), say("2301", "l", 1, feedetl_sn="1", bad_rows=2), say("2402", "d", 9)], True),
        ([say("2401", "a", 0), say("2402", "d", 5, bad_rows=1), say("2405", "x", 6)], False),
    ],
)
def test_a_visit_of_which_a_row_was_rejected_is_incomplete_while_the_message_stands(
    log: list[Message], incomplete: bool
) -> None:
    assert build(log).one("visit", "incomplete") is incomplete


def test_a_message_about_several_visits_makes_each_of_them_incomplete() -> None:
    message = say("2301", "l", 1, {"feedetl_sn": "1"}, {"feedetl_sn": "1", "mdtrt_id": "M2"}, bad_rows=1)
    assert build([message]).rows("visit", "mdtrt_id", "incomplete") == [("M1", True), ("M2", True)]


class TestBedStay:
    STRETCH = ("bed", "dept_code", "from_time", "until_time", "open")

    def test_one_stretch_without_moves(self) -> None:
        found = build([say("2401", "a", 0, adm_bed="1", adm_dept_codg="A"), say("2402", "d", 50)])
        assert found.rows("bed_stay", *self.STRETCH) == [("1", "A", at(0), at(50), False)]
        assert found.one("bed_stay", "msgids") == ["a", "d"]

    def test_a_change_moves_the_patient_from_its_own_time(self) -> None:
        log = [
            say("2401", "a", 0, adm_bed="1", adm_dept_codg="A"),
            say("2403", "c1", 10, adm_bed="2"),
            say("2403", "c2", 20, adm_dept_codg="B"),
            say("2402", "d", 50),
        ]
        found = build(log)
        assert sorted(found.rows("bed_stay", *self.STRETCH), key=lambda row: row[2]) == [
            ("1", "A", at(0), at(10), False),
            ("2", "A", at(10), at(20), False),
            ("2", "B", at(20), at(50), False),
        ]
        assert sorted(found.values("bed_stay", "msgids")) == [
            ["a", "c1"],
            ["a", "c1", "c2"],
            ["a", "c2", "d"],
        ]

    def test_a_change_that_names_the_same_place_moves_nobody(self) -> None:
        log = [say("2401", "a", 0, adm_bed="1"), say("2403", "c", 10, adm_bed="1"), say("2402", "d", 50)]
        assert build(log).rows("bed_stay", *self.STRETCH) == [("1", None, at(0), at(50), False)]

    def test_a_change_after_the_discharge_moves_nobody(self) -> None:
        log = [say("2401", "a", 0, adm_bed="1"), say("2402", "d", 50), say("2403", "c", 60, adm_bed="2")]
        assert build(log).rows("bed_stay", *self.STRETCH) == [("1", None, at(0), at(50), False)]

    def test_the_last_stretch_of_an_open_stay_is_open(self) -> None:
        log = [say("2401", "a", 0, adm_bed="1"), say("2403", "c", 10, adm_bed="2")]
        assert build(log).rows("bed_stay", *self.STRETCH) == [
            ("1", None, at(0), at(10), False),
            ("2", None, at(10), at(0) + timedelta(days=90), True),
        ]

    def test_outpatients_lie_in_no_bed(self) -> None:
        assert build([say("2203", "o", 0)]).rows("bed_stay") == []


def diagnosed(
    kind: str, msgid: str, hour: float, *codes: tuple[int, str], vali_flag: str | None = None
) -> Message:
    rows = [
        {
            "into": "diagnosis",
            "diag_srt_no": n,
            "diag_code": code,
            "maindiag_flag": "1" if n == 1 else "0",
            "vali_flag": vali_flag,
        }
        for n, code in codes
    ]
    return say(kind, msgid, hour, {}, *rows)


class TestDiagnosis:
    def test_a_change_overlays_by_number(self) -> None:
        log = [
            diagnosed("2403", "c", 2, (2, "B2"), (3, "C1")),
            diagnosed("2401", "a", 1, (1, "A1"), (2, "B1")),
        ]
        found = build(log)
        assert found.rows("diagnosis", "diag_code", "msgid") == [("A1", "a"), ("B2", "c"), ("C1", "c")]
        assert found.one("visit", "adm_diag_code") == "A1"

    def test_the_last_2203_that_says_a_number_holds_and_vali_flag_0_takes_it_out(self) -> None:
        log = [
            diagnosed("2203", "o1", 1, (1, "A1"), (2, "B1"), (3, "C1")),
            diagnosed("2203", "o2", 2, (2, "B2")),
            diagnosed("2203", "o3", 3, (3, "C1"), vali_flag="0"),
        ]
        assert build(log).rows("diagnosis", "role", "diag_code") == [
            ("outpatient", "A1"),
            ("outpatient", "B2"),
        ]

    def test_of_discharges_only_those_of_the_one_that_holds(self) -> None:
        log = [
            say("2401", "a", 0),
            diagnosed("2402", "d1", 1, (1, "A1"), (2, "B1")),
            diagnosed("2402", "d2", 2, (1, "A2")),
        ]
        found = build(log)
        assert found.rows("diagnosis", "role", "diag_code") == [("discharge", "A2")]
        assert found.one("visit", "dscg_diag_code") == "A2"

    def test_a_discharge_taken_back_takes_its_diagnoses(self) -> None:
        assert (
            build([say("2401", "a", 0), diagnosed("2402", "d", 1, (1, "A")), say("2405", "x", 2)]).rows(
                "diagnosis"
            )
            == []
        )

    def test_of_lists_only_those_of_the_one_that_holds(self) -> None:
        def listed(msgid: str, hour: float, code: str) -> Message:
            row = {
                "into": "diagnosis",
                "setl_id": "S1",
                "diag_srt_no": 1,
                "diag_code": code,
                "maindiag_flag": "1",
                "mdtrt_id": None,
            }
            return say("4101", msgid, hour, {"setl_id": "S1"}, row)

        found = build(
            [
                say("2401", "a", 0),
                say("2304", "s", 1, setl_id="S1"),
                listed("f2", 3, "new"),
                listed("f1", 2, "old"),
            ]
        )
        assert found.rows("diagnosis", "role", "mdtrt_id", "setl_id", "diag_code") == [
            ("list", "M1", "S1", "new")
        ]
        assert found.one("visit", "dscg_diag_code") == "new"

    def test_of_several_main_ones_the_western_and_lowest_counts(self) -> None:
        rows = [
            {
                "into": "diagnosis",
                "diag_type": "2",
                "diag_srt_no": 1,
                "diag_code": "BN",
                "maindiag_flag": "1",
            },
            {
                "into": "diagnosis",
                "diag_type": "1",
                "diag_srt_no": 2,
                "diag_code": "K2",
                "maindiag_flag": "1",
            },
            {
                "into": "diagnosis",
                "diag_type": "1",
                "diag_srt_no": 10,
                "diag_code": "A9",
                "maindiag_flag": "1",
            },
        ]
        assert build([say("2401", "a", 0, {}, *rows)]).one("visit", "adm_diag_code") == "K2"

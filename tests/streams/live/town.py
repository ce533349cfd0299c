"""A town in a few words: messages as the platform sends them, one call each, times in days since 2026-01-01.

What a call leaves out is the person P1 at the hospital H1. `seen` is when the platform saw the message: at its
business time, unless said otherwise.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

START = datetime.fromisoformat("2026-01-01")

_numbers = itertools.count(1)


def at(days: float) -> datetime:
    """The time so many days after the start, to the second."""
    return START + timedelta(seconds=round(days * 86400))


def when(days: float) -> str:
    """The same as the platform writes it."""
    return f"{at(days):%Y-%m-%d %H:%M:%S}"


def say(
    infno: str,
    seen: float,
    given: dict[str, Any],
    output: dict[str, Any] | None = None,
    *,
    hospital: str = "H1",
    msgid: str | None = None,
) -> bytes:
    """A transaction as one line of a log."""
    return json.dumps(
        {
            "infno": infno,
            "msgid": msgid or f"{infno}-{next(_numbers):06}",
            "inf_time": when(seen),
            "fixmedins_code": hospital,
            "opter": "YB001",
            "opter_type": "1",
            "input": given,
            "response": {"infcode": 0, "output": output or {}},
        },
        ensure_ascii=False,
    ).encode()


def tell(registry: str, seen: float, *, msgid: str | None = None, **data: Any) -> bytes:
    """A row of a registry."""
    return json.dumps(
        {
            "registry": registry,
            "msgid": msgid or f"{registry}-{next(_numbers):06}",
            "inf_time": when(seen),
            "data": data,
        },
        ensure_ascii=False,
    ).encode()


def msgid_of(line: bytes) -> str:
    """The message's identity."""
    return str(json.loads(line)["msgid"])


def admitted(
    visit: str, begin: float, *, psn: str = "P1", seen: float | None = None, **envelope: Any
) -> bytes:
    """2401."""
    info = {"psn_no": psn, "begntime": when(begin), "med_type": "21", "insutype": "310"}
    given = {"mdtrtinfo": info, "diseinfo": [_diagnosis("K29.500")]}
    return say("2401", _or(seen, begin), given, {"result": {"mdtrt_id": visit}}, **envelope)


def discharged(
    visit: str, end: float, *, psn: str = "P1", seen: float | None = None, **envelope: Any
) -> bytes:
    """2402."""
    info = {"psn_no": psn, "mdtrt_id": visit, "endtime": when(end), "dscg_way": "1"}
    given = {"dscginfo": info, "diseinfo": [_diagnosis("K29.500")]}
    return say("2402", _or(seen, end), given, **envelope)


def registered(
    visit: str, begin: float, *, psn: str = "P1", seen: float | None = None, **envelope: Any
) -> bytes:
    """2201."""
    given = {"data": {"psn_no": psn, "begntime": when(begin), "insutype": "310"}}
    output = {"data": {"mdtrt_id": visit, "psn_no": psn}}
    return say("2201", _or(seen, begin), given, output, **envelope)


def diagnosed(
    visit: str,
    begin: float,
    code: str = "K29.500",
    *,
    psn: str = "P1",
    seen: float | None = None,
    **envelope: Any,
) -> bytes:
    """2203."""
    info = {"psn_no": psn, "mdtrt_id": visit, "med_type": "11", "begntime": when(begin)}
    return say("2203", _or(seen, begin), {"mdtrtinfo": info, "diseinfo": [_diagnosis(code)]}, **envelope)


def charged(
    visit: str,
    *lines: tuple[str, float, float],
    psn: str = "P1",
    outpatient: bool = False,
    code: str = "A1",
    cnt: float = 1,
    refunds: str = "",
    seen: float | None = None,
    **envelope: Any,
) -> bytes:
    """2301 (2204 of an outpatient): lines as number, day and amount."""
    detail = [
        {
            "feedetl_sn": number,
            "init_feedetl_sn": refunds,
            "mdtrt_id": visit,
            "psn_no": psn,
            "chrg_bchno": f"B-{visit}",
            "fee_ocur_time": when(day),
            "med_list_codg": code,
            "det_item_fee_sumamt": f"{amount:.2f}",
            "cnt": str(cnt),
            "pric": f"{abs(amount / cnt):.6f}",
        }
        for number, day, amount in lines
    ]
    answer = [
        {"feedetl_sn": number, "inscp_scp_amt": f"{amount:.2f}", "med_chrgitm_type": "01"}
        for number, _, amount in lines
    ]
    last = max(day for _, day, _ in lines)
    return say(
        "2204" if outpatient else "2301",
        _or(seen, last),
        {"feedetail": detail},
        {"result": answer},
        **envelope,
    )


def settled(
    visit: str,
    setl_id: str,
    time: float,
    total: float,
    *,
    psn: str = "P1",
    outpatient: bool = False,
    seen: float | None = None,
    **envelope: Any,
) -> bytes:
    """2304 (2207 of an outpatient)."""
    bill = {"psn_no": psn, "mdtrt_id": visit, "medfee_sumamt": f"{total:.2f}", "chrg_bchno": f"B-{visit}"}
    info = {
        "psn_no": psn,
        "mdtrt_id": visit,
        "setl_id": setl_id,
        "setl_time": when(time),
        "medfee_sumamt": f"{total:.2f}",
        "fund_pay_sumamt": f"{total / 2:.2f}",
    }
    infno = "2207" if outpatient else "2304"
    return say(infno, _or(seen, time), {"data": bill}, {"setlinfo": info}, **envelope)


def sold(visit: str, setl_id: str, time: float, total: float, *, psn: str = "P1", **envelope: Any) -> bytes:
    """2102: a purchase at a pharmacy, one line of the whole sum."""
    line = {
        "feedetl_sn": "1",
        "fee_ocur_time": when(time),
        "med_list_codg": "A1",
        "det_item_fee_sumamt": f"{total:.2f}",
        "cnt": "1",
        "pric": f"{total:.6f}",
    }
    info = {
        "psn_no": psn,
        "mdtrt_id": visit,
        "setl_id": setl_id,
        "setl_time": when(time),
        "medfee_sumamt": f"{total:.2f}",
        "fund_pay_sumamt": f"{total / 2:.2f}",
    }
    given = {"druginfo": {"psn_no": psn, "begntime": when(time)}, "drugdetail": [line]}
    output = {"setlinfo": info, "detlcutinfo": [{"feedetl_sn": "1", "inscp_scp_amt": f"{total:.2f}"}]}
    return say("2102", time, given, output, **envelope)


def listed(visit: str, setl_id: str, seen: float, *, psn: str = "P1", **envelope: Any) -> bytes:
    """4101."""
    info = {"psn_no": psn, "mdtrt_id": visit, "setl_id": setl_id, "adm_way": "1"}
    return say("4101", seen, {"setlinfo": info, "diseinfo": [_diagnosis("K29.500")]}, **envelope)


def taken_back(infno: str, seen: float, *, psn: str = "P1", hospital: str = "H1", **named: str) -> bytes:
    """2103, 2202, 2208, 2305, 2404, 2405 or 2601, and what it names."""
    return say(infno, seen, {"data": {"psn_no": psn, **named}}, hospital=hospital)


def withdrawn(visit: str, *numbers: str, seen: float, psn: str = "P1", **envelope: Any) -> bytes:
    """2302."""
    rows = [{"feedetl_sn": number, "mdtrt_id": visit, "psn_no": psn} for number in numbers]
    return say("2302", seen, {"data": rows}, **envelope)


def looked_up(
    seen: float, *, psn: str = "P1", gend: str = "1", place: str = "990101", **envelope: Any
) -> bytes:
    """1101."""
    output = {
        "baseinfo": {"psn_no": psn, "gend": gend, "brdy": "1960-02-29"},
        "insuinfo": [
            {
                "insutype": "310",
                "psn_insu_date": "2000-01-01",
                "psn_insu_stas": "1",
                "insuplc_admdvs": place,
                "balc": f"{100 - seen:.2f}",
            }
        ],
        "idetinfo": [{"psn_idet_type": "1"}],
    }
    return say("1101", seen, {"data": {}}, output, **envelope)


def checked(seen: float, *, psn: str = "P1", **envelope: Any) -> bytes:
    """9601."""
    return say("9601", seen, {"recogInfo": {"psn_no": psn}}, {"recogRslt": {"recog_rslt": "1"}}, **envelope)


def beds_checked(seen: float, persons: Sequence[str], **envelope: Any) -> bytes:
    """9604: a check of several persons in one message."""
    found = [{"psn_no": psn, "crtf_time": when(seen), "crtf_rslt": "1"} for psn in persons]
    return say("9604", seen, {}, {"chkBedTask": [{"chkBedTaskDetail": found}]}, **envelope)


def died(day: float, *, seen: float, psn: str = "P1", source: str = "civil", **more: Any) -> bytes:
    """A row of the registry of deaths."""
    return tell("death", seen, psn_no=psn, die_date=f"{at(day):%Y-%m-%d}", source=source, **more)


def insured(seen: float, *, psn: str = "P1", gend: str = "1", **more: Any) -> bytes:
    """A row of the registry of the insured."""
    return tell(
        "insured", seen, **{"psn_no": psn, "insutype": "310", "gend": gend, "begndate": "2000-01-01", **more}
    )


def priced(seen: float, limit: float, code: str = "A1", **more: Any) -> bytes:
    """A row of the catalogue."""
    return tell(
        "catalogue",
        seen,
        **{"med_list_codg": code, "name": "床位费", "pric_uplmt_amt": f"{limit:.2f}", **more},
    )


def others(seen: float) -> list[bytes]:
    """Other people's institutions send something, so that the watermark comes this far."""
    return [checked(seen, psn=f"P{name}", hospital=f"H{name}") for name in (7, 8, 9)]


def _diagnosis(code: str) -> dict[str, str]:
    return {"diag_type": "1", "maindiag_flag": "1", "diag_srt_no": "1", "diag_code": code, "diag_name": code}


def _or(seen: float | None, time: float) -> float:
    return time if seen is None else seen

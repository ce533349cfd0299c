"""Rows of the registries, and the transactions that are about a person rather than a visit."""

from __future__ import annotations

from collections.abc import Iterable

from streams.simulate.catalogue import ITEMS, Chronic, Item
from streams.simulate.clock import DATE, DAY, stamp
from streams.simulate.county import County
from streams.simulate.messages import DOCTOR, answered
from streams.simulate.money import yuan
from streams.simulate.people import HOME, Period, Person
from streams.simulate.places import Counter, Place


def _date(day: int | None) -> str:
    return "" if day is None else DATE[day]


def institution(county: County, place: Place, t: int) -> None:
    county.outbox.register(
        "institution",
        f"REG-institution-{place.code}",
        t,
        f'"fixmedins_code":"{place.code}","fixmedins_name":"{place.name}","fixmedins_type":"{place.kind}","hosp_lv":"{place.level}",'
        f'"admdvs":"{place.admdvs}","appr_bed_cnt":"{place.beds}","longitude":"{place.longitude:.6f}","latitude":"{place.latitude:.6f}",'
        f'"begndate":"2015-01-01","enddate":""',
    )


def practitioners(county: County, place: Place, t: int) -> None:
    for dept, doctors in place.doctors.items():
        for code in doctors:
            county.outbox.register(
                "practitioner",
                f"REG-practitioner-{code}",
                t,
                f'"dr_codg":"{code}","dr_name":"{DOCTOR}","fixmedins_code":"{place.code}","psn_no":"","prac_type":"doctor",'
                f'"dept":"{dept}","status":"active","begndate":"2018-01-01","enddate":""',
            )
    kind, prefix = ("pharmacist", "YS") if place.kind == "2" else ("nurse", "N")
    county.outbox.register(
        "practitioner",
        f"REG-practitioner-{prefix}{place.code[1:7]}{place.code[-5:]}1",
        t,
        f'"dr_codg":"{prefix}{place.code[1:7]}{place.code[-5:]}1","dr_name":"测试人员","fixmedins_code":"{place.code}","psn_no":"",'
        f'"prac_type":"{kind}","status":"active","begndate":"2018-01-01","enddate":""',
    )


def catalogue(county: County, t: int, items: Iterable[Item] = ITEMS) -> None:
    for item in items:
        county.outbox.register(
            "catalogue",
            f"REG-catalogue-{item.code}",
            t,
            f'"med_list_codg":"{item.code}","name":"{item.name}","list_type":"{item.list_type}","med_chrgitm_type":"{item.kind}",'
            f'"chrgitm_lv":"{item.level}","generic_name":"{item.name}","dosage_days":"{item.days or ""}",'
            f'"pric_uplmt_amt":"{yuan(item.cents)}","unit":"{item.unit}"',
        )


def insured(
    county: County,
    person: Person,
    t: int,
    period: Period | None = None,
    *,
    version: int = 1,
    valid: bool = True,
) -> str:
    """A row of the insured registry (the person's first period if none is named)."""
    period = period or person.periods[0]
    return county.outbox.register(
        "insured",
        f"REG-insured-{person.number:08d}-{period.insutype}-{DATE[period.begin]}-{version}",
        t,
        f'"psn_no":"{person.psn_no}","psn_name":"{person.name}","certno":"{person.certno}","gend":"{person.gend}",'
        f'"brdy":"{DATE[person.born]}","insutype":"{period.insutype}","psn_type":"{person.psn_type}","psn_idet_type":"{person.ident}",'
        f'"insuplc_admdvs":"{HOME}","emp_name":"{person.emp_name}","addr":"测试县第{person.village + 1}村","psn_insu_stas":"1",'
        f'"begndate":"{DATE[period.begin]}","enddate":"{_date(period.end)}"{"" if valid else VOID}',
    )


VOID = ',"vali_flag":"0"'


def family(
    county: County,
    person: Person,
    member: Person,
    relation: str,
    since: int,
    t: int,
    *,
    until: int | None = None,
) -> str:
    """`member` is the `relation` of `person`."""
    return county.outbox.register(
        "family",
        f"REG-family-{person.number:08d}-{member.number:08d}-{DATE[since]}",
        t,
        f'"psn_no":"{person.psn_no}","member_psn_no":"{member.psn_no}","relation":"{relation}","begndate":"{DATE[since]}",'
        f'"enddate":"{_date(until)}"',
    )


def death(
    county: County, person: Person, day: int, source: str, t: int, *, version: int = 1, valid: bool = True
) -> str:
    return county.outbox.register(
        "death",
        f"REG-death-{person.number:08d}-{source}-{version}",
        t,
        f'"psn_no":"{person.psn_no}","die_date":"{DATE[day]}","source":"{source}"{"" if valid else VOID}',
    )


def manual(
    county: County,
    person: Person,
    place: Place,
    reim_id: str,
    begin: int,
    end: int,
    cents: int,
    fund: int,
    t: int,
    *,
    bill_code: str,
    bill_no: str,
) -> str:
    """A claim paid by hand at the agency."""
    return county.outbox.register(
        "manual_reimbursement",
        f"REG-manual_reimbursement-{reim_id}",
        t,
        f'"reim_id":"{reim_id}","psn_no":"{person.psn_no}","fixmedins_code":"{place.code}","mdtrt_type":"2","begntime":"{stamp(begin)}",'
        f'"endtime":"{stamp(end)}","bill_code":"{bill_code}","bill_no":"{bill_no}","medfee_sumamt":"{yuan(cents)}",'
        f'"fund_pay_sumamt":"{yuan(fund)}","reim_time":"{stamp(t)}"',
    )


def resident(county: County, person: Person, t: int) -> None:
    """What the registries say of a person at the beginning."""
    for period in person.periods:
        insured(county, person, t, period)
    for member, relation, since in person.relatives:
        family(county, person, member, relation, since, t)


def looked_up(county: County, counter: Counter, person: Person, t: int) -> str:
    """1101."""
    period = person.periods[-1]
    identity = (
        f'{{"psn_idet_type":"{person.ident}","psn_type_lv":"","memo":"","begntime":"2024-01-01 00:00:00","endtime":""}}'
        if person.ident
        else ""
    )
    body = (
        f'"input":{{"data":{{"mdtrt_cert_type":"02","mdtrt_cert_no":"","card_sn":"","begntime":"","psn_cert_type":"01",'
        f'"certno":"{person.certno}","psn_name":"{person.name}"}}}},"response":{{"infcode":0,"inf_refmsgid":"","err_msg":"","output":{{'
        f'"baseinfo":{{"psn_no":"{person.psn_no}","psn_cert_type":"01","certno":"{person.certno}","psn_name":"{person.name}",'
        f'"gend":"{person.gend}","naty":"01","brdy":"{DATE[person.born]}","age":{person.age(t // DAY)}.0,"exp_content":""}},'
        f'"insuinfo":[{{"balc":{yuan(max(0, person.account - person.account_spent))},"insutype":"{period.insutype}","psn_type":"{person.psn_type}",'
        f'"psn_insu_stas":"1","psn_insu_date":"{DATE[period.begin]}","paus_insu_date":{f"""{chr(34)}{DATE[period.end]}{chr(34)}""" if period.end else "null"},'
        f'"cvlserv_flag":"{1 if person.servant else 0}","insuplc_admdvs":"{HOME}","emp_name":"{person.emp_name}"}}],"idetinfo":[{identity}]}}}}'
    )
    return county.outbox.send(counter, "1101", t, body)


def chronic_registered(
    county: County, counter: Counter, person: Person, disease: Chronic, doctor: str, day: int, t: int
) -> str:
    """2503."""
    place = counter.place
    body = (
        f'"input":{{"data":{{"psn_no":"{person.psn_no}","insutype":"{person.insutype}","opsp_dise_code":"{disease.code}",'
        f'"opsp_dise_name":"{disease.name}","tel":"{person.tel}","addr":"","insu_optins":"{HOME}","ide_fixmedins_no":"{place.code}",'
        f'"ide_fixmedins_name":"{place.name}","hosp_ide_date":"{DATE[day]}","diag_dr_codg":"{doctor}","diag_dr_name":"{DOCTOR}",'
        f'"begndate":"{DATE[day]}","enddate":"","exp_content":""}}}},'
    )
    return county.outbox.send(counter, "2503", t, body + answered('{"result":{"trt_dcla_detl_sn":"1"}}'))


def referred(
    county: County,
    counter: Counter,
    person: Person,
    sickness: tuple[str, str],
    to: Place,
    day: int,
    t: int,
    mdtrt_id: str = "",
) -> str:
    """2501: sent on to another hospital."""
    kind = "1" if to.admdvs[:4] == HOME[:4] else ("2" if to.admdvs[:2] == HOME[:2] else "3")
    body = (
        f'"input":{{"refmedin":{{"psn_no":"{person.psn_no}","insutype":"{person.insutype}","tel":"{person.tel}","addr":"","insu_optins":"{HOME}",'
        f'"diag_code":"{sickness[0]}","diag_name":"{sickness[1]}","dise_cond_dscr":"","reflin_medins_no":"{to.code}",'
        f'"reflin_medins_name":"{to.name}","mdtrtarea_admdvs":"{to.admdvs}","hosp_agre_refl_flag":"1","refl_type":"{kind}",'
        f'"refl_date":"{DATE[day]}","refl_rea":"病情需要","refl_opnn":"同意","begndate":"{DATE[day]}","enddate":"{DATE[day + 30]}",'
        f'"refl_old_mdtrt_id":"{mdtrt_id}","refl_used_flag":"0"}}}},'
    )
    return county.outbox.send(counter, "2501", t, body + answered('{"result":{"trt_dcla_detl_sn":"1"}}'))


def feedback(county: County, counter: Counter, number: int, t: int) -> str:
    """3103: a reminder answered."""
    body = (
        f'"input":{{"data":{{"warn_type":"{1 + number % 2}","warns":[{{"warn_rslt_id":"JR{number:012d}","dspo_way":"{1 + number % 2}",'
        f'"dspo_way_rea":"病情需要"}}]}}}},'
    )
    return county.outbox.send(counter, "3103", t, body + answered("null"))


def bed_check(county: County, counter: Counter, found: Iterable[tuple[Person, str]], t: int) -> str:
    """9604: a remote bed check; every patient (person, mdtrt_id) was found."""
    place = counter.place
    people = list(found)
    rows = ",".join(
        f'{{"plan_id":"CF{place.code[-5:]}{t // 60}{n}","mdtrt_id":"{mdtrt_id}","psn_no":"{person.psn_no}","psn_name":"{person.name}",'
        f'"psn_cert_type":"01","certno":"{person.certno}","crtf_time":"{stamp(t - 1800 + 60 * n)}","crtf_rslt":"1","sp_dcla_rea":"",'
        f'"appl_stas":"0","chk_stas":"2"}}'
        for n, (person, mdtrt_id) in enumerate(people)
    )
    body = (
        f'"input":{{"data":{{"medins_code":"{place.code}","begndate":"{DATE[t // DAY]}","enddate":"{DATE[t // DAY]}"}}}},'
        f'"response":{{"infcode":0,"inf_refmsgid":"","err_msg":"","output":{{"chkBedTask":[{{"task_id":"RW{place.code[-5:]}{t // 60}",'
        f'"bchno":"1","medins_code":"{place.code}","medins_name":"{place.name}","dept_no":"","dept_name":"","task_stas":"5","task_dura":60,'
        f'"task_begntime":"{stamp(t - 3600)}","task_endtime":"{stamp(t - 600)}","smpl_cnt":{len(people)},"fin_cnt":{len(people)},'
        f'"pass_cnt":{len(people)},"sdry_isu_cnt":0,"chkBedTaskDetail":[{rows}]}}]}}}}'
    )
    return county.outbox.send(counter, "9604", t, body)

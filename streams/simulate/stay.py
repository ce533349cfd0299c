"""A stay in a hospital, message by message: 2401 to 4101. What it sends is what was done to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streams.simulate.catalogue import Illness, Item, Priced
from streams.simulate.clock import DATE, DAY, HOUR, TIME, stamp
from streams.simulate.county import County
from streams.simulate.messages import DOCTOR, answered, diagnosis, expansion, refused, settled
from streams.simulate.money import Bill, Sums, settle, yuan
from streams.simulate.people import HOME, Person
from streams.simulate.places import DEPARTMENTS, Counter, Place

#: An item, its count, and when it was given (seconds).
Given = tuple[Item, int, int]


@dataclass(slots=True, eq=False)
class Line:
    """An uploaded line that has not been withdrawn."""

    sn: int
    item: Item
    count: int
    t: int
    priced: Priced
    settled: bool = False


@dataclass(slots=True, eq=False)
class Stay:
    """A stay of a person in a bed of a place. Times in seconds; `counter`: who does the paperwork."""

    county: County
    person: Person
    place: Place
    counter: Counter
    illness: Illness
    begin: int
    end: int
    dept: str
    bed: str
    med_type: str = "21"
    ipt_type: str = "1"
    cert_type: str = "01"
    mdtrt_id: str = ""
    doctor: str = ""
    lines: list[Line] = field(default_factory=list)
    serial: int = 0
    setl_id: str = ""
    bill: Bill | None = None
    receipt: str = ""
    admitted: str = ""  # msgid of the 2401
    #: Order number by code of the item ordered.
    orders: dict[str, str] = field(default_factory=dict)
    _asked: tuple[str, str, str] | None = None

    def __post_init__(self) -> None:
        self.mdtrt_id = self.mdtrt_id or self.person.next_visit()
        self.doctor = self.doctor or self.place.doctor(self.dept, self.person.number)

    @property
    def first_day(self) -> int:
        return self.begin // DAY

    @property
    def last_day(self) -> int:
        return self.end // DAY

    @property
    def nights(self) -> int:
        """Days that may be charged: the day of discharge is not counted, at least one."""
        return max(1, self.last_day - self.first_day)

    def send(self, infno: str, t: int, body: str, arrive: int | None = None) -> str:
        return self.county.outbox.send(self.counter, infno, t, body, arrive)

    # -- in and out ---------------------------------------------------------------------------------------------

    def admit(
        self,
        t: int | None = None,
        *,
        arrive: int | None = None,
        illness: Illness | None = None,
        fails: bool = False,
    ) -> str:
        """2401. `fails`: the platform refuses it."""
        t = self.begin + 600 if t is None else t
        ill = illness or self.illness
        person, place = self.person, self.place
        dept_name = DEPARTMENTS[self.dept][0] if self.dept in DEPARTMENTS else ""
        body = (
            f'"input":{{"mdtrtinfo":{{"psn_no":"{person.psn_no}","insutype":"{person.insutype}","coner_name":"家属","tel":"{person.tel}",'
            f'"begntime":"{stamp(self.begin)}","mdtrt_cert_type":"{self.cert_type}","mdtrt_cert_no":"","card_sn":"","psn_cert_type":"01",'
            f'"certno":"{person.certno}","med_type":"{self.med_type}","ipt_no":"ZY{self.mdtrt_id}","medrcdno":"BA{person.number:08d}",'
            f'"atddr_no":"{self.doctor}","chfpdr_name":"{DOCTOR}","adm_diag_dscr":"{ill.name}","adm_dept_codg":"{self.dept}",'
            f'"adm_dept_name":"{dept_name}","adm_bed":"{self.bed}","dscg_maindiag_code":"{ill.code}","dscg_maindiag_name":"{ill.name}",'
            f'"main_cond_dscr":"","dise_codg":"","dise_name":"","oprn_oprt_code":"","matn_type":"","birctrl_type":"","geso_val":"",'
            f'"dise_type_code":"","insuplc_admdvs":"{HOME}","mdtrtarea_admvs":"{place.admdvs}",'
            f"{expansion(MDTRT_GRP_TYPE='0', TRUM_FLAG='0', REL_TTP_FLAG='0', IPT_TYPE=self.ipt_type)}}},"
            f'"diseinfo":[{diagnosis(1, ill.code, ill.name, self.dept, self.doctor, self.begin, self._whose())}]}},'
        )
        if fails:
            return self.send("2401", t, body + refused("参保信息校验未通过"), arrive)
        self.admitted = self.send(
            "2401",
            t,
            body + answered(f'{{"result":{{"mdtrt_id":"{self.mdtrt_id}","exp_content":""}}}}'),
            arrive,
        )
        return self.admitted

    def _whose(self) -> str:
        return f'"mdtrt_id":"{self.mdtrt_id}","psn_no":"{self.person.psn_no}",'

    def change(self, t: int, *, bed: str = "", dept: str = "", illness: Illness | None = None) -> str:
        """2403. What is not said stays as it is."""
        rows = ""
        if illness:
            self.illness = illness
            rows = diagnosis(1, illness.code, illness.name, self.dept, self.doctor, t, self._whose())
        self.bed, self.dept = bed or self.bed, dept or self.dept
        body = (
            f'"input":{{"adminfo":{{{self._whose()}"coner_name":"","tel":"","begntime":"{stamp(self.begin)}","endtime":"",'
            f'"mdtrt_cert_type":"{self.cert_type}","med_type":"{self.med_type}","ipt_otp_no":"ZY{self.mdtrt_id}","medrcdno":"",'
            f'"atddr_no":"","chfpdr_name":"","adm_diag_dscr":"","adm_dept_codg":"{dept}","adm_dept_name":"","adm_bed":"{bed}",'
            f'"dscg_maindiag_code":"","dscg_maindiag_name":"","exp_content":""}},"diseinfo":[{rows}]}},'
        )
        return self.send("2403", t, body + answered("null"))

    def discharge(
        self,
        t: int | None = None,
        *,
        way: str = "1",
        died: int | None = None,
        illness: Illness | None = None,
        arrive: int | None = None,
    ) -> str:
        """2402. `died`: day number of the death."""
        t = self.end + 900 if t is None else t
        ill = illness or self.illness
        body = (
            f'"input":{{"dscginfo":{{{self._whose()}"insutype":"{self.person.insutype}","endtime":"{stamp(self.end)}","dise_codg":"",'
            f'"dise_name":"","oprn_oprt_code":"{ill.operation[0] if ill.operation else ""}","matn_type":"","birctrl_type":"","geso_val":"",'
            f'"cop_flag":"0","dscg_dept_codg":"{self.dept}","dscg_dept_name":"","dscg_bed":"{self.bed}","dscg_way":"{way}",'
            f'"die_date":"{DATE[died] if died is not None else ""}","exp_content":""}},'
            f'"diseinfo":[{diagnosis(1, ill.code, ill.name, self.dept, self.doctor, self.end, self._whose())}]}},'
        )
        return self.send("2402", t, body + answered("null"), arrive)

    def cancel_admission(self, t: int, arrive: int | None = None) -> str:
        """2404: the visit never was."""
        return self.send(
            "2404", t, f'"input":{{"data":{{{self._whose()}"exp_content":""}}}},' + answered("null"), arrive
        )

    def cancel_discharge(self, t: int, arrive: int | None = None) -> str:
        """2405: the discharges so far are taken back."""
        return self.send(
            "2405", t, f'"input":{{"data":{{{self._whose()}"exp_content":""}}}},' + answered("null"), arrive
        )

    def reverse(self, omsgid: str, oinfno: str, t: int, arrive: int | None = None) -> str:
        """2601 of an earlier message."""
        body = (
            f'"input":{{"data":{{"psn_no":"{self.person.psn_no}","omsgid":"{omsgid}","oinfno":"{oinfno}"}}}},'
        )
        return self.send("2601", t, body + answered("null"), arrive)

    # -- lines --------------------------------------------------------------------------------------------------

    def _row_parts(self) -> tuple[str, str, str]:
        """What stands in every line, around its order number and its time."""
        parts = self._asked
        if parts is None:
            parts = self._asked = (
                f'"mdtrt_id":"{self.mdtrt_id}","drord_no":"',
                f'","psn_no":"{self.person.psn_no}","med_type":"{self.med_type}","fee_ocur_time":"',
                f',"bilg_dept_codg":"{self.dept}","bilg_dept_name":"","bilg_dr_codg":"{self.doctor}","bilg_dr_name":"{DOCTOR}",'
                f'"acord_dept_codg":"","orders_dr_code":"","hosp_appr_flag":"0","tcmdrug_used_way":"","etip_flag":"0","etip_hosp_code":"",'
                f'"matn_fee_flag":"0","exp_content":"","dscg_tkdrug_flag":"',
            )
        return parts

    def upload(
        self,
        given: Sequence[Given],
        t: int,
        *,
        take_home: bool = False,
        arrive: int | None = None,
        broken: bool = False,
    ) -> list[Line]:
        """2301: lines, seen at t. `take_home`: drugs for after the discharge. `broken`: the last row has no valid time."""
        head, middle, tail = self._row_parts()
        tail += '1"}' if take_home else '0"}'
        numbers = self.place.numbers
        orders = self.orders
        sn = self.serial
        asked, got, new = [], [], []
        for item, count, when in given:
            sn += 1
            priced = item.priced(count, 0, numbers)
            day, second = divmod(when, DAY)
            order = orders.get(item.code, "")
            asked.append(
                f'{{"feedetl_sn":"{sn}",{head}{order}{middle}{DATE[day]} {TIME[second]}",{priced.asked}{tail}'
            )
            got.append(f'{{"feedetl_sn":"{sn}",{priced.answered}}}')
            new.append(Line(sn, item, count, when, priced))
        self.serial = sn
        if broken:
            asked[-1] = asked[-1].replace(stamp(given[-1][2]), "2026-02-30 99:99:99")
        self.lines += new
        self.send(
            "2301",
            t,
            f'"input":{{"feedetail":[{",".join(asked)}]}},{answered(f"""{{"result":[{",".join(got)}]}}""")}',
            arrive,
        )
        return new

    def repeat(self, lines: Iterable[Line], t: int) -> None:
        """2301 again with the same serial numbers: the later line holds."""
        head, middle, tail = self._row_parts()
        rows = list(lines)
        asked = ",".join(
            f'{{"feedetl_sn":"{line.sn}",{head}{self.orders.get(line.item.code, "")}{middle}{stamp(line.t)}",{line.priced.asked}{tail}0"}}'
            for line in rows
        )
        got = ",".join(f'{{"feedetl_sn":"{line.sn}",{line.priced.answered}}}' for line in rows)
        self.send("2301", t, f'"input":{{"feedetail":[{asked}]}},{answered(f"""{{"result":[{got}]}}""")}')

    def refund(self, line: Line, count: int, t: int, when: int | None = None) -> Line:
        """2301 with a negative count against a line. `when`: the time it bears (default: the refund's own)."""
        head, middle, tail = self._row_parts()
        self.serial += 1
        priced = line.item.priced(-count, 0, self.place.numbers)
        when = t if when is None else when
        asked = f'{{"feedetl_sn":"{self.serial}","init_feedetl_sn":"{line.sn}",{head}{middle}{stamp(when)}",{priced.asked}{tail}0"}}'
        new = Line(self.serial, line.item, -count, when, priced)
        self.lines.append(new)
        self.send(
            "2301",
            t,
            f'"input":{{"feedetail":[{asked}]}},{answered(f"""{{"result":[{{"feedetl_sn":"{new.sn}",{priced.answered}}}]}}""")}',
        )
        return new

    def withdraw(self, lines: Iterable[Line] | None, t: int, arrive: int | None = None) -> list[Line]:
        """2302: these lines, or with None all that is not settled ("0000"). Returns what was withdrawn."""
        gone = [line for line in self.lines if not line.settled] if lines is None else list(lines)
        numbers = ["0000"] if lines is None else [str(line.sn) for line in gone]
        rows = ",".join(f'{{"feedetl_sn":"{number}",{self._whose()}"exp_content":""}}' for number in numbers)
        self.send("2302", t, f'"input":{{"data":[{rows}]}},{answered("null")}', arrive)
        dead = set(map(id, gone))
        self.lines = [line for line in self.lines if id(line) not in dead]
        return gone

    # -- money --------------------------------------------------------------------------------------------------

    def owed(self) -> Sums:
        """The sums of what is uploaded and not settled."""
        sums = Sums()
        for line in self.lines:
            if not line.settled:
                priced = line.priced
                sums.total += priced.total
                sums.own += priced.own
                sums.over += priced.over
                sums.first += priced.first
                sums.scope += priced.scope
        return sums

    def price(self, sums: Sums) -> Bill:
        """What this person's insurance pays of a claim."""
        person = self.person
        return settle(
            sums,
            insutype=person.insutype,
            mode="stay",
            tier=self.place.tier,
            spent=person.stay_spent,
            paid_deductible=person.paid_deductible,
            assisted=person.ident == "2303",
            servant=person.servant,
            account=0,
            shared=False,
        )

    def settle(
        self,
        t: int,
        *,
        mid: bool = False,
        bill: Bill | None = None,
        infno: str = "2304",
        receipt: str = "",
        arrive: int | None = None,
        fails: bool = False,
    ) -> str:
        """2304 (or its trial, 2303). Returns the msgid; `setl_id`, `bill` and `receipt` are then of this settlement."""
        person, place = self.person, self.place
        bill = bill or self.price(self.owed())
        trial = infno == "2303" or fails
        setl_id = "" if trial else person.next_bill()
        if not trial:
            self.receipt = receipt or place.next_receipt()
        sums = bill.sums
        body = (
            f'"input":{{"data":{{"psn_no":"{person.psn_no}","mdtrt_cert_type":"{self.cert_type}","mdtrt_cert_no":"","card_sn":"",'
            f'"psn_cert_type":"01","certno":"{person.certno}","psn_type":"{person.psn_type}","psn_name":"{person.name}",'
            f'"medfee_sumamt":"{yuan(sums.total)}","psn_setlway":"01","mdtrt_id":"{self.mdtrt_id}","acct_used_flag":"0",'
            f'"insutype":"{person.insutype}","insuplc_admdvs":"{HOME}","mdtrtarea_admvs":"{place.admdvs}",'
            f'"invono":"{"" if trial else self.receipt}","mid_setl_flag":"{1 if mid else 0}","fulamt_ownpay_amt":"{yuan(sums.own)}",'
            f'"overlmt_selfpay":"{yuan(sums.over)}","preselfpay_amt":"{yuan(sums.first)}","inscp_scp_amt":"{yuan(sums.scope)}",'
            f'"dscgTime":"{DATE[self.last_day]}","exp_content":""}}}},'
        )
        if fails:
            return self.send(infno, t, body + refused("费用明细与总额不符，请核对后重新结算"), arrive)
        output = settled(
            person, self.mdtrt_id, setl_id, t + 1, self.med_type, self.cert_type, bill, numbers=place.numbers
        )
        msgid = self.send(infno, t, body + answered(output), arrive)
        if not trial:
            self.setl_id, self.bill = setl_id, bill
            person.stay_spent += bill.hifp
            person.paid_deductible = True
            for line in self.lines:
                line.settled = True
        return msgid

    def unsettle(self, t: int, setl_id: str = "", arrive: int | None = None) -> str:
        """2305 of the last settlement (or of the one named); its lines are open again."""
        if self.bill:
            self.person.stay_spent -= self.bill.hifp
        for line in self.lines:
            line.settled = False
        body = f'"input":{{"data":{{"mdtrt_id":"{self.mdtrt_id}","setl_id":"{setl_id or self.setl_id}","psn_no":"{self.person.psn_no}","exp_content":""}}}},'
        return self.send("2305", t, body + answered("null"), arrive)

    # -- what shows that care happened --------------------------------------------------------------------------

    def listed(
        self,
        t: int,
        *,
        adm_way: str = "2",
        planned_return: bool = False,
        newborn: int | None = None,
        by_day: bool = False,
        way: str = "1",
        bill_no: str = "",
        bill_code: str = "",
        operation: tuple[str, str] | None = None,
        icu: tuple[int, int] | None = None,
        extra: Sequence[tuple[str, str]] = (),
    ) -> str:
        """4101. `newborn`: age in days; `by_day`: paid by the bed-day; `icu`: from and until in intensive care."""
        person, ill, place = self.person, self.illness, self.place
        nursing = {"001201000030000": 0, "001201000040000": 0, "001201000050000": 0}
        for line in self.lines:
            if line.item.code in nursing:
                nursing[line.item.code] += line.count
        one, two, three = nursing.values()
        rows = [(ill.code, ill.name), *extra]
        diagnoses = ",".join(
            f'{{"diag_type":"1","diag_code":"{code}","diag_name":"{name}","adm_cond_type":"1","maindiag_flag":"{0 if n else 1}"}}'
            for n, (code, name) in enumerate(rows)
        )
        surgery = operation or (ill.operation[:2] if ill.operation else None)
        operations = ""
        if surgery:
            start = (
                min(self.begin + 20 * HOUR, self.end - 4 * HOUR)
                if self.end - self.begin > 8 * HOUR
                else self.begin + HOUR
            )
            operations = (
                f'{{"oprn_oprt_type":"1","oprn_oprt_name":"{surgery[1]}","oprn_oprt_code":"{surgery[0]}","anst_way":"2",'
                f'"oper_dr_name":"{DOCTOR}","oper_dr_code":"{self.doctor}","anst_dr_code":"","oprn_oprt_begntime":"{stamp(start)}",'
                f'"oprn_oprt_endtime":"{stamp(start + 5400)}","anst_begntime":"{stamp(start - 900)}","anst_endtime":"{stamp(start + 6000)}"}}'
            )
        intensive = ""
        if icu:
            intensive = (
                f'{{"scs_cutd_ward_type":"9","scs_cutd_inpool_time":"{stamp(icu[0])}","scs_cutd_exit_time":"{stamp(icu[1])}",'
                f'"scs_cutd_sum_dura":"{(icu[1] - icu[0]) // DAY}/0/0"}}'
            )
        baby = (
            f'"nwb_adm_type":"3","nwb_bir_wt":"3200.00","nwb_adm_wt":"3200.00","age_days":"{newborn}",'
            if newborn is not None
            else '"nwb_adm_type":"","nwb_bir_wt":"","nwb_adm_wt":"","age_days":"",'
        )
        body = (
            f'"input":{{"setlinfo":{{{self._whose()}"setl_id":"{self.setl_id}","medcasno":"BA{person.number:08d}","ntly":"156","prfs":"27",'
            f'"curr_addr":"测试县第{person.village + 1}村","emp_name":"{person.emp_name}","coner_name":"家属","patn_rlts":"1",'
            f'"coner_addr":"测试县","coner_tel":"{person.tel}",{baby}"adm_way":"{adm_way}","trt_type":"10",'
            f'"adm_time":"{stamp(self.begin)}","adm_caty":"{self.dept}","adm_dept_code":"{self.dept}","refldept_dept":"",'
            f'"dscg_time":"{stamp(self.end)}","dscg_caty":"{self.dept}","dscg_dept_code":"{self.dept}","wm_dise_code":"{ill.code}",'
            f'"vent_used_dura":"","spga_nurscare_days":"0","lv1_nurscare_days":"{one}","scd_nurscare_days":"{two}",'
            f'"lv3_nurscare_days":"{three}","dscg_way":"{way}","acp_optins_code":"","bill_code":"{bill_code or "99" + place.code[-6:]}",'
            f'"bill_no":"{bill_no or self.receipt}","biz_sn":"YW{self.setl_id}","days_rinp_flag_31":"{2 if planned_return else 1}",'
            f'"days_rinp_pup_31":"","chfpdr_code":"{self.doctor}","resp_nurs_code":"","setl_begn_date":"{DATE[self.first_day]}",'
            f'"setl_end_date":"{DATE[self.last_day]}","medins_fill_dept":"医保科","medins_fill_psn":"测试员","stas_type":"0",'
            f'"hi_paymtd":"{5 if by_day else 4}"}},"opspdiseinfo":[],"diseinfo":[{diagnoses}],"oprninfo":[{operations}],'
            f'"icuinfo":[{intensive}],"payinfo":[],"bldinfo":[]}},'
        )
        return self.send("4101", t, body + answered(f'{{"setl_list_id":"{self.setl_id[-9:]}"}}'))

    def ordered(self, items: Sequence[tuple[Item, int, int]], t: int, *, standing: bool = True) -> str:
        """4402A: orders of items from … until (seconds). Lines uploaded afterwards bear their numbers."""
        for n, (item, start, _) in enumerate(items):
            self.orders[item.code] = f"YZ{self.mdtrt_id[1:]}{start // DAY % 1000:03d}{n}"
        rows = ",".join(
            f'{{"mdtrt_sn":"ZY{self.mdtrt_id}",{self._whose()}"ipt_bed_no":"{self.bed}","drord_no":"{self.orders[item.code]}",'
            f'"isu_dept_code":"{self.dept}","drord_isu_time":"{stamp(start)}","exe_dept_code":"{self.dept}","drord_grp_no":"",'
            f'"drord_type":"{2 if standing else 1}","drord_item_type_code":"{_order_kind(item)}","drord_detl_code":"{item.code}",'
            f'"drord_detl_name":"{item.name}","medc_days":"{max(1, (stop - start) // DAY)}","medc_begntime":"{stamp(start)}",'
            f'"medc_endtime":"{stamp(stop)}","drord_endtime":"{stamp(stop)}","vali_flag":"1",'
            f'"medcas_drord_detl_id":"{self.orders[item.code]}{item.code[-4:]}","isu_drord_dr_code":"{self.doctor}",'
            f'"drord_begntime":"{stamp(start)}"}}'
            for n, (item, start, stop) in enumerate(items)
        )
        return self.send("4402A", t, f'"input":{{"data":[{rows}]}},{answered("null")}')

    def reported(self, item: Item, when: int, t: int) -> str:
        """4501 of an examination or 4502 of a laboratory test, done at `when`, seen at `t`."""
        number = f"BG{self.mdtrt_id}{when // 60 % 1000000}{item.code[-5:]}"
        common = (
            f'"mdtrt_sn":"ZY{self.mdtrt_id}",{self._whose()}"appy_no":"SQ{number[2:]}","rpotc_no":"{number}","exam_item_code":"{item.code}",'
            f'"exam_item_name":"{item.name}","rpt_date":"{DATE[when // DAY]}","bilg_dr_codg":"{self.doctor}","vali_flag":"1"'
        )
        if item.kind == "03":
            body = (
                f'"input":{{"examinfo":{{{common},"exam_date":"{DATE[when // DAY]}","exam_type_code":"2","exam_part":"","exam_ccls":"未见明显异常"}},'
                f'"iteminfo":[{{"appy_no":"SQ{number[2:]}","rpotc_no":"{number}","exam_item_code":"{item.code}",'
                f'"exam_item_name":"{item.name}","exam_charge":"{yuan(item.cents)}"}}],"sampleinfo":[],"imageinfo":[]}},'
            )
            return self.send("4501", t, body + answered("null"))
        body = (
            f'"input":{{"labinfo":{{{common},"exam_charge":"{yuan(item.cents)}"}},"iteminfo":[{{"rpotc_no":"{number}",'
            f'"appy_no":"SQ{number[2:]}","exam_unt":"","exam_rslt_val":"5","exam_item_detl_code":"{item.code}",'
            f'"exam_item_detl_name":"{item.name}","exam_rslt_abn":"0"}}],"sampleinfo":[]}},'
        )
        return self.send("4502", t, body + answered("null"))

    def vitals(self, when: int, t: int) -> str:
        """4602: a measurement."""
        body = (
            f'"input":{{"data":[{{"mdtrt_sn":"ZY{self.mdtrt_id}",{self._whose()}"dept_code":"{self.dept}","dept_name":"","wardarea_name":"一病区",'
            f'"bedno":"{self.bed}","diag_code":"{self.illness.code}","adm_time":"{stamp(self.begin)}","act_ipt_days":"{self.nights}",'
            f'"rcd_time":"{stamp(when)}","vent_frqu":"18","pule":"76","tprt":"36.6","systolic_pre":"128","dstl_pre":"80","wt":"60.0",'
            f'"nurs_name":"测试护士","sign_time":"{stamp(when + 300)}","vali_flag":"1"}}]}},'
        )
        return self.send("4602", t, body + answered("null"))

    def face(self, t: int, business: str = "12", result: str = "1") -> str:
        """9601: a face check (recog_biz 12 admission, 20 leave, 21 back)."""
        return face_check(self.county, self.counter, self.person, t, business, result, self.mdtrt_id)


def face_check(
    county: County,
    counter: Counter,
    person: Person,
    t: int,
    business: str,
    result: str = "1",
    mdtrt_id: str = "",
) -> str:
    """9601 of a person at a counter."""
    place = counter.place
    body = (
        f'"input":{{"recogInfo":{{"medins_code":"{place.code}","medins_name":"{place.name}","psn_no":"{person.psn_no}","psn_cert_type":"01",'
        f'"certno":"{person.certno}","psn_name":"{person.name}","recog_pic":"","recog_biz":"{business}","plan_id":"","mdtrt_id":"{mdtrt_id}"}}}},'
    )
    return county.outbox.send(
        counter,
        "9601",
        t,
        body + answered(f'{{"recogRslt":{{"recog_rslt":"{result}","recog_rslt_dscr":""}}}}'),
    )


def _order_kind(item: Item) -> str:
    return {"09": "11", "11": "12", "10": "13", "04": "22", "03": "23", "06": "24", "07": "26"}.get(
        item.kind, "21"
    )

"""An outpatient visit, message by message: 2201 to 2207, and what takes them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.simulate.catalogue import Item, Priced
from streams.simulate.clock import DATE, DAY, TIME, stamp
from streams.simulate.county import County
from streams.simulate.messages import DOCTOR, answered, diagnosis, expansion, refused, settled
from streams.simulate.money import Bill, Sums, settle, yuan
from streams.simulate.people import Person
from streams.simulate.places import DEPARTMENTS, Counter, Place

_ORDINARY = expansion(MDTRT_GRP_TYPE="0", TRUM_FLAG="0", REL_TTP_FLAG="0")
_EMERGENCY = expansion(MDTRT_GRP_TYPE="0", TRUM_FLAG="0", REL_TTP_FLAG="0", OTP_ER_REFL_FLAG="1")


@dataclass(slots=True, eq=False)
class Clinic:
    """A visit of a person to a doctor. `begin` in seconds; `sickness`: ICD-10 code and name."""

    county: County
    person: Person
    place: Place
    counter: Counter
    begin: int
    sickness: tuple[str, str]
    dept: str
    med_type: str = "11"
    dise_codg: str = ""
    dise_name: str = ""
    cert_type: str = "01"
    mdtrt_id: str = ""
    doctor: str = ""
    lines: list[Priced] = field(default_factory=list)
    serial: int = 0
    batches: int = 0
    chrg_bchno: str = ""
    setl_id: str = ""
    bill: Bill | None = None

    def __post_init__(self) -> None:
        self.mdtrt_id = self.mdtrt_id or self.person.next_visit()
        self.doctor = self.doctor or self.place.doctor(self.dept, self.begin // DAY + self.person.number)

    def send(self, infno: str, t: int, body: str, arrive: int | None = None) -> str:
        return self.county.outbox.send(self.counter, infno, t, body, arrive)

    def register(self, t: int | None = None, arrive: int | None = None) -> str:
        """2201."""
        person = self.person
        body = (
            f'"input":{{"data":{{"psn_no":"{person.psn_no}","insutype":"{person.insutype}","begntime":"{stamp(self.begin)}",'
            f'"mdtrt_cert_type":"{self.cert_type}","mdtrt_cert_no":"","card_sn":"","psn_cert_type":"01","certno":"{person.certno}",'
            f'"psn_type":"{person.psn_type}","psn_name":"{person.name}","ipt_otp_no":"MZ{self.mdtrt_id}","atddr_no":"{self.doctor}",'
            f'"dr_name":"{DOCTOR}","dept_code":"{self.dept}","dept_name":"{DEPARTMENTS.get(self.dept, ("",))[0]}","caty":"{self.dept}",'
            f'"exp_content":""}}}},"response":{{"infcode":0,"inf_refmsgid":"","err_msg":"","output":{{"data":{{'
            f'"mdtrt_id":"{self.mdtrt_id}","psn_no":"{person.psn_no}","ipt_otp_no":"MZ{self.mdtrt_id}","exp_content":""}}}}}}'
        )
        return self.send("2201", self.begin if t is None else t, body, arrive)

    def unregister(self, t: int, arrive: int | None = None) -> str:
        """2202: the visit never was."""
        body = (
            f'"input":{{"data":{{"psn_no":"{self.person.psn_no}","mdtrt_id":"{self.mdtrt_id}","ipt_otp_no":"MZ{self.mdtrt_id}",'
            f'"exp_content":""}}}},'
        )
        return self.send("2202", t, body + answered("null"), arrive)

    def seen(
        self,
        t: int,
        extra: Sequence[tuple[str, str]] = (),
        *,
        emergency: bool = False,
        arrive: int | None = None,
    ) -> str:
        """2203: visit and diagnoses."""
        keys = _EMERGENCY if emergency else _ORDINARY
        rows = diagnosis(1, *self.sickness, self.dept, self.doctor, self.begin)
        for n, (code, name) in enumerate(extra, 2):
            rows += "," + diagnosis(n, code, name, self.dept, self.doctor, self.begin)
        body = (
            f'"input":{{"mdtrtinfo":{{"mdtrt_id":"{self.mdtrt_id}","psn_no":"{self.person.psn_no}","med_type":"{self.med_type}",'
            f'"begntime":"{stamp(self.begin)}","main_cond_dscr":"","dise_type_code":"","dise_codg":"{self.dise_codg}",'
            f'"dise_name":"{self.dise_name}","birctrl_type":"","birctrl_matn_date":"",{keys}}},"diseinfo":[{rows}]}},'
        )
        return self.send("2203", t, body + answered("null"), arrive)

    def charge(
        self,
        items: Sequence[tuple[Item, int]],
        t: int,
        *,
        when: int | None = None,
        outside: str = "",
        arrive: int | None = None,
    ) -> str:
        """2204: a batch of lines given at `when` (default t), seen at t. `outside`: examined at that other hospital."""
        self.batches += 1
        self.chrg_bchno = f"PC{self.mdtrt_id[1:]}{self.batches:02d}"
        return self.send(
            "2204", t, self._lines(items, t if when is None else when, self.chrg_bchno, outside), arrive
        )

    def _lines(self, items: Sequence[tuple[Item, int]], when: int, batch: str, outside: str) -> str:
        numbers = self.place.numbers
        day, second = divmod(when, DAY)
        head = (
            f'"mdtrt_id":"{self.mdtrt_id}","psn_no":"{self.person.psn_no}","chrg_bchno":"{batch}","dise_codg":"{self.dise_codg}",'
            f'"rxno":"RX{batch[2:]}","rx_circ_flag":"0","fee_ocur_time":"{DATE[day]} {TIME[second]}",'
        )
        tail = (
            f',"sin_dos_dscr":"","used_frqu_dscr":"","prd_days":"","medc_way_dscr":"","bilg_dept_codg":"{self.dept}","bilg_dept_name":"",'
            f'"bilg_dr_codg":"{self.doctor}","bilg_dr_name":"{DOCTOR}","acord_dept_codg":"","orders_dr_code":"","hosp_appr_flag":"0",'
            f'"tcmdrug_used_way":"","etip_flag":"{1 if outside else 0}","etip_hosp_code":"{outside}","dscg_tkdrug_flag":"0",'
            f'"matn_fee_flag":"0","exp_content":""}}'
        )
        asked, got = [], []
        for item, count in items:
            self.serial += 1
            priced = item.priced(count, 0, numbers)
            self.lines.append(priced)
            asked.append(f'{{"feedetl_sn":"{self.serial}",{head}{priced.asked}{tail}')
            got.append(f'{{"feedetl_sn":"{self.serial}",{priced.answered}}}')
        return (
            f'"input":{{"feedetail":[{",".join(asked)}]}},"response":{{"infcode":0,"inf_refmsgid":"","err_msg":"",'
            f'"output":{{"result":[{",".join(got)}]}}}}'
        )

    def withdraw(self, t: int, batch: str = "", arrive: int | None = None) -> str:
        """2205 of the last batch ("0000": all that is not settled)."""
        self.lines = []
        body = (
            f'"input":{{"data":{{"mdtrt_id":"{self.mdtrt_id}","chrg_bchno":"{batch or self.chrg_bchno}","psn_no":"{self.person.psn_no}",'
            f'"exp_content":""}}}},'
        )
        return self.send("2205", t, body + answered("null"), arrive)

    def owed(self) -> Sums:
        """The sums of the lines uploaded so far."""
        sums = Sums()
        for priced in self.lines:
            sums.total += priced.total
            sums.own += priced.own
            sums.over += priced.over
            sums.first += priced.first
            sums.scope += priced.scope
        return sums

    def price(self, sums: Sums, account: int = 0, shared: bool = False) -> Bill:
        """What this person's insurance pays of a claim."""
        person = self.person
        chronic = self.med_type == "14"
        return settle(
            sums,
            insutype=person.insutype,
            mode="chronic" if chronic else "clinic",
            tier=self.place.tier,
            spent=person.clinic_spent,
            paid_deductible=False,
            assisted=False,
            servant=False,
            account=account,
            shared=shared,
        )

    def settle(
        self,
        t: int,
        *,
        bill: Bill | None = None,
        infno: str = "2207",
        owner: Person | None = None,
        invono: str | None = None,
        insutype: str | None = None,
        counter: Counter | None = None,
        arrive: int | None = None,
        fails: bool = False,
        name_owner: bool = True,
    ) -> str:
        """2207 (or its trial, 2206). Returns the msgid; `setl_id` and `bill` are then of this settlement.

        `owner`: the relative whose account pays; `name_owner`: the gateway knows who that is.
        """
        person, place = self.person, self.place
        payer = owner or person
        trial = infno == "2206" or fails
        if bill is None:
            bill = self.price(self.owed(), max(0, payer.account - payer.account_spent), owner is not None)
        flag = "2" if owner else ("1" if person.insutype == "310" and bill.acct else "0")
        setl_id = "" if trial else person.next_bill()
        number = "" if trial else (place.next_receipt() if invono is None else invono)
        keys = {"MDTRT_GRP_TYPE": "0"}
        if owner and name_owner:
            keys["ACCT_OWNER_PSN_NO"] = owner.psn_no
        sums = bill.sums
        body = (
            f'"input":{{"data":{{"psn_no":"{person.psn_no}","mdtrt_cert_type":"{self.cert_type}","mdtrt_cert_no":"","card_sn":"",'
            f'"psn_cert_type":"01","certno":"{person.certno}","med_type":"{self.med_type}","medfee_sumamt":"{yuan(sums.total)}",'
            f'"psn_setlway":"01","mdtrt_id":"{self.mdtrt_id}","chrg_bchno":"{self.chrg_bchno}","insutype":"{insutype or person.insutype}",'
            f'"acct_used_flag":"{flag}","invono":"{number}","fulamt_ownpay_amt":"{yuan(sums.own)}",'
            f'"overlmt_selfpay":"{yuan(sums.over)}","preselfpay_amt":"{yuan(sums.first)}","inscp_scp_amt":"{yuan(sums.scope)}",'
            f"{expansion(**keys)}}}}},"
        )
        outbox = self.county.outbox
        if fails:
            return outbox.send(
                counter or self.counter, infno, t, body + refused("个人账户查询超时，请重试"), arrive
            )
        output = settled(
            person,
            self.mdtrt_id,
            setl_id,
            t + 1,
            self.med_type,
            self.cert_type,
            bill,
            numbers=place.numbers,
            insutype=insutype,
        )
        msgid = outbox.send(
            counter or self.counter,
            infno,
            t,
            f'{body}"response":{{"infcode":0,"inf_refmsgid":"","err_msg":"","output":{output}}}',
            arrive,
        )
        if not trial:
            self.setl_id, self.bill = setl_id, bill
            person.clinic_spent += bill.hifp if self.med_type != "14" else 0
            payer.account_spent += bill.acct
        return msgid

    def unsettle(self, t: int, setl_id: str = "", arrive: int | None = None) -> str:
        """2208."""
        if self.bill:
            self.person.clinic_spent -= self.bill.hifp if self.med_type != "14" else 0
        body = (
            f'"input":{{"data":{{"setl_id":"{setl_id or self.setl_id}","mdtrt_id":"{self.mdtrt_id}","psn_no":"{self.person.psn_no}",'
            f'"exp_content":""}}}},'
        )
        return self.send("2208", t, body + answered("null"), arrive)

    def reverse(self, omsgid: str, t: int, arrive: int | None = None) -> str:
        """2601 of the settlement with that msgid."""
        body = f'"input":{{"data":{{"psn_no":"{self.person.psn_no}","omsgid":"{omsgid}","oinfno":"2207"}}}},'
        return self.send("2601", t, body + answered("null"), arrive)

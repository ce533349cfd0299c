"""A purchase in a pharmacy: 2102 with its trace codes, the same sale as stock moves, and its cancellation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.simulate.catalogue import Item
from streams.simulate.clock import DATE, DAY, stamp
from streams.simulate.county import County
from streams.simulate.messages import DOCTOR, answered, expansion, refused, settled
from streams.simulate.money import Bill, Sums, settle, yuan
from streams.simulate.people import Person
from streams.simulate.places import Counter, Place

#: An item, how many packs, their trace codes, and whether packs were opened (trdn_flag).
Sold = tuple[Item, int, Sequence[str], bool]


@dataclass(slots=True, eq=False)
class Sale:
    """A purchase by a person (`owner`: the relative whose account pays). `begin` in seconds."""

    county: County
    person: Person
    place: Place
    counter: Counter
    begin: int
    basket: Sequence[Sold]
    med_type: str = "41"
    dise: tuple[str, str] = ("", "")
    owner: Person | None = None
    cert_type: str = "01"
    mdtrt_id: str = ""
    setl_id: str = ""
    msgid: str = ""
    bill: Bill | None = None
    sums: Sums = field(default_factory=Sums)

    def send(self, infno: str, t: int, body: str, arrive: int | None = None) -> str:
        return self.county.outbox.send(self.counter, infno, t, body, arrive)

    def pay(
        self,
        t: int | None = None,
        *,
        infno: str = "2102",
        fails: bool = False,
        arrive: int | None = None,
        name_owner: bool = True,
        invono: str | None = None,
        insutype: str | None = None,
        bill: Bill | None = None,
    ) -> str:
        """2102 (or its trial, 2101). Every call that is no trial is a purchase of its own."""
        person, place, begin = self.person, self.place, self.begin
        t = begin if t is None else t
        trial = infno == "2101" or fails
        numbers = place.numbers
        when = stamp(begin)
        sums = Sums()
        rows, cuts = [], []
        for sn, (item, count, codes, opened) in enumerate(self.basket, 1):
            priced = item.priced(count, 0, numbers)
            sums.total += priced.total
            sums.own += priced.own
            sums.over += priced.over
            sums.first += priced.first
            sums.scope += priced.scope
            traces = ",".join(
                f'{{"feedetl_sn":"{sn}","drug_trac_codg":"{code}","trdn_flag":"{1 if opened else 0}"}}'
                for code in codes
            )
            rows.append(
                f'{{"feedetl_sn":"{sn}","rxno":"","rx_circ_flag":"0","fee_ocur_time":"{when}",{priced.asked},"sin_dos_dscr":"",'
                f'"used_frqu_dscr":"","prd_days":"{min(99, max(1, item.days) * count)}.00","medc_way_dscr":"","bilg_dr_codg":"","bilg_dr_name":"",'
                f'"tcmdrug_used_way":"","exp_content":"","durg_trac_info":[{"" if infno == "2101" else traces}]}}'
            )
            cuts.append(f'{{"feedetl_sn":"{sn}",{priced.answered}}}')
        payer = self.owner or person
        if bill is None:
            chronic = self.med_type == "14"
            bill = settle(
                sums,
                insutype=person.insutype,
                mode="chronic" if chronic else "shop",
                tier=1,
                spent=0,
                paid_deductible=False,
                assisted=False,
                servant=False,
                account=max(0, payer.account - payer.account_spent),
                shared=self.owner is not None,
            )
        flag = "2" if self.owner else ("1" if bill.acct else "0")
        keys = {"ACCT_OWNER_PSN_NO": self.owner.psn_no} if self.owner and name_owner else {}
        mdtrt_id = "" if trial else person.next_visit()
        setl_id = "" if trial else person.next_bill()
        body = (
            f'"input":{{"druginfo":{{"psn_no":"{person.psn_no}","mdtrt_cert_type":"{self.cert_type}","mdtrt_cert_no":"","card_sn":"",'
            f'"psn_cert_type":"01","certno":"{person.certno}","psn_type":"{person.psn_type}","psn_name":"{person.name}","begntime":"{when}",'
            f'"medfee_sumamt":"{yuan(sums.total)}","invono":"{"" if trial else (place.next_receipt() if invono is None else invono)}",'
            f'"insutype":"{insutype or person.insutype}","dise_codg":"{self.dise[0]}","dise_name":"{self.dise[1]}","acct_used_flag":"{flag}",'
            f'"med_type":"{self.med_type}",{expansion(**keys)}}},"drugdetail":[{",".join(rows)}]}},'
        )
        if fails:
            return self.send(infno, t, body + refused("药品追溯码校验超时，请重试"), arrive)
        output = settled(
            person,
            mdtrt_id,
            setl_id,
            t + 1,
            self.med_type,
            self.cert_type,
            bill,
            numbers=numbers,
            insutype=insutype,
        )
        msgid = self.send(
            infno,
            t,
            f'{body}"response":{{"infcode":0,"inf_refmsgid":"","err_msg":"","output":{output[:-1]},"detlcutinfo":[{",".join(cuts)}]}}}}',
            arrive,
        )
        if not trial:
            self.mdtrt_id, self.setl_id, self.msgid, self.bill, self.sums = (
                mdtrt_id,
                setl_id,
                msgid,
                bill,
                sums,
            )
            payer.account_spent += bill.acct
        return msgid

    def cancel(self, t: int, arrive: int | None = None) -> str:
        """2103."""
        if self.bill:
            (self.owner or self.person).account_spent -= self.bill.acct
        body = f'"input":{{"data":{{"setl_id":"{self.setl_id}","mdtrt_id":"{self.mdtrt_id}","psn_no":"{self.person.psn_no}","exp_content":""}}}},'
        return self.send("2103", t, body + answered("null"), arrive)

    def reverse(self, t: int, arrive: int | None = None) -> str:
        """2601 of the 2102."""
        body = (
            f'"input":{{"data":{{"psn_no":"{self.person.psn_no}","omsgid":"{self.msgid}","oinfno":"2102"}}}},'
        )
        return self.send("2601", t, body + answered("null"), arrive)

    def booked(self, t: int, arrive: int | None = None) -> str:
        """3505A: the same sale in the pharmacy's stock."""
        return stock_sale(
            self.county,
            self.counter,
            self.basket,
            self.begin,
            t,
            setl_id=self.setl_id,
            mdtrt_sn=self.mdtrt_id,
            psn_no=self.person.psn_no,
            arrive=arrive,
        )

    def returned(self, t: int, arrive: int | None = None) -> str:
        """3506A: the packs came back."""
        rows = ",".join(
            f'{{{_goods(item)}"setl_id":"{self.setl_id}","psn_no":"{self.person.psn_no}","rx_flag":"{item.rx}","trdn_flag":"{1 if opened else 0}",'
            f'"finl_trns_pric":"{yuan(item.cents)}0000","sel_retn_cnt":"{count}","sel_retn_time":"{stamp(t - 60)}",'
            f'"sel_retn_opter_name":"测试员","medins_prod_sel_no":"XS{self.mdtrt_id}","mdtrt_sn":"{self.mdtrt_id}",'
            f'"drugtracinfo":[{_codes(codes)}]}}'
            for item, count, codes, opened in self.basket
        )
        return self.send("3506A", t, f'"input":{{"selinfoDetail":[{rows}]}},{answered("null")}', arrive)


def _codes(codes: Sequence[str]) -> str:
    return ",".join(f'{{"drug_trac_codg":"{code}"}}' for code in codes)


def _goods(item: Item) -> str:
    return (
        f'"med_list_codg":"{item.code}","fixmedins_hilist_id":"N{item.code[-9:]}","fixmedins_hilist_name":"{item.name}",'
        f'"fixmedins_bchno":"PH{item.code[-5:]}","manu_lotnum":"L2501","manu_date":"2025-06-01","expy_end":"2027-05-31",'
    )


def stock_sale(
    county: County,
    counter: Counter,
    basket: Sequence[Sold],
    when: int,
    t: int,
    *,
    setl_id: str = "",
    mdtrt_sn: str = "",
    psn_no: str = "",
    arrive: int | None = None,
) -> str:
    """3505A of a sale at `when`, seen at `t`; without a settlement it was paid by the buyer alone."""
    insured = 1 if setl_id else 0
    rows = ",".join(
        f'{{{_goods(item)}"prsc_dr_name":"{DOCTOR}","phar_name":"测试药师","phar_prac_cert_no":"YS0001","hi_feesetl_type":"{insured}",'
        f'"setl_id":"{setl_id}","mdtrt_sn":"{mdtrt_sn}","psn_no":"{psn_no}","rx_flag":"{item.rx}","trdn_flag":"{1 if opened else 0}",'
        f'"finl_trns_pric":"{yuan(item.cents)}0000","rxno":"","rx_circ_flag":"0","rtal_docno":"LS{mdtrt_sn}",'
        f'"drug_prod_barc":"NDPB999","sel_retn_cnt":"{count}","sel_retn_time":"{stamp(when)}","sel_retn_opter_name":"测试员",'
        f'"prsc_dr_no":"","phar_no":"YS9901010001{counter.place.code[-2:]}","MDTRT_SETL_TYPE":"{1 if setl_id else 2}","drugtracinfo":[{_codes(codes)}]}}'
        for item, count, codes, opened in basket
    )
    return county.outbox.send(
        counter, "3505A", t, f'"input":{{"selinfoDetail":[{rows}]}},{answered("null")}', arrive
    )


def stock_opening(county: County, counter: Counter, items: Sequence[Item], t: int) -> str:
    """3501A: stock counted."""
    rows = ",".join(
        f'{{{_goods(item)}"rx_flag":"{item.rx}","invdate":"{DATE[t // DAY]}","inv_cnt":"400","pric":"{yuan(item.cents)}0000","memo":""}}'
        for item in items
    )
    return county.outbox.send(counter, "3501A", t, f'"input":{{"invinfoDetail":[{rows}]}},{answered("null")}')


def stock_change(
    county: County,
    counter: Counter,
    item: Item,
    count: int,
    t: int,
    kind: str = "103",
    codes: Sequence[str] = (),
    layer: str = "1",
) -> str:
    """3502A: stock changed (103 found, 104 lost, 101 brought from another store …). `layer`: 1 pack … 3 carton."""
    row = (
        f'{{{_goods(item)}"inv_chg_type":"{kind}","pric":"{yuan(item.cents)}0000","cnt":"{count}","rx_flag":"{item.rx}",'
        f'"inv_chg_time":"{stamp(t - 600)}","inv_chg_opter_name":"测试员","memo":"","trdn_flag":"0","trac_codg_pac_hery":"{layer}",'
        f'"drugtracinfo":[{_codes(codes)}]}}'
    )
    return county.outbox.send(counter, "3502A", t, f'"input":{{"invinfoDetail":[{row}]}},{answered("null")}')


def stock_purchase(county: County, counter: Counter, items: Sequence[Item], count: int, t: int) -> str:
    """3503A: goods bought."""
    rows = ",".join(
        f'{{{_goods(item)}"dynt_no":"SH{t // DAY}","spler_name":"测试医药公司","prodentp_name":"测试药厂","aprvno":"国药准字H99999999",'
        f'"finl_trns_pric":"{yuan(item.cents * 8 // 10)}0000","purc_retn_cnt":"{count}","purc_invo_codg":"","purc_invo_no":"{t // DAY}",'
        f'"rx_flag":"{item.rx}","purc_retn_stoin_time":"{stamp(t - 3600)}","purc_retn_opter_name":"测试员","prod_geay_flag":"0",'
        f'"purc_invo_file_List":[]}}'
        for item in items
    )
    return county.outbox.send(
        counter, "3503A", t, f'"input":{{"purcinfoDetail":[{rows}]}},{answered("null")}'
    )

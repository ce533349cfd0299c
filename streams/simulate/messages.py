"""Parts of messages that several transactions share. Text in, text out: the wire is built by templates."""

from __future__ import annotations

from functools import lru_cache

from streams.simulate.clock import DAY, stamp
from streams.simulate.money import Bill, yuan
from streams.simulate.people import Person

DOCTOR = "测试医师"

#: `fund_pay_type` → name.
FUNDS = {
    "310100": "城镇职工基本医疗保险统筹基金", "310102": "职工门诊统筹基金", "390100": "城乡居民基本医疗保险基金",
    "390102": "居民门诊统筹基金", "330100": "大额医疗费用补助基金", "390200": "城乡居民大病医疗保险基金",
    "320100": "公务员医疗补助基金", "610100": "医疗救助基金", "999100": "其他基金",
}  # fmt: skip


def answered(output: str) -> str:
    """A response that succeeded, with its output (an object)."""
    return f'"response":{{"infcode":0,"inf_refmsgid":"","err_msg":"","output":{output}}}'


def refused(reason: str) -> str:
    """A response that failed."""
    return f'"response":{{"infcode":-1,"inf_refmsgid":"","err_msg":"{reason}","output":null}}'


@lru_cache(maxsize=512)
def expansion(**keys: str) -> str:
    """An `exp_content`: a JSON object in a string."""
    if not keys:
        return '"exp_content":""'
    inside = ",".join(f'\\"{key}\\":\\"{value}\\"' for key, value in keys.items())
    return f'"exp_content":"{{{inside}}}"'


def diagnosis(number: int, code: str, name: str, dept: str, doctor: str, t: int, head: str = "") -> str:
    """A row of `diseinfo`; the first is the main diagnosis."""
    return (
        f'{{{head}"diag_type":"1","maindiag_flag":"{1 if number == 1 else 0}","diag_srt_no":"{number}","diag_code":"{code}",'
        f'"diag_name":"{name}","diag_dept":"{dept}","dise_dor_no":"{doctor}","dise_dor_name":"{DOCTOR}",'
        f'"diag_time":"{stamp(t)}","vali_flag":"1"}}'
    )


def settled(
    person: Person,
    mdtrt_id: str,
    setl_id: str,
    t: int,
    med_type: str,
    cert_type: str,
    bill: Bill,
    *,
    numbers: bool,
    insutype: str | None = None,
    clr_type: str = "",
) -> str:
    """The output of 2102, 2207 and 2304: `setlinfo` and `setldetail`. `numbers`: amounts as JSON numbers."""
    q = "" if numbers else '"'
    sums = bill.sums
    described = person.describe(t // DAY)
    if insutype and insutype != person.insutype:
        described = described.replace(f'"insutype":"{person.insutype}"', f'"insutype":"{insutype}"')
    total, scope, hifp, fund = yuan(sums.total), yuan(sums.scope), yuan(bill.hifp), yuan(bill.fund)
    if bill.hifp == bill.fund and len(bill.funds) < 2 and not (bill.hosp or bill.oth):
        rest = _NO_OTHER_FUNDS[numbers]
    else:
        rest = (
            f'"cvlserv_pay":{q}{yuan(bill.cvlserv)}{q},"hifes_pay":{q}{yuan(bill.hifes)}{q},"hifmi_pay":{q}{yuan(bill.hifmi)}{q},'
            f'"hifob_pay":{q}{yuan(bill.hifob)}{q},"hifdm_pay":{q}0.00{q},"maf_pay":{q}{yuan(bill.maf)}{q},'
            f'"hosp_part_amt":{q}{yuan(bill.hosp)}{q},"oth_pay":{q}{yuan(bill.oth)}{q},'
        )
    detail = ",".join(
        [
            f'{{"fund_pay_type":"{kind}","inscp_scp_amt":{q}{scope}{q},"crt_payb_lmt_amt":{q}300000.00{q},'
            f'"fund_payamt":{q}{yuan(cents)}{q},"fund_pay_type_name":"{FUNDS.get(kind, "")}","setl_proc_info":""}}'
            for kind, cents in bill.funds
        ]
    )
    return (
        f'{{"setlinfo":{{"mdtrt_id":"{mdtrt_id}","setl_id":"{setl_id}",{described},"setl_time":"{stamp(t)}",'
        f'"mdtrt_cert_type":"{cert_type}","med_type":"{med_type}","medfee_sumamt":{q}{total}{q},'
        f'"fulamt_ownpay_amt":{q}{yuan(sums.own)}{q},"overlmt_selfpay":{q}{yuan(sums.over)}{q},'
        f'"preselfpay_amt":{q}{yuan(sums.first)}{q},"inscp_scp_amt":{q}{scope}{q},"act_pay_dedc":{q}{yuan(bill.dedc)}{q},'
        f'"hifp_pay":{q}{hifp}{q},"pool_prop_selfpay":{q}{_RATIOS.get(bill.ratio) or _ratio(bill.ratio)}{q},{rest}'
        f'"fund_pay_sumamt":{q}{fund}{q},"psn_part_amt":{q}{yuan(bill.psn)}{q},"acct_pay":{q}{yuan(bill.acct)}{q},'
        f'"psn_cash_pay":{q}{yuan(bill.cash)}{q},"balc":{q}{yuan(bill.balc)}{q},"acct_mulaid_pay":{q}{yuan(bill.mulaid)}{q},'
        f'"medins_setl_id":"","clr_optins":"990101","clr_way":"1","clr_type":"{clr_type or med_type[:2]}","exp_content":""}},'
        f'"setldetail":[{detail}]}}'
    )


_RATIOS: dict[int, str] = {}


def _ratio(basis_points: int) -> str:
    """A share in basis points as a decimal with four places."""
    text = _RATIOS[basis_points] = f"{basis_points // 10000}.{basis_points % 10000:04d}"
    return text


def _nothing(q: str) -> str:
    names = (
        "cvlserv_pay",
        "hifes_pay",
        "hifmi_pay",
        "hifob_pay",
        "hifdm_pay",
        "maf_pay",
        "hosp_part_amt",
        "oth_pay",
    )
    return "".join(f'"{name}":{q}0.00{q},' for name in names)


#: Where only the pool pays; by whether amounts are JSON numbers.
_NO_OTHER_FUNDS = {False: _nothing('"'), True: _nothing("")}

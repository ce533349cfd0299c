"""Money in whole cents, and the settlement of a claim under an invented policy.

The identities of the national interface hold for every settlement made here:

    medfee_sumamt   = fund_pay_sumamt + psn_part_amt + hosp_part_amt
    psn_part_amt    = acct_pay + psn_cash_pay               (acct_mulaid_pay is a part of acct_pay)
    fund_pay_sumamt = hifp + hifmi + hifob + hifes + cvlserv + maf + oth
    medfee_sumamt   = fulamt_ownpay_amt + overlmt_selfpay + preselfpay_amt + inscp_scp_amt
"""

from __future__ import annotations

from dataclasses import dataclass, field

_HUNDREDTHS = [f".{n:02d}" for n in range(100)]
#: Amounts below 300 yuan are most of all that is ever written.
_SMALL = [f"{n // 100}{_HUNDREDTHS[n % 100]}" for n in range(30000)]


def yuan(cents: int) -> str:
    """Cents as a decimal with two places."""
    if 0 <= cents < 30000:
        return _SMALL[cents]
    if cents < 0:
        return f"-{-cents // 100}{_HUNDREDTHS[-cents % 100]}"
    return f"{cents // 100}{_HUNDREDTHS[cents % 100]}"


def share(cents: int, basis_points: int) -> int:
    """cents x basis_points / 10 000, rounded half up to a whole cent."""
    return (cents * basis_points + 5000) // 10000


@dataclass(slots=True)
class Sums:
    """What the lines of a claim add up to, in cents."""

    total: int = 0
    own: int = 0
    over: int = 0
    first: int = 0
    scope: int = 0


@dataclass(slots=True)
class Bill:
    """A settled claim, in cents."""

    sums: Sums
    dedc: int = 0
    ratio: int = 0  # basis points
    hifp: int = 0
    cvlserv: int = 0
    hifes: int = 0
    hifmi: int = 0
    hifob: int = 0
    maf: int = 0
    oth: int = 0
    hosp: int = 0
    fund: int = 0
    psn: int = 0
    acct: int = 0
    cash: int = 0
    mulaid: int = 0
    balc: int = 0
    funds: list[tuple[str, int]] = field(default_factory=list)  # fund_pay_type, cents


#: Deductible of a stay in cents by tier of the hospital (1 township, 2 county, 3 city). Invented.
STAY_DEDUCTIBLE = {1: 20000, 2: 50000, 3: 90000}
#: Share of the pool in basis points by insurance and tier. Invented.
STAY_RATIO = {"310": {1: 9200, 2: 8800, 3: 8500}, "390": {1: 8500, 2: 7500, 3: 6200}}
CLINIC_RATIO = {"310": {1: 6000, 2: 5500, 3: 5000}, "390": {1: 5500, 2: 3500, 3: 0}}
CHRONIC_RATIO = {"310": {1: 7500, 2: 7000, 3: 6500}, "390": {1: 6500, 2: 6000, 3: 5000}}
#: Yearly limits of the pool in cents.
STAY_CAP = {"310": 30000000, "390": 20000000}
CLINIC_CAP = {"310": 300000, "390": 40000}
#: Serious-illness insurance: above this personal burden (cents) it pays this share (basis points).
SERIOUS_FROM, SERIOUS_RATIO = 1400000, 6000


def settle(
    sums: Sums,
    *,
    insutype: str,
    mode: str,
    tier: int,
    spent: int,
    paid_deductible: bool,
    assisted: bool,
    servant: bool,
    account: int,
    shared: bool,
) -> Bill:
    """Settle a claim.

    `mode`: stay, clinic, chronic, shop (fund pays nothing). `spent`: what the pool has paid this year for this
    mode (cents). `paid_deductible`: a stay of the year has paid it, the next pays half. `account`: balance that
    may be used (0: none); `shared`: it is a relative's account.
    """
    bill = Bill(sums)
    scope = sums.scope
    if mode == "stay":
        bill.dedc = min(scope, STAY_DEDUCTIBLE[tier] // (2 if paid_deductible else 1))
        bill.ratio = STAY_RATIO[insutype][tier]
        bill.hifp = min(share(scope - bill.dedc, bill.ratio), max(0, STAY_CAP[insutype] - spent))
        pool = "310100" if insutype == "310" else "390100"
    elif mode == "chronic":
        bill.ratio = CHRONIC_RATIO[insutype][tier]
        bill.hifp = share(scope, bill.ratio)
        pool = "310100" if insutype == "310" else "390100"
    elif mode == "clinic":
        bill.ratio = CLINIC_RATIO[insutype][tier]
        bill.hifp = min(share(scope, bill.ratio), max(0, CLINIC_CAP[insutype] - spent))
        pool = "310102" if insutype == "310" else "390102"
    else:
        pool = "310102"
    if bill.hifp:
        bill.funds.append((pool, bill.hifp))
    burden = scope - bill.hifp
    if mode == "stay":
        if burden > SERIOUS_FROM:
            serious = share(burden - SERIOUS_FROM, SERIOUS_RATIO)
            if insutype == "310":
                bill.hifob = serious
                bill.funds.append(("330100", serious))
            else:
                bill.hifmi = serious
                bill.funds.append(("390200", serious))
            burden -= serious
        if servant and burden > 0:
            bill.cvlserv = share(burden, 5000)
            bill.funds.append(("320100", bill.cvlserv))
            burden -= bill.cvlserv
        if assisted and burden > 0:
            bill.maf = share(burden, 7000)
            bill.funds.append(("610100", bill.maf))
    bill.fund = bill.hifp + bill.hifmi + bill.hifob + bill.hifes + bill.cvlserv + bill.maf + bill.oth
    bill.psn = sums.total - bill.fund - bill.hosp
    bill.acct = min(bill.psn, account) if account > 0 else 0
    if shared:
        bill.mulaid = bill.acct
    bill.cash = bill.psn - bill.acct
    bill.balc = max(0, account - bill.acct) if not shared else 0
    return bill

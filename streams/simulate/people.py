"""Residents: households with their relations, employers, villages, insurance and illnesses. All invented."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.simulate.catalogue import CHRONICS, RENAL, Chronic
from streams.simulate.clock import DATE, DATE_DIGITS
from streams.simulate.dice import Dice
from streams.simulate.world import World

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
)
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志文斌海燕宁欣怡子涵浩然梓轩雨桐思远嘉豪"

#: The county, by its administrative code; real codes do not begin with 99.
HOME = "990101"

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"


def certificate(born: int, male: bool, number: int, area: str = HOME) -> str:
    """An 18-character identity number with a valid check digit (GB 11643) in an area that does not exist."""
    serial = number % 500 * 2 % 1000 + (1 if male else 0)
    body = f"{area}{DATE_DIGITS[born]}{serial:03d}"
    return body + _CHECK[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


@dataclass(slots=True, eq=False)
class Period:
    """An insured period, day numbers; `end` None: open."""

    insutype: str
    begin: int
    end: int | None = None


@dataclass(slots=True, eq=False)
class Person:
    """A resident. Days are day numbers, money is cents."""

    number: int
    psn_no: str
    name: str
    gend: str
    born: int
    certno: str
    insutype: str
    psn_type: str
    village: int
    emp_name: str
    tel: str
    ident: str = ""  # psn_idet_type
    servant: bool = False
    periods: list[Period] = field(default_factory=list)
    relatives: list[tuple[Person, str, int]] = field(default_factory=list)  # member, its relation, since
    chronic: tuple[Chronic, ...] = ()
    renal: bool = False
    cancer: bool = False
    psychotic: bool = False
    dead: int | None = None
    account: int = 0
    topup: int = 0  # cents a month
    # What this year's settlements have used.
    stay_spent: int = 0
    clinic_spent: int = 0
    paid_deductible: bool = False
    account_spent: int = 0
    visits: int = 0
    bills: int = 0
    described: str = ""

    def age(self, day: int) -> int:
        """Whole years on a day number (years of 365.25 days)."""
        return max(0, int((day - self.born) / 365.25))

    def next_visit(self) -> str:
        self.visits += 1
        return f"M{self.number:08d}{self.visits:04d}"

    def next_bill(self) -> str:
        self.bills += 1
        return f"S{self.number:08d}{self.bills:04d}"

    def describe(self, day: int) -> str:
        """The person's own fields of a `setlinfo` node."""
        if not self.described:
            self.described = (
                f'"psn_no":"{self.psn_no}","psn_name":"{self.name}","psn_cert_type":"01","certno":"{self.certno}",'
                f'"gend":"{self.gend}","naty":"01","brdy":"{DATE[self.born]}","age":"{self.age(day)}.0",'
                f'"insutype":"{self.insutype}","psn_type":"{self.psn_type}",'
                f'"cvlserv_flag":"{1 if self.servant else 0}"'
            )
        return self.described


class Residents:
    """Makes residents, one household after another."""

    def __init__(self, world: World, employers: int, villages: int) -> None:
        self.world = world
        self.employers = employers
        self.villages = villages
        self.made = 0

    def household(self, dice: Dice, most: int) -> list[Person]:
        """A household of at most `most` persons, related to each other."""
        u = dice.u
        village = dice.below(self.villages)
        today = self.world.first
        couple = u() < 0.72
        head = self.person(dice, gend="1" if u() < 0.6 else "2", age=24 + int(u() * 58), village=village)
        home = [head]
        if couple and most > 1:
            partner = self.person(
                dice,
                gend="2" if head.gend == "1" else "1",
                age=max(22, head.age(today) - 4 + int(u() * 8)),
                village=village,
            )
            relate(head, partner, "spouse", today - 4000)
            home.append(partner)
            eldest = min(head.age(today), partner.age(today)) - 22
            children = int(u() * 2.6) if eldest > 0 else 0
            for _ in range(min(children, most - len(home))):
                age = int(u() * min(eldest, 40))
                child = self.person(dice, gend="1" if u() < 0.51 else "2", age=age, village=village)
                for parent in (head, partner):
                    relate(parent, child, "child", child.born)
                for sibling in home[2:]:
                    relate(sibling, child, "sibling", child.born)
                home.append(child)
        if head.age(today) < 50 and len(home) < most and u() < 0.30:
            elder = self.person(
                dice, gend="1" if u() < 0.42 else "2", age=head.age(today) + 25, village=village
            )
            relate(head, elder, "parent", head.born)
            for child in home[2:]:
                relate(child, elder, "grandparent", child.born)
            home.append(elder)
        return home

    def person(
        self,
        dice: Dice,
        *,
        gend: str | None = None,
        age: int | None = None,
        insutype: str | None = None,
        village: int | None = None,
        healthy: bool = False,
    ) -> Person:
        """One resident. What is not said is drawn; `healthy`: no chronic disease."""
        u = dice.u
        today = self.world.first
        self.made += 1
        number = self.made
        gend = gend or ("1" if u() < 0.5 else "2")
        years = age if age is not None else 18 + int(u() * 62)
        born = today - int(years * 365.25) - int(u() * 365)
        working, retired = 22 <= years < (60 if gend == "1" else 55), years >= 55
        employed = u() < 0.42 if working else (u() < 0.38 if retired else False)
        insutype = insutype or ("310" if employed else "390")
        if insutype == "310":
            psn_type = "12" if retired and not working else "11"
        else:
            psn_type = "1403" if years < 18 else ("16" if years >= 60 else "15")
        since = max(born, today - 365 - int(u() * 3000))
        person = Person(
            number=number,
            psn_no=f"9901{number:016d}",
            name=SURNAMES[int(u() * len(SURNAMES))]
            + GIVEN[int(u() * len(GIVEN))]
            + (GIVEN[int(u() * len(GIVEN))] if u() < 0.7 else ""),
            gend=gend,
            born=born,
            certno=certificate(born, gend == "1", number),
            insutype=insutype,
            psn_type=psn_type,
            village=village if village is not None else dice.below(self.villages),
            emp_name=f"测试单位{dice.below(self.employers) + 1:03d}" if insutype == "310" else "",
            tel=f"199{number:08d}",
            periods=[Period(insutype, since)],
        )
        if insutype == "310":
            person.account = int(u() * 300000)
            person.topup = 8000 + int(u() * 20000)
            person.servant = u() < 0.08
        elif u() < 0.05:
            person.ident = "2303"
        if not healthy:
            self._fall_ill(dice, person, years)
        return person

    def _fall_ill(self, dice: Dice, person: Person, years: int) -> None:
        u = dice.u
        if years >= 40:
            odds = 0.12 if years < 60 else 0.42
            person.chronic = tuple(
                disease
                for disease in CHRONICS
                if u() < odds * (1, 0.45, 0.3, 0.06, 0.06)[CHRONICS.index(disease)]
            )
            person.renal = u() < 0.0009
            person.cancer = not person.renal and u() < 0.0016
        if years >= 20:
            person.psychotic = not person.renal and not person.cancer and u() < 0.0012
        if person.renal:
            person.chronic = (RENAL,)


def relate(person: Person, member: Person, relation: str, since: int) -> None:
    """`member` is the `relation` of `person` since a day number."""
    person.relatives.append((member, relation, since))


def kin(person: Person) -> list[Person]:
    """The relatives that the person's own rows name."""
    return [member for member, _, _ in person.relatives]

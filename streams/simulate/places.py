"""Institutions of the county and beyond: departments, beds, doctors, counters. All invented."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.simulate.clock import DAY, HOUR
from streams.simulate.dice import Dice
from streams.simulate.people import HOME
from streams.simulate.world import World

#: Departments by code: name, share of the hospital's beds.
DEPARTMENTS = {
    "A02": ("全科医疗科", 4), "A03.01": ("呼吸内科", 12), "A03.02": ("消化内科", 8), "A03.03": ("神经内科", 12),
    "A03.04": ("心血管内科", 12), "A03.07": ("内分泌科", 8), "A04.01": ("普通外科", 10), "A04.03": ("骨科", 10),
    "A04.04": ("泌尿外科", 7), "A05.01": ("妇科", 6), "A05.02": ("产科", 8), "A07.01": ("新生儿科", 4),
    "A07.04": ("小儿呼吸科", 8), "A10": ("眼科", 5), "A13": ("皮肤科", 1), "A15": ("精神科", 10), "A19": ("肿瘤科", 8),
    "A20": ("急诊医学科", 3), "A28": ("重症医学科", 3), "A50": ("中医科", 8), "A03.06": ("肾病学科", 3),
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Counter:
    """Where messages are sent from: an operator at a terminal, with the envelope they share."""

    place: Place
    opter: str
    opter_type: str
    dev_no: str
    head: str  # after msgid
    tail: str  # after inf_time


@dataclass(slots=True, eq=False)
class Place:
    """An institution. `tier`: 1 township and village, 2 county, 3 city; `numbers`: it writes JSON numbers."""

    code: str
    name: str
    kind: str  # fixmedins_type
    level: str  # hosp_lv
    admdvs: str
    tier: int
    beds: int = 0
    longitude: float = 0.0
    latitude: float = 0.0
    numbers: bool = False
    orders: bool = True  # uploads 4402A, 4501, 4502
    depts: tuple[str, ...] = ()
    doctors: dict[str, list[str]] = field(default_factory=dict)
    counters: list[Counter] = field(default_factory=list)
    online: Counter | None = None  # its counter on the internet
    outages: list[tuple[int, int]] = field(default_factory=list)
    sent: int = 0
    receipts: int = 30_000_000
    occupied: dict[str, list[int]] = field(default_factory=dict)

    def doctor(self, dept: str, turn: int) -> str:
        doctors = self.doctors.get(dept) or self.doctors[self.depts[0]]
        return doctors[turn % len(doctors)]

    def next_receipt(self) -> str:
        """Number of an electronic receipt: ten digits, once in this institution."""
        self.receipts += 1
        return f"{self.receipts:010d}"

    def bed(self, dept: str, begin: int, end: int, origin: int) -> str:
        """A bed of the department that nobody else has on any day from begin to end (day numbers), then taken."""
        beds = self.occupied.setdefault(dept, [])
        mask = ((1 << (end - begin + 1)) - 1) << (begin - origin)
        for number, taken in enumerate(beds):
            if not taken & mask:
                beds[number] = taken | mask
                return f"{number + 1:02d}"
        beds.append(mask)
        return f"{len(beds):02d}"

    def dark(self, begin: int, end: int) -> bool:
        """Whether an outage touches the time from begin to end (seconds)."""
        return any(start < end and begin < stop for start, stop in self.outages)


@dataclass(slots=True)
class Places:
    """All institutions, by what they are for."""

    county: list[Place]
    branch: Place
    psychiatric: Place
    maternity: Place
    centre: Place
    townships: list[Place]
    clinics: list[Place]
    pharmacies: list[Place]
    city: Place
    province: Place

    def all(self) -> list[Place]:
        return [
            *self.county, self.branch, self.psychiatric, self.maternity, self.centre, *self.townships, *self.clinics,
            *self.pharmacies, self.city, self.province,
        ]  # fmt: skip

    def hospitals(self) -> list[Place]:
        """General hospitals of the county with wards: county and township."""
        return [*self.county, *self.townships]


def build(world: World) -> Places:
    """The institutions of a world, as many as its people need."""
    dice = Dice(world.seed, 2)
    serial = {"H": 0, "P": 0}

    def place(
        kind: str,
        name: str,
        level: str,
        tier: int,
        *,
        admdvs: str = HOME,
        beds: int = 0,
        at: tuple[float, float] | None = None,
        depts: tuple[str, ...] = (),
        desks: int = 2,
    ) -> Place:
        serial[kind] += 1
        number = serial[kind]
        lon, lat = at or (110.0 + int(dice.u() * 300) / 1000, 33.0 + int(dice.u() * 250) / 1000)
        new = Place(
            f"{kind}{admdvs}{number:05d}",
            name,
            "1" if kind == "H" else "2",
            level,
            admdvs,
            tier,
            beds,
            lon,
            lat,
            numbers=number % 3 == 2,
            depts=depts,
        )
        for dept in depts:
            first = sum(len(some) for some in new.doctors.values())
            count = 2 + beds * DEPARTMENTS[dept][1] // 1500
            new.doctors[dept] = [f"D{admdvs}{number:03d}{first + n + 1:03d}" for n in range(count)]
        for desk in range(desks):
            new.counters.append(counter(new, desk))
        return new

    wards = tuple(
        dept for dept in DEPARTMENTS if dept not in ("A13", "A15", "A19", "A05.02", "A07.01", "A03.06")
    )
    counties = max(1, round(world.persons / 40000))
    per_bed = max(60, world.persons // 200 // counties)
    county = [
        place(
            "H",
            f"测试县人民医院{n + 1}",
            "5",
            2,
            beds=per_bed,
            at=(110.150 + n / 50, 33.120 + n / 60),
            depts=(*wards, "A13"),
            desks=8,
        )
        for n in range(counties)
    ]
    branch = place(
        "H",
        "测试县人民医院门诊部",
        "5",
        2,
        at=(county[0].longitude, county[0].latitude),
        depts=("A02", "A50"),
    )
    psychiatric = place("H", "测试县精神病医院", "6", 2, beds=60, depts=("A15",))
    maternity = place(
        "H", "测试县妇幼保健院", "6", 2, beds=50, depts=("A05.02", "A05.01", "A07.01", "A07.04"), desks=3
    )
    centre = place("H", "测试县肿瘤血透中心", "6", 2, beds=40, depts=("A19", "A03.06"), desks=3)
    townships = [
        place("H", f"测试县第{n + 1}乡镇卫生院", "9", 1, beds=30, depts=wards, desks=2)
        for n in range(max(4, world.persons // 2500))
    ]
    townships[1].orders = False
    clinics = [
        place("H", f"测试县第{n + 1}村卫生室", "11", 1, depts=("A02",), desks=1)
        for n in range(max(3, world.persons // 900))
    ]
    pharmacies = [
        place("P", f"测试大药房{n + 1:03d}店", "11", 1, desks=2) for n in range(max(4, world.persons // 1100))
    ]
    city = place(
        "H",
        "测试市第一人民医院",
        "2",
        3,
        admdvs="990201",
        beds=900,
        at=(111.010, 33.130),
        depts=(*wards, "A19"),
        desks=4,
    )
    province = place(
        "H",
        "邻省中心医院",
        "2",
        3,
        admdvs="980101",
        beds=900,
        at=(110.150, 33.840),
        depts=(*wards, "A19"),
        desks=4,
    )
    city.online = counter(city, 90, opter_type="3", dev_no="APP")
    dark = townships[2]
    day = world.first + 9
    while day + 8 < world.last:
        dark.outages.append((day * DAY + 17 * HOUR, day * DAY + 17 * HOUR + 64 * HOUR))
        day += 30
    return Places(
        county, branch, psychiatric, maternity, centre, townships, clinics, pharmacies, city, province
    )


def counter(place: Place, number: int, *, opter_type: str = "1", dev_no: str | None = None) -> Counter:
    """A counter of an institution; every fourth one has a terminal without a name."""
    opter = f"{'YD' if place.kind == '2' else 'YB'}{place.code[-5:]}{number + 1:02d}"
    device = (
        dev_no
        if dev_no is not None
        else ("null" if number % 4 == 3 else f"POS-{place.code[-5:]}-{number + 1}")
    )
    return Counter(
        place,
        opter,
        opter_type,
        device,
        f'","mdtrtarea_admvs":"{place.admdvs}","insuplc_admdvs":"{HOME}","recer_sys_code":"FSI_LOCAL","dev_no":"{device}",'
        f'"dev_safe_info":"","cainfo":"","signtype":"","infver":"V1.0","opter_type":"{opter_type}","opter":"{opter}",'
        f'"opter_name":"测试员{number + 1}","inf_time":"',
        f'","fixmedins_code":"{place.code}","fixmedins_name":"{place.name}","sign_no":"QD{place.code[-8:]}{number + 1:02d}",',
    )

"""What kinds of institutions there are: ordinary ones of three sizes, and honest ones that are unlike all others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.simulate import catalogue as cat
from streams.simulate.catalogue import Illness

#: Illnesses with a weight.
Mix = tuple[tuple[Illness, int], ...]

#: Factor on the usual number of admissions on a day (days since the world's first).
Season = Callable[[int], float]


def _even(_: int) -> float:
    """Every day alike."""
    return 1.0


def _wave(day: int) -> float:
    """Influenza for four weeks from the third week on: three times as many."""
    return 3.0 if 18 <= day < 46 else 1.0


def _wing(day: int) -> float:
    """A wing opened on the sixtieth day (1 March of a world that starts in January)."""
    return 0.7 if day < 59 else 1.9


@dataclass(frozen=True, slots=True)
class Profile:
    """An institution's trade. `sizes`: stays a month, one of these; `ages` of its patients, years.

    `stretch`: factor on the nights of a stay; `cycle`: days after which a patient comes back as planned (0: not);
    `on_dialysis`: its patients on dialysis, for each ten stays a month; `regulars`: its chronic outpatients likewise; `transfers`:
    share sent on from elsewhere, the gravest; `villages`: how many it draws on.
    """

    kind: str
    name: str
    level: str  # hosp_lv
    tier: int
    depts: tuple[str, ...]
    mix: Mix
    sizes: tuple[int, ...]
    ages: tuple[int, int] = (0, 100)
    villages: int = 12
    stretch: float = 1.0
    season: Season = _even
    cycle: int = 0
    by_day: bool = False
    on_dialysis: int = 0
    regulars: int = 0
    transfers: float = 0.0
    weekend: float | None = None  # factor on Saturdays and Sundays; None: a habit of the house


_SMALL_DEPTS = ("A02", "A03.01", "A03.04", "A50")
_MIDDLE_DEPTS = ("A02", "A03.01", "A03.02", "A03.03", "A03.04", "A04.01", "A50", "A10")
_LARGE_DEPTS = (
    *("A02", "A03.01", "A03.02", "A03.03", "A03.04", "A03.07", "A04.01", "A04.03", "A04.04", "A05.01", "A07.04"),
    *("A10", "A20", "A28", "A50"),
)  # fmt: skip
_UNOPERATED: Mix = tuple(
    (illness, weight) for illness, weight in cat.STAY_ILLNESSES if illness.operation is None
)

GENERAL = (
    Profile("general", "镇卫生院", "9", 1, _SMALL_DEPTS, _UNOPERATED, (8, 10, 12, 16, 20, 26)),
    Profile("general", "民营医院", "6", 2, _MIDDLE_DEPTS, cat.STAY_ILLNESSES, (12, 16, 20, 26, 34, 44)),
    Profile("general", "综合医院", "5", 2, _LARGE_DEPTS, cat.STAY_ILLNESSES, (26, 34, 44, 60, 80)),
)

_REHABILITATION = Illness(
    "Z50.100", "康复治疗", "A50", (cat.XUESAITONG,), (cat.BLOOD,), (), (cat.REHABILITATION,), (12, 20)
)
_RENAL = Illness("N18.500", "慢性肾脏病5期", "A03.06", (cat.HEPARIN, cat.ERYTHROPOIETIN), (cat.KIDNEY, cat.ELECTROLYTE), (),
                 (cat.DIALYSIS,), (2, 4), ages=(30, 85))  # fmt: skip

#: Honest, and unlike all others.
UNUSUAL = (
    Profile("dialysis", "血液透析中心", "6", 2, ("A03.06",), ((_RENAL, 1),), (12, 16), (30, 85), 30, on_dialysis=6),
    Profile("psychiatric", "精神病医院", "6", 2, ("A15",), ((cat.SCHIZOPHRENIA, 1),), (10, 14), (18, 70), 40, by_day=True),
    Profile("oncology", "肿瘤医院", "5", 2, ("A19",), ((cat.CHEMOTHERAPY, 1),), (12, 16), (35, 85), 40, cycle=21),
    Profile(
        "maternity", "妇幼保健院", "6", 2, ("A05.02", "A05.01"),
        ((cat.DELIVERY, 6), (cat.CAESAREAN_CASE, 4), (cat.FIBROIDS, 1)), (26, 34), (20, 44), 40, weekend=1.0,
    ),
    Profile(
        "referral_hospital", "中心医院", "5", 2, _LARGE_DEPTS,
        ((cat.STROKE, 12), (cat.HEART_FAILURE, 10), (cat.PNEUMONIA, 8), (cat.FRACTURE, 10), (cat.APPENDIX, 6), (cat.CORONARY, 8)),
        (220,), villages=80, stretch=1.1, transfers=0.3,
    ),
    Profile(
        "among_the_old", "山区卫生院", "9", 1, _SMALL_DEPTS, ((cat.COPD, 6), (cat.HEART_FAILURE, 5), (cat.STROKE, 3)), (10, 12, 16),
        (72, 95), 2, stretch=1.1, regulars=20,
    ),
    Profile("flu_wave", "镇卫生院", "9", 1, _SMALL_DEPTS, ((cat.PNEUMONIA, 6), (cat.BRONCHITIS, 5), (cat.COPD, 3)), (16, 20),
            season=_wave, weekend=0.9),
    Profile(
        "new_wing", "综合医院", "5", 2, _LARGE_DEPTS, (*cat.STAY_ILLNESSES, (_REHABILITATION, 10)), (34, 44), season=_wing,
    ),
)  # fmt: skip

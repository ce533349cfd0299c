"""Illnesses that bring people back to a bed, shared by the behaviours about repeated stays."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate.catalogue import Illness

DIALYSIS = Illness(
    "Z49.100", "体外透析", "A03.06", (cat.HEPARIN,), (cat.KIDNEY,), (), (cat.DIALYSIS,), (2, 3)
)
HAEMOPHILIA = Illness(
    "D66.x00",
    "遗传性因子Ⅷ缺乏（血友病A）",
    "A02",
    (cat.SALINE,),
    (cat.CLOTTING,),
    (),
    (cat.INFUSION,),
    (2, 3),
)
REHABILITATION = Illness(
    "Z50.100", "康复治疗", "A50", (cat.XUESAITONG,), (cat.BLOOD,), (), (cat.REHABILITATION,), (3, 5)
)

#: Illnesses of six different chapters: a return with the next one is no decomposed stay.
CHAPTERS = (cat.PNEUMONIA, cat.CORONARY, cat.GASTRITIS, cat.BACK, cat.KIDNEY_STONE, cat.DIABETES)

"""What is said of a ring, in Chinese and English."""

from __future__ import annotations

from types import MappingProxyType

from detectors.anomaly.rings.chance import act_of
from detectors.anomaly.rings.meetings import TOGETHER

#: The indicators of a ring, as they are read.
WORDS = MappingProxyType(
    {
        "joint_dates": "每对先后到达的日期数",
        "common_dates": "每对同日到院的日期数",
        "ring_members": "同行人数",
    }
)

#: Acts, in Chinese and English.
_ACTS = MappingProxyType(
    {
        "admitted": ("入院", "were admitted"),
        "visited": ("就诊", "were seen"),
        "bought": ("购药", "bought"),
        "settled": ("出院结算", "settled"),
    }
)

NOTHING = "同行不多于巧合"
NOTHING_EN = "together no more often than chance has it"

#: Why a ring has no score.
FEW_VISITS = "病例不足"


def sentences(members: int, place: str, gatherings: int, observed: float, expected: float) -> tuple[str, str]:
    """A sentence of a ring: how many, where they meet most, on how many dates, and what chance would have."""
    act = act_of(place)
    chinese, english = _ACTS.get(act.removesuffix("|day"), ("就诊", "were seen"))
    by_day = act.endswith("|day")
    when = "同日" if by_day else f"相隔{TOGETHER}分钟以内"
    when_en = "on one day" if by_day else f"within {TOGETHER} minutes of each other"
    usual = f"{expected:.1f}" if expected >= 0.05 else "不足0.1"
    usual_en = f"{expected:.1f}" if expected >= 0.05 else "less than 0.1"
    return (
        f"{members}名参保人在{gatherings}个日期结伴{chinese}（{when}），每两人平均{observed:.1f}次；"
        f"按各人到院次数，巧合预计{usual}次；已排除同户、同一养老机构或学校、透析、放化疗与体检",
        f"{members} insured persons {english} together on {gatherings} dates ({when_en}), {observed:.1f} times a pair; by how often "
        f"each goes there chance would have {usual_en}; households, nursing homes, schools, dialysis, cycles and check-ups are left out",
    )

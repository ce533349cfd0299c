"""Promise 8: facts outside a rule's lookback from the anchor change nothing about that alert."""

from __future__ import annotations

import re

from tests.promises.conftest import Judged
from tests.promises.kernel import alerts_of, encode, message, rulebook

#: Far beyond every lookback.
YEARS = 20

_DATE = re.compile(r"\b(20\d\d)-(\d\d-\d\d)")
_IDS = re.compile(
    r'("(?:msgid|mdtrt_id|setl_id|omsgid|mdtrt_sn|rpotc_no|drord_no|medcas_drord_detl_id|bill_no|invono|drug_trac_codg|'
    r'rtal_docno|refl_old_mdtrt_id)"\s*:\s*")([^"]+)"'
)


def long_after(line: bytes) -> bytes:
    """The same event of the same persons at the same institutions, twenty years later under other numbers."""
    text = line.decode()
    text = _DATE.sub(lambda found: f"{int(found[1]) + YEARS}-{found[2]}", text)
    return _IDS.sub(lambda found: f'{found[1]}{found[2][:26]}x20"', text).encode()


def test_what_lies_outside_the_lookback_changes_nothing(world: Judged) -> None:
    good = [line for line in world.lines if (read := message(line)) is not None and "registry" not in read]
    again = alerts_of([*world.lines, *map(long_after, good)], world.watermark)
    by_id = {alert.jr_id: alert for alert in again}
    bounded = {rule.code for rule in rulebook().rules if rule.lookback is not None}
    checked = [alert for alert in world.alerts if alert.rule_code in bounded]
    changed = [
        (alert.rule_code, encode(alert), encode(by_id[alert.jr_id]) if alert.jr_id in by_id else None)
        for alert in checked
        if alert.jr_id not in by_id or by_id[alert.jr_id].revision != alert.revision
    ]
    assert not changed, changed[:3]
    assert {alert.rule_code for alert in checked} == bounded
    assert len(again) > len(world.alerts), "the later events raise alerts of their own"

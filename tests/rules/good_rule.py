"""A small rule without fault, and how tests write it, changed here and there, into a folder."""

from __future__ import annotations

from pathlib import Path

from rules.rulebook import Rule, read_rule

HEADER = """\
code: GB-90
name: 出院后收费
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: item
severity: [1]
status: live
version: 1
official: GZ10000201008000 计费日期与住院时间不符
law: [条例38(一)]
case_cause: 11
route: supervision
money: fund
lookback: 120 d
needs: [visit.begntime, visit.dscg_time, fee_line]
judges:
  from: visit where inpatient
  missing:
    出院登记: dscg_time is null
    明细被拒收: incomplete
params:
  grace: {default: 24, min: 0, max: 72, unit: h, source: 工程默认值}
exempt:
  discharge_drugs: 出院带药不计。
sentence: 患者于{dscg_time}出院，此后仍收费{lines}项。
"""

SQL = """\
with
-- 出院后的明细
late as (
    select l.mdtrt_id, l.fee_ocur_time, l.msgid, l.det_item_fee_sumamt
    from judged v
    join fee_line l using (mdtrt_id)
    where near(v.begntime, l.fee_ocur_time, $lookback)
        and l.fee_ocur_time > v.dscg_time + $grace
        and coalesce(l.dscg_tkdrug_flag, '0') <> '1' -- exempt: discharge_drugs
)
select l.mdtrt_id, 1 as severity, min(v.begntime) as occurred_at, min(v.dscg_time) as dscg_time,
    count(*) as lines, sum(l.det_item_fee_sumamt) as gross, list(l.msgid order by l.msgid) as evidence
from late l
join judged v using (mdtrt_id)
group by l.mdtrt_id
"""

CASES = """\
- name: 出院两天后收费
  given: &late
    visit: [{mdtrt_id: M1, begntime: 2026-01-01 08:00:00, dscg_time: 2026-01-05 10:00:00}]
    fee_line: [{mdtrt_id: M1, feedetl_sn: "1", fee_ocur_time: 2026-01-07 08:00:00, det_item_fee_sumamt: 20}]
  expect: [{mdtrt_id: M1, severity: 1, lines: 1}]
- name: 宽限内
  given: *late
  params: {grace: 72}
  expect: []
- name: 出院带药
  exempt: discharge_drugs
  given:
    visit: [{mdtrt_id: M1, begntime: 2026-01-01 08:00:00, dscg_time: 2026-01-05 10:00:00}]
    fee_line: [{mdtrt_id: M1, feedetl_sn: "1", dscg_tkdrug_flag: "1", fee_ocur_time: 2026-01-07 08:00:00}]
  expect: []
"""


def write_rule(
    folder: Path,
    *changes: tuple[str, str],
    name: str = "ghost_bed/charged_late",
    header: str = HEADER,
    sql: str = SQL,
    cases: str | None = CASES,
) -> Path:
    """Write the good rule with pieces of it replaced; each piece must be there. Returns the path of the SQL."""
    texts = {"header": header, "sql": sql, "cases": cases or ""}
    for old, new in changes:
        assert any(old in text for text in texts.values()), f"the good rule does not hold {old!r}"
        texts = {part: text.replace(old, new) for part, text in texts.items()}
    path = folder / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"/*\n{texts['header']}*/\n{texts['sql']}", encoding="utf-8")
    if cases is not None:
        path.with_suffix(".cases.yaml").write_text(texts["cases"], encoding="utf-8")
    return path


def good_rule(folder: Path, *changes: tuple[str, str]) -> Rule:
    """The good rule, changed, as it is read."""
    return read_rule(write_rule(folder, *changes))

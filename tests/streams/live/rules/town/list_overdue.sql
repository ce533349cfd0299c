/*
code: TL-03
name: 清单逾期
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: encounter
severity: [3]
status: live
version: 1
official: null
law: [条例38(一)]
case_cause: 11
route: supervision
money: fund
lookback: 20 d
needs: [visit.begntime, settlement.setl_time]
may_use: [visit.list_uploaded]
judges:
  from: visit where inpatient
params:
  days: {default: 5, min: 1, max: 10, unit: days, source: 测试}
sentence: "结算后{days}日未上传清单。"
*/
select v.mdtrt_id, min(v.psn_no) as psn_no, min(v.fixmedins_code) as fixmedins_code, 3 as severity, min(v.begntime) as occurred_at,
    $days as days, max(s.setl_time) + to_days($days) as due_at,
    [visit_item(v.mdtrt_id)] as items, list(s.msgid order by s.msgid) as evidence
from judged v
join settlement s using (mdtrt_id)
where not v.list_uploaded and near(v.begntime, s.setl_time, $lookback - to_days($days))
group by v.mdtrt_id

/*
code: TL-08
name: 频繁门诊
key: person
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
needs: [visit.begntime]
judges:
  from: visit where not inpatient
sentence: "二十日内门诊{visits}次。"
*/
select v.mdtrt_id, v.psn_no, v.fixmedins_code, 3 as severity, v.begntime as occurred_at, count(*) as visits,
    list(visit_item(b.mdtrt_id) order by b.mdtrt_id) as items, list(b.adm_msgid order by b.adm_msgid) as evidence
from judged v
join visit b on b.psn_no = v.psn_no and not b.inpatient and b.begntime <= v.begntime and near(v.begntime, b.begntime, $lookback)
group by v.mdtrt_id, v.psn_no, v.fixmedins_code, v.begntime
having count(*) >= 3

/*
code: TL-01
name: 出院后收费
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: item
severity: [1]
status: live
version: 1
official: null
law: [条例38(一)]
case_cause: 11
route: supervision
money: fund
lookback: 20 d
needs: [visit.begntime, visit.dscg_time, fee_line]
judges:
  from: visit where inpatient
params:
  grace: {default: 24, min: 0, max: 72, unit: h, source: 测试}
sentence: "出院后仍收费{lines}项，共{gross}元。"
*/
select v.mdtrt_id, min(v.psn_no) as psn_no, min(v.fixmedins_code) as fixmedins_code, 1 as severity, min(v.begntime) as occurred_at,
    count(*) as lines, sum(l.det_item_fee_sumamt) as gross,
    list(line_item(l.mdtrt_id, l.feedetl_sn) order by l.feedetl_sn) as items,
    flatten(list([v.adm_msgid, v.dscg_msgid, l.msgid] order by l.feedetl_sn)) as evidence
from judged v
join fee_line l using (mdtrt_id)
where near(v.begntime, v.dscg_time, $lookback) and near(v.begntime, l.fee_ocur_time, $lookback)
    and l.fee_ocur_time > v.dscg_time + $grace
group by v.mdtrt_id

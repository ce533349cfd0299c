/*
code: TL-06
name: 超限价
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: item
severity: [3]
status: live
version: 1
official: null
law: [条例38(一)]
case_cause: 11
route: supervision
money: fund
lookback: 20 d
needs: [visit.begntime, fee_line.fee_ocur_time, catalogue]
judges:
  from: visit
sentence: "{lines}项超过限价。"
*/
select v.mdtrt_id, v.psn_no, v.fixmedins_code, 3 as severity, v.begntime as occurred_at, count(*) as lines,
    list(line_item(l.mdtrt_id, l.feedetl_sn) order by l.feedetl_sn) as items,
    list_sort(list_distinct(flatten(list([l.msgid, c.msgid] order by l.feedetl_sn)))) as evidence
from judged v
join fee_line l on l.mdtrt_id = v.mdtrt_id and near(v.begntime, l.fee_ocur_time, $lookback)
join catalogue c on c.med_list_codg = l.med_list_codg and l.fee_ocur_time >= c.valid_from and l.fee_ocur_time < c.valid_until
    and l.pric > c.pric_uplmt_amt
group by v.mdtrt_id, v.psn_no, v.fixmedins_code, v.begntime

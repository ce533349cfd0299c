/*
code: TL-09
name: 结算与明细不符
key: visit
subject: [visit, mdtrt_id]
anchor: [setl_id]
behaviour: encounter
severity: [2]
status: live
version: 1
official: null
law: [条例38(一)]
case_cause: 11
route: supervision
money: fund
lookback: 20 d
needs: [settlement.medfee_sumamt, fee_line.setl_id]
may_use: [visit.begntime, visit.incomplete]
judges:
  from: settlement
sentence: "结算{total}元，明细{gross}元。"
*/
select s.setl_id, s.mdtrt_id, s.psn_no, s.fixmedins_code, 2 as severity, s.setl_time as occurred_at,
    s.medfee_sumamt as total, sum(l.det_item_fee_sumamt) as gross,
    [settlement_item(s.mdtrt_id, s.setl_id)] as items,
    list_sort(list_distinct([s.msgid] || list(l.msgid order by l.msgid) || flatten(list(coalesce(l.refund_msgids, []) order by l.msgid)))) as evidence
from judged s
join visit v on v.mdtrt_id = s.mdtrt_id and not v.incomplete
join fee_line l on l.setl_id = s.setl_id and near(s.setl_time, l.fee_ocur_time, $lookback)
group by s.setl_id, s.mdtrt_id, s.psn_no, s.fixmedins_code, s.setl_time, s.medfee_sumamt, s.msgid
having sum(l.det_item_fee_sumamt) <> s.medfee_sumamt

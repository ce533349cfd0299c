/*
code: AN-01
name: 住院费用、天数或明细远超同类病例
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: encounter
severity: [3]
status: live
version: 1
official: null
law: [条例38(二)]
basis: 本条是统计提示，不是违规认定：与其他机构的同类病例（诊断、年龄、性别、手术、医院等级、险种、转诊、急诊）相比明显偏高的住院，先看这里。
case_cause: 12
route: supervision
money: fund
lookback: 366 d
needs: [visit.begntime, visit.dscg_time, settlement.setl_time, model.stay]
may_use: [fee_line]
judges:
  from: visit join model.stay using (mdtrt_id) where inpatient
  missing:
    入院登记(2401): not_enough = '缺少入院登记'
    住院超过追溯期: not_enough = '住院超过追溯期'
    出院登记(2402): not_enough = '未出院'
    结算(2304): not_enough = '未结算'
    完整的明细: not_enough = '明细不全'
    主要诊断: not_enough = '缺少主要诊断'
    足够的同诊断病例: not_enough = '同诊断病例不足'
    费用、天数或明细: not_enough = '缺少费用、天数与明细'
    得分: score is null
params:
  least_score: {default: 0.999, min: 0.9, max: 0.999999, unit: ratio, source: "工程默认值：基线中不到千分之一的住院更偏离，约合每千次住院提示一次"}
  least_ratio: {default: 2, min: 1.2, max: 10, unit: ratio, source: "工程默认值：实际不到预计两倍的，核查价值不大"}
sentence: 患者于{begntime}入院、{dscg_time}出院，{reason}。本条为统计提示，须核实后认定。
*/
with
-- 得分达到下限，且最突出的一项达到预计的倍数
outside as (
    select mdtrt_id, psn_no, fixmedins_code, begntime, begntime_is_date, dscg_time, dscg_time_is_date, msgids,
        score, reason, explanation, model_hash
    from judged
    where score >= $least_score
        and drivers[1].observed >= $least_ratio * drivers[1].expected
),
-- 这次住院的结算
settled as (
    select o.mdtrt_id, list(s.setl_id order by s.setl_id) as setl_ids, list(s.msgid order by s.msgid) as msgids,
        list(involved_settlement(s.mdtrt_id, s.setl_id) order by s.setl_id) as items
    from outside o
    join settlement s using (mdtrt_id)
    where near(o.begntime, s.setl_time, $lookback)
    group by o.mdtrt_id
),
-- 这次住院的明细
charged as (
    select o.mdtrt_id, list(distinct l.msgid order by l.msgid) as msgids
    from outside o
    join fee_line l using (mdtrt_id)
    where near(o.begntime, l.fee_ocur_time, $lookback)
    group by o.mdtrt_id
)
select o.mdtrt_id, o.psn_no, o.fixmedins_code, 3 as severity, o.begntime as occurred_at,
    o.begntime, o.begntime_is_date, o.dscg_time, o.dscg_time_is_date,
    o.score, o.reason, o.explanation, o.model_hash,
    s.setl_ids, s.items,
    list_concat(o.msgids, s.msgids, coalesce(c.msgids, []::varchar[])) as evidence
from outside o
join settled s using (mdtrt_id)
left join charged c using (mdtrt_id)

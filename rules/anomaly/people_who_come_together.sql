/*
code: AN-04
name: 多名参保人反复结伴就医购药
key: institution
subject: [institution, fixmedins_code]
anchor: [fixmedins_code, ring, period]
behaviour: encounter
severity: [3]
status: live
version: 1
official: null
law: [条例40(一), 条例41(一)]
basis: 本条是统计提示，不是违规认定：同一机构内多名参保人在至少三个日期先后到达，次数远超按各人到院频次的巧合；同一户、同一养老机构或学校、透析排班、放化疗周期、家庭病床与上门服务、集中体检与接种已先行排除；全部比较的错误发现率控制在百分之五。
case_cause: [20, 22]
route: supervision
money: fund
lookback: 800 d
needs: [visit.begntime, visit.fixmedins_code, model.ring]
judges:
  from: model.ring where model = 'rings' and period <> 'all'
  missing:
    足够的就诊: not_enough is not null
    得分: score is null
params:
  least_score: {default: 0.9, min: 0.5, max: 0.999, unit: ratio, source: "0.9 即三人两对均在错误发现率百分之五的界限上"}
  closing: {default: 10, min: 0, max: 60, unit: d, source: "工程默认值：季末后十日，补传基本完成"}
sentence: '{period_text}{reason}。本条为统计提示，须核实后认定。'
*/
with
-- 得分达到界限的团体及其季度
outside as (
    select fixmedins_code, ring, period, score, reason, explanation, model_hash, shown,
        make_date(left(period, 4)::integer, right(period, 1)::integer * 3 - 2, 1) as first_day,
        left(period, 4) || '年第' || right(period, 1) || '季度' as period_text
    from judged
    where score >= $least_score
),
-- 至多十次结伴的就诊，同行人多的日期在前
listed as (
    select o.ring, o.period, v.mdtrt_id, v.begntime, v.msgids, list_position(o.shown, v.mdtrt_id) as place
    from outside o
    join visit v on list_contains(o.shown, v.mdtrt_id)
        and v.fixmedins_code = o.fixmedins_code
        and near(o.first_day::timestamp, v.begntime, $lookback)
    qualify row_number() over (partition by o.ring, o.period order by list_position(o.shown, v.mdtrt_id)) <= 10
)
select o.fixmedins_code, o.ring, o.period, 3 as severity, min(l.begntime) as occurred_at,
    o.first_day + interval 3 month + $closing as due_at,
    o.period_text, o.score, o.reason, o.explanation, o.model_hash,
    list(l.mdtrt_id order by l.place, l.mdtrt_id) as mdtrt_ids,
    list(involved_visit(l.mdtrt_id) order by l.place, l.mdtrt_id) as items,
    flatten(list(l.msgids order by l.place, l.mdtrt_id)) as evidence
from outside o
join listed l using (ring, period)
group by o.fixmedins_code, o.ring, o.period, o.first_day, o.period_text, o.score, o.reason, o.explanation, o.model_hash

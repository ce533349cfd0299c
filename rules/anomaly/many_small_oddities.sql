/*
code: AN-03
name: 机构多项指标同时偏离同类
key: institution
subject: [institution, fixmedins_code]
anchor: [fixmedins_code, month]
behaviour: encounter
severity: [3]
status: live
version: 1
official: null
law: [条例38(二)]
basis: 本条是统计提示，不是违规认定：单项差异不大，但多项指标同时偏向可疑一侧；用孤立森林与正常情形对照，同月错误发现率控制在百分之五。
case_cause: 12
route: supervision
money: fund
lookback: 800 d
needs: [visit.begntime, visit.fixmedins_code, model.institution_month]
judges:
  from: model.institution_month where model = 'forest' and month is not null
  missing:
    足够的病例: not_enough = '病例不足'
    足够的同类机构: not_enough = '同类不足'
    得分: score is null
params:
  least_score: {default: 0.9, min: 0.5, max: 0.999, unit: ratio, source: "0.9 即同月错误发现率百分之五的界限"}
  closing: {default: 10, min: 0, max: 60, unit: d, source: "工程默认值：月末后十日，补传基本完成"}
sentence: '{month_text}{cases}人次，{reason}。本条为统计提示，须核实后认定。'
*/
with
-- 得分达到界限的机构月份
outside as (
    select fixmedins_code, month, cases, score, reason, explanation, model_hash, shown
    from judged
    where score >= $least_score
),
-- 最能说明问题的人次；没有列出的，取当月在该机构的人次
listed as (
    select o.fixmedins_code, o.month, v.mdtrt_id, v.begntime, v.msgids,
        row_number() over (partition by o.fixmedins_code, o.month order by list_position(o.shown, v.mdtrt_id) nulls last, v.begntime, v.mdtrt_id) as place
    from outside o
    join visit v on v.fixmedins_code = o.fixmedins_code
        and date_trunc('month', if(v.inpatient, v.dscg_time, v.begntime))::date = o.month
        and near(o.month::timestamp, v.begntime, $lookback)
    qualify place <= 10
)
select o.fixmedins_code, o.month, 3 as severity, min(l.begntime) as occurred_at,
    o.month + interval 1 month + $closing as due_at,
    strftime(o.month, '%Y年%-m月') as month_text, o.cases, o.score, o.reason, o.explanation, o.model_hash,
    list(l.mdtrt_id order by l.place, l.mdtrt_id) as mdtrt_ids,
    list(involved_visit(l.mdtrt_id) order by l.place, l.mdtrt_id) as items,
    flatten(list(l.msgids order by l.place, l.mdtrt_id)) as evidence
from outside o
join listed l using (fixmedins_code, month)
group by o.fixmedins_code, o.month, o.cases, o.score, o.reason, o.explanation, o.model_hash

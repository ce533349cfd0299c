/*
code: AN-05
name: 医师指标显著偏离同类
key: practitioner
subject: [practitioner, dr_code]
anchor: [dr_code, period]
behaviour: encounter
severity: [3]
status: live
version: 1
official: null
law: [条例38(二)]
basis: 本条是统计提示，不是违规认定：与同等级、同类型机构中服务构成相近的医师相比，按病种标化并计及医师间正常差异；同期全部比较的错误发现率控制在百分之五。
case_cause: 12
route: supervision
money: fund
lookback: 800 d
needs: [visit.begntime, visit.atddr_no, model.practitioner_month]
judges:
  from: model.practitioner_month where model = 'peers' and period <> 'all'
  missing:
    足够的病例: not_enough = '病例不足'
    足够的同类医师: not_enough = '同类不足'
    得分: score is null
params:
  least_score: {default: 0.9, min: 0.5, max: 0.999, unit: ratio, source: "0.9 即同期错误发现率百分之五的界限"}
  closing: {default: 10, min: 0, max: 60, unit: d, source: "工程默认值：月末、季末后十日，补传基本完成"}
sentence: '{period_text}{cases}人次，{reason}。本条为统计提示，须核实后认定。'
*/
with
-- 得分达到界限的医师及其月份或季度
outside as (
    select dr_code, period, cases, score, reason, explanation, model_hash, shown,
        if(month is null, make_date(left(period, 4)::integer, right(period, 1)::integer * 3 - 2, 1), month) as first_day,
        if(month is null, interval 3 month, interval 1 month) as long,
        if(month is null, left(period, 4) || '年第' || right(period, 1) || '季度', strftime(month, '%Y年%-m月')) as period_text
    from judged
    where score >= $least_score
),
-- 最能说明问题的人次；没有列出的，取当期由其主管或接诊的人次
listed as (
    select o.dr_code, o.period, v.mdtrt_id, v.fixmedins_code, v.begntime, v.msgids,
        row_number() over (partition by o.dr_code, o.period order by list_position(o.shown, v.mdtrt_id) nulls last, v.begntime, v.mdtrt_id) as place
    from outside o
    join visit v on v.atddr_no = o.dr_code
        and if(v.inpatient, v.dscg_time, v.begntime) >= o.first_day
        and if(v.inpatient, v.dscg_time, v.begntime) < o.first_day + o.long
        and near(o.first_day::timestamp, v.begntime, $lookback)
    qualify place <= 10
)
select o.dr_code, o.period, 3 as severity, min(l.begntime) as occurred_at,
    o.first_day + o.long + $closing as due_at,
    o.period_text, o.cases, o.score, o.reason, o.explanation, o.model_hash,
    [o.dr_code] as dr_codes,
    min(l.fixmedins_code) filter (where l.place = 1) as fixmedins_code,
    list(l.mdtrt_id order by l.place, l.mdtrt_id) as mdtrt_ids,
    list(involved_visit(l.mdtrt_id) order by l.place, l.mdtrt_id) as items,
    flatten(list(l.msgids order by l.place, l.mdtrt_id)) as evidence
from outside o
join listed l using (dr_code, period)
group by o.dr_code, o.period, o.first_day, o.long, o.period_text, o.cases, o.score, o.reason, o.explanation, o.model_hash

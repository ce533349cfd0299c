/*
code: FI-08
name: 计时计日项目超过一日上限
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id, med_list_codg, day]
behaviour: item
severity: [1, 2, 3]
status: live
version: 1
official: GZ10000102014000 医疗服务项目限定频次
law: [条例15, 条例38(三), 条例40(三)]
basis: 一日只有二十四小时，按小时计价的一日至多二十四，按日计价的一日至多一。记账可能集中补记，故先按医嘱、手术时间摊开，仍放不下的为明确违规；没有医嘱可据的，上传期限以内为轻度可疑，逾期为高度可疑。
case_cause: [13, 24]
route: supervision
money: fund
lookback: 120 d
needs: [visit.begntime, fee_line.med_list_codg, fee_line.cnt, fee_line.fee_ocur_time]
may_use: [fee_line.drord_no, medical_order, operation, catalogue.name]
judges:
  from: visit where kind <> 'pharmacy'
  missing:
    就诊登记时间: begntime is null
    费用明细被拒收: incomplete
params:
  upload: {default: 72, min: 24, max: 168, unit: h, source: "工程默认值：出院后医嘱的上传期限"}
  before: {default: 3, min: 0, max: 7, unit: d, source: "工程默认值：入院前急诊费用可并入住院的天数"}
exempt:
  ordered: 成批记账的明细有医嘱的，摊到医嘱起止各日，放得下的不计。
  in_operation: 只在手术中发生的项目，摊到手术起止各日，放得下的不计。
  posted_late: 床位、护理等按日计价的项目一次记账超过一日上限的，入院以来各日放得下的，视为补记。
  per_child: 记在母亲名下的新生儿项目，多胞胎一日可有多份。
sentence: 患者{begntime}就诊，{item}在{day}计{units}{unit}，一日上限{max_units}{unit}，{finding}{excess}{unit}。
*/
with
-- 有一日某项目合计超过上限的就诊，先不论就诊时间和限定的起止；编码只看国家十五位
crowded as (
    select distinct l.mdtrt_id
    from fee_line l
    join knowledge.daily_limit k on k.med_list_codg = left(l.med_list_codg, 15)
    where l.cnt > 0
    group by l.mdtrt_id, k.med_list_codg, l.fee_ocur_time::date
    having sum(l.cnt) > min(k.max_units)
),
-- 这些就诊的明细，退费已冲减
charged as materialized (
    select l.mdtrt_id, l.feedetl_sn, l.fee_ocur_time, l.cnt, l.drord_no, l.med_list_codg, l.medins_list_codg,
        l.msgid, l.refund_msgids
    from fee_line l
    semi join crowded c on c.mdtrt_id = l.mdtrt_id
    where l.cnt > 0
),
-- 其中限定每日上限的项目
limited as (
    select l.mdtrt_id, k.med_list_codg, l.feedetl_sn, l.fee_ocur_time, l.fee_ocur_time::date as day, l.cnt,
        l.drord_no, l.med_list_codg as full_code, l.medins_list_codg, l.msgid, l.refund_msgids, k.unit, k.max_units, k.in_operation,
        v.begntime, v.inpatient,
        if(v.dscg_time <= v.begntime - $before + $lookback, v.dscg_time, null) as dscg_time
    from charged l
    join knowledge.daily_limit k on k.med_list_codg = left(l.med_list_codg, 15)
        and l.fee_ocur_time::date between k.effective_from and k.effective_to
    join judged v on v.mdtrt_id = l.mdtrt_id
    where l.fee_ocur_time between v.begntime - $before and v.begntime - $before + $lookback
        and not (coalesce(k.per_child, false) and not v.newborn) -- exempt: per_child
),
-- 各行明细的医嘱起止日：先认医嘱号，没有的认同一项目在记账之前开的医嘱；没有停止时间的算到记账之日
orders as (
    select l.mdtrt_id, l.feedetl_sn,
        coalesce(min(o.first_day) filter (where o.drord_no = l.drord_no), min(o.first_day)) as first_day,
        greatest(min(o.first_day), coalesce(
            max(coalesce(o.last_day, l.day)) filter (where o.drord_no = l.drord_no), max(coalesce(o.last_day, l.day)))) as last_day,
        list(o.msgid order by o.msgid) as msgids
    from limited l
    join (
        select mdtrt_id, drord_no, drord_detl_code, msgid,
            coalesce(drord_begntime, medc_begntime, drord_isu_time) as begun,
            coalesce(drord_begntime, medc_begntime, drord_isu_time)::date as first_day,
            coalesce(drord_endtime, medc_endtime)::date as last_day
        from medical_order
    ) o on o.mdtrt_id = l.mdtrt_id
        and (o.drord_no = l.drord_no or (o.first_day <= l.day and o.drord_detl_code in (l.full_code, l.medins_list_codg)))
        and o.begun between l.begntime - $before and l.begntime - $before + $lookback
    group by l.mdtrt_id, l.feedetl_sn, l.day
),
-- 手术的起止日
operations as (
    select p.mdtrt_id,
        min(coalesce(p.anst_begntime, p.oprn_oprt_begntime))::date as first_day,
        max(coalesce(p.anst_endtime, p.oprn_oprt_endtime, p.oprn_oprt_begntime))::date as last_day,
        list(p.msgid order by p.msgid) as msgids
    from operation p
    semi join crowded c on c.mdtrt_id = p.mdtrt_id
    join judged v on v.mdtrt_id = p.mdtrt_id
    where coalesce(p.anst_begntime, p.oprn_oprt_begntime)
            between v.begntime - $before and v.begntime - $before + $lookback
    group by p.mdtrt_id
),
-- 每行明细可以摊开的起止日：有医嘱按医嘱，术中项目按手术，都没有的为空
spread as (
    select l.*,
        coalesce(o.first_day, p.first_day) as from_day,
        coalesce(o.last_day, p.last_day) as to_day,
        o.first_day is not null as has_order,
        list_concat(o.msgids, p.msgids) as span_msgids
    from limited l
    left join orders o on o.mdtrt_id = l.mdtrt_id and o.feedetl_sn = l.feedetl_sn
    left join operations p on p.mdtrt_id = l.mdtrt_id and l.in_operation
),
-- 当日、同一时刻、同一医嘱（手术）、到当日为止和整个就诊期间的合计
counted as (
    select *,
        sum(cnt) over (partition by mdtrt_id, med_list_codg, day) as day_units,
        sum(cnt) over (partition by mdtrt_id, med_list_codg, fee_ocur_time) as posting,
        sum(cnt) over (partition by mdtrt_id, med_list_codg, from_day, to_day) as span_units,
        sum(cnt) over (partition by mdtrt_id, med_list_codg order by day) as units_so_far,
        sum(cnt) over (partition by mdtrt_id, med_list_codg) as stay_units,
        least(begntime::date, min(day) over (partition by mdtrt_id, med_list_codg)) as first_day,
        greatest(dscg_time::date, max(day) over (partition by mdtrt_id, med_list_codg)) as last_day
    from spread
),
-- 超过上限的各日，各种摊法放不下的数量：医嘱（手术）起止各日、入院至当日、入院至出院
days as (
    select mdtrt_id, med_list_codg, day,
        max(unit) as unit, max(max_units) as max_units, min(fee_ocur_time) as first_time,
        max(day_units) as units, max(day_units) - max(max_units) as over_limit,
        bool_and(from_day is not null and has_order) as ordered,
        bool_and(from_day is not null and not has_order) as operated,
        max(posting) <= max(max_units) as posted_apart,
        max(if(from_day is null, 0, span_units - max_units * (to_day - from_day + 1))) as span_excess,
        max(units_so_far - max_units * (day - first_day + 1)) as elapsed_excess,
        max(if(dscg_time is null, 0, stay_units - max_units * (last_day - first_day + 1))) as stay_excess,
        bool_or(inpatient) as inpatient, max(dscg_time) as dscg_time, max(begntime) as begntime
    from counted
    where day_units > max_units
    group by mdtrt_id, med_list_codg, day
),
-- 怎样摊都放不下的为明确违规；门诊没有医嘱上传，至多轻度可疑
weighed as (
    select *, inpatient and greatest(span_excess, stay_excess) > 0 as impossible
    from days
),
-- 去掉摊得开的
findings as (
    select *,
        least(over_limit, case when impossible then greatest(span_excess, stay_excess)
            when posted_apart or unit = '小时' then over_limit else elapsed_excess end) as excess
    from weighed
    where (impossible or not ordered) -- exempt: ordered
        and (impossible or not operated) -- exempt: in_operation
        and (impossible or posted_apart or unit = '小时' or elapsed_excess > 0) -- exempt: posted_late
),
-- 何时可说到哪一步：放不下的即为明确违规；没有医嘱可据的，出院后过了上传期限为高度可疑
verdicts as (
    select mdtrt_id, med_list_codg, day, if(impossible, 1, 3) as severity, first_time as due_at
    from findings
    union all
    select mdtrt_id, med_list_codg, day, 2, dscg_time + $upload
    from findings
    where not impossible
        and inpatient
        and unit = '小时'
        and dscg_time is not null
),
-- 当日的明细，按多出部分所占的比例计入
parts as (
    select s.mdtrt_id, s.med_list_codg, s.day,
        list(line_part(s.mdtrt_id, s.feedetl_sn, f.excess / f.units) order by s.feedetl_sn) as items
    from findings f
    join spread s using (mdtrt_id, med_list_codg, day)
    group by s.mdtrt_id, s.med_list_codg, s.day
),
-- 该项目的全部明细及其医嘱、手术，作为证据
proof as (
    select mdtrt_id, med_list_codg,
        list(msgid order by msgid) as msgids,
        flatten(list(list_concat(refund_msgids, span_msgids) order by msgid, feedetl_sn)) as other_msgids
    from spread
    semi join findings using (mdtrt_id, med_list_codg)
    group by mdtrt_id, med_list_codg
)
select f.mdtrt_id, f.med_list_codg, f.day, v.psn_no, v.fixmedins_code,
    d.severity, d.due_at,
    f.first_time as occurred_at,
    v.begntime, v.begntime_is_date, f.units, f.unit, f.max_units, f.excess,
    coalesce(c.name || '（' || f.med_list_codg || '）', '项目' || f.med_list_codg) as item,
    case when f.impossible and f.span_excess > 0 then '摊到医嘱或手术起止各日仍多出'
        when f.impossible then '整个住院期间也放不下，多出'
        when f.unit = '小时' then '未见这一项目的医嘱（4402A），多出'
        when f.posted_apart then '分次记在同一日，请核对是否补记，多出'
        else '入院至当日也放不下，请核对医嘱起止，多出' end as finding,
    i.items,
    list_concat(p.msgids, p.other_msgids, [v.adm_msgid], if(f.stay_excess > 0, [v.dscg_msgid], [])) as evidence
from findings f
join verdicts d on d.mdtrt_id = f.mdtrt_id and d.med_list_codg = f.med_list_codg and d.day = f.day
join judged v on v.mdtrt_id = f.mdtrt_id
join parts i on i.mdtrt_id = f.mdtrt_id and i.med_list_codg = f.med_list_codg and i.day = f.day
join proof p on p.mdtrt_id = f.mdtrt_id and p.med_list_codg = f.med_list_codg
left join catalogue c on c.med_list_codg = f.med_list_codg
    and f.first_time >= c.valid_from and f.first_time < c.valid_until

/*
code: FI-08
name: 计时计日项目超过一日上限
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id, med_list_codg, day]
behaviour: item
severity: [1, 2, 3]
status: live
version: 2
official: GZ10000102014000 医疗服务项目限定频次
law: [条例15, 条例38(三), 条例40(三)]
basis: 一日只有二十四小时，按小时计价的一日至多二十四，按日计价的一日至多一。记账可能集中补记，故先按医嘱、手术时间摊开，仍放不下的为明确违规；没有医嘱可据的，上传期限以内为轻度可疑，逾期为高度可疑。全身麻醉同时只能有一次，清单所记麻醉时间可能有误，不作明确违规。
case_cause: [13, 24]
route: supervision
money: fund
lookback: 120 d
needs: [visit.begntime, fee_line.med_list_codg, fee_line.cnt, fee_line.fee_ocur_time]
may_use: [fee_line.drord_no, medical_order, operation, operation.anst_way, operation.anst_dr_code, catalogue.name]
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
  posted_late: 床位、诊察、取暖等不开医嘱的按日项目一次记账超过一日上限的，入院以来各日放得下的，视为补记。
  per_child: 记在母亲名下的新生儿项目，多胞胎一日可有多份。
  one_anaesthesia: 同一次麻醉下的几项手术，麻醉同时开始或同时结束的，是一次麻醉。
sentence: 患者{begntime}就诊，{item}在{day}{finding}。
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
        p.charge_group is not null and p.charge_group not like '%nursing%' as unordered_kind,
        v.begntime, v.inpatient, v.adm_msgid, v.dscg_msgid,
        if(v.dscg_time <= v.begntime - $before + $lookback, v.dscg_time, null) as dscg_time
    from charged l
    join knowledge.daily_limit k on k.med_list_codg = left(l.med_list_codg, 15)
        and l.fee_ocur_time::date between k.effective_from and k.effective_to
    left join knowledge.per_day_charge p on p.item_code = k.med_list_codg
        and l.fee_ocur_time::date between p.effective_from and p.effective_to
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
-- 这些就诊
visits as (
    select distinct mdtrt_id, begntime
    from limited
),
-- 上传过医嘱的就诊
with_orders as (
    select distinct o.mdtrt_id
    from medical_order o
    join visits v on v.mdtrt_id = o.mdtrt_id
    where coalesce(o.drord_begntime, o.medc_begntime, o.drord_isu_time)
            between v.begntime - $before and v.begntime - $before + $lookback
),
-- 手术的起止日
operations as (
    select p.mdtrt_id,
        min(coalesce(p.anst_begntime, p.oprn_oprt_begntime))::date as first_day,
        max(coalesce(p.anst_endtime, p.oprn_oprt_endtime, p.oprn_oprt_begntime))::date as last_day,
        list(p.msgid order by p.msgid) as msgids
    from operation p
    join visits v on v.mdtrt_id = p.mdtrt_id
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
-- 同一项目各种起止日的数量
spans as (
    select mdtrt_id, med_list_codg, from_day, to_day, sum(cnt) as units, max(max_units) as max_units
    from spread
    where from_day is not null
    group by mdtrt_id, med_list_codg, from_day, to_day
),
-- 任取一段日子，医嘱（手术）全在其中的数量合计也放不下的：几份医嘱重叠时，各自放得下，合起来未必
overfull as (
    select a.mdtrt_id, a.med_list_codg, a.from_day, b.to_day,
        sum(c.units) - max(c.max_units) * (b.to_day - a.from_day + 1) as excess
    from (select distinct mdtrt_id, med_list_codg, from_day from spans) a
    join (select distinct mdtrt_id, med_list_codg, to_day from spans) b
        on b.mdtrt_id = a.mdtrt_id and b.med_list_codg = a.med_list_codg and b.to_day >= a.from_day
    join spans c on c.mdtrt_id = a.mdtrt_id and c.med_list_codg = a.med_list_codg
        and c.from_day >= a.from_day and c.to_day <= b.to_day
    group by a.mdtrt_id, a.med_list_codg, a.from_day, b.to_day
    having sum(c.units) > max(c.max_units) * (b.to_day - a.from_day + 1)
),
-- 每行明细所在的各段中放不下最多的
squeezed as (
    select s.mdtrt_id, s.feedetl_sn, max(o.excess) as span_excess
    from spread s
    join overfull o on o.mdtrt_id = s.mdtrt_id and o.med_list_codg = s.med_list_codg
        and o.from_day <= s.from_day and o.to_day >= s.to_day
    group by s.mdtrt_id, s.feedetl_sn
),
-- 同一时刻的合计
postings as (
    select mdtrt_id, med_list_codg, day, fee_ocur_time, sum(cnt) as units, min(max_units) as max_units
    from spread
    group by mdtrt_id, med_list_codg, day, fee_ocur_time
),
-- 当日合计超过上限的，及其中同一时刻最多的
crowded_days as (
    select mdtrt_id, med_list_codg, day, sum(units) as day_units, max(units) as posting
    from postings
    group by mdtrt_id, med_list_codg, day
    having sum(units) > min(max_units)
),
-- 这些项目到当日为止和整个就诊期间的合计
counted as (
    select s.*, coalesce(q.span_excess, 0) as span_excess,
        sum(s.cnt) over (partition by s.mdtrt_id, s.med_list_codg order by s.day) as units_so_far,
        sum(s.cnt) over (partition by s.mdtrt_id, s.med_list_codg) as stay_units,
        least(s.begntime::date, min(s.day) over (partition by s.mdtrt_id, s.med_list_codg)) as first_day,
        greatest(s.dscg_time::date, max(s.day) over (partition by s.mdtrt_id, s.med_list_codg)) as last_day
    from spread s
    semi join crowded_days c on c.mdtrt_id = s.mdtrt_id and c.med_list_codg = s.med_list_codg
    left join squeezed q on q.mdtrt_id = s.mdtrt_id and q.feedetl_sn = s.feedetl_sn
),
-- 超过上限的各日，各种摊法放不下的数量：医嘱（手术）起止各日、入院至当日、入院至出院
days as (
    select mdtrt_id, med_list_codg, day,
        max(unit) as unit, max(max_units) as max_units, min(fee_ocur_time) as first_time,
        max(day_units) as units, max(day_units) - max(max_units) as over_limit,
        bool_and(from_day is not null and has_order) as ordered,
        bool_and(from_day is not null and not has_order) as operated,
        bool_or(unordered_kind) as unordered_kind,
        max(posting) <= max(max_units) as posted_apart,
        max(span_excess) as span_excess,
        max(units_so_far - max_units * (day - first_day + 1)) as elapsed_excess,
        max(if(dscg_time is null, 0, stay_units - max_units * (last_day - first_day + 1))) as stay_excess,
        bool_or(inpatient) as inpatient, max(dscg_time) as dscg_time, max(begntime) as begntime,
        max(adm_msgid) as adm_msgid, max(dscg_msgid) as dscg_msgid
    from counted
    join crowded_days using (mdtrt_id, med_list_codg, day)
    where day_units > max_units
    group by mdtrt_id, med_list_codg, day
),
-- 怎样摊都放不下的为明确违规；门诊没有医嘱上传，至多轻度可疑
weighed as (
    select *, inpatient and greatest(span_excess, stay_excess) > 0 as impossible
    from days
),
-- 去掉摊得开的；不开医嘱的按日项目（床位、诊察等）看入院至当日
findings as (
    select *,
        least(over_limit, case when impossible then greatest(span_excess, stay_excess)
            when posted_apart or not unordered_kind then over_limit else elapsed_excess end) as excess
    from weighed
    where (impossible or not ordered) -- exempt: ordered
        and (impossible or not operated) -- exempt: in_operation
        and (impossible or posted_apart or not unordered_kind or elapsed_excess > 0) -- exempt: posted_late
),
-- 何时可说到哪一步：放不下的即为明确违规；该有医嘱而没有的，出院后过了上传期限为高度可疑；
-- 按日计价的，还须这次住院上传过别的医嘱；来源从不提供医嘱的（导入的表），至多轻度可疑
verdicts as (
    select mdtrt_id, med_list_codg, day, if(impossible, 1, 3) as severity, first_time as due_at
    from findings
    union all
    select f.mdtrt_id, f.med_list_codg, f.day, 2, f.dscg_time + $upload
    from findings f
    left join with_orders o on o.mdtrt_id = f.mdtrt_id
    where not f.impossible
        and f.inpatient
        and not f.unordered_kind
        and (f.unit = '小时' or o.mdtrt_id is not null)
        and f.dscg_time is not null
        and exists (select 1 from provided where name = 'medical_order')
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
),
-- 全身麻醉的起止（清单缺了别的明细也不妨碍）
anaesthesia as (
    select p.mdtrt_id, p.setl_id, p.row_no, p.anst_begntime, p.anst_endtime, p.anst_dr_code, p.msgid,
        v.adm_msgid
    from operation p
    join visit v on v.mdtrt_id = p.mdtrt_id
    where p.anst_way in ('1', '11', '12', '41', '44', '45')
        and p.anst_endtime > p.anst_begntime
        and p.anst_begntime between v.begntime - $before and v.begntime - $before + $lookback
),
-- 同时进行的两次全身麻醉；麻醉师不同的不能是同一次麻醉记成两次
simultaneous as (
    select a.mdtrt_id, a.anst_begntime::date as day, min(b.anst_begntime) as first_time,
        bool_or(coalesce(a.anst_dr_code <> b.anst_dr_code, false)) as two_doctors,
        list(distinct a.msgid order by a.msgid) as msgids, list(distinct b.msgid order by b.msgid) as other_msgids,
        max(a.adm_msgid) as adm_msgid
    from anaesthesia a
    join anaesthesia b on b.mdtrt_id = a.mdtrt_id
        and b.anst_begntime < a.anst_begntime -- exempt: one_anaesthesia
        and a.anst_begntime < b.anst_endtime
    where a.anst_endtime <> b.anst_endtime -- exempt: one_anaesthesia
    group by a.mdtrt_id, a.anst_begntime::date
),
-- 当日收取的全身麻醉费，首次以后的为有问题的
anaesthesia_lines as (
    select s.mdtrt_id, s.day, l.feedetl_sn, l.msgid,
        row_number() over (partition by s.mdtrt_id, s.day order by l.fee_ocur_time, l.feedetl_sn) as n
    from simultaneous s
    join fee_line l on l.mdtrt_id = s.mdtrt_id and l.fee_ocur_time::date between s.first_time::date and s.day
    where left(l.med_list_codg, 13) = '0033010000500' and l.cnt > 0
),
-- 合为一条
anaesthesia_charged as (
    select mdtrt_id, day, list(if(n = 1, involved_line(mdtrt_id, feedetl_sn), line_item(mdtrt_id, feedetl_sn)) order by n, feedetl_sn) as items,
        list(msgid order by n, msgid) as msgids
    from anaesthesia_lines
    group by mdtrt_id, day
),
-- 两类问题
found as (
    select f.mdtrt_id, f.med_list_codg, f.day, d.severity, d.due_at,
        f.first_time as occurred_at, f.units, f.max_units, f.excess,
        concat('计', regexp_replace(f.units::varchar, '[.]?0+$', ''), f.unit,
            '，一日上限', regexp_replace(f.max_units::varchar, '[.]?0+$', ''), f.unit, '，',
            case when f.impossible and f.span_excess > 0 then '摊到医嘱或手术起止各日仍多出'
                when f.impossible then '整个住院期间也放不下，多出'
                when not f.unordered_kind then '未见这一项目的医嘱（4402A），多出'
                when f.posted_apart then '分次记在同一日，请核对是否补记，多出'
                else '入院至当日也放不下，请核对医嘱起止，多出' end,
            regexp_replace(f.excess::varchar, '[.]?0+$', ''), f.unit) as finding,
        i.items,
        list_concat(p.msgids, p.other_msgids, [f.adm_msgid], if(f.stay_excess > 0, [f.dscg_msgid], [])) as evidence
    from findings f
    join verdicts d on d.mdtrt_id = f.mdtrt_id and d.med_list_codg = f.med_list_codg and d.day = f.day
    join parts i on i.mdtrt_id = f.mdtrt_id and i.med_list_codg = f.med_list_codg and i.day = f.day
    join proof p on p.mdtrt_id = f.mdtrt_id and p.med_list_codg = f.med_list_codg
    union all
    select s.mdtrt_id, '003301000050000', s.day, if(s.two_doctors, 2, 3), s.first_time,
        s.first_time, 2, 1, 1,
        if(s.two_doctors, '有两次由不同麻醉师施行的全身麻醉时间重叠', '有两次全身麻醉时间重叠，请核对是否为同一次麻醉'),
        coalesce(l.items, [involved_visit(s.mdtrt_id)]),
        list_concat(s.msgids, s.other_msgids, l.msgids, [s.adm_msgid])
    from simultaneous s
    left join anaesthesia_charged l on l.mdtrt_id = s.mdtrt_id and l.day = s.day
)
select f.mdtrt_id, f.med_list_codg, f.day, v.psn_no, v.fixmedins_code, f.severity, f.due_at, f.occurred_at,
    v.begntime, v.begntime_is_date, f.units, f.max_units, f.excess, f.finding, f.items, f.evidence,
    coalesce(c.name || '（' || f.med_list_codg || '）', '项目' || f.med_list_codg) as item
from found f
join visit v on v.mdtrt_id = f.mdtrt_id
left join catalogue c on c.med_list_codg = f.med_list_codg
    and f.occurred_at >= c.valid_from and f.occurred_at < c.valid_until

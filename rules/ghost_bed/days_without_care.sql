/*
code: GB-02
name: 住院空床日
key: institution
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: encounter
severity: [2, 3]
status: live
version: 2
official: null
law: [条例15, 条例38(一)]
basis: 多地挂床住院认定规则：连续两日以上无实质诊疗、连续三日以上无任何诊疗记录而仍收床位费。
case_cause: 11
route: supervision
money: fund
lookback: 120 d
needs: [visit.begntime, fee_line.cnt, fee_line.fee_ocur_time, fee_line.med_chrgitm_type]
may_use: [fee_line.med_list_codg, medical_order, report, presence.recog_biz, visit.hi_paymtd, visit.newborn]
judges:
  from: visit where inpatient
  missing:
    入院登记(2401): begntime is null
    费用明细被拒收: incomplete
params:
  some: {default: 2, min: 2, max: 7, unit: days, source: "地方挂床住院认定规则：两日以上无实质诊疗"}
  many: {default: 3, min: 2, max: 10, unit: days, source: "地方挂床住院认定规则：连续三日以上无诊疗记录而收床位费"}
  long_term: {default: 7, min: 3, max: 30, unit: days, source: "工程默认值：精神、康复、安宁及按床日付费住院"}
  share: {default: 0.5, min: 0.3, max: 1, unit: ratio, source: "工程默认值：空床日占住院工作日的比例"}
  share_nights: {default: 4, min: 2, max: 14, unit: nights, source: "工程默认值：按比例判断的最短住院"}
  upload: {default: 72, min: 24, max: 168, unit: h, source: "工程默认值：费用明细与医嘱的上传期限"}
  leave: {default: 72, min: 24, max: 168, unit: h, source: "工程默认值：请假而未见销假的，按此时长计"}
exempt:
  home_bed: 家庭病床（med_type 71）按巡诊服务，不适用。
  newborn: 健康新生儿随母住院只有床位与护理，不适用。
  under_order: 医嘱执行期内的日子有诊疗；护理、膳食和转科、出院、转院、死亡的医嘱除外，未填类别的按名称认出护理、膳食，其余都算。
  reported: 当日有检查、检验报告的日子有诊疗。
  on_leave: 经人脸认证批准请假（recog_biz 20 至 21）的日子不算。
  weekend: 周末与法定节假日的空床日不计数，也不中断连续。
sentence: 患者自{begntime}住院，其中{idle_days}个工作日只有床位、诊察、护理、取暖类收费而无诊疗，最长连续{longest}天（{run_from}至{run_until}）{remark}。
*/
with
-- 自入院日看到的住院：追溯期以后才出院的，视为尚未出院，只看追溯期内
seen as (
    select mdtrt_id, psn_no, fixmedins_code, med_type, newborn, hi_paymtd, begntime, begntime_is_date,
        discharge_seen(begntime, dscg_time, $lookback) as dscg_time,
        stay_seen_until(begntime, dscg_time, heard, $lookback) as seen_until,
        diagnosis_seen(begntime, dscg_time, dscg_diag_code, adm_diag_code, $lookback) as diag_code,
        [adm_msgid, if(near(begntime, dscg_time, $lookback), dscg_msgid, null)] as msgids
    from judged
),
-- 可判的住院；精神、康复、安宁和按床日付费的住院另设天数
stays as (
    select v.mdtrt_id, v.begntime,
        case when v.dscg_time is null then v.seen_until::date + 1
            else greatest(v.dscg_time::date, v.begntime::date + 1) end as end_day,
        coalesce(v.med_type in ('21303', '2105') or v.hi_paymtd = '5', false) or exists (
            select 1 from knowledge.exempt_diagnosis x
            where x.exemption in ('psychiatric', 'rehabilitation', 'palliative')
                and starts_with(upper(v.diag_code), x.icd_prefix)
                and v.begntime::date between x.effective_from and x.effective_to) as long_term
    from seen v
    where coalesce(v.med_type, '') not like '71%' -- exempt: home_bed
        and not v.newborn -- exempt: newborn
),
-- 每次住院每日：收没收床位费，有没有诊疗（床位、诊察、护理、取暖降温以外的都是诊疗）
daily as (
    select l.mdtrt_id, l.fee_ocur_time::date as day,
        sum(l.cnt) filter (where l.med_chrgitm_type = '01' and not l.climate) as bed_units,
        max(l.cnt) filter (where l.med_chrgitm_type = '01' and not l.climate) > 1 as posted_in_batch,
        bool_or(coalesce(l.med_chrgitm_type, '') not in ('01', '02', '07') and not l.climate) as active
    from stays s
    join (
        select mdtrt_id, fee_ocur_time, cnt, med_chrgitm_type,
            coalesce(med_list_codg in (select item_code from knowledge.per_day_charge where charge_group = 'climate'), false) as climate
        from fee_line
        where cnt > 0
    ) l using (mdtrt_id)
    where near(s.begntime, l.fee_ocur_time, $lookback)
    group by l.mdtrt_id, l.fee_ocur_time::date
),
-- 收了床位费、且没有诊疗收费的日子够多的住院
quiet as (
    select s.mdtrt_id, s.begntime, s.end_day, s.long_term,
        bool_or(d.posted_in_batch) and sum(d.bed_units) >= date_diff('day', s.begntime::date, s.end_day) as billed_throughout
    from stays s
    join daily d using (mdtrt_id)
    group by s.mdtrt_id, s.begntime, s.end_day, s.long_term
    having sum(d.bed_units) >= least($some, $long_term)
        and date_diff('day', s.begntime::date, s.end_day)
            - count(*) filter (where d.active and d.day >= s.begntime::date and d.day < s.end_day) >= least($some, $long_term)
),
-- 这些住院的医嘱：护理、膳食人人都有，转科、出院、转院、死亡不是诊疗，其余都是
orders as (
    select o.mdtrt_id,
        coalesce(o.medc_begntime, o.drord_begntime, o.drord_isu_time)::date as from_day,
        coalesce(o.medc_endtime, o.drord_endtime)::date as until_day,
        coalesce(o.medc_days, 1) as lasts,
        o.drord_type = '2' as standing
    from quiet q
    join medical_order o using (mdtrt_id)
    where near(q.begntime, coalesce(o.medc_begntime, o.drord_begntime, o.drord_isu_time), $lookback)
        and coalesce(o.drord_item_type_code, '31') not in ('26', '27', '32', '34', '35', '36')
        and not (coalesce(o.drord_item_type_code, '31') = '31'
            and regexp_matches(coalesce(o.drord_detl_name, ''), '级护理|护理常规|陪[护伴床]|饮食|膳食|普食|普通饭|半流|流质|软食|软饭'))
),
-- 有诊疗的日子：收费、医嘱执行期、报告
care as (
    select d.mdtrt_id, d.day as from_day, d.day as until_day
    from daily d
    join quiet using (mdtrt_id)
    where d.active
    union all
    select mdtrt_id, from_day,
        coalesce(until_day, if(standing, date '9999-12-31', from_day + greatest(lasts, 1) - 1)) -- exempt: under_order
    from orders
    union all
    select r.mdtrt_id, r.exam_date, r.exam_date -- exempt: reported
    from quiet q
    join report r using (mdtrt_id)
    where near(q.begntime, r.exam_date::timestamp, $lookback)
),
-- 经认证批准的请假
leaves as (
    select q.mdtrt_id, p.seen_at::date as from_day,
        coalesce(min(b.seen_at), p.seen_at + $leave)::date as until_day
    from quiet q
    join seen v using (mdtrt_id)
    join presence p on p.psn_no = v.psn_no and p.fixmedins_code = v.fixmedins_code
        and p.recog_biz = '20' and p.recog_rslt = '1' and near(q.begntime, p.seen_at, $lookback)
    left join presence b on b.psn_no = v.psn_no and b.fixmedins_code = v.fixmedins_code
        and b.recog_biz = '21' and b.recog_rslt = '1' and b.seen_at > p.seen_at and near(q.begntime, b.seen_at, $lookback)
    group by q.mdtrt_id, p.seen_at
),
-- 逐日排开
calendar as (
    select mdtrt_id, billed_throughout, unnest(generate_series(begntime::date, end_day - 1, interval 1 day))::date as day
    from quiet
),
-- 每一天是什么日子：有诊疗、请假、收床位费、休息日
marked as (
    select c.mdtrt_id, c.day,
        c.billed_throughout or coalesce(d.bed_units > 0, false) as billed,
        isodow(c.day) >= 6 or c.day in (select h.day from knowledge.public_holiday h) as day_off,
        exists (select 1 from care k where k.mdtrt_id = c.mdtrt_id and c.day between k.from_day and k.until_day) as cared_for,
        exists (select 1 from leaves a where a.mdtrt_id = c.mdtrt_id and c.day between a.from_day and a.until_day) as away
    from calendar c
    left join daily d using (mdtrt_id, day)
),
-- 有诊疗、请假、工作日未收床位费的日子把空床日隔成段
stretches as (
    select mdtrt_id, day, billed, day_off, cared_for, away,
        count(*) filter (where cared_for or away or (not billed and not day_off)) over (partition by mdtrt_id order by day) as stretch,
        count(*) filter (where not day_off) over (partition by mdtrt_id) as working_days
    from marked
),
-- 空床日，在段内编号
idle as (
    select mdtrt_id, day, working_days,
        row_number() over (partition by mdtrt_id, stretch order by day) as nth,
        min(day) over (partition by mdtrt_id, stretch) as run_from
    from stretches
    where billed
        and not cared_for
        and not away -- exempt: on_leave
        and not day_off -- exempt: weekend
),
-- 每次住院：最长的一段，何时达到两天、三天，空床日的比例
runs as (
    select q.mdtrt_id, count(*) as idle_days, max(i.nth) as longest,
        min({'n': -i.nth, 'until_day': i.day, 'from_day': i.run_from}) as run,
        min(i.day) filter (where i.nth = if(q.long_term, $long_term, $some)) as suspicious_day,
        min(i.day) filter (where i.nth = if(q.long_term, $long_term, $many)) as serious_day,
        not q.long_term and count(*) >= $share * max(i.working_days) as mostly_idle
    from quiet q
    join idle i using (mdtrt_id)
    group by q.mdtrt_id, q.long_term
),
-- 达到天数或比例的住院；医嘱、报告上传了没有
suspects as (
    select r.mdtrt_id, r.idle_days, r.longest, r.run, r.suspicious_day, r.serious_day,
        v.begntime, v.dscg_time,
        r.mostly_idle and coalesce(nights(v.begntime, v.dscg_time) >= $share_nights, false) as mostly_idle,
        exists (select 1 from medical_order o
            where o.mdtrt_id = r.mdtrt_id and near(v.begntime, o.upload_time, $lookback)) as ordered,
        exists (select 1 from medical_order o
            where o.fixmedins_code = v.fixmedins_code and near(v.begntime, o.upload_time, $lookback)) as orders_uploaded,
        exists (select 1 from report o
            where o.fixmedins_code = v.fixmedins_code and near(v.begntime, o.upload_time, $lookback)) as reports_uploaded
    from runs r
    join seen v using (mdtrt_id)
    where r.suspicious_day is not null
        or r.serious_day is not null
        or (r.mostly_idle and coalesce(nights(v.begntime, v.dscg_time) >= $share_nights, false))
),
-- 何时可说：出院后，或该日加上传期限；从重另须医嘱、报告已传，或其上传期限已过
verdicts as (
    select mdtrt_id, 3 as severity,
        least(coalesce(suspicious_day, serious_day) + interval 1 day + $upload, dscg_time) as due_at
    from suspects
    union all
    select mdtrt_id, 2 as severity,
        least(serious_day + interval 1 day + $upload, if(ordered, dscg_time, dscg_time + $upload)) as due_at
    from suspects
    where (orders_uploaded or reports_uploaded)
        and (serious_day is not null or mostly_idle)
),
-- 空床日所收的床位、诊察、护理费
lines as (
    select l.mdtrt_id,
        list(line_item(l.mdtrt_id, l.feedetl_sn) order by l.feedetl_sn) as items,
        list(l.msgid order by l.feedetl_sn) as msgids
    from suspects s
    join fee_line l using (mdtrt_id)
    join idle i on i.mdtrt_id = l.mdtrt_id and i.day = l.fee_ocur_time::date
    where l.cnt > 0
    group by l.mdtrt_id
)
select s.mdtrt_id, v.psn_no, v.fixmedins_code, min(d.severity) as severity, s.begntime as occurred_at, d.due_at,
    s.begntime, v.begntime_is_date, s.idle_days, s.longest, s.run.from_day as run_from, s.run.until_day as run_until,
    case
        when not s.orders_uploaded and not s.reports_uploaded then '；该院未上传医嘱与检查检验报告，仅凭收费明细判断'
        when not s.ordered then '；该院上传诊疗数据，但本次住院未见医嘱（4402A）'
        else ''
    end as remark,
    coalesce(n.items, [involved_visit(s.mdtrt_id)]) as items,
    list_concat(v.msgids, n.msgids) as evidence
from suspects s
join verdicts d using (mdtrt_id)
join seen v using (mdtrt_id)
left join lines n using (mdtrt_id)
group by all

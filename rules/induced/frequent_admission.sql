/*
code: IN-05
name: 频繁住院
key: person
subject: [person, psn_no]
anchor: [psn_no, admission_year]
behaviour: encounter
severity: [2, 3]
status: live
version: 2
official: GZ10000204004000 频繁住院
law: [条例15, 条例38(二), 条例40(一)]
basis: 按任一入院日向前三百六十五天计；已查处案例有一年住院十六次、近二百天，出甲院即入乙院。
case_cause: [12, 20]
route: supervision
money: fund
lookback: 730 d
needs: [visit.begntime, visit.heard, visit.fixmedins_code, visit.dscg_diag_code]
may_use: [visit.adm_diag_code, visit.dscg_way, visit.transfer_in, visit.hi_paymtd, visit.days_rinp_flag_31, visit.newborn]
judges:
  from: visit where inpatient
  missing:
    入院登记(2401): begntime is null
    主诊断: coalesce(dscg_diag_code, adm_diag_code) is null
params:
  window: {default: 365, min: 90, max: 366, unit: d, source: "工程默认值：滚动一年"}
  frequent: {default: 6, min: 3, max: 12, unit: count, source: "工程默认值：一年六次以上"}
  very_frequent: {default: 10, min: 5, max: 24, unit: count, source: "工程默认值：一年十次以上"}
  long_days: {default: 150, min: 60, max: 300, unit: days, source: "工程默认值：一年累计一百五十天以上"}
  cycling_hospitals: {default: 3, min: 2, max: 10, unit: count, source: "工程默认值：三家以上医院"}
  cycling_gap: {default: 3, min: 0, max: 10, unit: days, source: "工程默认值：出院到下次入院的间隔中位数"}
  few: {default: 2, min: 2, max: 6, unit: count, source: "工程默认值：频繁至少是两次，单独一次长期住院不算"}
  transfer: {default: 1, min: 0, max: 3, unit: days, source: "工程默认值：转院两次住院之间的间隔"}
exempt:
  special_disease: 主诊断为肿瘤及放化疗、透析、血友病、定期输血、精神病、康复、安宁疗护的住院不计。
  obstetrics: 孕产期住院不计。
  long_term_care: 精神病、康复医疗类别及按床日付费的住院不计。
  home_bed: 家庭病床、日间手术不计。
  newborn: 新生儿住院不计。
  planned: 前次结算清单注明三十一天内有再住院计划的，计划内的再次住院不计。
  transfer_chain: 转院前后的住院合为一次。
sentence: 患者在{from_date}至{to_date}间住院{stays}次，累计{days}天，涉及{hospitals}家医院，出院到再次入院的间隔中位数{gap_text}。
*/
with
-- 自入院日看到的住院：追溯期以后才出院的，视为尚未出院
seen as (
    select psn_no, mdtrt_id, fixmedins_code, begntime, med_type, hi_paymtd, newborn, transfer_in, days_rinp_flag_31, adm_msgid,
        stay_seen_until(begntime, dscg_time, heard, $lookback) as seen_until,
        if(near(begntime, dscg_time, $lookback), dscg_msgid, null) as dscg_msgid,
        if(near(begntime, dscg_time, $lookback), dscg_way, null) as dscg_way,
        diagnosis_seen(begntime, dscg_time, dscg_diag_code, adm_diag_code, $lookback) as diag_code
    from judged
),
-- 次数或天数够得上的人，先不论转院和不计的住院；医院数不会多于次数
many as (
    select psn_no
    from seen
    group by psn_no
    having count(*) >= $few
        and (count(*) >= least($frequent, $cycling_hospitals)
            or sum(greatest(nights(begntime, seen_until), 1)) >= $long_days)
),
-- 每个人的住院排成一列：前次何时出院、是否转院而来、再住院是否在计划内
stays as (
    select psn_no, mdtrt_id, fixmedins_code, begntime, seen_until, adm_msgid, dscg_msgid,
        diag_code, med_type, hi_paymtd, newborn,
        lag(seen_until) over w as earlier_until,
        coalesce(lag(dscg_way) over w in ('2', '3'), false) or transfer_in as moved,
        coalesce(lag(days_rinp_flag_31) over w = '2', false) as planned
    from seen
    semi join many using (psn_no)
    window w as (partition by psn_no order by begntime, mdtrt_id)
),
-- 转院前后合为一次的编号
chained as (
    select s.*,
        count(*) filter (where not (moved and coalesce(date_diff('day', earlier_until::date, begntime::date) <= $transfer, false))) -- exempt: transfer_chain
            over (partition by psn_no order by begntime, mdtrt_id) as chain
    from stays s
),
-- 计数的住院
counted as (
    select c.psn_no, c.chain, c.mdtrt_id, c.fixmedins_code, c.begntime, c.seen_until, c.adm_msgid, c.dscg_msgid
    from chained c
    where not exists (
            select 1 from knowledge.exempt_diagnosis x
            where x.exemption not in ('obstetrics')
                and starts_with(upper(c.diag_code), x.icd_prefix)
                and c.begntime::date between x.effective_from and x.effective_to) -- exempt: special_disease
        and not exists (
            select 1 from knowledge.exempt_diagnosis x
            where x.exemption = 'obstetrics'
                and starts_with(upper(c.diag_code), x.icd_prefix)
                and c.begntime::date between x.effective_from and x.effective_to) -- exempt: obstetrics
        and not (coalesce(c.med_type, '') in ('21303', '2105') or coalesce(c.hi_paymtd, '') = '5') -- exempt: long_term_care
        and not regexp_matches(coalesce(c.med_type, ''), '^(71|27|28)') -- exempt: home_bed
        and not c.newborn -- exempt: newborn
        and not (c.planned and date_diff('day', c.earlier_until::date, c.begntime::date) <= 31) -- exempt: planned
),
-- 转院链合成的一次次住院，及与前一次的间隔
episodes as (
    select psn_no, chain, min(begntime) as begntime, max(seen_until) as until_time,
        min({'at': begntime, 'id': mdtrt_id, 'hospital': fixmedins_code}).hospital as hospital,
        sum(greatest(nights(begntime, seen_until), 1)) as days,
        lag(min(begntime)) over w as earlier_begin,
        greatest(date_diff('day', (lag(max(seen_until)) over w)::date, min(begntime)::date), 0) as gap
    from counted
    group by psn_no, chain
    window w as (partition by psn_no order by chain)
    qualify count(*) over (partition by psn_no) >= $few
),
-- 从每次入院往回数一年
windows as (
    select e.psn_no, e.chain, e.begntime as last_begin, year(e.begntime) as admission_year,
        min(b.begntime) as first_begin, max(b.until_time) as last_end,
        count(*) as stays, sum(b.days) as days, count(distinct b.hospital) as hospitals,
        median(b.gap) filter (where b.earlier_begin > e.begntime - $window) as gap
    from episodes e
    join episodes b using (psn_no)
    where b.begntime <= e.begntime
        and b.begntime > e.begntime - $window
        and near(b.begntime, e.begntime, $lookback)
    group by e.psn_no, e.chain, e.begntime
),
-- 达到次数、天数或多院轮转的；每人每年取最严重的一段
worst as (
    select w.*,
        if(stays >= $very_frequent
            or days >= $long_days
            or hospitals >= $cycling_hospitals and coalesce(gap <= $cycling_gap, false), 2, 3) as severity
    from windows w
    where stays >= $few
        and (stays >= $frequent
            or days >= $long_days
            or hospitals >= $cycling_hospitals and coalesce(gap <= $cycling_gap, false))
    qualify row_number() over (
        partition by psn_no, admission_year
        order by severity, stays desc, days desc, last_begin, chain) = 1
)
select w.psn_no, w.admission_year, w.severity, w.first_begin as occurred_at,
    w.first_begin::date as from_date, w.last_end::date as to_date,
    w.stays, w.days, w.hospitals, coalesce(printf('%g天', w.gap), '（无）') as gap_text,
    list(c.mdtrt_id order by c.begntime, c.mdtrt_id) as mdtrt_ids,
    list(visit_item(c.mdtrt_id) order by c.begntime, c.mdtrt_id) as items,
    flatten(list([c.adm_msgid, c.dscg_msgid] order by c.begntime, c.mdtrt_id)) as evidence
from worst w
join episodes e on e.psn_no = w.psn_no and e.begntime between w.first_begin and w.last_begin
join counted c on c.psn_no = e.psn_no and c.chain = e.chain
group by w.psn_no, w.admission_year, w.severity, w.first_begin, w.last_end, w.stays, w.days, w.hospitals, w.gap

/*
code: IN-06
name: 分解住院
key: person
subject: [visit, mdtrt_id]
anchor: [first_mdtrt_id, mdtrt_id]
behaviour: encounter
severity: [2, 3]
status: live
version: 2
official: GZ10000204001000 分解住院
law: [条例15, 条例38(一)]
basis: 国家规则指同一家医疗机构相邻两次住院间隔异常；地方认定多以七日或十五日内同病再次住院为准。
case_cause: 11
route: supervision
money: fund
lookback: 200 d
needs: [visit.begntime, visit.dscg_time, visit.dscg_diag_code, visit.adm_diag_code]
may_use: [settlement_list, visit.emergency, visit.dscg_way, visit.transfer_in, visit.mid_settled, visit.days_rinp_flag_31, visit.hi_paymtd, visit.newborn, referral]
judges:
  from: visit where inpatient
  missing:
    入院登记(2401): begntime is null
    主诊断: coalesce(dscg_diag_code, adm_diag_code) is null
    住院超过追溯期: not near(begntime, dscg_time, $lookback)
params:
  core: {default: 7, min: 1, max: 15, unit: days, source: "地方分解住院认定规则：七日内同病再次住院"}
  outer: {default: 15, min: 3, max: 31, unit: days, source: "地方分解住院认定规则：十五日内同病再次住院"}
  list_due: {default: 30, min: 10, max: 60, unit: d, source: "工程默认值：结算清单（4101）最迟上传时间，自再次入院起算"}
exempt:
  emergency: 再次住院为急诊、抢救入院的不计。
  special_disease: 任一次主诊断为肿瘤及放化疗、透析、血友病、定期输血、精神病、康复、安宁疗护的不计。
  obstetrics: 孕产期住院（产前多次住院后分娩）不计。
  long_term_care: 任一次为精神病、康复医疗类别或按床日付费的不计，分次住院并不多付。
  home_bed: 任一次为家庭病床、日间手术的不计。
  newborn: 新生儿住院不计。
  transferred: 前次医嘱转院、再次由他院转入，其间有转院备案（2501），或其间在他院的住院为转入、转出的不计。
  against_advice: 前次非医嘱离院（dscg_way 4）后返回的不计。
  planned: 前次结算清单注明三十一天内有再住院计划的（分期手术等）不计。
  year_end: 年底结账出院、一月一日前后重新登记的不计。
  mid_settled: 前次按规定中途结算后重新登记的不计。
sentence: 患者因{first_diag}于{first_end}出院，{interval_text}又因{diag}在同一医院入院（{begntime}），{likeness}{elsewhere}{remark}。
*/
with
-- 在同一家医院住过不止一次的
repeated as (
    select psn_no, fixmedins_code
    from visit
    where inpatient
    group by psn_no, fixmedins_code
    having count(*) > 1
),
-- 每个人在每家医院的住院排成一列，看紧接着的下一次；其间在别的医院住过的也是相邻
sequence as (
    select v.psn_no, v.mdtrt_id, v.begntime,
        lead(v.mdtrt_id) over (partition by v.psn_no, v.fixmedins_code order by v.begntime, v.mdtrt_id) as next_mdtrt_id,
        lead(v.begntime) over (partition by v.psn_no, v.fixmedins_code order by v.begntime, v.mdtrt_id) as next_begntime
    from visit v
    semi join repeated r on r.psn_no is not distinct from v.psn_no and r.fixmedins_code is not distinct from v.fixmedins_code
    where v.inpatient
),
-- 同一家医院、出院后十五日内的相邻两次住院
pairs as (
    select a.mdtrt_id as first_mdtrt_id, b.mdtrt_id, a.psn_no, a.fixmedins_code,
        a.begntime as first_begin, a.dscg_time as first_end, a.dscg_time_is_date as first_end_is_date, b.begntime, b.begntime_is_date,
        date_diff('day', a.dscg_time::date, b.begntime::date) as gap,
        coalesce(a.dscg_diag_code, a.adm_diag_code) as first_diag,
        coalesce(b.adm_diag_code, if(coalesce(near(a.begntime, b.dscg_time, $lookback), true), b.dscg_diag_code, null)) as diag,
        b.emergency is not null or b.list_uploaded as emergency_known,
        a.list_uploaded as plan_known,
        [a.adm_msgid, a.dscg_msgid, b.adm_msgid, if(near(a.begntime, b.dscg_time, $lookback), b.dscg_msgid, null)] as msgids
    from sequence s
    join judged a using (mdtrt_id)
    join visit b on b.mdtrt_id = s.next_mdtrt_id
    where date_diff('day', a.dscg_time::date, s.next_begntime::date) between 0 and $outer
        and near(a.begntime, b.begntime, $lookback)
        and not coalesce(b.emergency, false) -- exempt: emergency
        and not (a.newborn or b.newborn) -- exempt: newborn
        and not regexp_matches(coalesce(a.med_type, '') || ' ' || coalesce(b.med_type, ''), '(^| )(71|27|28)') -- exempt: home_bed
        and not coalesce(a.med_type in ('21303', '2105') or b.med_type in ('21303', '2105') or '5' in (a.hi_paymtd, b.hi_paymtd), false) -- exempt: long_term_care
        and not (coalesce(a.dscg_way, '') = '2' or b.transfer_in) -- exempt: transferred
        and coalesce(a.dscg_way, '') <> '4' -- exempt: against_advice
        and coalesce(a.days_rinp_flag_31, '') <> '2' -- exempt: planned
        and not a.mid_settled -- exempt: mid_settled
        and not (year(b.begntime) > year(a.dscg_time)
            and date_diff('day', a.dscg_time::date, b.begntime::date) <= 2) -- exempt: year_end
),
-- 其间在别的医院的住院：几次，有没有转入、转出
between_stays as (
    select p.first_mdtrt_id, count(*) as stays,
        bool_or(coalesce(o.dscg_way in ('2', '3'), false) or coalesce(o.transfer_in, false)) as transferred,
        list(o.adm_msgid order by o.adm_msgid) as msgids, list(o.dscg_msgid order by o.dscg_msgid) as dscg_msgids
    from pairs p
    join visit o on o.psn_no = p.psn_no
    where o.inpatient and o.fixmedins_code <> p.fixmedins_code
        and o.begntime between p.first_begin and p.begntime
        and coalesce(o.dscg_time, o.begntime) >= p.first_end - interval 1 day
    group by p.first_mdtrt_id
),
-- 除去特殊病种、孕产和转院
eligible as (
    select p.*, coalesce(o.stays, 0) as stays_elsewhere, list_concat(o.msgids, o.dscg_msgids) as msgids_elsewhere
    from pairs p
    left join between_stays o using (first_mdtrt_id)
    where not coalesce(o.transferred, false) -- exempt: transferred
        and not exists (
            select 1 from knowledge.exempt_diagnosis x
            where x.exemption <> 'obstetrics'
                and (starts_with(upper(p.first_diag), x.icd_prefix) or starts_with(upper(p.diag), x.icd_prefix))
                and p.begntime::date between x.effective_from and x.effective_to) -- exempt: special_disease
        and not exists (
            select 1 from knowledge.exempt_diagnosis x
            where x.exemption = 'obstetrics'
                and (starts_with(upper(p.first_diag), x.icd_prefix) or starts_with(upper(p.diag), x.icd_prefix))
                and p.begntime::date between x.effective_from and x.effective_to) -- exempt: obstetrics
        and not exists (
            select 1 from referral r
            where r.psn_no = p.psn_no and r.refl_date between p.first_end::date - 1 and p.begntime::date
                and near(p.first_begin, r.refl_date::timestamp, $lookback)) -- exempt: transferred
),
-- 同一类目，或同属一个系统（ICD-10 章）
alike as (
    select e.*, icd3(e.first_diag) = icd3(e.diag) as same_disease
    from eligible e
    left join knowledge.icd_chapter a on icd3(e.first_diag) between a.code_from and a.code_to
    left join knowledge.icd_chapter b on icd3(e.diag) between b.code_from and b.code_to
    where icd3(e.first_diag) = icd3(e.diag)
        or coalesce(a.chapter = b.chapter and a.body_system, false)
),
-- 再次入院即可说；七日内同病的从重，但须已知不是急诊、没有再住院计划，或清单的上传时间已过
verdicts as (
    select first_mdtrt_id, mdtrt_id,
        if(same_disease and gap <= $core and emergency_known and plan_known, 2, 3) as severity,
        begntime as due_at, false as overdue
    from alike
    union all
    select first_mdtrt_id, mdtrt_id, 2, begntime + $list_due, true
    from alike
    where same_disease and gap <= $core
        and not (emergency_known and plan_known)
        and near(first_begin, begntime + $list_due, $lookback)
        and exists (select 1 from provided where name = 'settlement_list')
),
-- 再次住院的结算清单
lists as (
    select k.mdtrt_id, list(s.msgid order by s.setl_id) as msgids
    from alike k
    join settlement_list s using (mdtrt_id)
    where near(k.first_begin, s.upload_time, $lookback)
    group by k.mdtrt_id
)
select k.first_mdtrt_id, k.mdtrt_id, k.psn_no, k.fixmedins_code, d.severity, k.first_begin as occurred_at, d.due_at,
    k.first_end, k.first_end_is_date, k.begntime, k.begntime_is_date, k.gap, if(k.gap = 0, '当日', k.gap || '天后') as interval_text, k.first_diag, k.diag,
    if(k.same_disease, '前后主诊断属同一类目', '前后主诊断属同一系统') as likeness,
    if(k.stays_elsewhere > 0, '；其间在他院住院' || k.stays_elsewhere || '次，没有转院记录', '') as elsewhere,
    case when d.overdue then '；结算清单（4101）逾期未上传，急诊与再住院计划未能核实'
        when k.same_disease and k.gap <= $core and d.severity = 3 then '；急诊与再住院计划待结算清单核实'
        else '' end as remark,
    [k.first_mdtrt_id, k.mdtrt_id] as mdtrt_ids,
    [involved_visit(k.first_mdtrt_id), visit_item(k.mdtrt_id)] as items,
    list_concat(k.msgids, k.msgids_elsewhere, l.msgids) as evidence
from alike k
join verdicts d using (first_mdtrt_id, mdtrt_id)
left join lists l on l.mdtrt_id = k.mdtrt_id

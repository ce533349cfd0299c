/*
unit: encounter
key: [mdtrt_id, act]
needs: [visit.begntime, visit.psn_no, visit.fixmedins_code]
may_use: [visit.begntime_is_date, visit.dscg_diag_code, visit.adm_diag_code, visit.med_type, visit.days_rinp_flag_31,
  diagnosis, settlement.setl_time, fee_line.med_list_codg, insured.emp_name, insured.addr]
columns:
  mdtrt_id: {meaning: 就诊标识, unit: code, role: key}
  act: {meaning: admitted 入院、visited 门诊就诊、bought 药店购药、settled 出院结算, unit: code, role: key}
  psn_no: {meaning: 参保人, unit: code, role: context}
  fixmedins_code: {meaning: 机构, unit: code, role: context}
  month: {meaning: 当日所在月份的第一日, unit: date, role: context}
  day: {meaning: 当日, unit: date, role: context}
  minute: {meaning: 当日零时起的分钟数；来源只有日期的为空, unit: min, role: context}
  excused: {meaning: 本就同来的缘由：dialysis 透析排班、cycle 放化疗等按期返院、home 家庭病床与上门服务、check_up 集中体检与接种, unit: code, role: context}
  living: {meaning: 登记的单位或住址是养老机构、学校的，其名称, unit: code, role: context}
*/
-- 透析、化疗以诊断（ICD-10 N18、Z49、Z99.2、Z51.0–2、Z51.8）或项目编码（全国医疗服务价格项目 003110 透析）为准，
-- 体检与接种以诊断 Z00–Z02、Z10、Z11、Z23–Z29 或 med_type 1103、990103 为准。
with
coded as (
    select mdtrt_id,
        bool_or(regexp_matches(diag_code, '^(N18|Z49|Z99\.2)')) as dialysis,
        bool_or(regexp_matches(diag_code, '^Z51\.?[0128]')) as cycle,
        bool_or(maindiag_flag = '1' and regexp_matches(diag_code, '^Z(0[0-2]|1[01]|2[3-9])')) as check_up
    from diagnosis
    group by mdtrt_id
),
dialysed as (
    select distinct mdtrt_id
    from fee_line
    where starts_with(med_list_codg, '003110')
),
person as (
    select psn_no, max({'on': begndate, 'emp': emp_name, 'at': addr}) as last
    from insured
    group by psn_no
),
named as (
    select psn_no, dwelling(last.emp, last.at) as living
    from person
),
told as (
    select v.mdtrt_id, v.psn_no, v.fixmedins_code, v.kind, v.begntime, coalesce(v.begntime_is_date, false) as begntime_is_date,
        n.living,
        case
            when c.dialysis or d.mdtrt_id is not null or regexp_matches(coalesce(v.dscg_diag_code, v.adm_diag_code), '^(N18|Z49|Z99\.2)') then 'dialysis'
            when c.cycle or v.days_rinp_flag_31 = '2' or regexp_matches(coalesce(v.dscg_diag_code, v.adm_diag_code), '^Z51\.?[0128]') then 'cycle'
            when starts_with(v.med_type, '71') then 'home'
            when c.check_up or v.med_type in ('1103', '990103') then 'check_up'
        end as excused
    from visit v
    left join coded c using (mdtrt_id)
    left join dialysed d using (mdtrt_id)
    left join named n on n.psn_no = v.psn_no
    where v.begntime is not null and v.psn_no is not null and v.fixmedins_code is not null
),
left_bed as (
    select mdtrt_id, max({'t': setl_time, 'is_date': coalesce(setl_time_is_date, false)}) as last
    from settlement
    where kind = '2304' and setl_time is not null
    group by mdtrt_id
),
acts as (
    select mdtrt_id, case kind when 'inpatient' then 'admitted' when 'pharmacy' then 'bought' else 'visited' end as act,
        psn_no, fixmedins_code, begntime as t, begntime_is_date as is_date, excused, living
    from told
    union all
    select mdtrt_id, 'settled', psn_no, fixmedins_code, s.last.t, s.last.is_date, excused, living
    from told
    join left_bed s using (mdtrt_id)
    where kind = 'inpatient' and s.last.t <= begntime + interval 366 day
)
select mdtrt_id, act, psn_no, fixmedins_code, date_trunc('month', t)::date as month, t::date as day,
    if(is_date, null, hour(t) * 60 + minute(t))::integer as minute, excused, living
from acts

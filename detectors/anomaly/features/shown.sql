/*
unit: shown
key: [subject_type, subject, month]
needs: [visit.begntime, visit.fixmedins_code]
may_use: [visit.dscg_time, visit.atddr_no, visit.dscg_way, visit.emergency, visit.dscg_diag_code, diagnosis,
  settlement.medfee_sumamt, settlement.fund_pay_sumamt, settlement.psn_cash_pay, fee_line.med_chrgitm_type, insured.addr]
columns:
  subject_type: {meaning: institution 机构、practitioner 医师, unit: code, role: key}
  subject: {meaning: 机构或医师编码, unit: code, role: key}
  month: {meaning: 出院（门诊、购药为就诊）月份的第一日, unit: date, role: key}
  cost_level: {meaning: 费用最高的人次, unit: list, role: context}
  days_level: {meaning: 住院最久的人次, unit: list, role: context}
  exam_level: {meaning: 检查化验费占比最高的人次, unit: list, role: context}
  codes_level: {meaning: 诊断条数最多的人次, unit: list, role: context}
  short_share: {meaning: 住院不足三日中费用最高的人次, unit: list, role: context}
  readmission_share: {meaning: 十五日内再入本院的人次，间隔短的在前, unit: list, role: context}
  off_day_share: {meaning: 周末入院中费用最高的人次, unit: list, role: context}
  again_share: {meaning: 七日内再次就诊的人次，间隔短的在前, unit: list, role: context}
  elsewhere_share: {meaning: 三十日内刚在其他机构就诊的人次，间隔短的在前, unit: list, role: context}
  no_cash_share: {meaning: 个人现金支付为零中费用最高的人次, unit: list, role: context}
  same_diagnosis: {meaning: 最多的病种中费用最高的人次, unit: list, role: context}
  same_village: {meaning: 最多的村中费用最高的人次, unit: list, role: context}
  same_bill: {meaning: 与其他住院患者费用总额相同的住院，相同者多的在前, unit: list, role: context}
*/
with
visits as (
    select mdtrt_id, psn_no, fixmedins_code, nullif(atddr_no, '') as dr_code, kind, inpatient, begntime, dscg_time,
        coalesce(emergency, false) as emergency,
        icd3(coalesce(dscg_diag_code, adm_diag_code)) as diagnosis,
        date_trunc('month', if(inpatient, dscg_time, begntime))::date as month
    from visit
    where if(inpatient, dscg_time, begntime) <= begntime + interval 366 day
),
money as (
    select mdtrt_id, bool_or(psn_cash_pay = 0) as no_cash,
        coalesce(nullif(sum(medfee_sumamt), 0), sum(fund_pay_sumamt) + coalesce(sum(act_pay_dedc), 0)) as cost
    from settlement
    group by mdtrt_id
),
coded as (
    select mdtrt_id, count(distinct diag_code) as codes,
        min(icd3(diag_code)) filter (where maindiag_flag = '1' and role <> 'admission') as main
    from diagnosis
    group by mdtrt_id
),
lines as (
    select mdtrt_id,
        round(coalesce(sum(det_item_fee_sumamt) filter (where med_chrgitm_type in ('03', '04')), 0)::double
            / sum(det_item_fee_sumamt)::double, 4) as exam
    from fee_line
    group by mdtrt_id
    having sum(det_item_fee_sumamt) > 0
),
person as (
    select psn_no, max({'on': begndate, 'at': addr}).at as addr
    from insured
    group by psn_no
),
joined as (
    select v.* exclude (diagnosis), m.cost, m.no_cash, c.codes, l.exam, p.addr,
        coalesce(v.diagnosis, c.main) as diagnosis,
        greatest(date_diff('day', v.begntime::date, v.dscg_time::date), 1) as days,
        date_diff('day', (lag(if(inpatient, dscg_time, begntime)) over place)::date, v.begntime::date) as since,
        date_diff('day', (lag(v.begntime) over life)::date, v.begntime::date) as since_elsewhere,
        lag(v.fixmedins_code) over life <> v.fixmedins_code as elsewhere
    from visits v
    left join money m using (mdtrt_id)
    left join coded c using (mdtrt_id)
    left join lines l using (mdtrt_id)
    left join person p on p.psn_no = v.psn_no
    window place as (partition by v.psn_no, v.fixmedins_code, v.kind order by v.begntime, v.mdtrt_id),
        life as (partition by v.psn_no order by v.begntime, v.mdtrt_id)
),
-- 同病种、同村、同额在机构当月有多少
counted as (
    select *,
        count(*) over (partition by fixmedins_code, month, inpatient, diagnosis) as of_diagnosis,
        count(*) over (partition by fixmedins_code, month, addr) as of_village,
        count(*) over (partition by fixmedins_code, month, inpatient, cost) as of_bill
    from joined
),
told as (
    select *, {'by': coalesce(cost, 0)::double, 'id': mdtrt_id} as by_cost
    from counted
),
-- 机构与医师各自最能说明问题的十个人次
listed as (
    select if(grouping(fixmedins_code) = 0, 'institution', 'practitioner') as subject_type,
        coalesce(if(grouping(fixmedins_code) = 0, fixmedins_code, dr_code), '') as subject, month,
        max(by_cost, 10) as cost_level,
        max({'by': days::double, 'id': mdtrt_id}, 10) filter (where inpatient) as days_level,
        max({'by': exam, 'id': mdtrt_id}, 10) filter (where exam is not null) as exam_level,
        max({'by': codes::double, 'id': mdtrt_id}, 10) filter (where codes is not null) as codes_level,
        max(by_cost, 10) filter (where inpatient and days <= 2) as short_share,
        max({'by': -since::double, 'id': mdtrt_id}, 10) filter (where inpatient and since between 0 and 14) as readmission_share,
        max(by_cost, 10) filter (where inpatient and not emergency and dayofweek(begntime) in (0, 6)) as off_day_share,
        max({'by': -since::double, 'id': mdtrt_id}, 10) filter (where not inpatient and since between 0 and 7) as again_share,
        max({'by': -since_elsewhere::double, 'id': mdtrt_id}, 10)
            filter (where elsewhere and since_elsewhere between 0 and 30) as elsewhere_share,
        max(by_cost, 10) filter (where no_cash) as no_cash_share,
        max({'by': of_diagnosis::double, 'id': mdtrt_id}, 10) filter (where diagnosis is not null) as same_diagnosis,
        max({'by': of_village::double, 'id': mdtrt_id}, 10) filter (where inpatient and addr is not null) as same_village,
        max({'by': of_bill::double, 'id': mdtrt_id}, 10) filter (where inpatient and cost > 0 and of_bill > 1) as same_bill
    from told
    group by grouping sets ((fixmedins_code, month), (dr_code, month))
)
select subject_type, subject, month,
    list_transform(cost_level, lambda x: x.id) as cost_level,
    list_transform(days_level, lambda x: x.id) as days_level,
    list_transform(exam_level, lambda x: x.id) as exam_level,
    list_transform(codes_level, lambda x: x.id) as codes_level,
    list_transform(short_share, lambda x: x.id) as short_share,
    list_transform(readmission_share, lambda x: x.id) as readmission_share,
    list_transform(off_day_share, lambda x: x.id) as off_day_share,
    list_transform(again_share, lambda x: x.id) as again_share,
    list_transform(elsewhere_share, lambda x: x.id) as elsewhere_share,
    list_transform(no_cash_share, lambda x: x.id) as no_cash_share,
    list_transform(same_diagnosis, lambda x: x.id) as same_diagnosis,
    list_transform(same_village, lambda x: x.id) as same_village,
    list_transform(same_bill, lambda x: x.id) as same_bill
from listed
where subject <> ''

/*
unit: shown
key: [subject_type, subject, month]
needs: [visit.begntime, visit.fixmedins_code]
rests_on: [visited]
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
-- 同病种、同村、同额在机构当月有多少
counted as (
    select *, place_before <> fixmedins_code as elsewhere,
        date_diff('day', if(inpatient, left_at, earlier)::date, begntime::date) as since,
        date_diff('day', before_that::date, begntime::date) as since_elsewhere,
        count(*) over (partition by fixmedins_code, month, inpatient, diagnosis) as of_diagnosis,
        count(*) over (partition by fixmedins_code, month, addr) as of_village,
        count(*) over (partition by fixmedins_code, month, inpatient, cost) as of_bill
    from visited
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
        max(by_cost, 10) filter (where no_cash > 0) as no_cash_share,
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

/*
unit: institution_month
key: [fixmedins_code, month]
needs: [visit.begntime, visit.fixmedins_code]
may_use: [fee_line.med_list_codg, institution]
rests_on: [visited]
cases: visits
columns:
  fixmedins_code: {meaning: 定点医药机构, unit: code, role: key}
  month: {meaning: 出院（门诊、购药为就诊）月份的第一日, unit: date, role: key}
  visits: {meaning: 人次, unit: count, role: size}
  stays: {meaning: 出院人次, unit: count, role: size}
  ambulatory: {meaning: 门诊、购药人次, unit: count, role: size}
  patients: {meaning: 患者人数, unit: count, role: size}
  inpatients: {meaning: 住院患者人数, unit: count, role: size}
  total_fee: {meaning: 费用总额；来源没有总额的，为基金支付加起付线, unit: CNY, role: size}
  fund: {meaning: 基金支付, unit: CNY, role: size}
  nights: {meaning: 出院患者住院床日, unit: days, role: size}
  bed_days: {meaning: 核定床位数乘当月天数, unit: days, role: size}
  settled: {meaning: 个人现金支付已知的结算笔数, unit: count, role: size}
  no_cash: {meaning: 个人现金支付为零的结算笔数, unit: count, role: size}
  level: {meaning: 医院等级, unit: code, role: context}
  kind: {meaning: 定点医药机构类型, unit: code, role: context}
  occupancy: {meaning: 床位使用率（出院者床日比核定床日）, english: nights per licensed bed-day, unit: per bed-day, numerator: nights, denominator: bed_days, suspicious: high, few: 60, basis: 床位率异常分析}
  no_cash_share: {meaning: 个人零现金支付占比, english: share of settlements without cash payment, unit: ratio, numerator: no_cash, denominator: settled, suspicious: high, few: 20, basis: 减免自付费用诱导住院}
  same_diagnosis_pairs: {meaning: 任两名住院患者同病种的对数, unit: count, role: size}
  same_diagnosis_of: {meaning: 可比的对数（任两名住院患者同病种的比例）, unit: count, role: size}
  same_diagnosis: {meaning: 任两名住院患者同病种的比例, english: chance of two inpatients having the same diagnosis, unit: share, numerator: same_diagnosis_pairs, denominator: same_diagnosis_of, suspicious: high, few: 380, basis: 诱导住院、病种单一}
  same_outpatient_diagnosis_pairs: {meaning: 任两名门诊患者同病种的对数, unit: count, role: size}
  same_outpatient_diagnosis_of: {meaning: 可比的对数（任两名门诊患者同病种的比例）, unit: count, role: size}
  same_outpatient_diagnosis: {meaning: 任两名门诊患者同病种的比例, english: chance of two outpatients having the same diagnosis, unit: share, numerator: same_outpatient_diagnosis_pairs, denominator: same_outpatient_diagnosis_of, suspicious: high, few: 380, basis: 虚假诊疗、病种单一}
  same_village_pairs: {meaning: 任两名住院患者同村的对数, unit: count, role: size}
  same_village_of: {meaning: 可比的对数（任两名住院患者同村的比例）, unit: count, role: size}
  same_village: {meaning: 任两名住院患者同村的比例, english: chance of two inpatients coming from one village, unit: share, numerator: same_village_pairs, denominator: same_village_of, suspicious: high, few: 380, basis: 整村拉人住院}
  same_employer_pairs: {meaning: 任两名住院患者同单位的对数, unit: count, role: size}
  same_employer_of: {meaning: 可比的对数（任两名住院患者同单位的比例）, unit: count, role: size}
  same_employer: {meaning: 任两名住院患者同单位的比例, english: chance of two inpatients having one employer, unit: share, numerator: same_employer_pairs, denominator: same_employer_of, suspicious: high, few: 380, basis: 整单位拉人住院}
  same_doctor_pairs: {meaning: 任两名住院患者同一主管医师的对数, unit: count, role: size}
  same_doctor_of: {meaning: 可比的对数（任两名住院患者同一主管医师的比例）, unit: count, role: size}
  same_doctor: {meaning: 任两名住院患者同一主管医师的比例, english: chance of two inpatients having one physician, unit: share, numerator: same_doctor_pairs, denominator: same_doctor_of, suspicious: high, few: 380, basis: 一名医师签署全院病历}
  same_outpatient_doctor_pairs: {meaning: 任两名门诊患者同一接诊医师的对数, unit: count, role: size}
  same_outpatient_doctor_of: {meaning: 可比的对数（任两名门诊患者同一接诊医师的比例）, unit: count, role: size}
  same_outpatient_doctor: {meaning: 任两名门诊患者同一接诊医师的比例, english: chance of two outpatients having one physician, unit: share, numerator: same_outpatient_doctor_pairs, denominator: same_outpatient_doctor_of, suspicious: high, few: 380, basis: 一名医师签署全院病历}
  same_bill_pairs: {meaning: 任两名住院患者费用总额完全相同的对数, unit: count, role: size}
  same_bill_of: {meaning: 可比的对数（任两名住院患者费用总额完全相同的比例）, unit: count, role: size}
  same_bill: {meaning: 任两名住院患者费用总额完全相同的比例, english: chance of two inpatients having bills of the same amount, unit: share, numerator: same_bill_pairs, denominator: same_bill_of, suspicious: high, few: 380, basis: 医疗项目雷同分析}
  same_bundle_pairs: {meaning: 任两名住院患者费用项目完全相同的对数, unit: count, role: size}
  same_bundle_of: {meaning: 可比的对数（任两名住院患者费用项目完全相同的比例）, unit: count, role: size}
  same_bundle: {meaning: 任两名住院患者费用项目完全相同的比例, english: chance of two inpatients having the same items, unit: share, numerator: same_bundle_pairs, denominator: same_bundle_of, suspicious: high, few: 380, basis: 医疗项目雷同分析}
*/
with
-- 住院费用项目的组合（五项以上）
bundles as (
    select mdtrt_id, bit_xor(hash(med_list_codg)) as bundle, count(*) as items
    from (select distinct mdtrt_id, med_list_codg from fee_line where kind = '2301' and med_list_codg is not null)
    group by mdtrt_id
    having count(*) >= 5
),
joined as (
    select v.*, b.bundle, b.items
    from visited v
    left join bundles b using (mdtrt_id)
),
-- 任两名患者（诊断、医师按人次）在某一方面相同的对数：比例不随规模变化。同一人的各次之间、同一养老院或学校的人之间
-- 本就相同，不成对。380 对为二十名患者（20×19）。
grouped as (
    select fixmedins_code, month, 'same_diagnosis' as what, diagnosis as which, living, count(*) as n
    from joined where inpatient and diagnosis is not null group by all
    union all
    select fixmedins_code, month, 'same_outpatient_diagnosis' as what, diagnosis as which, living, count(*) as n
    from joined where not inpatient and diagnosis is not null group by all
    union all
    select fixmedins_code, month, 'same_village' as what, addr as which, living, count(distinct psn_no) as n
    from joined where inpatient and addr is not null group by all
    union all
    select fixmedins_code, month, 'same_employer' as what, emp_name as which, living, count(distinct psn_no) as n
    from joined where inpatient and emp_name is not null and emp_name <> '' group by all
    union all
    select fixmedins_code, month, 'same_doctor' as what, dr_code as which, living, count(*) as n
    from joined where inpatient and dr_code is not null group by all
    union all
    select fixmedins_code, month, 'same_outpatient_doctor' as what, dr_code as which, living, count(*) as n
    from joined where not inpatient and dr_code is not null group by all
    union all
    select fixmedins_code, month, 'same_bill' as what, cost::varchar as which, living, count(distinct psn_no) as n
    from joined where inpatient and cost > 0 group by all
    union all
    select fixmedins_code, month, 'same_bundle' as what, concat_ws('|', bundle, items) as which, living, count(distinct psn_no) as n
    from joined where bundle is not null group by all
),
gathered as (
    select fixmedins_code, month, what, grouping(living) = 1 as of_which, sum(n) as n, sum(n * n) as own
    from grouped
    group by grouping sets ((fixmedins_code, month, what, which), (fixmedins_code, month, what, living))
),
pairs as (
    select fixmedins_code, month, what, alike_pairs(n, own, of_which) as alike, all_pairs(n, of_which) as pairs
    from gathered
    group by fixmedins_code, month, what
),
alike as (
    select fixmedins_code, month,
        max(alike) filter (where what = 'same_diagnosis') as same_diagnosis_pairs, max(pairs) filter (where what = 'same_diagnosis') as same_diagnosis_of,
        max(alike) filter (where what = 'same_outpatient_diagnosis') as same_outpatient_diagnosis_pairs, max(pairs) filter (where what = 'same_outpatient_diagnosis') as same_outpatient_diagnosis_of,
        max(alike) filter (where what = 'same_village') as same_village_pairs, max(pairs) filter (where what = 'same_village') as same_village_of,
        max(alike) filter (where what = 'same_employer') as same_employer_pairs, max(pairs) filter (where what = 'same_employer') as same_employer_of,
        max(alike) filter (where what = 'same_doctor') as same_doctor_pairs, max(pairs) filter (where what = 'same_doctor') as same_doctor_of,
        max(alike) filter (where what = 'same_outpatient_doctor') as same_outpatient_doctor_pairs, max(pairs) filter (where what = 'same_outpatient_doctor') as same_outpatient_doctor_of,
        max(alike) filter (where what = 'same_bill') as same_bill_pairs, max(pairs) filter (where what = 'same_bill') as same_bill_of,
        max(alike) filter (where what = 'same_bundle') as same_bundle_pairs, max(pairs) filter (where what = 'same_bundle') as same_bundle_of
    from pairs
    group by fixmedins_code, month
),
months as (
    select fixmedins_code, month, count(*) as visits,
        count(*) filter (where inpatient) as stays,
        count(*) filter (where not inpatient) as ambulatory,
        count(distinct psn_no) as patients,
        count(distinct psn_no) filter (where inpatient) as inpatients,
        sum(cost)::double as total_fee, sum(fund)::double as fund,
        coalesce(sum(days) filter (where inpatient), 0)::bigint as nights,
        coalesce(sum(settled), 0)::bigint as settled, coalesce(sum(no_cash), 0)::bigint as no_cash
    from joined
    group by fixmedins_code, month
),
-- 当月的机构登记
place as (
    select m.fixmedins_code, m.month, arg_max(i.hosp_lv, i.begndate) as level,
        arg_max(i.fixmedins_type, i.begndate) as kind,
        arg_max(i.appr_bed_cnt, i.begndate) as beds
    from months m
    join institution i on i.fixmedins_code = m.fixmedins_code
        and (i.begndate is null or i.begndate <= last_day(m.month)) and coalesce(i.enddate, date '9999-12-31') >= m.month
    group by m.fixmedins_code, m.month
)
select m.*,
    if(p.beds > 0, p.beds * day(last_day(m.month)), null)::bigint as bed_days, p.level, p.kind,
    m.nights::double / bed_days as occupancy,
    m.no_cash::double / nullif(m.settled, 0) as no_cash_share,
    coalesce(same_diagnosis_pairs, 0) as same_diagnosis_pairs, coalesce(same_diagnosis_of, 0) as same_diagnosis_of, same_diagnosis_pairs::double / nullif(same_diagnosis_of, 0) as same_diagnosis,
    coalesce(same_outpatient_diagnosis_pairs, 0) as same_outpatient_diagnosis_pairs, coalesce(same_outpatient_diagnosis_of, 0) as same_outpatient_diagnosis_of, same_outpatient_diagnosis_pairs::double / nullif(same_outpatient_diagnosis_of, 0) as same_outpatient_diagnosis,
    coalesce(same_village_pairs, 0) as same_village_pairs, coalesce(same_village_of, 0) as same_village_of, same_village_pairs::double / nullif(same_village_of, 0) as same_village,
    coalesce(same_employer_pairs, 0) as same_employer_pairs, coalesce(same_employer_of, 0) as same_employer_of, same_employer_pairs::double / nullif(same_employer_of, 0) as same_employer,
    coalesce(same_doctor_pairs, 0) as same_doctor_pairs, coalesce(same_doctor_of, 0) as same_doctor_of, same_doctor_pairs::double / nullif(same_doctor_of, 0) as same_doctor,
    coalesce(same_outpatient_doctor_pairs, 0) as same_outpatient_doctor_pairs, coalesce(same_outpatient_doctor_of, 0) as same_outpatient_doctor_of, same_outpatient_doctor_pairs::double / nullif(same_outpatient_doctor_of, 0) as same_outpatient_doctor,
    coalesce(same_bill_pairs, 0) as same_bill_pairs, coalesce(same_bill_of, 0) as same_bill_of, same_bill_pairs::double / nullif(same_bill_of, 0) as same_bill,
    coalesce(same_bundle_pairs, 0) as same_bundle_pairs, coalesce(same_bundle_of, 0) as same_bundle_of, same_bundle_pairs::double / nullif(same_bundle_of, 0) as same_bundle
from months m
left join place p using (fixmedins_code, month)
left join alike a using (fixmedins_code, month)

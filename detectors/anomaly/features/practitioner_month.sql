/*
unit: practitioner_month
key: [dr_code, month]
needs: [visit.begntime, visit.atddr_no]
may_use: [fee_line.bilg_dr_codg, fee_line.fee_ocur_time, fee_line.med_list_codg, fee_line.psn_no, insured.addr, insured.emp_name]
rests_on: [visited]
cases: visits
columns:
  dr_code: {meaning: 医师, unit: code, role: key}
  month: {meaning: 出院（门诊为就诊）月份的第一日, unit: date, role: key}
  fixmedins_code: {meaning: 当月人次最多的机构, unit: code, role: context}
  visits: {meaning: 主管或接诊人次, unit: count, role: size}
  stays: {meaning: 主管出院人次, unit: count, role: size}
  ambulatory: {meaning: 接诊人次, unit: count, role: size}
  patients: {meaning: 患者人数, unit: count, role: size}
  places: {meaning: 所在机构数, unit: count, role: size}
  away: {meaning: 不在主要机构的人次, unit: count, role: size}
  total_fee: {meaning: 费用总额；来源没有总额的，为基金支付加起付线, unit: CNY, role: size}
  visit_days: {meaning: 有接诊的日数, unit: days, role: size}
  lines: {meaning: 有时刻的开单条数, unit: count, role: size}
  hours: {meaning: 有开单的小时数, unit: h, role: size}
  night_lines: {meaning: 零时至五时开单条数, unit: count, role: size}
  drug_lines: {meaning: 开药条数, unit: count, role: size}
  lines_per_hour: {meaning: 每小时开单条数, english: lines per active hour, unit: per hour, numerator: lines, denominator: hours, suspicious: high, few: 20, basis: 医师工作量异常}
  night_share: {meaning: 凌晨开单占比, english: share of lines between midnight and five, unit: ratio, numerator: night_lines, denominator: lines, suspicious: high, few: 50, basis: 冒用医师开单}
  away_share: {meaning: 在其他机构的人次占比, english: share of visits at other institutions, unit: ratio, numerator: away, denominator: visits, suspicious: high, few: 20, basis: 冒用医师执业}
  same_diagnosis_pairs: {meaning: 任两名患者同病种的对数, unit: count, role: size}
  same_diagnosis_of: {meaning: 可比的对数（任两名患者同病种的比例）, unit: count, role: size}
  same_diagnosis: {meaning: 任两名患者同病种的比例, english: chance of two patients having the same diagnosis, unit: share, numerator: same_diagnosis_pairs, denominator: same_diagnosis_of, suspicious: high, few: 380, basis: 病种单一}
  same_village_pairs: {meaning: 任两名患者同村的对数, unit: count, role: size}
  same_village_of: {meaning: 可比的对数（任两名患者同村的比例）, unit: count, role: size}
  same_village: {meaning: 任两名患者同村的比例, english: chance of two patients coming from one village, unit: share, numerator: same_village_pairs, denominator: same_village_of, suspicious: high, few: 380, basis: 整村拉人就诊}
  same_bill_pairs: {meaning: 任两名住院患者费用总额完全相同的对数, unit: count, role: size}
  same_bill_of: {meaning: 可比的对数（任两名住院患者费用总额完全相同的比例）, unit: count, role: size}
  same_bill: {meaning: 任两名住院患者费用总额完全相同的比例, english: chance of two inpatients having bills of the same amount, unit: share, numerator: same_bill_pairs, denominator: same_bill_of, suspicious: high, few: 380, basis: 医疗项目雷同分析}
  same_drug_pairs: {meaning: 任两名患者所开药品相同的对数, unit: count, role: size}
  same_drug_of: {meaning: 可比的对数（任两名患者所开药品相同的比例）, unit: count, role: size}
  same_drug: {meaning: 任两名患者所开药品相同的比例, english: chance of drugs of two patients being the same, unit: share, numerator: same_drug_pairs, denominator: same_drug_of, suspicious: high, few: 380, basis: 超量、串换开药}
*/
with
person as (
    select psn_no, max({'on': begndate, 'at': addr}).at as addr, max({'on': begndate, 'at': emp_name}).at as emp_name
    from insured
    group by psn_no
),
joined as (
    select * from visited where dr_code is not null
),
-- 开单：按医师、日先合计一遍，有开单的小时记为一个数的各位
billed as (
    select bilg_dr_codg as dr_code, fee_ocur_time::date as day,
        count(*) filter (where not fee_ocur_time_is_date) as lines,
        coalesce(bit_or(1::integer << hour(fee_ocur_time)) filter (where not fee_ocur_time_is_date), 0) as hours,
        count(*) filter (where not fee_ocur_time_is_date and hour(fee_ocur_time) < 5) as night_lines,
        count(*) filter (where med_chrgitm_type in ('09', '10', '11') and med_list_codg is not null) as drug_lines
    from fee_line
    where bilg_dr_codg is not null and bilg_dr_codg <> '' and fee_ocur_time is not null
    group by all
),
lines as (
    select dr_code, date_trunc('month', day)::date as month, sum(lines)::bigint as lines, sum(bit_count(hours))::bigint as hours,
        sum(night_lines)::bigint as night_lines, sum(drug_lines)::bigint as drug_lines
    from billed
    group by all
),
-- 每名患者当月所开药品，天天开的也只算一次
prescribed as (
    select distinct bilg_dr_codg as dr_code, date_trunc('month', fee_ocur_time)::date as month, psn_no, med_list_codg as drug
    from fee_line
    where bilg_dr_codg is not null and bilg_dr_codg <> '' and fee_ocur_time is not null
        and med_chrgitm_type in ('09', '10', '11') and med_list_codg is not null
),
-- 任两名患者（诊断按人次）在某一方面相同的对数：比例不随规模变化。同一人的各次之间、同一养老院或学校的人之间
-- 本就相同，不成对。380 对为二十名患者（20×19）。
grouped as (
    select dr_code, month, 'same_diagnosis' as what, diagnosis as which, living, count(*) as n
    from joined where diagnosis is not null group by all
    union all
    select dr_code, month, 'same_village' as what, addr as which, living, count(distinct psn_no) as n
    from joined where addr is not null group by all
    union all
    select dr_code, month, 'same_bill' as what, cost::varchar as which, living, count(distinct psn_no) as n
    from joined where inpatient and cost > 0 group by all
    union all
    select dr_code, month, 'same_drug' as what, drug as which, coalesce(dwelling(p.emp_name, p.addr), d.psn_no) as living, count(*) as n
    from prescribed d left join person p on p.psn_no = d.psn_no group by all
),
gathered as (
    select dr_code, month, what, grouping(living) = 1 as of_which, sum(n) as n, sum(n * n) as own
    from grouped
    group by grouping sets ((dr_code, month, what, which), (dr_code, month, what, living))
),
pairs as (
    select dr_code, month, what, alike_pairs(n, own, of_which) as alike, all_pairs(n, of_which) as pairs
    from gathered
    group by dr_code, month, what
),
alike as (
    select dr_code, month,
        max(alike) filter (where what = 'same_diagnosis') as same_diagnosis_pairs, max(pairs) filter (where what = 'same_diagnosis') as same_diagnosis_of,
        max(alike) filter (where what = 'same_village') as same_village_pairs, max(pairs) filter (where what = 'same_village') as same_village_of,
        max(alike) filter (where what = 'same_bill') as same_bill_pairs, max(pairs) filter (where what = 'same_bill') as same_bill_of,
        max(alike) filter (where what = 'same_drug') as same_drug_pairs, max(pairs) filter (where what = 'same_drug') as same_drug_of
    from pairs
    group by dr_code, month
),
-- 各机构的人次，最多的为主要机构
at_place as (
    select dr_code, month, fixmedins_code, count(*) as n
    from joined
    group by all
),
home as (
    select dr_code, month, arg_max(fixmedins_code, {'n': n, 'code': fixmedins_code}) as fixmedins_code,
        count(*) as places, (sum(n) - max(n))::bigint as away
    from at_place
    group by all
),
months as (
    select dr_code, month, count(*) as visits,
        count(*) filter (where inpatient) as stays,
        count(*) filter (where not inpatient) as ambulatory,
        count(distinct psn_no) as patients,
        sum(cost)::double as total_fee,
        count(distinct begntime::date) filter (where not inpatient) as visit_days
    from joined
    group by all
)
select m.*, h.fixmedins_code, h.places, h.away,
    coalesce(l.lines, 0) as lines, coalesce(l.hours, 0) as hours, coalesce(l.night_lines, 0) as night_lines,
    coalesce(l.drug_lines, 0) as drug_lines,
    l.lines::double / nullif(l.hours, 0) as lines_per_hour,
    l.night_lines::double / nullif(l.lines, 0) as night_share,
    h.away::double / m.visits as away_share,
    coalesce(same_diagnosis_pairs, 0) as same_diagnosis_pairs, coalesce(same_diagnosis_of, 0) as same_diagnosis_of, same_diagnosis_pairs::double / nullif(same_diagnosis_of, 0) as same_diagnosis,
    coalesce(same_village_pairs, 0) as same_village_pairs, coalesce(same_village_of, 0) as same_village_of, same_village_pairs::double / nullif(same_village_of, 0) as same_village,
    coalesce(same_bill_pairs, 0) as same_bill_pairs, coalesce(same_bill_of, 0) as same_bill_of, same_bill_pairs::double / nullif(same_bill_of, 0) as same_bill,
    coalesce(same_drug_pairs, 0) as same_drug_pairs, coalesce(same_drug_of, 0) as same_drug_of, same_drug_pairs::double / nullif(same_drug_of, 0) as same_drug
from months m
join home h using (dr_code, month)
left join lines l using (dr_code, month)
left join alike a using (dr_code, month)

/*
unit: case_mix
key: [fixmedins_code, dr_code, month, stratum]
needs: [visit.begntime, visit.fixmedins_code]
may_use: [referral, operation]
rests_on: [visited]
cases: cases
columns:
  fixmedins_code: {meaning: 定点医药机构, unit: code, role: key}
  dr_code: {meaning: 主管或接诊医师；来源没有的为空文本, unit: code, role: key}
  month: {meaning: 出院（门诊、购药为就诊）月份的第一日, unit: date, role: key}
  stratum: {meaning: 病种分层：类别|主要诊断三位|年龄段|手术（1）与转入（r）, unit: code, role: key}
  cases: {meaning: 人次, unit: count, role: size}
  costed: {meaning: 有费用总额的人次, unit: count, role: size}
  cost_log: {meaning: 费用总额自然对数之和, unit: ln CNY, role: size}
  cost_log_sq: {meaning: 费用总额自然对数平方之和, unit: ln CNY squared, role: size}
  stayed: {meaning: 已出院人次（不含死亡、转院）, unit: count, role: size}
  days_log: {meaning: 住院天数自然对数之和, unit: ln days, role: size}
  days_log_sq: {meaning: 住院天数自然对数平方之和, unit: ln days squared, role: size}
  short_stays: {meaning: 住院不足三日、无手术的人次, unit: count, role: size}
  long_stays: {meaning: 住院十五日以上的人次, unit: count, role: size}
  admitted: {meaning: 住院人次, unit: count, role: size}
  readmitted: {meaning: 距本院上次出院不足十五日再入院的人次, unit: count, role: size}
  elective: {meaning: 非急诊入院人次, unit: count, role: size}
  off_days: {meaning: 周末、节假日非急诊入院人次, unit: count, role: size}
  ambulatory: {meaning: 门诊、购药人次, unit: count, role: size}
  again: {meaning: 七日内在同一机构再次就诊、购药的人次, unit: count, role: size}
  followed: {meaning: 此前一年内在任一机构就诊过的人次, unit: count, role: size}
  elsewhere: {meaning: 上次就诊在三十日内、在其他机构的人次, unit: count, role: size}
  paid: {meaning: 有费用总额且同一人一年内来过的人次, unit: count, role: size}
  same_amount: {meaning: 三十日内同一人同一机构金额完全相同的人次, unit: count, role: size}
  coded: {meaning: 有诊断的人次, unit: count, role: size}
  codes: {meaning: 诊断条数之和, unit: count, role: size}
  codes_sq: {meaning: 诊断条数平方之和, unit: count squared, role: size}
  itemised: {meaning: 有费用明细的人次, unit: count, role: size}
  exam: {meaning: 检查化验费占比之和, unit: ratio, role: size}
  exam_sq: {meaning: 检查化验费占比平方之和, unit: ratio squared, role: size}
  cost_level: {meaning: 同病种次均费用, english: cost per case against the same diagnoses, unit: ln CNY, role: value, numerator: cost_log, denominator: costed, suspicious: high, few: 5, basis: 次均费用异常}
  days_level: {meaning: 同病种平均住院日, english: days per stay against the same diagnoses, unit: ln days, role: value, numerator: days_log, denominator: stayed, suspicious: high, few: 5, basis: 平均住院日异常}
  exam_level: {meaning: 同病种检查化验费占比, english: share of examinations against the same diagnoses, unit: mean ratio, role: value, numerator: exam, denominator: itemised, suspicious: high, few: 5, basis: 检验检查占比（两库 ZB 指标）}
  codes_level: {meaning: 同病种诊断条数, english: diagnoses per case against the same main diagnoses, unit: mean count, role: value, numerator: codes, denominator: coded, suspicious: high, few: 5, basis: 高套编码}
  short_share: {meaning: 住院不足三日且无手术占比, english: share of stays under three days without operation, unit: ratio, numerator: short_stays, denominator: stayed, suspicious: high, few: 10, basis: 无指征住院（低标准入院）}
  long_share: {meaning: 住院十五日以上占比, english: share of stays of fifteen days and more, unit: ratio, numerator: long_stays, denominator: stayed, suspicious: high, few: 10, basis: 压床、挂床}
  readmission_share: {meaning: 十五日内再入本院占比, english: share of readmissions within fifteen days, unit: ratio, numerator: readmitted, denominator: admitted, suspicious: high, few: 10, basis: 分解住院}
  off_day_share: {meaning: 周末节假日非急诊入院占比, english: share of elective admissions on weekends and holidays, unit: ratio, numerator: off_days, denominator: elective, suspicious: high, few: 10, basis: 挂床、虚假住院}
  again_share: {meaning: 七日内再次就诊购药占比, english: share of visits within seven days of the last, unit: ratio, numerator: again, denominator: ambulatory, suspicious: high, few: 10, basis: 频繁就诊、购药}
  elsewhere_share: {meaning: 三十日内刚在其他机构就诊的占比, english: share of visits within thirty days of one elsewhere, unit: ratio, numerator: elsewhere, denominator: followed, suspicious: high, few: 10, basis: 多院轮转、冒名就医}
  same_amount_share: {meaning: 同一人三十日内同额就诊占比, english: share of visits with the amount of the same patient's last, unit: ratio, numerator: same_amount, denominator: paid, suspicious: high, few: 10, basis: 重复收费、虚假诊疗}
*/
with
operated as (
    select distinct mdtrt_id
    from operation
),
-- 转诊到本机构的备案
sent as (
    select distinct psn_no, reflin_medins_no as fixmedins_code, begndate, coalesce(enddate, begndate) as enddate
    from referral
),
referred as (
    select distinct v.mdtrt_id
    from visited v
    join sent s on s.psn_no = v.psn_no and s.fixmedins_code = v.fixmedins_code
        and v.begntime::date between s.begndate and s.enddate
),
joined as (
    select v.*,
        o.mdtrt_id is not null or v.oprn_oprt_code is not null as operation,
        v.transfer_in or r.mdtrt_id is not null as referred,
        date_diff('year', v.brdy, v.begntime::date) as age
    from visited v
    left join operated o using (mdtrt_id)
    left join referred r using (mdtrt_id)
),
-- 分层与各项标记
marked as (
    select fixmedins_code, coalesce(dr_code, '') as dr_code, month, kind, diagnosis, operation, referred, inpatient, emergency, codes,
        case when age < 15 then '0' when age < 60 then '15' when age < 75 then '60' when age >= 75 then '75' else '' end as ages,
        round(ln(if(cost > 0, cost, null)::double), 4)::decimal(10, 4) as cost_log,
        if(inpatient and coalesce(dscg_way, '') not in ('2', '5'), days, null) as days,
        round(ln(days), 4)::decimal(10, 4) as days_log,
        exam::decimal(10, 4) as exam,
        coalesce(date_diff('day', left_at::date, begntime::date) between 0 and 14, false) as readmitted,
        coalesce(date_diff('day', earlier::date, begntime::date) between 0 and 7, false) as again,
        coalesce(earlier >= begntime - interval 366 day, false) as known,
        coalesce(before_that >= begntime - interval 366 day, false) as followed,
        coalesce(place_before <> fixmedins_code and date_diff('day', before_that::date, begntime::date) between 0 and 30, false)
            as elsewhere,
        coalesce(date_diff('day', earlier_bill::date, begntime::date) between 0 and 30, false) as same_amount,
        dayofweek(begntime) in (0, 6) or h.day is not null as off_day
    from joined j
    left join (select distinct day from knowledge.public_holiday) h on h.day = j.begntime::date
),
summed as (
    select fixmedins_code, dr_code, month,
        kind || '|' || coalesce(diagnosis, '') || '|' || ages || '|' || if(operation, '1', '0') || if(referred, 'r', '') as stratum,
        count(*) as cases,
        count(cost_log) as costed,
        coalesce(sum(cost_log), 0)::double as cost_log,
        coalesce(sum((cost_log * cost_log)::decimal(16, 4)), 0)::double as cost_log_sq,
        count(days) as stayed,
        coalesce(sum(days_log) filter (where days is not null), 0)::double as days_log,
        coalesce(sum((days_log * days_log)::decimal(16, 4)) filter (where days is not null), 0)::double as days_log_sq,
        count(*) filter (where days <= 2 and not operation) as short_stays,
        count(*) filter (where days >= 15) as long_stays,
        count(*) filter (where inpatient) as admitted,
        count(*) filter (where inpatient and readmitted) as readmitted,
        count(*) filter (where inpatient and not emergency) as elective,
        count(*) filter (where inpatient and not emergency and off_day) as off_days,
        count(*) filter (where not inpatient) as ambulatory,
        count(*) filter (where not inpatient and again) as again,
        count(*) filter (where followed) as followed,
        count(*) filter (where followed and elsewhere) as elsewhere,
        count(*) filter (where known and cost_log is not null) as paid,
        count(*) filter (where known and cost_log is not null and same_amount) as same_amount,
        count(codes) as coded,
        coalesce(sum(codes), 0)::bigint as codes,
        coalesce(sum(codes * codes), 0)::bigint as codes_sq,
        count(exam) as itemised,
        coalesce(sum(exam), 0)::double as exam,
        coalesce(sum((exam * exam)::decimal(10, 4)), 0)::double as exam_sq
    from marked
    group by fixmedins_code, dr_code, month, stratum
)
select *,
    cost_log / nullif(costed, 0) as cost_level, days_log / nullif(stayed, 0) as days_level,
    exam / nullif(itemised, 0) as exam_level, codes::double / nullif(coded, 0) as codes_level,
    short_stays::double / nullif(stayed, 0) as short_share,
    long_stays::double / nullif(stayed, 0) as long_share,
    readmitted::double / nullif(admitted, 0) as readmission_share,
    off_days::double / nullif(elective, 0) as off_day_share,
    again::double / nullif(ambulatory, 0) as again_share,
    elsewhere::double / nullif(followed, 0) as elsewhere_share,
    same_amount::double / nullif(paid, 0) as same_amount_share
from summed

/*
unit: person_quarter
key: [psn_no, quarter]
needs: [visit.begntime, visit.psn_no]
may_use: [visit.dscg_time, settlement.medfee_sumamt, settlement.fund_pay_sumamt, settlement.acct_pay]
cases: visits
columns:
  psn_no: {meaning: 参保人, unit: code, role: key}
  quarter: {meaning: 就诊或入院季度的第一日, unit: date, role: key}
  visits: {meaning: 人次, unit: count, role: size}
  stays: {meaning: 入院人次, unit: count, role: size}
  ambulatory: {meaning: 门诊、购药人次, unit: count, role: size}
  nights: {meaning: 已出院住院的床日, unit: days, role: size}
  total_fee: {meaning: 费用总额；来源没有总额的，为基金支付加起付线, unit: CNY, role: size}
  fund: {meaning: 基金支付, unit: CNY, role: size}
  account: {meaning: 个人账户支付, unit: CNY, role: size}
  institutions: {meaning: 就诊机构数, english: institutions visited, unit: count, role: value, suspicious: high, few: 3, basis: 多院就诊开药}
  doctors: {meaning: 就诊医师数, english: physicians seen, unit: count, role: value, suspicious: high, few: 3, basis: 多院就诊开药}
  days_seen: {meaning: 有就诊的日数, english: days with a visit, unit: days, role: value, suspicious: high, few: 3, basis: 频繁就诊}
*/
with money as (
    select mdtrt_id, sum(fund_pay_sumamt) as fund, sum(acct_pay) as account,
        coalesce(nullif(sum(medfee_sumamt), 0), sum(fund_pay_sumamt) + coalesce(sum(act_pay_dedc), 0)) as cost
    from settlement
    group by mdtrt_id
)
select v.psn_no, date_trunc('quarter', v.begntime)::date as quarter,
    count(*) as visits,
    count(*) filter (where v.inpatient) as stays,
    count(*) filter (where not v.inpatient) as ambulatory,
    coalesce(sum(greatest(date_diff('day', v.begntime::date, v.dscg_time::date), 1)) filter (where v.inpatient), 0)::bigint as nights,
    coalesce(sum(m.cost), 0)::double as total_fee,
    coalesce(sum(m.fund), 0)::double as fund,
    coalesce(sum(m.account), 0)::double as account,
    count(distinct v.fixmedins_code) as institutions,
    count(distinct v.atddr_no) as doctors,
    count(distinct v.begntime::date) as days_seen
from visit v
left join money m using (mdtrt_id)
where v.begntime is not null and v.psn_no is not null
group by all

/*
unit: visited
key: [mdtrt_id]
needs: [visit.begntime]
may_use: [visit.psn_no, visit.fixmedins_code, visit.dscg_time, visit.atddr_no, visit.dscg_way, visit.emergency, visit.transfer_in, visit.oprn_oprt_code,
  visit.dscg_diag_code, diagnosis, settlement.medfee_sumamt, settlement.fund_pay_sumamt, settlement.psn_cash_pay,
  fee_line.med_chrgitm_type, insured.addr, insured.emp_name, insured.brdy]
columns:
  mdtrt_id: {meaning: 就诊标识, unit: code, role: key}
  psn_no: {meaning: 参保人, unit: code, role: context}
  fixmedins_code: {meaning: 定点医药机构, unit: code, role: context}
  dr_code: {meaning: 主管或接诊医师；来源没有的为空, unit: code, role: context}
  month: {meaning: 出院（门诊、购药为就诊）月份的第一日, unit: date, role: context}
  kind: {meaning: 类别：inpatient 住院、outpatient 门诊、pharmacy 购药, unit: code, role: context}
  inpatient: {meaning: 住院, unit: boolean, role: context}
  begntime: {meaning: 入院、就诊或购药时间, unit: time, role: context}
  dscg_time: {meaning: 出院时间, unit: time, role: context}
  dscg_way: {meaning: 离院方式, unit: code, role: context}
  oprn_oprt_code: {meaning: 手术操作, unit: code, role: context}
  emergency: {meaning: 急诊入院, unit: boolean, role: context}
  transfer_in: {meaning: 转入, unit: boolean, role: context}
  days: {meaning: 住院天数，算入不算出，至少一天, unit: days, role: context}
  diagnosis: {meaning: 主要诊断类目（三位）, unit: code, role: context}
  codes: {meaning: 诊断条数, unit: count, role: context}
  cost: {meaning: 费用总额；来源没有总额的，为基金支付加起付线, unit: CNY, role: context}
  fund: {meaning: 基金支付, unit: CNY, role: context}
  settled: {meaning: 个人现金支付已知的结算笔数, unit: count, role: context}
  no_cash: {meaning: 个人现金支付为零的结算笔数, unit: count, role: context}
  exam: {meaning: 检查化验费占比, unit: ratio, role: context}
  addr: {meaning: 参保人住址, unit: text, role: context}
  emp_name: {meaning: 参保人单位, unit: text, role: context}
  living: {meaning: 同住的人：同一养老院或学校的为一处，其他人各自一处, unit: code, role: context}
  brdy: {meaning: 出生日期, unit: date, role: context}
  earlier: {meaning: 同一人上次到本机构（同类别）的时间, unit: time, role: context}
  left_at: {meaning: 同一人上次在本机构出院的时间, unit: time, role: context}
  earlier_bill: {meaning: 同一人上次在本机构同额就诊的时间, unit: time, role: context}
  before_that: {meaning: 同一人上次就诊的时间，不论何处, unit: time, role: context}
  place_before: {meaning: 同一人上次就诊的机构, unit: code, role: context}
*/
-- 每人次一行；住院计入出院月份，未出院的不计
with
visits as (
    select mdtrt_id, psn_no, fixmedins_code, nullif(atddr_no, '') as dr_code, kind, inpatient, begntime, dscg_time,
        dscg_way, oprn_oprt_code, coalesce(emergency, false) as emergency, transfer_in,
        coalesce(dscg_diag_code, adm_diag_code) as diag_code,
        date_trunc('month', if(inpatient, dscg_time, begntime))::date as month
    from visit
    where if(inpatient, dscg_time, begntime) <= begntime + interval 366 day
),
-- 费用总额；来源没有总额的，为基金支付加起付线
money as (
    select mdtrt_id,
        coalesce(nullif(sum(medfee_sumamt), 0), sum(fund_pay_sumamt) + coalesce(sum(act_pay_dedc), 0))::decimal(18, 2) as cost,
        sum(fund_pay_sumamt)::decimal(18, 2) as fund,
        count(psn_cash_pay) as settled, count(*) filter (where psn_cash_pay = 0) as no_cash
    from settlement
    group by mdtrt_id
),
-- 诊断条数与主要诊断
coded as (
    select mdtrt_id, count(distinct diag_code) as codes,
        min(diag_code) filter (where maindiag_flag = '1' and role <> 'admission') as main
    from diagnosis
    group by mdtrt_id
),
-- 检查化验费占比
lines as (
    select mdtrt_id,
        round(coalesce(sum(det_item_fee_sumamt) filter (where med_chrgitm_type in ('03', '04')), 0)::double
            / sum(det_item_fee_sumamt)::double, 4) as exam
    from fee_line
    group by mdtrt_id
    having sum(det_item_fee_sumamt) > 0
),
person as (
    select psn_no, max({'on': begndate, 'at': addr}).at as addr, max({'on': begndate, 'at': emp_name}).at as emp_name,
        min(brdy) as brdy
    from insured
    group by psn_no
)
select v.* exclude (diag_code), m.cost, m.fund, m.settled, m.no_cash, c.codes, l.exam, p.addr, p.emp_name, p.brdy,
    coalesce(dwelling(p.emp_name, p.addr), v.psn_no) as living,
    icd3(coalesce(v.diag_code, c.main)) as diagnosis,
    greatest(date_diff('day', v.begntime::date, v.dscg_time::date), 1) as days,
    lag(v.begntime) over place as earlier,
    lag(v.dscg_time) over place as left_at,
    lag(v.begntime) over bill as earlier_bill,
    lag(v.begntime) over life as before_that,
    lag(v.fixmedins_code) over life as place_before
from visits v
left join money m using (mdtrt_id)
left join coded c using (mdtrt_id)
left join lines l using (mdtrt_id)
left join person p on p.psn_no = v.psn_no
window place as (partition by v.psn_no, v.fixmedins_code, v.kind order by v.begntime, v.mdtrt_id),
    bill as (partition by v.psn_no, v.fixmedins_code, v.kind, m.cost order by v.begntime, v.mdtrt_id),
    life as (partition by v.psn_no order by v.begntime, v.mdtrt_id)

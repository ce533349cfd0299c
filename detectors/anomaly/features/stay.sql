/*
unit: stay
key: [mdtrt_id]
needs: [visit.begntime, visit.dscg_time, visit.dscg_diag_code, settlement.setl_time]
may_use: [visit.adm_diag_code, settlement.medfee_sumamt, settlement.fund_pay_sumamt, fee_line, operation, insured, institution, referral]
lookback: 366 d
columns:
  fixmedins_code: {meaning: 定点医药机构, unit: code, role: context}
  atddr_no: {meaning: 主管医师, unit: code, role: context}
  begun_on: {meaning: 入院日期, unit: date, role: context}
  ended_on: {meaning: 出院日期；未出院的为空, unit: date, role: context}
  month: {meaning: 出院月份的第一日, unit: date, role: context}
  too_long: {meaning: 住院超过追溯期, unit: boolean, role: context}
  settled: {meaning: 已结算, unit: boolean, role: context}
  incomplete: {meaning: 有明细被拒收，合计不全, unit: boolean, role: context}
  cost: {meaning: 医疗费用；来源没有总额的，为基金支付加起付线, unit: CNY, role: value, suspicious: high}
  days: {meaning: 住院天数，算入不算出，至少一天, unit: days, role: value, suspicious: high}
  items: {meaning: 费用明细条数，来源没有明细的为空, unit: count, role: value, suspicious: high}
  diagnosis: {meaning: 主要诊断类目（三位）：出院诊断，没有的用入院诊断, unit: code, role: context}
  age: {meaning: 入院时的周岁, unit: years, role: context}
  sex: {meaning: 性别, unit: code, role: context}
  operation: {meaning: 主要手术操作类目（编码前两位）, unit: code, role: context}
  operations: {meaning: 手术操作条数, unit: count, role: context}
  level: {meaning: 医院等级, unit: code, role: context}
  kind: {meaning: 定点医药机构类型, unit: code, role: context}
  insurance: {meaning: 险种, unit: code, role: context}
  med_type: {meaning: 医疗类别, unit: code, role: context}
  emergency: {meaning: 急诊入院, unit: boolean, role: context}
  referred: {meaning: 转入，或有转诊备案, unit: boolean, role: context}
  moved_on: {meaning: 医嘱转院出院, unit: boolean, role: context}
  died: {meaning: 死亡出院, unit: boolean, role: context}
  newborn: {meaning: 新生儿, unit: boolean, role: context}
*/
with
-- 住院及其出院；追溯期以外的出院视为没有
stays as (
    select v.*, near(begntime, dscg_time, $lookback) as discharged
    from visit v
    where inpatient
),
-- 各次结算的合计（含中途结算）
paid as (
    select s.mdtrt_id,
        coalesce(nullif(sum(s.medfee_sumamt), 0), sum(s.fund_pay_sumamt) + coalesce(sum(s.act_pay_dedc), 0)) as cost,
        max(s.gend) as gend, min(s.brdy) as brdy, min(s.insutype) as insutype
    from stays v
    join settlement s using (mdtrt_id)
    where near(v.begntime, s.setl_time, $lookback)
    group by s.mdtrt_id
),
-- 有效的费用明细，退清的不计
lines as (
    select l.mdtrt_id, count(*) as items
    from stays v
    join fee_line l using (mdtrt_id)
    where coalesce(l.cnt, 1) > 0 and near(v.begntime, l.fee_ocur_time, $lookback)
    group by l.mdtrt_id
),
-- 手术操作
operated as (
    select o.mdtrt_id, count(*) as operations, arg_min(left(o.oprn_oprt_code, 2), (o.row_no, o.msgid)) as operation
    from stays v
    join operation o using (mdtrt_id)
    group by o.mdtrt_id
),
-- 参保信息中的性别与出生日期
person as (
    select psn_no, max(gend) as gend, min(brdy) as brdy
    from insured
    group by psn_no
),
-- 入院时机构的等级与类型
place as (
    select v.mdtrt_id, arg_max(i.hosp_lv, i.begndate) as level, arg_max(i.fixmedins_type, i.begndate) as kind
    from stays v
    join institution i on i.fixmedins_code = v.fixmedins_code
        and v.begntime::date between i.begndate and coalesce(i.enddate, date '9999-12-31')
    group by v.mdtrt_id
),
-- 转诊到本机构的备案
sent as (
    select distinct v.mdtrt_id
    from stays v
    join referral r on r.psn_no = v.psn_no and r.reflin_medins_no = v.fixmedins_code
        and v.begntime::date between r.begndate and coalesce(r.enddate, r.begndate + interval 366 day)
)
select v.mdtrt_id, v.fixmedins_code, v.atddr_no,
    v.begntime::date as begun_on,
    if(v.discharged, v.dscg_time::date, null) as ended_on,
    if(v.discharged, date_trunc('month', v.dscg_time)::date, null) as month,
    v.dscg_time is not null and not coalesce(v.discharged, false) as too_long,
    p.mdtrt_id is not null as settled,
    v.incomplete,
    p.cost::double as cost,
    if(v.discharged, greatest(nights(v.begntime, v.dscg_time), 1), null)::integer as days,
    l.items::integer as items,
    icd3(coalesce(if(v.discharged, v.dscg_diag_code, null), v.adm_diag_code)) as diagnosis,
    date_sub('year', coalesce(p.brdy, i.brdy), v.begntime::date)::integer as age,
    coalesce(p.gend, i.gend) as sex,
    coalesce(o.operation, left(v.oprn_oprt_code, 2)) as operation,
    coalesce(o.operations, 0)::integer as operations,
    a.level, a.kind,
    coalesce(p.insutype, v.insutype) as insurance,
    v.med_type,
    v.emergency,
    v.transfer_in or s.mdtrt_id is not null as referred,
    v.dscg_way = '2' as moved_on,
    v.dscg_way = '5' as died,
    v.newborn
from stays v
left join paid p using (mdtrt_id)
left join lines l using (mdtrt_id)
left join operated o using (mdtrt_id)
left join person i on i.psn_no = v.psn_no
left join place a using (mdtrt_id)
left join sent s using (mdtrt_id)

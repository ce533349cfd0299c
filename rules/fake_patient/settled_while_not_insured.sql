/*
code: FP-07
name: 未参保期间统筹结算
key: person
subject: [person, psn_no]
anchor: [setl_id]
behaviour: encounter
severity: [1, 3]
status: live
version: 2
official: GZ10000201002000 结算明细信息异常
law: [条例38(六), 条例40(一)]
basis: 基金只为参保期间的服务支付；补缴、待遇追溯登记到账后本条自动撤回。
case_cause: [16, 31]
route: supervision
money: fund
lookback: 366 d
needs: [insured.begndate, insured.enddate, settlement.insutype, settlement.fund_pay_sumamt, visit.begntime]
may_use: [insured.psn_insu_stas, insured.brdy, insured.insuplc_admdvs, settlement.begntime, settlement.brdy, fee_line.fee_ocur_time, fee_line.setl_id, visit.seen_until]
judges:
  from: settlement
  missing:
    险种: insutype is null
    参保登记: psn_no not in (select psn_no from insured)
    服务时间: begntime is null and mdtrt_id not in (select mdtrt_id from visit where coalesce(begntime, seen_until) is not null)
params:
  newborn: {default: 90, min: 0, max: 365, unit: days, source: "各地城乡居民医保办法：新生儿出生90日内参保的，自出生之日起享受待遇"}
  transfer: {default: 90, min: 0, max: 180, unit: days, source: "基本医疗保险关系转移接续暂行办法（医保办发〔2021〕43号）：中断缴费三个月以内"}
exempt:
  account_only: 只用个人账户或自付、统筹基金未支付的，不计。
  newborn: 新生儿出生九十日内的服务，参保后追溯享受待遇，不计。
  transfer: 同一险种异地转移、中断不超过三个月的，不计；换参其他险种不在此列。
  maternity_merged: 生育保险与职工医保合并实施，险种为生育保险（510）的以职工医保（310）参保期为准。
sentence: 参保人于{first_day}{span_text}接受服务并由基金支付{fund}元（险种{insutype}），此间{finding}。
*/
with
-- 基金有支付的结算，服务时间先取就诊起止
paid as (
    select s.setl_id, s.mdtrt_id, s.psn_no, s.fixmedins_code, s.insutype, s.fund_pay_sumamt, s.brdy, s.msgid,
        coalesce(s.begntime, v.begntime, v.seen_until) as visit_time,
        greatest(coalesce(s.setl_time, s.begntime), s.begntime, v.begntime,
            coalesce(stay_seen_until(v.begntime, v.dscg_time, v.heard, $lookback), v.seen_until)) as until_time
    from judged s
    left join visit v using (mdtrt_id)
    where s.fund_pay_sumamt > 0 -- exempt: account_only
),
-- 正常参保的时段；已停保而不知何时停的，不算
covered as (
    select psn_no, insutype, brdy, insuplc_admdvs as place,
        coalesce(begndate, date '1900-01-01') as from_day, coalesce(enddate, date '9999-12-31') as until_day
    from insured
    where psn_insu_stas = '1' or enddate is not null
),
-- 从就诊开始到结算，没有同险种参保时段全程覆盖的
doubtful as (
    select p.*
    from paid p
    anti join covered c on c.psn_no = p.psn_no
        and (c.insutype = p.insutype or p.insutype = '510' and c.insutype = '310') -- exempt: maternity_merged
        and c.from_day <= p.visit_time::date and c.until_day >= p.until_time::date
),
-- 这些结算的服务起止：有明细的看明细，否则看就诊开始
served as (
    select p.setl_id,
        coalesce(min(l.fee_ocur_time), p.visit_time)::date as first_day,
        coalesce(max(l.fee_ocur_time), p.visit_time)::date as last_day
    from doubtful p
    left join fee_line l on l.setl_id = p.setl_id and coalesce(l.cnt, 1) > 0 and near(p.visit_time, l.fee_ocur_time, $lookback)
    group by p.setl_id, p.visit_time
),
-- 与服务相交的参保时段，同险种、他险种，入院时是否在保，以及同险种前后最近的时段和参保地
compared as (
    select p.setl_id, d.first_day, d.last_day,
        coalesce(bool_or(c.same and c.from_day <= d.last_day and c.until_day >= d.first_day), false) as insured_then,
        coalesce(bool_or(not c.same and c.from_day <= d.last_day and c.until_day >= d.first_day), false) as insured_otherwise,
        coalesce(bool_or(c.same and p.visit_time::date between c.from_day and c.until_day), false) as insured_at_begin,
        max({'day': c.until_day, 'place': c.place}) filter (where c.same and c.until_day < d.first_day) as ended,
        min({'day': c.from_day, 'place': c.place}) filter (where c.same and c.from_day > d.last_day) as began,
        coalesce(p.brdy, max(c.brdy)) as brdy
    from doubtful p
    join served d using (setl_id)
    left join (
        select c.*, p.setl_id, c.insutype = p.insutype or p.insutype = '510' and c.insutype = '310' as same
        from doubtful p
        join covered c using (psn_no)
    ) c using (setl_id)
    group by p.setl_id, p.brdy, d.first_day, d.last_day
),
-- 每人的参保登记
registered as (
    select psn_no, list(msgid order by begndate, insutype, msgid) as msgids,
        max(begndate) filter (where psn_insu_stas <> '1' and enddate is null) as suspended_from
    from insured
    where psn_no in (select psn_no from doubtful)
    group by psn_no
),
-- 中断在三个月以内的，前后两段的参保地：不同为异地转移；有一段没有参保地的，是否转移不明
gaps as (
    select setl_id, ended.place <> began.place as moved
    from compared
    where date_diff('day', ended.day, began.day) - 1 <= $transfer
)
select p.setl_id, p.mdtrt_id, p.psn_no, p.fixmedins_code,
    case
        when c.insured_at_begin or coalesce(r.suspended_from <= c.last_day, false) then 3
        when g.setl_id is not null and g.moved is null then 3
        else 1
    end as severity,
    p.visit_time as occurred_at,
    c.first_day,
    if(c.last_day > c.first_day, '至' || c.last_day, '') as span_text,
    p.fund_pay_sumamt as fund, p.insutype,
    case
        when c.insured_at_begin then '已停保，就诊开始时尚在保'
        when coalesce(r.suspended_from <= c.last_day, false) then '参保状态为暂停或终止，何时停保不明'
        when c.insured_otherwise then '参加的是其他险种'
        when g.setl_id is not null and g.moved is null then '没有该险种的有效参保，前后两段（' || c.ended.day || '止，' || c.began.day || '起）没有登记参保地，是否异地转移请核对'
        else '没有该险种的有效参保' || coalesce('，此前参保止于' || c.ended.day, '') || coalesce('，此后参保始于' || c.began.day, '')
    end as finding,
    [p.setl_id] as setl_ids,
    [settlement_item(p.mdtrt_id, p.setl_id)] as items,
    list_concat([p.msgid], r.msgids) as evidence
from doubtful p
join compared c using (setl_id)
join registered r using (psn_no)
left join gaps g using (setl_id)
where not c.insured_then
    and not coalesce(c.first_day between c.brdy and c.brdy + $newborn, false) -- exempt: newborn
    and not coalesce(g.moved, false) -- exempt: transfer

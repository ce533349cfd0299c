/*
code: FP-01
name: 死亡后结算
key: person
subject: [person, psn_no]
anchor: [setl_id]
behaviour: encounter
severity: [1, 2, 3]
status: live
version: 1
official: null
law: [条例15, 条例40(一), 条例41款2]
basis: 服务发生在死亡日期以后，不可能由本人接受；死亡信息须有两个来源或出院登记为死亡方为明确违规。
case_cause: [20, 31]
route: supervision
money: fund
lookback: 366 d
needs: [death.die_date, settlement.setl_time]
may_use: [visit.begntime, visit.seen_until, visit.dscg_way, visit.die_date, fee_line.fee_ocur_time, fee_line.setl_id, death.source, death.month_only]
judges:
  from: settlement
  missing:
    服务时间: begntime is null and mdtrt_id not in (select mdtrt_id from visit where coalesce(begntime, seen_until) is not null)
params:
  next_day: {default: 1, min: 0, max: 7, unit: days, source: "工程默认值：死亡次日的费用多为记账延后"}
  agree: {default: 1, min: 0, max: 7, unit: days, source: "工程默认值：两个来源相差一日以内视为一致"}
exempt:
  terminal_stay: 临终住院在死亡以后才结算，服务都在死亡当日及以前的，不计。
  month_only: 只知死亡月份的，当月的服务不计。
sentence: 参保人于{died}死亡（{sources}），此后至{last_day}仍有服务计入结算，共{services}项{gross}元，{paid_text}。
*/
with
-- 有死亡信息的参保人的结算，及其就诊开始的时间
claim as (
    select s.setl_id, s.mdtrt_id, s.psn_no, s.fixmedins_code, s.fund_pay_sumamt, s.medfee_sumamt, s.msgid,
        coalesce(s.begntime, v.begntime) as visit_time,
        coalesce(s.begntime, v.begntime, s.setl_time) as occurred_at
    from judged s
    left join visit v using (mdtrt_id)
    where s.psn_no in (select psn_no from death)
),
-- 各来源所说的死亡日期，只知月份的按当月最后一日；以及以死亡离院的出院登记
said as (
    select c.setl_id, d.source, d.msgid, d.month_only,
        if(d.month_only, last_day(d.die_date), d.die_date) as last_possible -- exempt: month_only
    from claim c
    join death d using (psn_no)
    where d.die_date is not null
        and d.source <> 'discharge'
    union all
    select c.setl_id, 'discharge', v.dscg_msgid, false, coalesce(v.die_date, v.dscg_time::date)
    from claim c
    join visit v using (psn_no)
    where v.dscg_way = '5'
        and near(c.occurred_at, v.dscg_time, $lookback)
),
-- 另有来源与之一致的
agreed as (
    select a.setl_id, a.source
    from said a
    join said b using (setl_id)
    where a.source <> b.source
        and (abs(date_diff('day', a.last_possible, b.last_possible)) <= $agree
            or (a.month_only or b.month_only) and date_trunc('month', a.last_possible) = date_trunc('month', b.last_possible))
    group by a.setl_id, a.source
),
-- 取一个死亡日期：先取一致的，其次取有日的，再取最晚的；两个来源一致或出院登记为死亡即为确证
dead as (
    select s.setl_id,
        coalesce(
            max(s.last_possible) filter (where a.source is not null and not s.month_only),
            max(s.last_possible) filter (where not s.month_only),
            max(s.last_possible)) as died_on,
        bool_and(s.month_only) as month_only,
        count(a.source) > 0 or bool_or(s.source = 'discharge') as certain,
        list(distinct s.source order by s.source) as sources,
        list(s.msgid order by s.msgid) as msgids
    from said s
    left join agreed a using (setl_id, source)
    group by s.setl_id
),
-- 这些结算所含的明细，死亡以后的与以前的
service as (
    select c.setl_id, l.feedetl_sn, l.fee_ocur_time, l.det_item_fee_sumamt, l.msgid,
        l.fee_ocur_time::date > d.died_on as after_death
    from claim c
    join dead d using (setl_id)
    join fee_line l using (setl_id)
    where coalesce(l.cnt, 1) > 0
        and near(c.occurred_at, l.fee_ocur_time, $lookback)
),
-- 每笔结算在死亡以后的服务；没有明细的看就诊开始时间
late as (
    select c.setl_id,
        coalesce(max(l.fee_ocur_time), c.visit_time) as last_time,
        greatest(count(*), 1) as services,
        coalesce(sum(l.det_item_fee_sumamt), c.medfee_sumamt) as gross,
        if(count(l.feedetl_sn) = 0, [settlement_item(c.mdtrt_id, c.setl_id)],
            list(line_item(c.mdtrt_id, l.feedetl_sn) order by l.feedetl_sn)) as items,
        list(l.msgid order by l.feedetl_sn) as line_msgids
    from claim c
    join dead d using (setl_id)
    left join service l using (setl_id)
    where coalesce(l.after_death, c.visit_time::date > d.died_on) -- exempt: terminal_stay
    group by c.setl_id, c.mdtrt_id, c.visit_time, c.medfee_sumamt
)
select c.setl_id, c.mdtrt_id, c.psn_no, c.fixmedins_code,
    case
        when c.fund_pay_sumamt <= 0 then 3
        when date_diff('day', d.died_on, l.last_time::date) <= $next_day then 3
        when d.certain then 1
        else 2
    end as severity,
    c.occurred_at,
    if(d.month_only, strftime(d.died_on, '%Y年%m月'), strftime(d.died_on, '%Y-%m-%d')) as died,
    list_aggregate(list_transform(d.sources, lambda s: case s
        when 'civil' then '民政' when 'police' then '公安' when 'funeral' then '殡葬'
        when 'hospital' then '医院' when 'discharge' then '出院登记' else s end), 'string_agg', '、') as sources,
    l.last_time::date as last_day, l.services, l.gross,
    if(c.fund_pay_sumamt > 0, '基金支付' || c.fund_pay_sumamt || '元', '基金未支付') as paid_text,
    [c.setl_id] as setl_ids,
    l.items,
    list_concat([c.msgid], d.msgids, l.line_msgids) as evidence
from claim c
join dead d using (setl_id)
join late l using (setl_id)

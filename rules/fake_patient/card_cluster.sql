/*
code: FP-06
name: 同一经办人集中刷卡
key: operator
subject: [operator, operator_id]
anchor: [fixmedins_code, opter, day]
behaviour: encounter
severity: [2, 3]
status: live
version: 2
official: null
law: [条例15, 条例40(一), 条例41(一), 医保函〔2025〕2号]
basis: 留存凭证空刷、套刷表现为同一经办人短时间内连续使用多人凭证结算，不论换用几台终端；与该经办人平日的最快速度比较。只凭人数的，人多时也会遇到，列为轻度可疑；另有药店金额雷同或凭巧合难以遇到之一的，列为高度可疑。
case_cause: [20, 22, 27]
route: supervision
money: fund
lookback: 32 d
needs: [settlement.opter, settlement.setl_time, settlement.psn_no]
may_use: [settlement.dev_no, settlement.opter_type, settlement.acct_owner_psn_no, settlement.med_type, settlement.medfee_sumamt]
judges:
  from: settlement where kind in ('2102', '2207')
  missing:
    经办人: opter is null
    结算时刻: setl_time is null or setl_time_is_date
params:
  short: {default: 5, min: 1, max: 15, unit: min, source: "工程默认值：短窗"}
  short_cards: {default: 5, min: 3, max: 50, unit: count, source: "工程默认值：短窗内的凭证数"}
  long: {default: 15, min: 5, max: 60, unit: min, source: "工程默认值：长窗"}
  long_cards: {default: 10, min: 5, max: 100, unit: count, source: "工程默认值：长窗内的凭证数"}
  usual: {default: 30, min: 7, max: 30, unit: d, source: "工程默认值：平日的范围，前后各三十日"}
  usual_days: {default: 5, min: 3, max: 30, unit: count, source: "工程默认值：至少有五个其他工作日才能比较"}
  z: {default: 4, min: 2, max: 10, unit: ratio, source: "工程默认值：高于平日每日峰值四个标准差"}
  shared: {default: 0.5, min: 0.2, max: 1, unit: ratio, source: "工程默认值：平日半数以上的日子同一工号在两台终端上交替结算的，是多个窗口共用"}
  alike: {default: 0.8, min: 0.5, max: 1, unit: ratio, source: "工程默认值：八成结算金额与中位数相差百分之五以内，视为金额雷同"}
  rarity: {default: 20000, min: 1000, max: 1000000, unit: days, source: "工程默认值：按其平日快慢凭巧合要两万个工作日（约八十年）以上才遇一次；一县一年约十六万个经办人日，十一万五千人的模拟县中纯属巧合的最少见者约四千日一遇"}
exempt:
  group_event: 集中体检、筛查、核酸检测等（med_type 1103、990103）不计。
  self_service: 自助终端、移动端（opter_type 2、3）没有经办人，不计。
  shared_login: 平日就在几台终端上交替结算的工号是多个窗口共用的，只逐台终端计，不把几个窗口加在一起。
  family_pickup: 共济账户为数人结算的，按一张凭证计。
  usual_rate: 与该经办人平日最快速度相当的（如早高峰），不计。
sentence: 经办人{opter}于{day}{first_time}起在{minutes}分钟内{terminals_text}用{cards}人的凭证结算{claims}笔共{gross}元，{usual_text}{alike_text}{chance_text}。
*/
with
-- 人工窗口的门诊与药店结算；设备号为空或 null 的不分终端
claim as not materialized (
    select setl_id, mdtrt_id, psn_no, fixmedins_code, opter, setl_time, setl_time::date as day, medfee_sumamt, msgid,
        kind = '2102' as at_pharmacy, coalesce(acct_owner_psn_no, psn_no) as card,
        coalesce(nullif(lower(trim(dev_no)), 'null'), '') as terminal
    from judged
    where coalesce(med_type, '') not in ('1103', '990103') -- exempt: group_event
        and coalesce(opter_type, '1') not in ('2', '3') -- exempt: self_service
),
-- 每个经办人当日各笔结算的时刻，连同次日零时后长窗以内的；笔数够凭证数的才看
rush as (
    select fixmedins_code, opter, day, list(setl_time order by setl_time) as times
    from (
        select fixmedins_code, opter, day, setl_time from claim
        union all
        select fixmedins_code, opter, day - 1, setl_time from claim where setl_time < day + $long
    )
    group by fixmedins_code, opter, day
    having count(*) >= least($short_cards, $long_cards)
),
-- 短窗或长窗内结算够多笔的日子，才逐张凭证细看
busy as (
    select fixmedins_code, opter, day
    from rush
    where len(list_filter(times, lambda t, n: times[n + $short_cards - 1] <= t + $short)) > 0
        or len(list_filter(times, lambda t, n: times[n + $long_cards - 1] <= t + $long)) > 0
),
-- 这些经办人在这些日子前后三十日的结算，首尾各多一日，因为窗口可以跨过午夜
around as materialized (
    select c.*
    from claim c
    semi join busy b on b.fixmedins_code = c.fixmedins_code and b.opter = c.opter
        and c.day between b.day - $usual - interval 1 day and b.day + $usual + interval 1 day
),
-- 短窗内从一台终端换到另一台又换回来的日子：几个窗口同时在用这一工号
alternating as materialized (
    select distinct fixmedins_code, opter, day
    from (
        select fixmedins_code, opter, day, setl_time, terminal,
            lag(terminal) over w as terminal_before, lag(terminal, 2) over w as first_terminal, lag(setl_time, 2) over w as first_setl_time
        from around
        window w as (partition by fixmedins_code, opter order by setl_time, setl_id)
    )
    where terminal <> ''
        and terminal_before <> ''
        and terminal <> terminal_before
        and terminal = first_terminal
        and setl_time <= first_setl_time + $short
),
-- 按经办人计；有过交替的，另按终端计，备共用工号之用
scoped as (
    select *, 'operator' as scope, '' as place
    from around
    union all
    select *, 'terminal', terminal
    from around
    semi join alternating using (fixmedins_code, opter)
),
-- 每张凭证的到来：长窗以内再次结算的不另算
arrival as (
    select fixmedins_code, opter, scope, place, day, setl_time
    from scoped
    qualify coalesce(setl_time > lag(setl_time) over (partition by fixmedins_code, opter, scope, place, card order by setl_time, setl_id) + $long, true)
),
-- 从每一笔起，短窗和长窗内各有多少人的凭证
counted as (
    select fixmedins_code, opter, scope, place, day, setl_time,
        count(*) over (
            partition by fixmedins_code, opter, scope, place order by setl_time
            range between current row and $short following) as cards_short,
        count(*) over (
            partition by fixmedins_code, opter, scope, place order by setl_time
            range between current row and $long following) as cards_long
    from arrival
),
-- 前一日午夜前开始的集中，归前一日：其长窗以内的后续不再算作当日开始
started as (
    select *,
        coalesce(min(if(cards_short >= $short_cards or cards_long >= $long_cards, day, null)) over (
            partition by fixmedins_code, opter, scope, place order by setl_time
            range between $long preceding and current row) < day, false) as carried
    from counted
),
-- 每个经办人每日的峰值、凭证数，及每张凭证之后短窗、长窗内又来几张的合计
daily as (
    select fixmedins_code, opter, scope, day,
        coalesce(max(cards_short) filter (where not carried), 0) as peak_short,
        coalesce(max(cards_long) filter (where not carried), 0) as peak_long,
        count(*) as cards, sum(cards_short) - count(*) as followed_short, sum(cards_long) - count(*) as followed_long,
        (fixmedins_code, opter, day) in (select (fixmedins_code, opter, day) from alternating) as crossing
    from started
    group by fixmedins_code, opter, scope, day
),
-- 前后三十日中其他日子的峰值与快慢
compared as (
    select *,
        count(*) over others as days, count(*) filter (where crossing) over others as crossing_days,
        coalesce(sum(peak_short) over others, 0) as sum_short, coalesce(sum(peak_short * peak_short) over others, 0) as square_short,
        coalesce(sum(peak_long) over others, 0) as sum_long, coalesce(sum(peak_long * peak_long) over others, 0) as square_long,
        coalesce(sum(cards) over others, 0) as usual_cards,
        coalesce(sum(followed_short) over others, 0) as usual_short, coalesce(sum(followed_long) over others, 0) as usual_long
    from daily
    window others as (
        partition by fixmedins_code, opter, scope order by day::timestamp
        range between $usual preceding and $usual following exclude current row)
),
-- 凭证数够多的日子，是否明显快于平日；标准差不足半张的按半张算。平日多个窗口共用的工号只看各台终端
fast as (
    select *,
        peak_short >= $short_cards as hit_short, peak_long >= $long_cards as hit_long,
        days * peak_short > sum_short
            and (days * peak_short - sum_short) * (days * peak_short - sum_short) > $z * $z * greatest(days * square_short - sum_short * sum_short, days * days // 4) as above_short,
        days * peak_long > sum_long
            and (days * peak_long - sum_long) * (days * peak_long - sum_long) > $z * $z * greatest(days * square_long - sum_long * sum_long, days * days // 4) as above_long
    from compared
    where (peak_short >= $short_cards or peak_long >= $long_cards)
        and scope = if(crossing_days > 0 and crossing_days >= $shared * days, 'terminal', 'operator') -- exempt: shared_login
),
-- 一张凭证之后，短窗、长窗内平日又来几张（有平日的才算）；当日其余时候比平日忙的，按比例放宽
paced as (
    select *,
        (usual_short + 1) / usual_cards * greatest(1, (cards - peak_short) * days / usual_cards) as pace_short,
        (usual_long + 1) / usual_cards * greatest(1, (cards - peak_long) * days / usual_cards) as pace_long
    from fast
),
-- 凭巧合难以遇到的：按平日快慢，当日预期遇到如此集中的次数（凭证数 × 快慢^(k-1) / (k-1)!，为上限）不足两万分之一
chance as (
    select *,
        hit_short and above_short and ln(cards * $rarity) + (peak_short - 1) * ln(pace_short) < lgamma(peak_short) as rare_short,
        hit_long and above_long and ln(cards * $rarity) + (peak_long - 1) * ln(pace_long) < lgamma(peak_long) as rare_long
    from paced
),
-- 明显快于平日的，或平日太少无从比较的；短窗优先，除非只有长窗难以遇到
unusual as (
    select fixmedins_code, opter, scope, day, days, sum_short, sum_long,
        days >= $usual_days as comparable,
        days >= $usual_days and coalesce(rare_short or rare_long, false) as rare,
        case when days < $usual_days then hit_short
            else hit_short and above_short and not coalesce(rare_long and not rare_short, false) end as by_short
    from chance
    where days < $usual_days or hit_short and above_short or hit_long and above_long -- exempt: usual_rate
),
-- 当日凭证最多的一窗，取最早的
peak as (
    select c.fixmedins_code, c.opter, c.day,
        max({'cards': if(u.by_short, c.cards_short, c.cards_long), 'back': -epoch_us(c.setl_time), 'place': c.place}) as best
    from started c
    join unusual u using (fixmedins_code, opter, scope, day)
    where not c.carried
    group by c.fixmedins_code, c.opter, c.day
),
-- 窗内的结算与金额中位数
clustered as (
    select u.*, c.setl_id, c.mdtrt_id, c.card, c.setl_time, c.medfee_sumamt, c.at_pharmacy, c.terminal, c.msgid,
        quantile_disc(c.medfee_sumamt, 0.5) over (partition by u.fixmedins_code, u.opter, u.day) as middle
    from unusual u
    join peak p using (fixmedins_code, opter, day)
    join around c on c.fixmedins_code = u.fixmedins_code and c.opter = u.opter
        and (u.scope = 'operator' or c.terminal = p.best.place)
    where epoch_us(c.setl_time) between -p.best.back and -p.best.back + epoch_us(if(u.by_short, $short, $long)) -- exempt: family_pickup
),
-- 每日一条：金额是否雷同（无从与平日比较的，雷同才报）；医院门诊收同样的诊察费、配同样的慢病药，雷同不足为凭
cluster as (
    select fixmedins_code, opter, day, days, comparable, rare, by_short, sum_short, sum_long,
        min(setl_time) as first_time, count(distinct nullif(terminal, '')) as terminals, count(distinct card) as cards, count(*) as claims, sum(medfee_sumamt) as gross,
        count(*) filter (where medfee_sumamt between middle * 0.95 and middle * 1.05) >= $alike * count(*) as alike,
        bool_and(at_pharmacy) as at_pharmacy,
        list(settlement_item(mdtrt_id, setl_id) order by setl_id) as items,
        list(setl_id order by setl_id) as setl_ids,
        list(mdtrt_id order by mdtrt_id) as mdtrt_ids,
        list(msgid order by msgid) as evidence
    from clustered
    group by fixmedins_code, opter, day, days, comparable, rare, by_short, sum_short, sum_long
)
select fixmedins_code || '/' || opter as operator_id, fixmedins_code, opter, day,
    if(comparable and (rare or alike and at_pharmacy), 2, 3) as severity,
    first_time as occurred_at,
    strftime(first_time, ' %H:%M') as first_time,
    epoch(if(by_short, $short, $long))::integer // 60 as minutes,
    cards, claims, gross, if(terminals > 1, '在' || terminals || '台终端上', '') as terminals_text,
    if(comparable, '平日' || days || '日的每日峰值平均为' || round(if(by_short, sum_short, sum_long)::decimal(18, 2) / days, 1)::decimal(9, 1) || '人',
        '平日结算不足以比较') as usual_text,
    if(alike, '，金额雷同', '') as alike_text,
    case when rare then '，按其平日快慢凭巧合' || $rarity || '个工作日也难遇一次'
        when comparable and not (alike and at_pharmacy) then '；只凭人数，尚可能是一时人多'
        else '' end as chance_text,
    items, setl_ids, mdtrt_ids, evidence
from cluster
where comparable or alike

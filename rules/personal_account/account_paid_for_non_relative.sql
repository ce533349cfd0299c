/*
code: PA-02
name: 个人账户为非亲属支付
key: owner
subject: [owner, acct_owner_psn_no]
anchor: [acct_owner_psn_no, payee, year]
behaviour: encounter
severity: [1, 3]
status: live
version: 1
official: null
law: [国办发〔2021〕14号, 国办发〔2024〕38号, 条例17, 条例41(一)]
basis: 个人账户只能用于本人和政策允许的亲属。亲属关系属实而当时全国政策尚未放开的，可能有地方先行，列为轻度可疑；一个账户一年支付人数过多的，本身不是违规，列为轻度可疑。
case_cause: [27, 31]
route: supervision
money: account
lookback: 366 d
needs: [settlement.acct_used_flag, settlement.acct_owner_psn_no, family]
may_use: [settlement.acct_pay, settlement.acct_mulaid_pay]
judges:
  from: settlement where acct_used_flag = '2'
  missing:
    结算时间: setl_time is null
    个人账户所有人(ACCT_OWNER_PSN_NO): acct_owner_psn_no is null
    账户所有人的亲属登记: acct_owner_psn_no not in (select f.psn_no from family f where f.psn_no is not null union select f.member_psn_no from family f where f.member_psn_no is not null)
params:
  lag: {default: 30, min: 0, max: 90, unit: d, source: "工程默认值：亲属关系登记晚于实际的余地"}
  most_payees: {default: 8, min: 4, max: 30, unit: count, source: "工程默认值：配偶、双方父母与子女通常不超过八人"}
exempt:
  owner_himself: 账户所有人本人就医购药不计。
  nothing_from_account: 个人账户实际没有支付的结算不计。
  relative: 就医购药时是政策允许的亲属（登记一方即双方有效）的不计。
  registry_lag: 亲属关系在购药后三十日内登记生效的，视为登记滞后，不计。
sentence: 参保人{acct_owner_psn_no}的个人账户在{year}年为{payee_text}支付{settlements}次共{paid}元，首次{first_time}，最近{last_time}，{finding}。
*/
with
-- 亲属关系登记一方即双方有效：反过来看，父母成为子女，祖父母成为孙子女
relatives as (
    select psn_no as owner, member_psn_no as payee, relation, begndate, enddate, msgid
    from family
    union all
    select member_psn_no, psn_no,
        case relation when 'parent' then 'child' when 'child' then 'parent'
            when 'grandparent' then 'grandchild' when 'grandchild' then 'grandparent' else relation end,
        begndate, enddate, msgid
    from family
),
-- 个人账户为他人实际支付的结算
used as (
    select acct_owner_psn_no as owner, psn_no as payee, year(setl_time) as year, setl_time, setl_time_is_date,
        setl_id, mdtrt_id, fixmedins_code, msgid,
        coalesce(nullif(acct_mulaid_pay, 0), acct_pay, 0) as paid
    from judged
    where acct_owner_psn_no <> psn_no -- exempt: owner_himself
        and coalesce(nullif(acct_mulaid_pay, 0), acct_pay, 0) > 0 -- exempt: nothing_from_account
),
-- 结算当时登记有效的亲属关系，以及当时政策是否允许
related as (
    select u.setl_id, max(r.relation) as relation, bool_or(k.relation is not null) as permitted
    from used u
    join relatives r using (owner, payee)
    left join knowledge.account_relation k on k.relation = r.relation
        and u.setl_time::date between k.effective_from and k.effective_to
    where u.setl_time >= coalesce(r.begndate, date '1900-01-01') - $lag -- exempt: registry_lag
        and u.setl_time::date <= coalesce(r.enddate, date '9999-12-31')
    group by u.setl_id
),
-- 当时不在政策允许范围内的支付，按账户所有人、使用人和年度合并
outside as (
    select u.owner, u.payee, u.year,
        if(bool_or(r.setl_id is null), 1, 3) as severity,
        '参保人' || u.payee as payee_text,
        if(bool_or(r.setl_id is null), '使用人不在其登记的亲属之内',
            '登记关系为' || max(case r.relation when 'sibling' then '兄弟姐妹' when 'grandparent' then '祖父母、外祖父母'
                when 'grandchild' then '孙子女、外孙子女' when 'spouse' then '配偶' when 'parent' then '父母'
                when 'child' then '子女' else '其他' end) || '，当时全国政策尚未放开，请核对当地规定') as finding,
        list(settlement_item(u.mdtrt_id, u.setl_id) order by u.setl_id) as items,
        count(*) as settlements, sum(u.paid) as paid,
        min(u.setl_time) as first_time, max(u.setl_time) as last_time, bool_or(u.setl_time_is_date) as dates_only,
        max(u.payee) as psn_no, list(u.msgid order by u.msgid) as msgids
    from used u
    left join related r using (setl_id)
    where not coalesce(r.permitted, false) -- exempt: relative
    group by u.owner, u.payee, u.year
),
-- 一年为过多的人支付的账户，不论是否亲属；使用人记为 *
crowded as (
    select owner, '*' as payee, year,
        3 as severity,
        count(distinct payee) || '人' as payee_text,
        '使用人数超过' || $most_payees || '人' as finding,
        list(involved_settlement(mdtrt_id, setl_id) order by setl_id) as items,
        count(*) as settlements, sum(paid) as paid,
        min(setl_time) as first_time, max(setl_time) as last_time, bool_or(setl_time_is_date) as dates_only,
        min(payee) as psn_no, list(msgid order by msgid) as msgids
    from used
    group by owner, year
    having count(distinct payee) > $most_payees
),
-- 两类结果合在一起
findings as (
    select * from outside
    union all
    select * from crowded
),
-- 账户所有人的亲属登记，作为证据
registered as (
    select r.owner, list(distinct r.msgid order by r.msgid) as msgids
    from relatives r
    semi join findings f on f.owner = r.owner
    group by r.owner
)
select f.owner as acct_owner_psn_no, f.payee, f.year, f.psn_no, f.severity,
    f.first_time as occurred_at,
    f.payee_text, f.settlements, f.paid, f.first_time, f.dates_only as first_time_is_date, f.last_time, f.dates_only as last_time_is_date, f.finding,
    f.items,
    list_concat(f.msgids, g.msgids) as evidence
from findings f
join registered g using (owner)

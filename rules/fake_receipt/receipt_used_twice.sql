/*
code: FR-01
name: 同一票据重复使用
key: bill
subject: [bill, receipt]
anchor: [receipt]
behaviour: encounter
severity: [1, 2, 3]
status: live
version: 2
official: GZ10000201001000 医保结算清单信息异常
law: [条例17, 条例20, 条例41(二), 细则29(一), 细则31(一)]
basis: 票据代码加号码全国唯一，同一张票据不应出现在两次就诊名下；只有发票号的，仅在同一机构同一年度内可比，列为轻度可疑。
case_cause: [28, 32]
route: supervision
money: fund
lookback: none
needs: [settlement]
may_use: [settlement.invono, settlement_list.bill_code, settlement_list.bill_no, manual_reimbursement.bill_no, insured.cert_hash, visit.newborn]
judges:
  from: settlement left join (select setl_id as list_setl_id, bill_code, bill_no, msgid as list_msgid from settlement_list) on list_setl_id = setl_id
  missing:
    结算时间: setl_time is null
    票据号（结算清单4101、发票号）: bill_no is null and invono is null
params:
  most_visits: {default: 20, min: 3, max: 1000, unit: count, source: "工程默认值：一个号码被更多次就诊使用的，多半是系统默认值或测试值，只作轻度可疑"}
exempt:
  placeholder: 空白、全零和知识库所列占位、测试用值不是票据号。
  one_visit: 一次就诊多次中途结算使用同一票据的不计。
  one_invoice_a_day: 只有发票号的，同一人同一天在同一机构的几次就诊可以合开一张发票。
  newborn: 新生儿费用可开在母亲的票据上。
  claimed_after_self_pay: 直接结算时基金没有支付，本人再凭该票据手工报销的，只享受了一次待遇。
sentence: 票据{receipt}先后出现在{visits}次就诊或报销名下（参保人{persons}名，机构{institutions}家），首次{first_time}，最近{last_time}，费用合计{gross}元，{finding}。
*/
with
-- 出现一次以上的号码：电子票据连同票据代码，发票号连同机构；只有这些须细看
shared as (
    select place, number
    from (
        select upper(trim(bill_code)) as place, upper(trim(bill_no)) as number from judged
        union all
        select fixmedins_code, upper(trim(invono)) from judged
        union all
        select upper(trim(bill_code)), upper(trim(bill_no)) from manual_reimbursement
    )
    group by place, number
    having count(*) > 1
),
-- 每次使用：结算清单上的电子票据、结算时的发票号（只在机构和年度内可比）、手工报销的票据
uses as (
    select upper(trim(bill_code)) || '-' || upper(trim(bill_no)) as receipt,
        upper(trim(bill_code)) as code, upper(trim(bill_no)) as number, true as electronic, true as has_electronic,
        coalesce(mdtrt_id, setl_id) as visit, mdtrt_id, setl_id, null::varchar as reim_id,
        psn_no, cert_hash, fixmedins_code, setl_time as used_at, setl_time_is_date as used_on,
        medfee_sumamt, fund_pay_sumamt, [msgid, list_msgid] as msgids
    from judged
    semi join shared n on n.place = upper(trim(bill_code)) and n.number = upper(trim(bill_no))
    union all
    select fixmedins_code || '/' || year(setl_time) || '/' || upper(trim(invono)),
        null, upper(trim(invono)), false, bill_code is not null and bill_no is not null,
        coalesce(mdtrt_id, setl_id), mdtrt_id, setl_id, null,
        psn_no, cert_hash, fixmedins_code, setl_time, setl_time_is_date,
        medfee_sumamt, fund_pay_sumamt, [msgid]
    from judged
    semi join shared n on n.place = fixmedins_code and n.number = upper(trim(invono))
    union all
    select upper(trim(bill_code)) || '-' || upper(trim(bill_no)),
        upper(trim(bill_code)), upper(trim(bill_no)), true, true,
        '手工报销' || reim_id, null, null, reim_id,
        psn_no, null, fixmedins_code, coalesce(reim_time, endtime, begntime),
        case when reim_time is not null then false when endtime is not null then endtime_is_date else begntime_is_date end,
        medfee_sumamt, fund_pay_sumamt, [msgid]
    from manual_reimbursement
    semi join shared n on n.place = upper(trim(bill_code)) and n.number = upper(trim(bill_no))
),
-- 出现在一次以上就诊名下的号码；发票号的各次结算都已有电子票据的，只比电子票据
repeated as (
    select receipt
    from uses
    group by receipt
    having min(visit) <> max(visit) -- exempt: one_visit
        and not (bool_and(has_electronic) and not bool_or(electronic))
),
-- 手工报销用过的票据和本人
claimed as (
    select distinct receipt, psn_no
    from uses
    where reim_id is not null
),
-- 参保登记中的证件，用来认出一人多号
certificates as (
    select psn_no, max(cert_hash) as cert_hash
    from insured
    group by psn_no
),
-- 除去占位值和无过错的使用
standing as (
    select u.*, coalesce(u.cert_hash, c.cert_hash, u.psn_no) as certificate
    from uses u
    semi join repeated r on r.receipt = u.receipt
    anti join knowledge.placeholder_receipt p on p.value = u.number or p.value = u.code -- exempt: placeholder
    left join certificates c on c.psn_no = u.psn_no
    left join claimed m on m.receipt = u.receipt and m.psn_no = u.psn_no
    left join visit v on v.mdtrt_id = u.mdtrt_id
    where trim(u.number, '0 ') <> '' -- exempt: placeholder
        and coalesce(trim(u.code, '0 '), '-') <> '' -- exempt: placeholder
        and not coalesce(v.newborn, false) -- exempt: newborn
        and not (u.setl_id is not null and m.psn_no is not null and u.fund_pay_sumamt <= 0) -- exempt: claimed_after_self_pay
),
-- 每个号码合为一条
receipts as (
    select receipt, bool_or(electronic) as electronic,
        min_by(visit, (used_at, visit)) as first_visit,
        count(distinct visit) as visits,
        least(count(distinct psn_no), count(distinct certificate)) as persons,
        count(distinct fixmedins_code) as institutions,
        sum(medfee_sumamt) as gross,
        min(used_at) as first_time, max(used_at) as last_time, bool_or(used_on) as dates_only,
        max_by(psn_no, (used_at, visit, psn_no)) as psn_no,
        max_by(fixmedins_code, (used_at, visit, fixmedins_code)) as fixmedins_code,
        count(distinct visit) > $most_visits as often
    from standing
    group by receipt
    having count(distinct visit) > 1
        and (bool_or(electronic) or count(distinct psn_no) > 1 or count(distinct used_at::date) > 1) -- exempt: one_invoice_a_day
),
-- 首次使用以后的各次为有问题的使用；号码使用过多的，分不出真假，只列最早的若干次
listed as (
    select r.receipt,
        list(case
            when s.reim_id is not null and (r.often or s.visit = r.first_visit) then involved_manual(s.reim_id)
            when s.reim_id is not null then manual_item(s.reim_id)
            when r.often or s.visit = r.first_visit then involved_settlement(s.mdtrt_id, s.setl_id)
            else settlement_item(s.mdtrt_id, s.setl_id) end order by s.used_at, s.visit, s.setl_id) as items,
        list(s.msgids order by s.used_at, s.visit, s.setl_id) as msgids
    from standing s
    join receipts r using (receipt)
    group by r.receipt
)
select r.receipt, r.psn_no, r.fixmedins_code,
    case when r.often or not r.electronic then 3 when r.persons > 1 then 1 else 2 end as severity,
    r.first_time as occurred_at,
    r.visits, r.persons, r.institutions, r.gross,
    r.first_time, r.dates_only as first_time_is_date, r.last_time, r.dates_only as last_time_is_date,
    case when r.often then '多半是系统默认值或测试值，请先核对号码是否真实（所列为最早' || $most_visits || '次）'
        when not r.electronic then '同一机构同一年度发票号重复，请核对原始发票'
        when r.persons > 1 then '同一张票据出现在不同参保人名下'
        else '同一笔医药费用可能重复享受待遇' end as finding,
    if(r.often, u.items[1:$most_visits], u.items) as items,
    flatten(if(r.often, u.msgids[1:$most_visits], u.msgids)) as evidence
from receipts r
join listed u using (receipt)

-- What an alert's items are worth: money at risk, by the ledger.
--
-- In: `found_item` (alert, item, mdtrt_id, setl_id, feedetl_sn, reim_id, part, violating, of_account, from_time,
-- until_time: the window a rule may see). Out: one row an item and settlement.
--
-- A line's money is its settlement's fund payment times the line's share of the in-scope amounts of the
-- settlement's lines (of the gross amounts where nothing is in scope), in cents by largest remainder; a
-- settlement's is its whole fund payment. Account rules count what the account paid instead. Only whole
-- numbers are divided: the quotient of two decimals is a binary float.

with
-- Lines asked for, with the settlement that covers them, if the window shows it.
asked_line as materialized (
    select i.*, s.setl_id as covered_by, l.med_list_codg, l.det_item_fee_sumamt, l.bilg_dr_codg
    from found_item i
    join fee_line l on l.mdtrt_id = i.mdtrt_id and l.feedetl_sn = i.feedetl_sn
    left join settlement s
        on s.setl_id = l.setl_id and (i.from_time is null or s.setl_time between i.from_time and i.until_time)
    where i.feedetl_sn is not null
),
-- What each settlement paid, in cents, and the lines among which it is shared.
asked as (
    select distinct covered_by as setl_id, of_account, from_time, until_time from asked_line
),
line as (
    select
        a.setl_id, a.of_account, a.from_time, a.until_time, l.mdtrt_id, l.feedetl_sn,
        cast(coalesce(l.inscp_scp_amt, 0) * 100 as hugeint) as scope_cents,
        cast(coalesce(l.det_item_fee_sumamt, 0) * 100 as hugeint) as gross_cents,
        cast(coalesce(case when a.of_account then coalesce(nullif(s.acct_mulaid_pay, 0), s.acct_pay)
                           else s.fund_pay_sumamt end, 0) * 100 as hugeint) as paid_cents
    from asked a
    join settlement s using (setl_id)
    join fee_line l on l.setl_id = a.setl_id
    where (a.from_time is null or l.fee_ocur_time between a.from_time and a.until_time)
),
total as (
    select
        *,
        case when sum(scope_cents) over w > 0 then greatest(scope_cents, 0) else greatest(gross_cents, 0) end as basis,
        case when sum(scope_cents) over w > 0 then sum(greatest(scope_cents, 0)) over w
             else sum(greatest(gross_cents, 0)) over w end as basis_sum
    from line
    window w as (partition by setl_id, of_account, from_time, until_time)
),
cut as (
    select
        *,
        case when basis_sum > 0 then (paid_cents * basis) // basis_sum else 0 end as whole_cents,
        case when basis_sum > 0 then (paid_cents * basis) % basis_sum else 0 end as remainder
    from total
),
shared_line as (
    select
        setl_id, of_account, from_time, until_time, mdtrt_id, feedetl_sn,
        whole_cents + case
            when basis_sum > 0
             and row_number() over (
                    partition by setl_id, of_account, from_time, until_time
                    order by remainder desc, mdtrt_id, feedetl_sn
                 ) <= paid_cents - sum(whole_cents) over (partition by setl_id, of_account, from_time, until_time)
            then 1 else 0 end as cents
    from cut
),
priced_item as (
    -- lines
    select
        q.alert, q.item, q.mdtrt_id, q.covered_by as setl_id, q.feedetl_sn, q.reim_id, q.med_list_codg as code, q.violating,
        cast(coalesce(p.cents, 0) * 0.01 * q.part as decimal(16, 2)) as amount,
        cast(q.det_item_fee_sumamt * q.part as decimal(16, 2)) as gross,
        p.cents is not null as settled, q.bilg_dr_codg as dr_code
    from asked_line q
    left join shared_line p
        on p.setl_id = q.covered_by and p.of_account = q.of_account and p.mdtrt_id = q.mdtrt_id and p.feedetl_sn = q.feedetl_sn
       and p.from_time is not distinct from q.from_time and p.until_time is not distinct from q.until_time
    union all
    -- settlements, and all settlements of a visit
    select
        i.alert, i.item, s.mdtrt_id, s.setl_id, null, null, null, i.violating,
        cast(coalesce(case when i.of_account then coalesce(nullif(s.acct_mulaid_pay, 0), s.acct_pay)
                           else s.fund_pay_sumamt end, 0) * i.part as decimal(16, 2)),
        cast(coalesce(s.medfee_sumamt, 0) * i.part as decimal(16, 2)), true, null
    from found_item i
    join settlement s on s.setl_id = i.setl_id
    where i.feedetl_sn is null and i.setl_id is not null
    union all
    select
        i.alert, i.item, s.mdtrt_id, s.setl_id, null, null, null, i.violating,
        cast(coalesce(case when i.of_account then coalesce(nullif(s.acct_mulaid_pay, 0), s.acct_pay)
                           else s.fund_pay_sumamt end, 0) * i.part as decimal(16, 2)),
        cast(coalesce(s.medfee_sumamt, 0) * i.part as decimal(16, 2)), true, null
    from found_item i
    join settlement s on s.mdtrt_id = i.mdtrt_id
    where i.feedetl_sn is null and i.setl_id is null and i.mdtrt_id is not null
      and (i.from_time is null or s.setl_time between i.from_time and i.until_time)
    union all
    -- visits that nothing settles: what was charged so far
    select
        i.alert, i.item, i.mdtrt_id, null, null, null, null, i.violating, 0::decimal(16, 2),
        cast(coalesce(sum(l.det_item_fee_sumamt), 0) * any_value(i.part) as decimal(16, 2)), false, null
    from found_item i
    anti join settlement s
        on s.mdtrt_id = i.mdtrt_id and (i.from_time is null or s.setl_time between i.from_time and i.until_time)
    left join fee_line l
        on l.mdtrt_id = i.mdtrt_id and (i.from_time is null or l.fee_ocur_time between i.from_time and i.until_time)
    where i.feedetl_sn is null and i.setl_id is null and i.mdtrt_id is not null
    group by i.alert, i.item, i.mdtrt_id, i.violating
    union all
    -- claims paid by hand
    select
        i.alert, i.item, null, null, null, i.reim_id, null, i.violating,
        cast(m.fund_pay_sumamt * i.part as decimal(16, 2)), cast(m.medfee_sumamt * i.part as decimal(16, 2)), true, null
    from found_item i
    join manual_reimbursement m on m.reim_id = i.reim_id
    union all
    -- sales outside insurance: named, but no money of the fund
    select
        i.alert, i.item, null, null, i.feedetl_sn, null, null, i.violating, 0::decimal(16, 2), 0::decimal(16, 2), false, null
    from found_item i
    where i.feedetl_sn is not null and i.mdtrt_id is null
)
select alert, mdtrt_id, setl_id, feedetl_sn, reim_id, code, violating, amount, gross, settled, dr_code
from priced_item
order by alert, item, mdtrt_id, setl_id, feedetl_sn, reim_id

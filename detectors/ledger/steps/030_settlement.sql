-- Settlements that stand, and what they carry.

-- only with fact.settlement
insert into main.settlement by name
select
    s.* exclude (seq, begntime_is_date)
        replace (coalesce(mid_setl_flag, '0') as mid_setl_flag, coalesce(setl_time_is_date, false) as setl_time_is_date)
from fact.settlement s
anti join step.gone_message using (msgid);

-- Settlement lists of settlements that stand; the last 4101 of a setl_id holds. What the list leaves out of the
-- visit's identity the settlement says.
-- only with fact.settlement_list
insert into main.settlement_list by name
with repeated as (
    select key from (select hash(setl_id) as key from fact.settlement_list) group by key having count(*) > 1
),
outdated as (
    select msgid
    from fact.settlement_list
    where hash(setl_id) in (select key from repeated)
    qualify row_number() over (partition by setl_id order by inf_time desc, msgid desc) > 1
)
select
    l.* exclude (seq, inf_time)
        replace (
            coalesce(l.mdtrt_id, s.mdtrt_id) as mdtrt_id,
            coalesce(l.psn_no, s.psn_no) as psn_no,
            coalesce(l.fixmedins_code, s.fixmedins_code) as fixmedins_code
        ),
    l.inf_time as upload_time
from fact.settlement_list l
join main.settlement s on s.setl_id = l.setl_id
anti join outdated on outdated.msgid = l.msgid;

-- only with fact.operation
insert into main.operation by name
select o.* exclude (seq, inf_time) replace (h.mdtrt_id as mdtrt_id, h.psn_no as psn_no, h.fixmedins_code as fixmedins_code)
from fact.operation o
join main.settlement_list h on h.msgid = o.msgid;

-- only with fact.icu_stay
insert into main.icu_stay by name
select
    i.* exclude (seq, inf_time, row_no)
        replace (h.mdtrt_id as mdtrt_id, h.psn_no as psn_no, h.fixmedins_code as fixmedins_code)
from fact.icu_stay i
join main.settlement_list h on h.msgid = i.msgid;

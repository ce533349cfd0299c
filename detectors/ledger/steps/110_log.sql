-- The log itself: what was taken back, and when an institution sent nothing.

-- A withdrawal is matched by a line before it that agrees with it, whether or not a settlement kept the line; visits
-- with withdrawals are special, so their lines are at hand.
-- only with fact.cancellation
insert into main.cancellation by name
with matched as (
    select by_msgid as msgid, by_row as row_no from step.target
    union
    select c.msgid, c.row_no
    from fact.cancellation c
    join step.special_line l on l.mdtrt_id = c.mdtrt_id and l.psn_no = c.psn_no and l.fixmedins_code = c.fixmedins_code
    where step.before(l.inf_time, l.msgid, c.inf_time, c.msgid)
        and ((c.kind = '2302' and l.kind = '2301' and (c.feedetl_sn = '0000' or c.feedetl_sn = l.feedetl_sn))
            or (c.kind = '2205' and l.kind = '2204' and (c.chrg_bchno = '0000' or c.chrg_bchno = l.chrg_bchno)))
)
select c.* exclude (seq, row_no, oinfno), m.msgid is not null as matched
from fact.cancellation c
left join matched m on m.msgid = c.msgid and m.row_no is not distinct from c.row_no;

-- Between messages that stand, twelve hours and more apart: such a pair lies in two half days, as the last of one and
-- the first of the next. A cancellation and what it took back both leave no trace; registries (their kind is a word, a
-- transaction's begins with a digit) are not sent by institutions.
-- only with fact.message
insert into main.quiet_spell
with half_day as (
    select m.fixmedins_code, epoch_us(m.inf_time) // 43200000000 as n, min(m.inf_time) as first_time, max(m.inf_time) as last_time
    from fact.message m
    anti join step.gone_visit v on v.mdtrt_id = m.mdtrt_id
    anti join step.gone_message g on g.msgid = m.msgid and g.why <> 'superseded'
    where m.fixmedins_code is not null and m.kind < 'A'
        and m.kind not in ('2103', '2202', '2205', '2208', '2302', '2305', '2404', '2405', '2601')
    group by m.fixmedins_code, n
),
spell as (
    select fixmedins_code, last_time as from_time, lead(first_time) over (partition by fixmedins_code order by n) as until_time
    from half_day
)
select fixmedins_code, from_time, until_time
from spell
where until_time is null or until_time >= from_time + interval 12 hour;

-- What was taken back. A cancellation means the log without its target, wherever it stands in the log; it applies
-- only where psn_no and institution agree with the target. Whoever cancels twice ends it with the earlier one.

-- 2601 reverses one message by its msgid, and only 2102, 2207, 2304 and 2401: `oinfno` must be its kind, so a 2601
-- that names a 2601 finds nothing. 2103, 2208, 2305 name a setl_id; 2404, 2202 a visit; 2405 every 2402 of the
-- visit that comes before it.
-- only with fact.cancellation
insert into step.target
with back as materialized (
    select msgid, row_no, kind, inf_time, psn_no, fixmedins_code, mdtrt_id, setl_id, omsgid, oinfno
    from fact.cancellation
    where kind not in ('2205', '2302')
),
settled as (
    select b.msgid, b.row_no, b.kind, b.inf_time, s.msgid, s.kind, s.mdtrt_id, s.setl_id
    from back b
    join fact.settlement s on s.setl_id = b.setl_id and s.psn_no = b.psn_no and s.fixmedins_code = b.fixmedins_code
    where (b.kind, s.kind) in (('2103', '2102'), ('2208', '2207'), ('2305', '2304'))
),
reversed_settlement as (
    select b.msgid, b.row_no, b.kind, b.inf_time, s.msgid, s.kind, s.mdtrt_id, s.setl_id
    from back b
    join fact.settlement s on s.msgid = b.omsgid and s.psn_no = b.psn_no and s.fixmedins_code = b.fixmedins_code
    where b.kind = '2601' and b.oinfno = s.kind
),
admitted as (
    select b.msgid, b.row_no, b.kind, b.inf_time, a.msgid, '2401', a.mdtrt_id, null
    from back b
    join fact.admission a on a.mdtrt_id = b.mdtrt_id and a.psn_no = b.psn_no and a.fixmedins_code = b.fixmedins_code
    where b.kind = '2404'
),
reversed_admission as (
    select b.msgid, b.row_no, b.kind, b.inf_time, a.msgid, '2401', a.mdtrt_id, null
    from back b
    join fact.admission a on a.msgid = b.omsgid and a.psn_no = b.psn_no and a.fixmedins_code = b.fixmedins_code
    where b.kind = '2601' and b.oinfno = '2401'
),
registered as (
    select b.msgid, b.row_no, b.kind, b.inf_time, r.msgid, r.kind, r.mdtrt_id, null
    from back b
    join (
        select msgid, '2201' as kind, mdtrt_id, psn_no, fixmedins_code from fact.registration
        union all
        select msgid, '2203', mdtrt_id, psn_no, fixmedins_code from fact.outpatient
    ) r on r.mdtrt_id = b.mdtrt_id and r.psn_no = b.psn_no and r.fixmedins_code = b.fixmedins_code
    where b.kind = '2202'
),
discharged as (
    select b.msgid, b.row_no, b.kind, b.inf_time, d.msgid, '2402', d.mdtrt_id, null
    from back b
    join fact.discharge d on d.mdtrt_id = b.mdtrt_id and d.psn_no = b.psn_no and d.fixmedins_code = b.fixmedins_code
    where b.kind = '2405' and step.before(d.inf_time, d.msgid, b.inf_time, b.msgid)
)
from settled union all from reversed_settlement union all from admitted union all from reversed_admission
union all from registered union all from discharged;

-- 2404, 2202 and the reversal of a 2401 remove the visit altogether: everything with its mdtrt_id.
-- only with step.target
insert into step.gone_visit
select mdtrt_id, min({'time': by_time, 'msgid': by_msgid})
from step.target
where kind in ('2401', '2201', '2203')
group by mdtrt_id;

-- Settlements and discharges that were taken back, and the settlements of visits that are gone.
-- only with step.target
insert into step.gone_message
with ended as (
    select
        msgid, kind, mdtrt_id, setl_id,
        if(by_kind = '2601', 'reversed', 'cancelled') as why, {'time': by_time, 'msgid': by_msgid} as ended
    from step.target
    where kind in ('2102', '2207', '2304', '2402')
    union all
    select s.msgid, s.kind, s.mdtrt_id, s.setl_id, 'visit', v.ended
    from fact.settlement s
    join step.gone_visit v on v.mdtrt_id = s.mdtrt_id
)
select msgid, kind, mdtrt_id, setl_id, max(why), min(ended)
from ended
group by msgid, kind, mdtrt_id, setl_id;

-- The same setl_id said again by another message that stands: the later one holds.
-- only with fact.settlement
insert into step.gone_message
with repeated as (
    select key from (select hash(setl_id) as key from fact.settlement) group by key having count(*) > 1
),
said as (
    select
        msgid, kind, mdtrt_id, setl_id,
        lead({'time': inf_time, 'msgid': msgid}) over (partition by setl_id order by inf_time, msgid) as ended
    from fact.settlement
    anti join step.gone_message using (msgid)
    where hash(setl_id) in (select key from repeated)
)
select msgid, kind, mdtrt_id, setl_id, 'superseded', ended
from said
where ended is not null;

-- A visit registered or admitted again under the same mdtrt_id: the last word of each kind holds.
-- only with fact.registration, fact.outpatient, fact.admission
insert into step.outdated
with said as (
    select msgid, inf_time, '2201' as kind, mdtrt_id from fact.registration
    union all select msgid, inf_time, '2203', mdtrt_id from fact.outpatient
    union all select msgid, inf_time, '2401', mdtrt_id from fact.admission
),
repeated as (
    select key from (select hash(kind, mdtrt_id) as key from said) group by key having count(*) > 1
)
select msgid
from said
where hash(kind, mdtrt_id) in (select key from repeated)
qualify row_number() over (partition by kind, mdtrt_id order by inf_time desc, msgid desc) > 1;

-- Somebody was there: checks, and the begin of outpatient visits and stays. Online is what a person did on their own
-- phone (opter_type 3).

-- only with fact.presence, fact.registration, fact.outpatient, fact.admission
insert into main.presence by name
with check_online as (
    select m.msgid
    from fact.message m
    where m.kind in ('9601', '9604') and m.opter_type = '3'
),
registered as (
    select r.*
    from fact.registration r
    anti join step.outdated o on o.msgid = r.msgid
)
select
    p.psn_no, p.fixmedins_code, p.mdtrt_id, p.kind, p.checked_at as seen_at, false as seen_at_is_date,
    o.msgid is not null as online, p.recog_biz, p.recog_rslt, p.appl_stas, p.chk_stas, p.plan_id, p.msgid
from fact.presence p
anti join step.gone_visit v on v.mdtrt_id = p.mdtrt_id
left join check_online o on o.msgid = p.msgid
union all by name
select
    r.psn_no, r.fixmedins_code, r.mdtrt_id, '2201' as kind, r.begntime as seen_at,
    coalesce(r.begntime_is_date, false) as seen_at_is_date, coalesce(r.opter_type = '3', false) as online, r.msgid
from registered r
anti join step.gone_visit v on v.mdtrt_id = r.mdtrt_id
where r.begntime is not null
union all by name
-- a 2203 that only repeats the time of its registration is no second sighting
select
    p.psn_no, p.fixmedins_code, p.mdtrt_id, '2203' as kind, p.begntime as seen_at,
    coalesce(p.begntime_is_date, false) as seen_at_is_date, coalesce(p.opter_type = '3', false) as online, p.msgid
from fact.outpatient p
anti join step.outdated o on o.msgid = p.msgid
anti join step.gone_visit v on v.mdtrt_id = p.mdtrt_id
anti join registered r on r.mdtrt_id = p.mdtrt_id and r.begntime = p.begntime
where p.begntime is not null
union all by name
select
    a.psn_no, a.fixmedins_code, a.mdtrt_id, '2401' as kind, coalesce(c.begntime, a.begntime) as seen_at,
    coalesce(if(c.begntime is null, a.begntime_is_date, c.begntime_is_date), false) as seen_at_is_date, false as online,
    coalesce(c.begntime_msgid, a.msgid) as msgid
from fact.admission a
anti join step.outdated o on o.msgid = a.msgid
anti join step.gone_visit v on v.mdtrt_id = a.mdtrt_id
left join step.change c on c.mdtrt_id = a.mdtrt_id
where coalesce(c.begntime, a.begntime) is not null;

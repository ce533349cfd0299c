-- Orders, reports and vital signs of visits that were not removed.

-- The last word on an order holds; vali_flag 0 withdraws it. An order without a number stands for itself.
-- only with fact.medical_order
insert into main.medical_order by name
with repeated as (
    select key
    from (select hash(mdtrt_id, medcas_drord_detl_id) as key from fact.medical_order)
    group by key having count(*) > 1
),
outdated as (
    select msgid, row_no
    from fact.medical_order
    where medcas_drord_detl_id is not null and hash(mdtrt_id, medcas_drord_detl_id) in (select key from repeated)
    qualify row_number() over (
        partition by mdtrt_id, medcas_drord_detl_id order by inf_time desc, msgid desc, row_no desc
    ) > 1
)
select o.* exclude (seq, inf_time, row_no, vali_flag), o.inf_time as upload_time
from fact.medical_order o
anti join step.gone_visit v on v.mdtrt_id = o.mdtrt_id
anti join outdated d on d.msgid = o.msgid and d.row_no = o.row_no
where o.vali_flag is distinct from '0';

-- The last message of an institution about a report number holds as a whole. Examinations and laboratory number
-- their reports apart. A number may pass from a visit to another, so removed visits leave before the last word is sought.
-- only with fact.report
insert into main.report by name
with standing as (
    select r.*
    from fact.report r
    anti join step.gone_visit v on v.mdtrt_id = r.mdtrt_id
),
repeated as (
    select hash(kind, fixmedins_code, rpotc_no) as key
    from fact.report
    group by key having min(hash(msgid)) < max(hash(msgid))
),
outdated as (
    select distinct msgid, rpotc_no
    from standing
    where rpotc_no is not null and hash(kind, fixmedins_code, rpotc_no) in (select key from repeated)
    qualify dense_rank() over (partition by kind, fixmedins_code, rpotc_no order by inf_time desc, msgid desc) > 1
)
select r.* exclude (seq, inf_time, row_no, kind, vali_flag), r.inf_time as upload_time
from standing r
anti join outdated d on d.msgid = r.msgid and d.rpotc_no = r.rpotc_no
where r.vali_flag is distinct from '0';

-- vali_flag 0 withdraws what was recorded for the same moment before it.
-- only with fact.vital_sign
insert into main.vital_sign by name
with void as (
    select mdtrt_id, rcd_time, max({'time': inf_time, 'msgid': msgid}) as ended
    from fact.vital_sign
    where vali_flag = '0'
    group by mdtrt_id, rcd_time
),
withdrawn as (
    select s.msgid, s.row_no
    from fact.vital_sign s
    join void v on v.mdtrt_id = s.mdtrt_id and v.rcd_time = s.rcd_time
    where step.before(s.inf_time, s.msgid, v.ended.time, v.ended.msgid)
)
select
    s.* exclude (seq, inf_time, row_no, vali_flag) replace (coalesce(s.rcd_time_is_date, false) as rcd_time_is_date)
from fact.vital_sign s
anti join step.gone_visit v on v.mdtrt_id = s.mdtrt_id
anti join withdrawn w on w.msgid = s.msgid and w.row_no = s.row_no
where s.vali_flag is distinct from '0';

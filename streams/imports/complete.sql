-- What follows from imported rows, as detectors/ledger derives it from messages, filled where the mapping gave nothing.

-- A line belongs to its visit's settlement where the visit has exactly one.
create temp table only_settlement as
select mdtrt_id, min(setl_id) as setl_id
from settlement
group by mdtrt_id
having count(*) = 1;

update fee_line set setl_id = o.setl_id
from only_settlement o
where fee_line.mdtrt_id = o.mdtrt_id and fee_line.setl_id is null;

-- Settled, and settled on the way; the settlement also knows kinds that the visit's own table may lack.
create temp table settled_visit as
select mdtrt_id, bool_or(coalesce(mid_setl_flag = '1', false)) as mid, max(med_type) as med_type, max(insutype) as insutype
from settlement
group by mdtrt_id;

update visit set
    settled = true,
    mid_settled = s.mid,
    med_type = coalesce(visit.med_type, s.med_type),
    insutype = coalesce(visit.insutype, s.insutype)
from settled_visit s
where visit.mdtrt_id = s.mdtrt_id;

-- What the settlement list tells of a visit.
create temp table list as
select mdtrt_id, adm_way, hi_paymtd, days_rinp_flag_31,
    nwb_adm_type is not null or age_days is not null or nwb_adm_wt is not null as newborn
from settlement_list
qualify row_number() over (partition by mdtrt_id order by upload_time desc, msgid desc) = 1;

update visit set
    list_uploaded = true,
    newborn = visit.newborn or l.newborn,
    adm_way = coalesce(visit.adm_way, l.adm_way),
    hi_paymtd = coalesce(visit.hi_paymtd, l.hi_paymtd),
    days_rinp_flag_31 = coalesce(visit.days_rinp_flag_31, l.days_rinp_flag_31)
from list l
where visit.mdtrt_id = l.mdtrt_id;

update visit set
    emergency = coalesce(emergency, case
        when left(med_type, 2) in ('13', '24') or ipt_type = '2' or adm_way = '1' then true
        when ipt_type is not null or adm_way is not null then false
    end),
    transfer_in = transfer_in or coalesce(ipt_type = '3', false) or coalesce(adm_way = '3', false);

-- Stays: how long in a bed, and the latest business time in the stay's own rows.
create temp table seen_on as
select mdtrt_id, max(seen) as seen
from (
    select mdtrt_id, fee_ocur_time as seen from fee_line
    union all
    select mdtrt_id, setl_time from settlement
    union all
    select mdtrt_id, coalesce(drord_begntime, drord_isu_time) from medical_order
    union all
    select mdtrt_id, greatest(exam_date, rpt_date)::timestamp from report
    union all
    select mdtrt_id, rcd_time from vital_sign
)
where seen is not null
group by mdtrt_id, seen::date;

create temp table last_seen as
select mdtrt_id, max(seen) as seen, list(seen order by seen) as heard
from seen_on
group by mdtrt_id;

update visit set
    bed_until = coalesce(bed_until, dscg_time, begntime + interval 90 day),
    seen_until = coalesce(seen_until, dscg_time, begntime)
where inpatient;

update visit set seen_until = greatest(visit.seen_until, l.seen)
from last_seen l
where visit.mdtrt_id = l.mdtrt_id and visit.inpatient and visit.dscg_time is null;

update visit set heard = l.heard
from last_seen l
where visit.mdtrt_id = l.mdtrt_id and visit.inpatient and visit.heard is null
    and (visit.dscg_time is null or visit.dscg_time > visit.begntime + interval 90 day);

-- Main diagnoses of stays, by role.
create temp table main_diagnosis as
select
    mdtrt_id,
    min(diag_code) filter (role = 'admission') as admission,
    coalesce(min(diag_code) filter (role = 'discharge'), min(diag_code) filter (role = 'list')) as discharge
from diagnosis
where maindiag_flag = '1'
group by mdtrt_id;

update visit set
    adm_diag_code = coalesce(visit.adm_diag_code, m.admission),
    dscg_diag_code = coalesce(visit.dscg_diag_code, m.discharge)
from main_diagnosis m
where visit.mdtrt_id = m.mdtrt_id and visit.inpatient;

-- Visits of which a row was rejected.
update visit set incomplete = true
where mdtrt_id in (select mdtrt_id from incomplete_visit);

-- Where a stay lay, and that somebody came, unless the mapping had tables of these.
insert into bed_stay
select mdtrt_id, psn_no, fixmedins_code, dept_code, bed, begntime, bed_until, dscg_time is null, msgids
from visit
where inpatient and begntime is not null and (bed is not null or dept_code is not null)
    and not exists (from bed_stay);

insert into presence by name
select psn_no, fixmedins_code, mdtrt_id, if(inpatient, '2401', '2203') as kind,
    begntime as seen_at, begntime_is_date as seen_at_is_date, coalesce(opter_type = '3', false) as online,
    adm_msgid as msgid
from visit
where kind in ('inpatient', 'outpatient') and begntime is not null
    and not exists (from presence where kind in ('2201', '2203', '2401'));

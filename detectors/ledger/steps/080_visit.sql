-- Visits: a stay by its 2401, overlaid by its 2403, ended by its 2402; an outpatient visit by its 2203 over its 2201;
-- a pharmacy purchase by its 2102; and what only settlements or lines tell of. `msgids` are the messages that
-- describe the visit; that it is settled is told by a flag, and the settlement itself is its own evidence.

-- A message of which rows were rejected makes its visits incomplete, unless it was taken back itself.
-- only with fact.message
insert into step.incomplete_visit
with bad as materialized (
    select m.msgid, m.mdtrt_id
    from fact.message m
    anti join step.gone_message g on g.msgid = m.msgid and g.why <> 'superseded'
    where m.bad_rows > 0
)
select mdtrt_id from bad where mdtrt_id is not null
union
select l.mdtrt_id from fact.fee_line l semi join bad b on b.msgid = l.msgid;

-- only with main.settlement_list
insert into step.visit_list
with repeated as (
    select key from (select hash(mdtrt_id) as key from main.settlement_list) group by key having count(*) > 1
),
outdated as (
    select msgid
    from main.settlement_list
    where hash(mdtrt_id) in (select key from repeated)
    qualify row_number() over (partition by mdtrt_id order by upload_time desc, msgid desc) > 1
)
select
    mdtrt_id, adm_way, nwb_adm_type is not null or age_days is not null or nwb_adm_wt is not null, hi_paymtd,
    days_rinp_flag_31, msgid
from main.settlement_list
anti join outdated using (msgid);

-- The latest business times in what is known of a stay that is not discharged, or so late that a rule may not see it.
-- only with fact.admission, fact.admission_change, fact.settlement
-- feeds visit.seen_until, visit.heard
insert into step.last_seen
with open as materialized (
    select mdtrt_id from fact.admission
    union select mdtrt_id from step.change
    union select mdtrt_id from step.settled_visit where kind = '2304'
    except select mdtrt_id from step.discharge
    union
    select d.mdtrt_id
    from step.discharge d
    left join fact.admission a on a.mdtrt_id = d.mdtrt_id
    left join step.change c on c.mdtrt_id = d.mdtrt_id
    where d.endtime > coalesce(c.begntime, a.begntime) + interval 90 day
    except select mdtrt_id from step.gone_visit
),
times as (
    select mdtrt_id, fee_ocur_time as seen from main.fee_line semi join open using (mdtrt_id)
    union all
    select mdtrt_id, latest from step.settled_visit semi join open using (mdtrt_id)
    union all
    select mdtrt_id, coalesce(drord_begntime, drord_isu_time) from main.medical_order semi join open using (mdtrt_id)
    union all
    select mdtrt_id, greatest(exam_date, rpt_date)::timestamp from main.report semi join open using (mdtrt_id)
    union all
    select mdtrt_id, rcd_time from main.vital_sign semi join open using (mdtrt_id)
),
daily as (
    select mdtrt_id, max(seen) as seen
    from times
    where seen is not null
    group by mdtrt_id, seen::date
)
select mdtrt_id, max(seen), list(seen order by seen)
from daily
group by mdtrt_id;

-- When the platform first heard of an admission.
-- only with fact.admission
-- feeds visit.adm_upload_time
insert into step.first_admission
select a.mdtrt_id, min(a.inf_time)
from fact.admission a
anti join step.gone_message g on g.msgid = a.msgid and g.why <> 'superseded'
group by a.mdtrt_id;

-- Stays. A 2403 or 2402 whose 2401 is not there still tells of a stay.
-- only with fact.admission, fact.admission_change, fact.discharge
insert into main.visit by name
with base as (
    select
        a.mdtrt_id, a.psn_no, a.fixmedins_code, a.insutype, a.begntime, a.begntime_is_date, a.mdtrt_cert_type,
        a.med_type, a.ipt_no, a.medrcdno, a.atddr_no, a.adm_dept_codg, a.adm_bed, a.dscg_maindiag_code, a.dise_codg,
        a.oprn_oprt_code, a.matn_type, a.birctrl_type, a.geso_val, a.tel_hash, a.insuplc_admdvs, a.mdtrtarea_admvs,
        a.mdtrt_grp_type, a.trum_flag, a.rel_ttp_flag, a.ipt_type, a.otp_er_refl_flag, a.msgid
    from fact.admission a
    anti join step.outdated o on o.msgid = a.msgid
    anti join step.gone_visit v on v.mdtrt_id = a.mdtrt_id
    union all by name
    select mdtrt_id, psn_no, fixmedins_code
    from (
        select mdtrt_id, psn_no, fixmedins_code from step.change
        anti join fact.admission using (mdtrt_id)
        union all
        select mdtrt_id, psn_no, fixmedins_code from step.discharge
        anti join fact.admission using (mdtrt_id)
        anti join step.change using (mdtrt_id)
    )
),
stay as (
    select
        a.mdtrt_id,
        a.psn_no,
        a.fixmedins_code,
        coalesce(c.med_type, a.med_type, s.med_type) as med_type,
        coalesce(a.insutype, d.insutype, s.insutype) as insutype,
        coalesce(c.begntime, a.begntime) as begntime,
        coalesce(if(c.begntime is null, a.begntime_is_date, c.begntime_is_date), false) as begntime_is_date,
        d.endtime as dscg_time,
        coalesce(d.endtime_is_date, false) as dscg_time_is_date,
        seen.seen,
        seen.heard,
        d.dscg_way,
        d.die_date,
        coalesce(c.ipt_type, a.ipt_type) as ipt_type,
        l.adm_way,
        a.otp_er_refl_flag,
        l.msgid is not null as list_uploaded,
        coalesce(l.newborn, false) as newborn,
        coalesce(s.mid_settled, false) as mid_settled,
        s.setl_id is not null as settled,
        coalesce(c.mdtrt_cert_type, a.mdtrt_cert_type, s.mdtrt_cert_type) as mdtrt_cert_type,
        coalesce(c.ipt_otp_no, a.ipt_no) as ipt_no,
        coalesce(c.medrcdno, a.medrcdno) as medrcdno,
        coalesce(c.atddr_no, a.atddr_no) as atddr_no,
        coalesce(c.adm_dept_codg, a.adm_dept_codg) as dept_code,
        d.dscg_dept_codg,
        coalesce(c.adm_bed, a.adm_bed) as bed,
        coalesce(m.admission, c.dscg_maindiag_code, a.dscg_maindiag_code) as adm_diag_code,
        coalesce(m.discharge, m.list) as dscg_diag_code,
        coalesce(d.dise_codg, c.dise_codg, a.dise_codg, s.dise_codg) as dise_codg,
        coalesce(d.oprn_oprt_code, c.oprn_oprt_code, a.oprn_oprt_code) as oprn_oprt_code,
        coalesce(d.matn_type, c.matn_type, a.matn_type) as matn_type,
        coalesce(d.birctrl_type, c.birctrl_type, a.birctrl_type) as birctrl_type,
        coalesce(c.geso_val, a.geso_val) as geso_val,
        coalesce(c.trum_flag, a.trum_flag, s.trum_flag) as trum_flag,
        coalesce(c.rel_ttp_flag, a.rel_ttp_flag, s.rel_ttp_flag) as rel_ttp_flag,
        coalesce(c.mdtrt_grp_type, a.mdtrt_grp_type, s.mdtrt_grp_type) as mdtrt_grp_type,
        l.hi_paymtd,
        l.days_rinp_flag_31,
        coalesce(c.tel_hash, a.tel_hash) as tel_hash,
        coalesce(a.insuplc_admdvs, s.insuplc_admdvs) as insuplc_admdvs,
        coalesce(a.mdtrtarea_admvs, s.mdtrtarea_admvs) as mdtrtarea_admvs,
        i.mdtrt_id is not null as incomplete,
        f.inf_time as adm_upload_time,
        a.msgid as adm_msgid,
        d.msgid as dscg_msgid,
        c.msgids as change_msgids,
        l.msgid as list_msgid
    from base a
    left join step.change c on c.mdtrt_id = a.mdtrt_id
    left join step.discharge d on d.mdtrt_id = a.mdtrt_id
    left join step.visit_list l on l.mdtrt_id = a.mdtrt_id
    left join step.settled_visit s on s.mdtrt_id = a.mdtrt_id
    left join step.last_seen seen on seen.mdtrt_id = a.mdtrt_id
    left join step.first_admission f on f.mdtrt_id = a.mdtrt_id
    left join step.incomplete_visit i on i.mdtrt_id = a.mdtrt_id
    left join step.main_diagnosis m on m.mdtrt_id = a.mdtrt_id
)
select
    * exclude (seen, otp_er_refl_flag, change_msgids, list_msgid),
    coalesce(dscg_time, begntime + interval 90 day) as bed_until,
    coalesce(dscg_time, greatest(begntime, seen)) as seen_until,
    case
        when left(med_type, 2) in ('13', '24') or ipt_type = '2' or otp_er_refl_flag in ('1', '3') or adm_way = '1' then true
        when ipt_type is not null or adm_way is not null then false
    end as emergency,
    coalesce(ipt_type = '3', false) or coalesce(adm_way = '3', false) as transfer_in,
    list_sort(list_filter(
        if(change_msgids is null, [adm_msgid, dscg_msgid, list_msgid], [adm_msgid, dscg_msgid, list_msgid] || change_msgids),
        lambda m: m is not null
    )) as msgids
from stay;

-- Outpatient visits.
-- only with fact.registration, fact.outpatient
-- in slices
insert into main.visit by name
with registered as (
    select r.*
    from fact.registration r
    anti join step.outdated o on o.msgid = r.msgid
    anti join step.gone_visit v on v.mdtrt_id = r.mdtrt_id
    where step.in_slice(r.mdtrt_id)
),
seen as (
    select p.*
    from fact.outpatient p
    anti join step.outdated o on o.msgid = p.msgid
    anti join step.gone_visit v on v.mdtrt_id = p.mdtrt_id
    where step.in_slice(p.mdtrt_id)
),
visit as (
    select
        coalesce(p.mdtrt_id, r.mdtrt_id) as mdtrt_id,
        coalesce(p.psn_no, r.psn_no) as psn_no,
        coalesce(p.fixmedins_code, r.fixmedins_code) as fixmedins_code,
        p.med_type, r.insutype,
        coalesce(p.begntime, r.begntime) as begntime,
        coalesce(if(p.begntime is null, r.begntime_is_date, p.begntime_is_date), false) as begntime_is_date,
        r.mdtrt_cert_type, coalesce(r.opter_type, p.opter_type) as opter_type, r.ipt_otp_no as ipt_no, r.atddr_no, r.dept_code,
        p.dise_codg, p.birctrl_type, p.trum_flag, p.rel_ttp_flag, p.mdtrt_grp_type, p.otp_er_refl_flag,
        r.msgid as registered_msgid, p.msgid as seen_msgid
    from registered r
    full join seen p on p.mdtrt_id = r.mdtrt_id
)
select
    v.* exclude (otp_er_refl_flag, registered_msgid, seen_msgid)
        replace (
            coalesce(v.med_type, s.med_type) as med_type,
            coalesce(v.insutype, s.insutype) as insutype,
            coalesce(v.mdtrt_cert_type, s.mdtrt_cert_type) as mdtrt_cert_type,
            coalesce(v.dise_codg, s.dise_codg) as dise_codg,
            coalesce(v.trum_flag, s.trum_flag) as trum_flag,
            coalesce(v.rel_ttp_flag, s.rel_ttp_flag) as rel_ttp_flag,
            coalesce(v.mdtrt_grp_type, s.mdtrt_grp_type) as mdtrt_grp_type
        ),
    'outpatient' as kind, false as inpatient,
    case
        when left(coalesce(v.med_type, s.med_type), 2) in ('13', '24')
            or v.otp_er_refl_flag in ('1', '3') or l.adm_way = '1' then true
        when l.adm_way is not null then false
    end as emergency,
    l.adm_way, coalesce(l.adm_way = '3', false) as transfer_in, l.hi_paymtd, l.msgid is not null as list_uploaded,
    coalesce(s.mid_settled, false) as mid_settled, s.setl_id is not null as settled,
    s.insuplc_admdvs, s.mdtrtarea_admvs,
    i.mdtrt_id is not null as incomplete,
    coalesce(v.seen_msgid, v.registered_msgid) as adm_msgid,
    list_sort(list_filter([v.registered_msgid, v.seen_msgid, l.msgid], lambda m: m is not null)) as msgids
from visit v
left join step.settled_visit s on s.mdtrt_id = v.mdtrt_id and step.in_slice(s.mdtrt_id)
left join step.incomplete_visit i on i.mdtrt_id = v.mdtrt_id
left join step.visit_list l on l.mdtrt_id = v.mdtrt_id;

-- Purchases, and visits of which only a settlement is known: those have no begin, and stand on the settlement.
-- only with fact.settlement
-- in slices
insert into main.visit by name
select
    s.mdtrt_id, s.psn_no, s.fixmedins_code,
    case s.kind when '2304' then 'inpatient' when '2207' then 'outpatient' else 'pharmacy' end as kind,
    s.kind = '2304' as inpatient,
    s.med_type, s.insutype,
    if(s.kind = '2102', coalesce(s.begntime, s.latest), null) as begntime,
    if(s.kind = '2304', seen.seen, null) as seen_until,
    l.adm_way,
    case
        when left(s.med_type, 2) in ('13', '24') or s.otp_er_refl_flag in ('1', '3') or l.adm_way = '1' then true
        when l.adm_way is not null then false
    end as emergency,
    coalesce(l.adm_way = '3', false) as transfer_in,
    l.msgid is not null as list_uploaded,
    coalesce(l.newborn, false) as newborn,
    s.mid_settled, true as settled, s.mdtrt_cert_type, if(s.kind = '2102', s.opter_type, null) as opter_type,
    m.list as dscg_diag_code,
    s.dise_codg, s.trum_flag, s.rel_ttp_flag, s.mdtrt_grp_type, l.hi_paymtd, l.days_rinp_flag_31,
    s.insuplc_admdvs, s.mdtrtarea_admvs,
    i.mdtrt_id is not null as incomplete,
    if(s.kind = '2102', s.msgid, null) as adm_msgid,
    list_sort(list_filter([s.msgid, l.msgid], lambda m: m is not null)) as msgids
from step.settled_visit s
anti join (select mdtrt_id from main.visit where step.in_slice(mdtrt_id)) v on v.mdtrt_id = s.mdtrt_id
left join step.incomplete_visit i on i.mdtrt_id = s.mdtrt_id
left join step.last_seen seen on seen.mdtrt_id = s.mdtrt_id
left join step.visit_list l on l.mdtrt_id = s.mdtrt_id
left join step.main_diagnosis m on m.mdtrt_id = s.mdtrt_id
where s.setl_id is not null and step.in_slice(s.mdtrt_id);

-- Visits of which only lines are known.
-- only with fact.fee_line
-- in slices
insert into main.visit by name
with alone as (
    select l.mdtrt_id, l.psn_no, l.fixmedins_code, l.kind, l.fee_ocur_time, l.msgid
    from main.fee_line l
    anti join (select mdtrt_id from main.visit where step.in_slice(mdtrt_id)) v on v.mdtrt_id = l.mdtrt_id
    where step.in_slice(l.mdtrt_id)
)
select
    a.mdtrt_id, min(a.psn_no) as psn_no, min(a.fixmedins_code) as fixmedins_code,
    if(min(a.kind) = '2301', 'inpatient', 'outpatient') as kind,
    min(a.kind) = '2301' as inpatient,
    if(min(a.kind) = '2301', max(a.fee_ocur_time), null) as seen_until,
    bool_or(i.mdtrt_id is not null) as incomplete,
    [min(a.msgid)] as msgids
from alone a
left join step.incomplete_visit i on i.mdtrt_id = a.mdtrt_id
group by a.mdtrt_id;

-- Where a stay lay. The bed is the 2401's until a 2403 names another bed or department, from the time of that 2403;
-- what it names after the end, or of the place where the patient already lay, moves nobody.
-- only with main.visit
insert into main.bed_stay
with place as (
    select mdtrt_id, begntime as from_time, adm_bed as bed, adm_dept_codg as dept_code, msgid, 0 as n
    from fact.admission a
    anti join step.outdated o on o.msgid = a.msgid
    semi join step.change c on c.mdtrt_id = a.mdtrt_id
    union all
    select mdtrt_id, inf_time, adm_bed, adm_dept_codg, msgid, row_number() over (partition by mdtrt_id order by inf_time, msgid)
    from fact.admission_change
    where adm_bed is not null or adm_dept_codg is not null
),
filled as (
    select
        mdtrt_id, from_time, msgid, n,
        last_value(bed ignore nulls) over w as bed,
        last_value(dept_code ignore nulls) over w as dept_code
    from place
    window w as (partition by mdtrt_id order by n rows unbounded preceding)
),
moved as (
    select *
    from filled
    window w as (partition by mdtrt_id order by n)
    qualify n = 0 or lag(n) over w is null
        or bed is distinct from lag(bed) over w or dept_code is distinct from lag(dept_code) over w
),
stretch as (
    select
        m.mdtrt_id, m.bed, m.dept_code, m.msgid, m.n,
        if(m.n = 0 or v.begntime > m.from_time, v.begntime, m.from_time) as from_time,
        lead(if(v.begntime > m.from_time, v.begntime, m.from_time)) over w as next_time,
        lead(m.msgid) over w as next_msgid,
        v.bed_until, v.dscg_time, v.psn_no, v.fixmedins_code, v.adm_msgid, v.dscg_msgid
    from moved m
    join main.visit v on v.mdtrt_id = m.mdtrt_id
    where v.begntime is not null and (m.n = 0 or v.bed_until > m.from_time)
    window w as (partition by m.mdtrt_id order by m.n)
)
select
    mdtrt_id, psn_no, fixmedins_code, dept_code, bed, from_time,
    coalesce(next_time, bed_until),
    next_time is null and dscg_time is null,
    list_sort(list_distinct(list_filter([adm_msgid, msgid, coalesce(next_msgid, dscg_msgid)], lambda m: m is not null)))
from stretch
where next_time is null or next_time > from_time
union all
select
    v.mdtrt_id, v.psn_no, v.fixmedins_code, v.dept_code, v.bed, v.begntime, v.bed_until, v.dscg_time is null,
    list_filter(list_sort([v.adm_msgid, v.dscg_msgid]), lambda m: m is not null)
from main.visit v
anti join step.change c on c.mdtrt_id = v.mdtrt_id
where v.inpatient and v.begntime is not null;

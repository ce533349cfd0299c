-- Registries. Of the same key the latest (inf_time, msgid) holds, for all times, and vali_flag 0 withdraws it. A row that
-- repeats its predecessor changes nothing: `news` marks the rows that say something new, and the last of those is the
-- one that holds, with the msgid it was first said by. A row without begndate holds from ever.

-- only with fact.institution
insert into main.institution by name
with said as (
    select
        *,
        row(*columns(* exclude (seq, msgid, inf_time))) is distinct from
            lag(row(*columns(* exclude (seq, msgid, inf_time)))) over w as news
    from fact.institution
    window w as (partition by fixmedins_code, begndate order by inf_time, msgid)
),
held as (
    select *
    from said
    where news
    qualify row_number() over (partition by fixmedins_code, begndate order by inf_time desc, msgid desc) = 1
)
select * exclude (seq, inf_time, vali_flag, news) replace (coalesce(begndate, date '1900-01-01') as begndate)
from held
where vali_flag is distinct from '0';

-- only with fact.practitioner
insert into main.practitioner by name
with said as (
    select
        *,
        row(*columns(* exclude (seq, msgid, inf_time))) is distinct from
            lag(row(*columns(* exclude (seq, msgid, inf_time)))) over w as news
    from fact.practitioner
    window w as (partition by dr_codg, begndate order by inf_time, msgid)
),
held as (
    select *
    from said
    where news
    qualify row_number() over (partition by dr_codg, begndate order by inf_time desc, msgid desc) = 1
)
select * exclude (seq, inf_time, vali_flag, news) replace (coalesce(begndate, date '1900-01-01') as begndate)
from held
where vali_flag is distinct from '0';

-- only with fact.family
insert into main.family by name
with said as (
    select
        *,
        row(*columns(* exclude (seq, msgid, inf_time))) is distinct from
            lag(row(*columns(* exclude (seq, msgid, inf_time)))) over w as news
    from fact.family
    window w as (partition by psn_no, member_psn_no, begndate order by inf_time, msgid)
),
held as (
    select *
    from said
    where news
    qualify row_number() over (
        partition by psn_no, member_psn_no, begndate order by inf_time desc, msgid desc
    ) = 1
)
select * exclude (seq, inf_time, vali_flag, news) replace (coalesce(begndate, date '1900-01-01') as begndate)
from held
where vali_flag is distinct from '0';

-- Deaths as each source says them; the discharges as dead (dscg_way 5) that hold are a source of their own. Without a
-- date of death the patient died by the time of discharge.
-- only with fact.death, fact.discharge
insert into main.death by name
with told as (
    select msgid, inf_time, psn_no, die_date, source, vali_flag from fact.death
    union all
    select msgid, inf_time, psn_no, coalesce(die_date, endtime::date), 'discharge', null
    from step.discharge
    where dscg_way = '5'
),
said as (
    select
        *,
        row(die_date, vali_flag) is distinct from lag(row(die_date, vali_flag)) over w as news
    from told
    window w as (partition by psn_no, source order by inf_time, msgid)
),
held as (
    select *
    from said
    where news
    qualify row_number() over (partition by psn_no, source order by inf_time desc, msgid desc) = 1
)
select psn_no, die_date, source, msgid
from held
where vali_flag is distinct from '0' and die_date is not null;

-- only with fact.manual_reimbursement
insert into main.manual_reimbursement by name
with said as (
    select
        *,
        row(*columns(* exclude (seq, msgid, inf_time))) is distinct from
            lag(row(*columns(* exclude (seq, msgid, inf_time)))) over w as news
    from fact.manual_reimbursement
    window w as (partition by reim_id order by inf_time, msgid)
),
held as (
    select *
    from said
    where news
    qualify row_number() over (partition by reim_id order by inf_time desc, msgid desc) = 1
)
select
    * exclude (seq, inf_time, vali_flag, news)
        replace (
            coalesce(begntime_is_date, false) as begntime_is_date, coalesce(endtime_is_date, false) as endtime_is_date
        )
from held
where vali_flag is distinct from '0';

-- Registrations of chronic diseases (2503): no registry, but said again in the same way.
-- only with fact.chronic_registration
insert into main.chronic_registration by name
with said as (
    select
        * exclude (tel_hash),
        row(*columns(* exclude (seq, msgid, inf_time, tel_hash))) is distinct from
            lag(row(*columns(* exclude (seq, msgid, inf_time, tel_hash)))) over w as news
    from fact.chronic_registration
    window w as (partition by psn_no, opsp_dise_code, begndate order by inf_time, msgid)
),
held as (
    select *
    from said
    where news
    qualify row_number() over (partition by psn_no, opsp_dise_code, begndate order by inf_time desc, msgid desc) = 1
)
select * exclude (seq, inf_time, news)
from held;

-- Catalogue rows have no dates of their own: each is a version from when it was said until the next, and the first
-- that stands holds before itself too. vali_flag 0 ends the version before it.
-- only with fact.catalogue
insert into main.catalogue by name
with said as (
    select
        *,
        row(*columns(* exclude (seq, msgid, inf_time))) is distinct from
            lag(row(*columns(* exclude (seq, msgid, inf_time)))) over w as news
    from fact.catalogue
    window w as (partition by med_list_codg order by inf_time, msgid)
),
version as (
    select *, lead(inf_time) over (partition by med_list_codg order by inf_time, msgid) as next_time
    from said
    where news
),
dated as (
    select
        *,
        if(row_number() over (partition by med_list_codg order by inf_time, msgid) = 1, timestamp '1900-01-01', inf_time)
            as valid_from,
        coalesce(next_time, timestamp '9999-12-31') as valid_until
    from version
    where vali_flag is distinct from '0'
)
select * exclude (seq, inf_time, vali_flag, news, next_time)
from dated
where valid_from < valid_until;

-- Insured periods of the registry: most are said once, so the others are found by hash first.
-- only with fact.insured
insert into main.insured by name
with repeated as (
    select key
    from (select hash(psn_no, insutype, begndate) as key from fact.insured)
    group by key having count(*) > 1
),
said as (
    select
        *,
        row(*columns(* exclude (seq, msgid, inf_time))) is distinct from
            lag(row(*columns(* exclude (seq, msgid, inf_time)))) over w as news
    from fact.insured
    where hash(psn_no, insutype, begndate) in (select key from repeated)
    window w as (partition by psn_no, insutype, begndate order by inf_time, msgid)
),
held as (
    select *
    from fact.insured
    where hash(psn_no, insutype, begndate) not in (select key from repeated)
    union all
    select * exclude (news)
    from said
    where news
    qualify row_number() over (partition by psn_no, insutype, begndate order by inf_time desc, msgid desc) = 1
)
select
    * exclude (seq, inf_time, vali_flag)
        replace (coalesce(begndate, date '1900-01-01') as begndate, coalesce(psn_insu_stas, '1') as psn_insu_stas),
    true as registry
from held
where vali_flag is distinct from '0';

-- Persons the registry does not know, as the platform answered about them (1101): the periods of their last word, and
-- birth and sex as last said. Answers repeat, so equal ones are one before anything is ordered.
-- only with fact.person_insurance
insert into main.insured by name
with unknown as materialized (
    select psn_no, insutype, psn_insu_date, paus_insu_date, psn_type, psn_insu_stas, insuplc_admdvs, emp_name, inf_time, msgid
    from fact.person_insurance
    anti join main.insured using (psn_no)
),
said as (
    select
        *,
        row(paus_insu_date, psn_type, psn_insu_stas, insuplc_admdvs, emp_name) is distinct from
            lag(row(paus_insu_date, psn_type, psn_insu_stas, insuplc_admdvs, emp_name)) over w as news
    from unknown
    window w as (partition by psn_no, insutype, psn_insu_date order by inf_time, msgid)
),
held as (
    select *
    from said
    where news
    qualify row_number() over (partition by psn_no, insutype, psn_insu_date order by inf_time desc, msgid desc) = 1
),
person as (
    select psn_no, gend, brdy, cert_gend, cert_brdy, cert_hash
    from fact.person
    semi join held using (psn_no)
    qualify row_number() over (partition by psn_no order by inf_time desc, msgid desc) = 1
),
identity as (
    select psn_no, min(psn_idet_type) as psn_idet_type
    from (
        select psn_no, psn_idet_type
        from fact.person_identity
        semi join held using (psn_no)
        qualify dense_rank() over (partition by psn_no order by inf_time desc, msgid desc) = 1
    )
    group by psn_no
)
select
    h.psn_no, h.insutype, coalesce(h.psn_insu_date, date '1900-01-01') as begndate, h.paus_insu_date as enddate,
    p.gend, p.brdy, p.cert_gend, p.cert_brdy, p.cert_hash, h.psn_type, i.psn_idet_type, h.insuplc_admdvs, h.emp_name,
    coalesce(h.psn_insu_stas, '1') as psn_insu_stas, false as registry, h.msgid
from held h
left join person p on p.psn_no = h.psn_no
left join identity i on i.psn_no = h.psn_no;

-- What changes and discharges of a stay amount to.

-- The last discharge that was not taken back. A later 2403 may correct its end; without a discharge it says nothing.
-- only with fact.discharge
insert into step.discharge by name
with standing as (
    select d.*
    from fact.discharge d
    anti join step.gone_message g on g.msgid = d.msgid
    anti join step.gone_visit v on v.mdtrt_id = d.mdtrt_id
),
repeated as (
    select key from (select hash(mdtrt_id) as key from fact.discharge) group by key having count(*) > 1
),
outdated as (
    select msgid
    from standing
    where hash(mdtrt_id) in (select key from repeated)
    qualify row_number() over (partition by mdtrt_id order by inf_time desc, msgid desc) > 1
),
corrected as (
    select c.mdtrt_id, c.endtime, c.endtime_is_date
    from fact.admission_change c
    join standing d on d.mdtrt_id = c.mdtrt_id
    anti join outdated o on o.msgid = d.msgid
    where c.endtime is not null and step.before(d.inf_time, d.msgid, c.inf_time, c.msgid)
    qualify row_number() over (partition by c.mdtrt_id order by c.inf_time desc, c.msgid desc) = 1
)
select
    d.* exclude (seq, dscg_bed, cop_flag)
        replace (
            coalesce(c.endtime, d.endtime) as endtime,
            coalesce(if(c.endtime is null, d.endtime_is_date, c.endtime_is_date), false) as endtime_is_date
        )
from standing d
anti join outdated o on o.msgid = d.msgid
left join corrected c on c.mdtrt_id = d.mdtrt_id;

-- Changes overlay each other field by field; a missing value changes nothing (arg_max passes over it).
-- only with fact.admission_change
insert into step.change by name
with numbered as (
    select c.*, row_number() over (partition by c.mdtrt_id order by c.inf_time, c.msgid) as n
    from fact.admission_change c
    anti join step.gone_visit v on v.mdtrt_id = c.mdtrt_id
)
select
    mdtrt_id,
    arg_max(psn_no, n) as psn_no,
    arg_max(fixmedins_code, n) as fixmedins_code,
    arg_max(begntime, n) as begntime,
    arg_max(coalesce(begntime_is_date, false), n) filter (begntime is not null) as begntime_is_date,
    arg_max(msgid, n) filter (begntime is not null) as begntime_msgid,
    arg_max(mdtrt_cert_type, n) as mdtrt_cert_type,
    arg_max(med_type, n) as med_type,
    arg_max(ipt_otp_no, n) as ipt_otp_no,
    arg_max(medrcdno, n) as medrcdno,
    arg_max(atddr_no, n) as atddr_no,
    arg_max(adm_dept_codg, n) as adm_dept_codg,
    arg_max(adm_bed, n) as adm_bed,
    arg_max(dscg_maindiag_code, n) as dscg_maindiag_code,
    arg_max(dise_codg, n) as dise_codg,
    arg_max(oprn_oprt_code, n) as oprn_oprt_code,
    arg_max(matn_type, n) as matn_type,
    arg_max(birctrl_type, n) as birctrl_type,
    arg_max(geso_val, n) as geso_val,
    arg_max(tel_hash, n) as tel_hash,
    arg_max(mdtrt_grp_type, n) as mdtrt_grp_type,
    arg_max(trum_flag, n) as trum_flag,
    arg_max(rel_ttp_flag, n) as rel_ttp_flag,
    arg_max(ipt_type, n) as ipt_type,
    list(msgid order by n) as msgids
from numbered
group by mdtrt_id;

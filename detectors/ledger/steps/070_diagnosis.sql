-- Diagnoses that stand, by the message that holds for their role.

-- Admission: the 2401 overlaid by each 2403, number by number (diag_srt_no): the last message that says a number
-- holds for it. Outpatient: the same among the 2203. vali_flag 0 takes the number out. Discharge: those of the 2402 that
-- holds. List: those of the 4101 that holds. Visits of which one message speaks need no fold.
-- only with fact.diagnosis
insert into main.diagnosis by name
with folded as (
    select mdtrt_id from fact.diagnosis where kind = '2403'
    union
    select mdtrt_id from fact.admission semi join step.outdated using (msgid)
    union
    select mdtrt_id from fact.outpatient semi join step.outdated using (msgid)
),
outdated as (
    select d.msgid, d.row_no
    from fact.diagnosis d
    semi join folded f on f.mdtrt_id = d.mdtrt_id
    where d.role in ('admission', 'outpatient')
    qualify dense_rank() over (
        partition by d.mdtrt_id, d.role, d.diag_srt_no
        order by (d.kind = '2403') desc, d.inf_time desc, d.msgid desc
    ) > 1
),
standing as (
    select d.*
    from fact.diagnosis d
    anti join step.gone_visit v on v.mdtrt_id = d.mdtrt_id
    anti join outdated o on o.msgid = d.msgid and o.row_no = d.row_no
    where d.role in ('admission', 'outpatient')
    union all
    select d.*
    from fact.diagnosis d
    semi join step.discharge h on h.msgid = d.msgid
    where d.role = 'discharge'
    union all
    select
        d.* replace (
            h.mdtrt_id as mdtrt_id, h.setl_id as setl_id, h.psn_no as psn_no, h.fixmedins_code as fixmedins_code
        )
    from fact.diagnosis d
    join main.settlement_list h on h.msgid = d.msgid
    where d.role = 'list'
)
select
    * exclude (seq, inf_time, row_no, kind, vali_flag)
        replace (coalesce(diag_type, '1') as diag_type, coalesce(maindiag_flag, '0') as maindiag_flag)
from standing
where vali_flag is distinct from '0';

-- Main diagnoses of a stay; of several of one role the western one, then the lowest number, then the lowest code.
-- only with main.diagnosis
insert into step.main_diagnosis
with main as (
    select
        mdtrt_id, role,
        lpad(diag_type, 2, '0') || lpad(coalesce(diag_srt_no, 9999)::varchar, 4, '0') || diag_code as ranked
    from main.diagnosis
    where maindiag_flag = '1' and role <> 'outpatient'
)
select
    mdtrt_id,
    substr(min(ranked) filter (role = 'admission'), 7),
    substr(min(ranked) filter (role = 'discharge'), 7),
    substr(min(ranked) filter (role = 'list'), 7)
from main
group by mdtrt_id;

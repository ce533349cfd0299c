-- Tables that are facts but for a few rows: views, so that nothing is copied. Facts are read without dropped copies.

create or replace view main.message as
select msgid, inf_time, kind, fixmedins_code
from kept.message;

create or replace view main.settlement_all as
select
    s.setl_id, s.mdtrt_id, s.psn_no, s.fixmedins_code, s.kind, s.med_type, s.setl_time, s.inf_time, s.opter,
    s.medfee_sumamt, s.fund_pay_sumamt, s.msgid,
    g.ended.msgid as ended_by, g.ended.time as ended_time
from kept.settlement s
left join step.gone_message g on g.msgid = s.msgid;

-- Plain lines are those of `fee_line` outside special visits; none of them ended.
create or replace view main.fee_line_all as
select
    l.mdtrt_id, l.feedetl_sn, l.psn_no, l.fixmedins_code, l.kind, l.setl_id, l.chrg_bchno, l.fee_ocur_time, l.upload_time,
    l.med_list_codg, l.med_chrgitm_type, l.cnt, l.det_item_fee_sumamt, l.inscp_scp_amt, null::varchar as init_feedetl_sn,
    l.msgid, null::varchar as ended_by, null::timestamp as ended_time
from main.fee_line l
anti join step.special_visit v on v.mdtrt_id = l.mdtrt_id
union all
select
    mdtrt_id, feedetl_sn, psn_no, fixmedins_code, kind, setl_id, chrg_bchno, fee_ocur_time, inf_time,
    med_list_codg, med_chrgitm_type, cnt, det_item_fee_sumamt, inscp_scp_amt, init_feedetl_sn,
    msgid, ended.msgid, ended.time
from step.special_line;

-- Fund components go with the message that brought them.
create or replace view main.fund_item as
select f.setl_id, f.psn_no, f.row_no, f.fund_pay_type, f.inscp_scp_amt, f.crt_payb_lmt_amt, f.fund_payamt, f.msgid
from kept.fund_item f
anti join step.gone_message g on g.msgid = f.msgid;

create or replace view main.referral as
select
    psn_no, fixmedins_code, insutype, diag_code, reflin_medins_no, mdtrtarea_admdvs, refl_type, refl_date,
    begndate, enddate, refl_old_mdtrt_id, msgid
from kept.referral;

-- A sale (3505A) or return (3506A) tied to a settlement that was taken back did not happen: it goes with the settlement,
-- as do the codes scanned in the cancelled sale itself (2102). The tie is its setl_id; where it has none, its mdtrt_sn,
-- if that is the visit of a purchase (2102). One tied to a settlement that was never seen stands: somebody sold something.
create or replace view main.stock_move as
select
    m.move, m.fixmedins_code, m.med_list_codg, m.fixmedins_hilist_id, m.fixmedins_bchno, m.manu_lotnum, m.inv_chg_type,
    m.moved_at, coalesce(m.moved_at_is_date, false) as moved_at_is_date, m.cnt, m.pric, m.rx_flag, m.trdn_flag,
    m.setl_id, m.mdtrt_sn, m.psn_no, m.rtal_docno, m.rxno, m.hi_feesetl_type, m.prsc_dr_no, m.phar_no,
    m.purc_invo_codg, m.purc_invo_no, m.prod_geay_flag, m.msgid
from kept.stock_move m
anti join (
    select false as by_visit, setl_id as id from step.gone_message where why <> 'superseded'
    union all
    select true, mdtrt_id from step.gone_message where kind = '2102' and why <> 'superseded'
) g on g.id = coalesce(m.setl_id, m.mdtrt_sn) and g.by_visit = (m.setl_id is null);

create or replace view main.trace_scan as
select
    t.drug_trac_codg, t.move, t.kind, t.fixmedins_code, coalesce(t.trdn_flag, '0') as trdn_flag, t.trac_codg_pac_hery,
    t.med_list_codg, t.cnt, t.scanned_at, t.setl_id, t.mdtrt_id, t.feedetl_sn, t.psn_no, t.rtal_docno, t.msgid
from kept.trace_scan t
anti join (
    select false as by_visit, setl_id as id from step.gone_message where why <> 'superseded'
    union all
    select true, mdtrt_id from step.gone_message where kind = '2102' and why <> 'superseded'
) g on g.id = coalesce(t.setl_id, t.mdtrt_id) and g.by_visit = (t.setl_id is null)
anti join step.gone_visit v on v.mdtrt_id = t.mdtrt_id;

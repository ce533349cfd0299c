-- Work tables of the steps. Rules never see them; they are empty where nothing was taken back.
--
-- Order is (inf_time, msgid) everywhere. What ends something is kept as one value,
-- {time: inf_time, msgid: …} of the message that ended it, so that `min` finds the earliest in that order.

create schema if not exists step;

-- One message comes before another in the order of facts.
create macro step.before(time_a, msgid_a, time_b, msgid_b) as
    time_a < time_b or (time_a = time_b and msgid_a < msgid_b);

-- The part of an amount (CNY) that falls on the units from `a` until `b` of `whole` units. Whole cents, and the
-- parts of any partition add up to the amount: integers only, never a binary float.
create macro step.cents(amount, units, whole) as
    ((amount * 100)::hugeint * (units * 10000)::hugeint // (whole * 10000)::hugeint);
create macro step.share(amount, a, b, whole) as
    (((step.cents(amount, b, whole) - step.cents(amount, a, whole))::decimal(20, 0)) * 0.01::decimal(2, 2))::decimal(16, 2);

-- Whether a visit is in the slice of all visits that a statement is about (plan: `in slices`).
create macro step.in_slice(mdtrt_id) as true;

-- Copies of a message that are not the fact: the same again ('duplicate'), or another content ('conflict').
create table if not exists main.fact_dropped (seq ubigint, msgid varchar, reason varchar);

-- A cancellation (by_…) beside a message that it names and agrees with. One row a pair.
create table step.target (
    by_msgid varchar, by_row integer, by_kind varchar, by_time timestamp,
    msgid varchar, kind varchar, mdtrt_id varchar, setl_id varchar
);
-- Visits that are removed altogether.
create table step.gone_visit (mdtrt_id varchar, ended struct("time" timestamp, msgid varchar));
-- Settlements (2102, 2207, 2304) and discharges (2402) that do not stand. `why`: 'reversed' never existed,
-- 'cancelled', 'visit' went with its visit, 'superseded' was said again under the same setl_id.
create table step.gone_message (
    msgid varchar, kind varchar, mdtrt_id varchar, setl_id varchar, why varchar,
    ended struct("time" timestamp, msgid varchar)
);
-- Registrations and admissions that a later message of the same visit replaced.
create table step.outdated (msgid varchar);

-- One row a visit that is settled: its last standing settlement.
create table step.settled_visit (
    mdtrt_id varchar, mid_settled boolean, latest timestamp,
    setl_id varchar, msgid varchar, inf_time timestamp, kind varchar, chrg_bchno varchar,
    psn_no varchar, fixmedins_code varchar, med_type varchar, insutype varchar, begntime timestamp,
    mdtrt_cert_type varchar, opter_type varchar, dise_codg varchar, trum_flag varchar, rel_ttp_flag varchar,
    otp_er_refl_flag varchar, mdtrt_grp_type varchar, insuplc_admdvs varchar, mdtrtarea_admvs varchar
);
-- Visits with withdrawals, refunds, repeated lines, cancelled sales or several settlements.
create table step.special_visit (mdtrt_id varchar);
-- Their lines with the columns of `fee_line`: the standing settlement that covers each (setl_id), and what ended it.
create table step.special_line as
select
    * exclude (upload_time, refunded, refund_msgids), null::timestamp as inf_time, null::integer as row_no,
    null::varchar as init_feedetl_sn, null::struct("time" timestamp, msgid varchar) as ended
from main.fee_line
limit 0;
-- The settlement of each visit that is not special. One row a visit.
create table step.plain_settlement (
    mdtrt_id varchar, kind varchar, setl_id varchar, inf_time timestamp, msgid varchar, chrg_bchno varchar
);
-- What a refund takes from a line. One row a pair.
create table step.refund (
    mdtrt_id varchar, feedetl_sn varchar, msgid varchar, cnt decimal(16, 4), det_item_fee_sumamt decimal(16, 2),
    inscp_scp_amt decimal(16, 2), fulamt_ownpay_amt decimal(16, 2), overlmt_amt decimal(16, 2),
    preselfpay_amt decimal(16, 2)
);

-- The discharge that holds, its end as corrected by a later 2403. One row a visit.
create table step.discharge (
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar, insutype varchar, msgid varchar,
    inf_time timestamp, endtime timestamp, endtime_is_date boolean,
    dscg_dept_codg varchar, dscg_way varchar, die_date date,
    dise_codg varchar, oprn_oprt_code varchar, matn_type varchar, birctrl_type varchar
);
-- What the changes (2403) of a stay amount to, field by field. One row a visit.
create table step.change (
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    begntime timestamp, begntime_is_date boolean, begntime_msgid varchar,
    mdtrt_cert_type varchar, med_type varchar, ipt_otp_no varchar, medrcdno varchar, atddr_no varchar,
    adm_dept_codg varchar, adm_bed varchar, dscg_maindiag_code varchar, dise_codg varchar,
    oprn_oprt_code varchar, matn_type varchar, birctrl_type varchar, geso_val integer, tel_hash varchar,
    mdtrt_grp_type varchar, trum_flag varchar, rel_ttp_flag varchar, ipt_type varchar, msgids varchar[]
);
-- The main diagnosis of a visit by role. One row a visit.
create table step.main_diagnosis (mdtrt_id varchar, admission varchar, discharge varchar, list varchar);
-- The latest business time in the messages (but the discharge) of a stay that is open or longer than 90 days, and of each day.
create table step.last_seen (mdtrt_id varchar, seen timestamp, heard timestamp[]);
-- When the platform first heard of an admission.
create table step.first_admission (mdtrt_id varchar, inf_time timestamp);
-- Visits of which a row was rejected.
create table step.incomplete_visit (mdtrt_id varchar);
-- The settlement list of a visit: of several the last. One row a visit.
create table step.visit_list (
    mdtrt_id varchar, adm_way varchar, newborn boolean, hi_paymtd varchar, days_rinp_flag_31 varchar, msgid varchar
);

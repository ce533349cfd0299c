-- Facts: decoded messages as flat typed rows, nothing resolved.
--
-- One table a kind of record; a message may fill several. Whatever arrives in any order, twice, or is
-- cancelled later stands here as it came. The ledger (rules/ledger.sql) is what these rows amount to.
--
-- Every table begins with the envelope:
--   seq       number of the message in this load; ties the rows of one copy of one message together.
--             It has no meaning of its own and never reaches the ledger.
--   msgid     identity of the event
--   inf_time  when the platform saw it (Asia/Shanghai, no zone)
-- Times of care are TIMESTAMP; `<column>_is_date` says that the source gave a date without a time of day
-- (starts then stand at 00:00:00, ends at 23:59:59). Money is DECIMAL(16,2) CNY. Codes are platform codes.
-- Certificate and phone numbers arrive here only as keyed hashes; names of persons never do.

create schema fact;

-- One row a message: who sent what when. `kind` is the transaction number or the registry's name,
-- `content` the first 8 bytes of the SHA-256 of the canonical content, `bad_rows` how many rows of its
-- lists were rejected.
create table fact.message (
    seq ubigint, msgid varchar, inf_time timestamp,
    kind varchar, content ubigint, bad_rows usmallint,
    fixmedins_code varchar, psn_no varchar, mdtrt_id varchar,
    mdtrtarea_admvs varchar, insuplc_admdvs varchar,
    opter varchar, opter_type varchar, dev_no varchar
);

-- 2201: outpatient registered.
create table fact.registration (
    seq ubigint, msgid varchar, inf_time timestamp,
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar, insutype varchar,
    begntime timestamp, begntime_is_date boolean,
    mdtrt_cert_type varchar, ipt_otp_no varchar, atddr_no varchar, dept_code varchar, caty varchar,
    opter_type varchar
);

-- 2203: outpatient visit (its diagnoses are in fact.diagnosis).
create table fact.outpatient (
    seq ubigint, msgid varchar, inf_time timestamp,
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    med_type varchar, begntime timestamp, begntime_is_date boolean,
    dise_type_code varchar, dise_codg varchar, birctrl_type varchar, birctrl_matn_date date,
    opter_type varchar,
    mdtrt_grp_type varchar, trum_flag varchar, rel_ttp_flag varchar, otp_er_refl_flag varchar
);

-- 2401: admitted.
create table fact.admission (
    seq ubigint, msgid varchar, inf_time timestamp,
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar, insutype varchar,
    begntime timestamp, begntime_is_date boolean,
    mdtrt_cert_type varchar, med_type varchar, ipt_no varchar, medrcdno varchar,
    atddr_no varchar, adm_dept_codg varchar, adm_bed varchar,
    dscg_maindiag_code varchar, dise_codg varchar, dise_type_code varchar, oprn_oprt_code varchar,
    matn_type varchar, birctrl_type varchar, geso_val integer, birctrl_matn_date date,
    tel_hash varchar, insuplc_admdvs varchar, mdtrtarea_admvs varchar,
    mdtrt_grp_type varchar, trum_flag varchar, rel_ttp_flag varchar, ipt_type varchar, otp_er_refl_flag varchar
);

-- 2402: discharged.
create table fact.discharge (
    seq ubigint, msgid varchar, inf_time timestamp,
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar, insutype varchar,
    endtime timestamp, endtime_is_date boolean,
    dscg_dept_codg varchar, dscg_bed varchar, dscg_way varchar, die_date date,
    dise_codg varchar, oprn_oprt_code varchar, matn_type varchar, birctrl_type varchar, cop_flag varchar
);

-- 2403: admission changed. A missing value changes nothing.
create table fact.admission_change (
    seq ubigint, msgid varchar, inf_time timestamp,
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    begntime timestamp, begntime_is_date boolean, endtime timestamp, endtime_is_date boolean,
    mdtrt_cert_type varchar, med_type varchar, ipt_otp_no varchar, medrcdno varchar,
    atddr_no varchar, adm_dept_codg varchar, adm_bed varchar,
    dscg_maindiag_code varchar, dise_codg varchar, dise_type_code varchar, oprn_oprt_code varchar,
    matn_type varchar, birctrl_type varchar, geso_val integer, birctrl_matn_date date,
    tel_hash varchar, mdtrt_grp_type varchar, trum_flag varchar, rel_ttp_flag varchar, ipt_type varchar
);

-- diseinfo[] of 2203 (role 'outpatient'), 2401 and 2403 ('admission'), 2402 ('discharge'), 4101 ('list';
-- then setl_id is set).
create table fact.diagnosis (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    kind varchar, role varchar,
    mdtrt_id varchar, setl_id varchar, psn_no varchar, fixmedins_code varchar,
    diag_type varchar, maindiag_flag varchar, diag_srt_no integer,
    diag_code varchar, diag_name varchar, adm_cond_type varchar,
    diag_dept varchar, dise_dor_no varchar, diag_time timestamp, vali_flag varchar
);

-- Lines of 2102, 2204, 2301: input joined with output by feedetl_sn. setl_id only for 2102.
-- cnt is negative for a refund. inscp_scp_amt: the part within the scope of the policy.
create table fact.fee_line (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    kind varchar,
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar, setl_id varchar,
    feedetl_sn varchar, init_feedetl_sn varchar, chrg_bchno varchar, drord_no varchar,
    rxno varchar, rx_circ_flag varchar, med_type varchar,
    fee_ocur_time timestamp, fee_ocur_time_is_date boolean,
    med_list_codg varchar, medins_list_codg varchar,
    cnt decimal(16, 4), pric decimal(16, 6), det_item_fee_sumamt decimal(16, 2),
    sin_dos_dscr varchar, used_frqu_dscr varchar, prd_days decimal(6, 2),
    bilg_dept_codg varchar, bilg_dr_codg varchar, acord_dept_codg varchar, orders_dr_code varchar,
    hosp_appr_flag varchar, tcmdrug_used_way varchar, etip_flag varchar, etip_hosp_code varchar,
    dscg_tkdrug_flag varchar, matn_fee_flag varchar,
    pric_uplmt_amt decimal(16, 6), selfpay_prop decimal(6, 4),
    fulamt_ownpay_amt decimal(16, 2), overlmt_amt decimal(16, 2), preselfpay_amt decimal(16, 2),
    inscp_scp_amt decimal(16, 2),
    chrgitm_lv varchar, med_chrgitm_type varchar, lmt_used_flag varchar
);

-- 2102, 2207, 2304: settled. begntime only for 2102 (time of purchase). cert_*: read off the certificate
-- number (birth date, sex digit as gend code, keyed hash).
create table fact.settlement (
    seq ubigint, msgid varchar, inf_time timestamp,
    kind varchar,
    setl_id varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    insutype varchar, psn_type varchar, med_type varchar,
    setl_time timestamp, setl_time_is_date boolean, begntime timestamp, begntime_is_date boolean,
    chrg_bchno varchar, invono varchar, mid_setl_flag varchar, acct_used_flag varchar,
    acct_owner_psn_no varchar, mdtrt_cert_type varchar, psn_setlway varchar, dise_codg varchar,
    clr_type varchar, clr_way varchar, cvlserv_flag varchar,
    gend varchar, brdy date, cert_gend varchar, cert_brdy date, cert_hash varchar,
    trum_flag varchar, rel_ttp_flag varchar, otp_er_refl_flag varchar, mdtrt_grp_type varchar,
    opter varchar, opter_type varchar, dev_no varchar,
    mdtrtarea_admvs varchar, insuplc_admdvs varchar,
    medfee_sumamt decimal(16, 2), fulamt_ownpay_amt decimal(16, 2), overlmt_selfpay decimal(16, 2),
    preselfpay_amt decimal(16, 2), inscp_scp_amt decimal(16, 2), act_pay_dedc decimal(16, 2),
    hifp_pay decimal(16, 2), pool_prop_selfpay decimal(6, 4), cvlserv_pay decimal(16, 2),
    hifes_pay decimal(16, 2), hifmi_pay decimal(16, 2), hifob_pay decimal(16, 2), hifdm_pay decimal(16, 2),
    maf_pay decimal(16, 2), hosp_part_amt decimal(16, 2), oth_pay decimal(16, 2),
    fund_pay_sumamt decimal(16, 2), psn_part_amt decimal(16, 2), acct_pay decimal(16, 2),
    psn_cash_pay decimal(16, 2), acct_mulaid_pay decimal(16, 2), balc decimal(16, 2)
);

-- setldetail[] of a settlement.
create table fact.fund_item (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    setl_id varchar, psn_no varchar,
    fund_pay_type varchar, inscp_scp_amt decimal(16, 2), crt_payb_lmt_amt decimal(16, 2),
    fund_payamt decimal(16, 2)
);

-- 2103, 2208, 2305: settlement cancelled; 2202, 2404: visit cancelled; 2405: discharge cancelled.
-- 2205, 2302: lines withdrawn (by chrg_bchno, by feedetl_sn; '0000' is all that is not settled).
-- 2601: an earlier message reversed (omsgid, oinfno).
create table fact.cancellation (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    kind varchar, psn_no varchar, fixmedins_code varchar,
    setl_id varchar, mdtrt_id varchar, feedetl_sn varchar, chrg_bchno varchar,
    omsgid varchar, oinfno varchar
);

-- 1101 baseinfo: what the platform said of a person.
create table fact.person (
    seq ubigint, msgid varchar, inf_time timestamp,
    psn_no varchar, gend varchar, brdy date,
    cert_gend varchar, cert_brdy date, cert_hash varchar
);

-- 1101 insuinfo[].
create table fact.person_insurance (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    psn_no varchar, insutype varchar, psn_type varchar, psn_insu_stas varchar,
    psn_insu_date date, paus_insu_date date, cvlserv_flag varchar, insuplc_admdvs varchar,
    emp_name varchar, balc decimal(16, 2)
);

-- 1101 idetinfo[].
create table fact.person_identity (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    psn_no varchar, psn_idet_type varchar, psn_type_lv varchar, begntime timestamp, endtime timestamp
);

-- 2501: referral registered. fixmedins_code is the sender, reflin_medins_no where the person goes.
create table fact.referral (
    seq ubigint, msgid varchar, inf_time timestamp,
    psn_no varchar, fixmedins_code varchar, insutype varchar, diag_code varchar,
    reflin_medins_no varchar, mdtrtarea_admdvs varchar, refl_type varchar, refl_date date,
    begndate date, enddate date, refl_old_mdtrt_id varchar, tel_hash varchar
);

-- 2503: chronic-disease registration.
create table fact.chronic_registration (
    seq ubigint, msgid varchar, inf_time timestamp,
    psn_no varchar, fixmedins_code varchar, insutype varchar, opsp_dise_code varchar,
    ide_fixmedins_no varchar, hosp_ide_date date, diag_dr_codg varchar, begndate date, enddate date,
    tel_hash varchar
);

-- 3103: the institution's answer to a reminder.
create table fact.feedback (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    fixmedins_code varchar, warn_type varchar, warn_rslt_id varchar, dspo_way varchar, dspo_way_rea varchar
);

-- 3501A 'opening', 3502A 'change', 3503A 'purchase', 3505A 'sale', 3506A 'sale_return'.
create table fact.stock_move (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    kind varchar, move varchar, fixmedins_code varchar,
    med_list_codg varchar, fixmedins_hilist_id varchar, fixmedins_bchno varchar, manu_lotnum varchar,
    inv_chg_type varchar, moved_at timestamp, moved_at_is_date boolean,
    cnt decimal(16, 4), pric decimal(16, 6), rx_flag varchar, trdn_flag varchar,
    setl_id varchar, mdtrt_sn varchar, psn_no varchar, rtal_docno varchar, rxno varchar,
    hi_feesetl_type varchar, prsc_dr_no varchar, phar_no varchar,
    purc_invo_codg varchar, purc_invo_no varchar, prod_geay_flag varchar
);

-- Trace codes: durg_trac_info[] of 2102 ('sale'), drugtracinfo[] of 3505A ('sale'), 3506A ('sale_return'),
-- 3502A ('change'). scanned_at is the line's or the sale's time; cnt the quantity of the line or sale; mdtrt_id of a
-- 3505A or 3506A its mdtrt_sn: the visit of an insured sale, a number of the institution's own otherwise.
create table fact.trace_scan (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    kind varchar, move varchar, fixmedins_code varchar,
    drug_trac_codg varchar, trac_codg_pac_hery varchar, trdn_flag varchar,
    med_list_codg varchar, cnt decimal(16, 4), scanned_at timestamp,
    setl_id varchar, mdtrt_id varchar, feedetl_sn varchar, psn_no varchar, rtal_docno varchar
);

-- 4101: settlement list.
create table fact.settlement_list (
    seq ubigint, msgid varchar, inf_time timestamp,
    setl_id varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    medcasno varchar, emp_name varchar, curr_addr varchar, coner_tel_hash varchar, patn_rlts varchar,
    adm_way varchar, trt_type varchar, adm_time timestamp, adm_caty varchar, adm_dept_code varchar,
    dscg_time timestamp, dscg_caty varchar, dscg_dept_code varchar, refldept_dept varchar,
    nwb_adm_type varchar, nwb_bir_wt decimal(8, 2), nwb_adm_wt decimal(8, 2), age_days integer,
    spga_nurscare_days decimal(6, 1), lv1_nurscare_days decimal(6, 1),
    scd_nurscare_days decimal(6, 1), lv3_nurscare_days decimal(6, 1), vent_used_dura varchar,
    dscg_way varchar, acp_optins_code varchar, bill_code varchar, bill_no varchar,
    days_rinp_flag_31 varchar, chfpdr_code varchar, resp_nurs_code varchar,
    setl_begn_date date, setl_end_date date, hi_paymtd varchar, wm_dise_code varchar
);

-- 4101 oprninfo[].
create table fact.operation (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    setl_id varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    oprn_oprt_type varchar, oprn_oprt_code varchar, oprn_oprt_name varchar, anst_way varchar,
    oper_dr_code varchar, anst_dr_code varchar,
    oprn_oprt_begntime timestamp, oprn_oprt_endtime timestamp,
    anst_begntime timestamp, anst_endtime timestamp
);

-- 4101 icuinfo[].
create table fact.icu_stay (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    setl_id varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    scs_cutd_ward_type varchar, scs_cutd_inpool_time timestamp, scs_cutd_exit_time timestamp
);

-- 4402A: orders.
create table fact.medical_order (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    medcas_drord_detl_id varchar, drord_no varchar, drord_type varchar, drord_item_type_code varchar,
    drord_detl_code varchar, drord_detl_name varchar,
    drord_isu_time timestamp, drord_begntime timestamp, drord_endtime timestamp,
    medc_begntime timestamp, medc_endtime timestamp, medc_days integer,
    isu_drord_dr_code varchar, isu_dept_code varchar, exe_dept_code varchar, ipt_bed_no varchar,
    vali_flag varchar
);

-- 4501 'examination' and 4502 'laboratory' reports, one row an item (a report without items is one row).
create table fact.report (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    kind varchar, report varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    rpotc_no varchar, appy_no varchar, exam_type_code varchar,
    exam_item_code varchar, exam_item_name varchar, inhosp_exam_item_code varchar,
    exam_date date, rpt_date date, exam_charge decimal(16, 2), bilg_dr_codg varchar, vali_flag varchar
);

-- 4602: vital signs.
create table fact.vital_sign (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar, dept_code varchar, bedno varchar,
    rcd_time timestamp, rcd_time_is_date boolean, sign_time timestamp, vali_flag varchar
);

-- 9601 face check (one row), 9604 remote bed check (a row a person). checked_at: inf_time of a 9601, crtf_time of a 9604.
create table fact.presence (
    seq ubigint, msgid varchar, inf_time timestamp, row_no integer,
    kind varchar, fixmedins_code varchar, psn_no varchar, mdtrt_id varchar, plan_id varchar,
    recog_biz varchar, recog_rslt varchar, checked_at timestamp,
    appl_stas varchar, chk_stas varchar, sp_dcla_rea varchar
);

-- Registries. vali_flag '0' withdraws the row of the same key.
create table fact.institution (
    seq ubigint, msgid varchar, inf_time timestamp,
    fixmedins_code varchar, fixmedins_name varchar, fixmedins_type varchar, hosp_lv varchar, admdvs varchar,
    appr_bed_cnt integer, longitude double, latitude double, begndate date, enddate date, vali_flag varchar
);
create table fact.practitioner (
    seq ubigint, msgid varchar, inf_time timestamp,
    dr_codg varchar, fixmedins_code varchar, psn_no varchar, prac_type varchar, status varchar,
    begndate date, enddate date, vali_flag varchar
);
create table fact.death (
    seq ubigint, msgid varchar, inf_time timestamp,
    psn_no varchar, die_date date, source varchar, vali_flag varchar
);
create table fact.family (
    seq ubigint, msgid varchar, inf_time timestamp,
    psn_no varchar, member_psn_no varchar, relation varchar, begndate date, enddate date, vali_flag varchar
);
create table fact.insured (
    seq ubigint, msgid varchar, inf_time timestamp,
    psn_no varchar, gend varchar, brdy date, cert_gend varchar, cert_brdy date, cert_hash varchar,
    insutype varchar, psn_type varchar, psn_idet_type varchar, insuplc_admdvs varchar,
    emp_name varchar, addr varchar, psn_insu_stas varchar, begndate date, enddate date, vali_flag varchar
);
create table fact.catalogue (
    seq ubigint, msgid varchar, inf_time timestamp,
    med_list_codg varchar, name varchar, list_type varchar, med_chrgitm_type varchar, chrgitm_lv varchar,
    generic_name varchar, dosage_days decimal(10, 4), pric_uplmt_amt decimal(16, 6), unit varchar, vali_flag varchar
);
create table fact.manual_reimbursement (
    seq ubigint, msgid varchar, inf_time timestamp,
    reim_id varchar, psn_no varchar, fixmedins_code varchar, mdtrt_type varchar,
    begntime timestamp, begntime_is_date boolean, endtime timestamp, endtime_is_date boolean,
    bill_code varchar, bill_no varchar, medfee_sumamt decimal(16, 2), fund_pay_sumamt decimal(16, 2),
    reim_time timestamp, vali_flag varchar
);

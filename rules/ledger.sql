-- The ledger: what is true. The tables a rule may speak of.
--
-- Built from facts by set operations only (detectors/ledger). What was cancelled, reversed, withdrawn,
-- refunded or superseded is resolved here once, not in each rule. Names are the platform's; columns that are
-- derived say so. Times are Asia/Shanghai without zone, money is CNY, and `<time>_is_date` says that the
-- source gave no time of day (a start then stands at 00:00:00, an end at 23:59:59).
-- `msgid` / `msgids` are the messages a row came from: a rule's evidence.
-- Columns have defaults, so that a test case states only what matters to it.

-- One row a visit: a stay, an outpatient visit, a pharmacy purchase. Key: mdtrt_id.
-- From 2401 2402 2403 2405 (stays), 2201 2203 (outpatient), 2102 (pharmacy), 4101 (adm_way), settlements.
create table visit (
    mdtrt_id varchar,                     -- key
    psn_no varchar,
    fixmedins_code varchar,
    kind varchar default 'inpatient',     -- derived: 'inpatient', 'outpatient', 'pharmacy'
    inpatient boolean default true,       -- derived: kind = 'inpatient'
    med_type varchar,                     -- dictionary med_type, latest word of 2401/2403, 2203, 2102, settlement
    insutype varchar,
    begntime timestamp,                   -- admitted, visited, bought; null: only a settlement is known
    begntime_is_date boolean default false,
    dscg_time timestamp,                  -- 2402 endtime; null: not discharged (or not a stay)
    dscg_time_is_date boolean default false,
    bed_until timestamp,                  -- derived: dscg_time, else begntime + 90 days: "was in a bed at that time"
    seen_until timestamp,                 -- derived: dscg_time, else latest business time in the stay's own messages: durations
    heard timestamp[],                    -- derived: of a stay that is open or longer than 90 days: the latest business time of each day of its own messages but the discharge
    dscg_way varchar,                     -- dictionary dscg_way: 1 ordered, 2 transfer, 4 against advice, 5 died
    die_date date,                        -- 2402
    ipt_type varchar,                     -- exp_content IPT_TYPE: 1 ordinary, 2 emergency, 3 transfer
    adm_way varchar,                      -- 4101 adm_way: 1 emergency, 2 outpatient, 3 transferred in
    emergency boolean,                    -- derived from med_type, ipt_type, adm_way; null: nothing known of it yet
    transfer_in boolean default false,    -- derived: ipt_type 3, adm_way 3
    list_uploaded boolean default false,  -- derived: a 4101 of the visit is there
    newborn boolean default false,        -- derived: 4101 nwb_adm_type, age_days or nwb_adm_wt is set
    mid_settled boolean default false,    -- derived: a standing settlement of the visit has mid_setl_flag 1
    settled boolean default false,        -- derived: a standing settlement of the visit is there
    mdtrt_cert_type varchar,              -- 01 e-certificate, 02 identity card, 03 social-security card
    opter_type varchar,                   -- of the 2201/2203/2102: 1 operator, 2 self-service terminal, 3 mobile
    ipt_no varchar, medrcdno varchar, atddr_no varchar,
    dept_code varchar,                    -- adm_dept_codg of 2401/2403; dept_code of 2201
    dscg_dept_codg varchar,               -- 2402
    bed varchar,                          -- adm_bed of 2401, moved by 2403 (see bed_stay for when)
    adm_diag_code varchar,                -- main admission diagnosis
    dscg_diag_code varchar,               -- main discharge diagnosis (2402, else the settlement list's)
    dise_codg varchar, oprn_oprt_code varchar, matn_type varchar, birctrl_type varchar,
    geso_val integer,                     -- weeks
    trum_flag varchar, rel_ttp_flag varchar, mdtrt_grp_type varchar,
    hi_paymtd varchar,                    -- 4101: 5 paid by bed-day
    days_rinp_flag_31 varchar,            -- 4101: 2 a return within 31 days is planned
    tel_hash varchar,                     -- keyed hash
    insuplc_admdvs varchar, mdtrtarea_admvs varchar,
    incomplete boolean default false,     -- derived: a row of one of the visit's messages was rejected
    adm_upload_time timestamp,            -- inf_time of the first 2401: when the platform heard of the admission; null: not a stay, or not known
    adm_msgid varchar,                    -- the 2401 / 2203 or 2201 / 2102 the visit stands on
    dscg_msgid varchar,                   -- the 2402 that holds
    msgids varchar[] default []           -- all messages of this row, sorted
);

-- Where a stay lay when: one row a stretch in one bed. Key: mdtrt_id, from_time. From 2401, 2403, 2402.
create table bed_stay (
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    dept_code varchar, bed varchar,
    from_time timestamp,                  -- begntime, or inf_time of the 2403 that moved the patient
    until_time timestamp,                 -- next move, discharge, or the stay's bed_until
    open boolean default false,           -- derived: last stretch of a stay without discharge
    msgids varchar[] default []
);

-- Diagnoses that stand. From 2203 ('outpatient'), 2401/2403 ('admission'), 2402 ('discharge'), 4101 ('list').
-- Key: mdtrt_id, setl_id, role, diag_type, diag_srt_no, diag_code.
create table diagnosis (
    mdtrt_id varchar, setl_id varchar, psn_no varchar, fixmedins_code varchar,
    role varchar default 'discharge',
    diag_type varchar default '1',        -- 1 western, 2 and 3 traditional
    maindiag_flag varchar default '0',
    diag_srt_no integer,
    diag_code varchar, diag_name varchar,
    adm_cond_type varchar, diag_dept varchar, dise_dor_no varchar,
    diag_time timestamp,
    msgid varchar
);

-- Operations of the settlement list that holds (4101 oprninfo). Key: setl_id, row_no.
create table operation (
    setl_id varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    row_no integer,
    oprn_oprt_type varchar, oprn_oprt_code varchar, oprn_oprt_name varchar, anst_way varchar,
    oper_dr_code varchar, anst_dr_code varchar,
    oprn_oprt_begntime timestamp, oprn_oprt_endtime timestamp,
    anst_begntime timestamp, anst_endtime timestamp,
    msgid varchar
);

-- Intensive-care stretches of the settlement list that holds (4101 icuinfo).
create table icu_stay (
    setl_id varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    scs_cutd_ward_type varchar, scs_cutd_inpool_time timestamp, scs_cutd_exit_time timestamp,
    msgid varchar
);

-- Lines that stand, net of refunds. From 2204, 2301, 2102. Key: mdtrt_id, feedetl_sn.
create table fee_line (
    mdtrt_id varchar, feedetl_sn varchar, -- key
    psn_no varchar, fixmedins_code varchar,
    kind varchar default '2301',          -- 2301 inpatient, 2204 outpatient, 2102 pharmacy
    setl_id varchar,                      -- derived: the standing settlement that covers the line; null: not settled
    chrg_bchno varchar, drord_no varchar, rxno varchar, rx_circ_flag varchar,
    fee_ocur_time timestamp,              -- when the service was given
    fee_ocur_time_is_date boolean default false,
    upload_time timestamp,                -- inf_time of the upload
    med_list_codg varchar, medins_list_codg varchar,
    cnt decimal(16, 4) default 1,         -- units, net of refunds
    pric decimal(16, 6),                  -- CNY a unit
    det_item_fee_sumamt decimal(16, 2) default 0, -- CNY, net of refunds
    inscp_scp_amt decimal(16, 2),         -- CNY within the scope of the policy, net of refunds
    fulamt_ownpay_amt decimal(16, 2), overlmt_amt decimal(16, 2), preselfpay_amt decimal(16, 2),
    pric_uplmt_amt decimal(16, 6), selfpay_prop decimal(6, 4),
    chrgitm_lv varchar,
    med_chrgitm_type varchar,             -- dictionary: 01 bed, 02 consultation, 03 examination, 04 laboratory, 05 treatment, 06 operation, 07 nursing, 08 material, 09 10 11 drugs, 12 general, 13 registration, 14 other
    lmt_used_flag varchar,
    sin_dos_dscr varchar, used_frqu_dscr varchar, prd_days decimal(6, 2),
    bilg_dept_codg varchar, bilg_dr_codg varchar, acord_dept_codg varchar, orders_dr_code varchar,
    hosp_appr_flag varchar, tcmdrug_used_way varchar, etip_flag varchar, etip_hosp_code varchar,
    dscg_tkdrug_flag varchar, matn_fee_flag varchar,
    refunded boolean default false,       -- derived: a refund reduced the line
    msgid varchar,                        -- the upload
    refund_msgids varchar[]               -- null: no refund
);

-- As fee_line, before refunds, and with the lines that do not stand. Only for rules that say so.
create table fee_line_all (
    mdtrt_id varchar, feedetl_sn varchar, psn_no varchar, fixmedins_code varchar,
    kind varchar default '2301',
    setl_id varchar, chrg_bchno varchar,
    fee_ocur_time timestamp, upload_time timestamp,
    med_list_codg varchar, med_chrgitm_type varchar,
    cnt decimal(16, 4) default 1, det_item_fee_sumamt decimal(16, 2) default 0, inscp_scp_amt decimal(16, 2),
    init_feedetl_sn varchar,
    msgid varchar,
    ended_by varchar,                     -- msgid of the withdrawal, the later line, or the cancellation; null: stands
    ended_time timestamp                  -- inf_time of that message
);

-- Settlements that stand. From 2102, 2207, 2304. Key: setl_id.
create table settlement (
    setl_id varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    kind varchar default '2304',          -- 2304 inpatient, 2207 outpatient, 2102 pharmacy
    insutype varchar, psn_type varchar, med_type varchar,
    setl_time timestamp, setl_time_is_date boolean default false,
    inf_time timestamp,                   -- when the platform saw it
    begntime timestamp,                   -- 2102: time of purchase
    chrg_bchno varchar, invono varchar,
    mid_setl_flag varchar default '0',
    acct_used_flag varchar,               -- 2: somebody else's account pays
    acct_owner_psn_no varchar,            -- the owner of that account; null: not known
    mdtrt_cert_type varchar, psn_setlway varchar, dise_codg varchar, clr_type varchar, clr_way varchar,
    cvlserv_flag varchar,
    gend varchar, brdy date, cert_gend varchar, cert_brdy date, cert_hash varchar,
    trum_flag varchar, rel_ttp_flag varchar, otp_er_refl_flag varchar, mdtrt_grp_type varchar,
    opter varchar, opter_type varchar, dev_no varchar,
    mdtrtarea_admvs varchar, insuplc_admdvs varchar,
    medfee_sumamt decimal(16, 2) default 0, -- CNY, the whole claim
    fulamt_ownpay_amt decimal(16, 2), overlmt_selfpay decimal(16, 2), preselfpay_amt decimal(16, 2),
    inscp_scp_amt decimal(16, 2), act_pay_dedc decimal(16, 2),
    hifp_pay decimal(16, 2), pool_prop_selfpay decimal(6, 4), cvlserv_pay decimal(16, 2),
    hifes_pay decimal(16, 2), hifmi_pay decimal(16, 2), hifob_pay decimal(16, 2), hifdm_pay decimal(16, 2),
    maf_pay decimal(16, 2), hosp_part_amt decimal(16, 2), oth_pay decimal(16, 2),
    fund_pay_sumamt decimal(16, 2) default 0, -- CNY paid by the funds
    psn_part_amt decimal(16, 2), acct_pay decimal(16, 2) default 0,
    psn_cash_pay decimal(16, 2), acct_mulaid_pay decimal(16, 2) default 0, balc decimal(16, 2),
    msgid varchar
);

-- As settlement, with those that do not stand. Only for rules that say so.
create table settlement_all (
    setl_id varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    kind varchar default '2304', med_type varchar,
    setl_time timestamp, inf_time timestamp, opter varchar,
    medfee_sumamt decimal(16, 2) default 0, fund_pay_sumamt decimal(16, 2) default 0,
    msgid varchar,
    ended_by varchar, ended_time timestamp
);

-- Fund components of the settlements that stand (setldetail). Key: setl_id, row_no.
create table fund_item (
    setl_id varchar, psn_no varchar, row_no integer,
    fund_pay_type varchar,
    inscp_scp_amt decimal(16, 2), crt_payb_lmt_amt decimal(16, 2), fund_payamt decimal(16, 2) default 0,
    msgid varchar
);

-- Settlement lists (4101) of settlements that stand; the last of a setl_id holds. Key: setl_id.
create table settlement_list (
    setl_id varchar, mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    upload_time timestamp,                -- inf_time of the 4101
    medcasno varchar, emp_name varchar, curr_addr varchar, coner_tel_hash varchar, patn_rlts varchar,
    adm_way varchar, trt_type varchar, adm_time timestamp, adm_caty varchar, adm_dept_code varchar,
    dscg_time timestamp, dscg_caty varchar, dscg_dept_code varchar, refldept_dept varchar,
    nwb_adm_type varchar, nwb_bir_wt decimal(8, 2), nwb_adm_wt decimal(8, 2), age_days integer,
    spga_nurscare_days decimal(6, 1), lv1_nurscare_days decimal(6, 1), -- days
    scd_nurscare_days decimal(6, 1), lv3_nurscare_days decimal(6, 1),  -- days
    vent_used_dura varchar,
    dscg_way varchar, acp_optins_code varchar,
    bill_code varchar, bill_no varchar,   -- electronic receipt
    days_rinp_flag_31 varchar, chfpdr_code varchar, resp_nurs_code varchar,
    setl_begn_date date, setl_end_date date, hi_paymtd varchar, wm_dise_code varchar,
    msgid varchar
);

-- Referrals (2501). The person goes to reflin_medins_no.
create table referral (
    psn_no varchar, fixmedins_code varchar, insutype varchar, diag_code varchar,
    reflin_medins_no varchar, mdtrtarea_admdvs varchar, refl_type varchar, refl_date date,
    begndate date, enddate date, refl_old_mdtrt_id varchar,
    msgid varchar
);

-- Trace codes scanned in sales, returns and stock changes that stand. From 2102, 3502A, 3505A, 3506A.
-- A sale or return goes with the settlement that it names (by setl_id, else by the purchase's mdtrt_id) when that is taken back;
-- one that names a settlement which was never seen stands.
create table trace_scan (
    drug_trac_codg varchar,
    move varchar default 'sale',          -- 'sale', 'sale_return', 'change'
    kind varchar default '2102',
    fixmedins_code varchar, trdn_flag varchar default '0', trac_codg_pac_hery varchar,
    med_list_codg varchar, cnt decimal(16, 4), scanned_at timestamp,
    setl_id varchar,
    mdtrt_id varchar,                     -- of 3505A and 3506A as sent: without a setl_id it may be a number of the institution's own
    feedetl_sn varchar, psn_no varchar, rtal_docno varchar,
    msgid varchar
);

-- Stock: 'opening' (3501A), 'change' (3502A), 'purchase' (3503A), 'sale' (3505A), 'sale_return' (3506A).
create table stock_move (
    move varchar default 'sale',
    fixmedins_code varchar, med_list_codg varchar, fixmedins_hilist_id varchar, fixmedins_bchno varchar,
    manu_lotnum varchar, inv_chg_type varchar,
    moved_at timestamp, moved_at_is_date boolean default false,
    cnt decimal(16, 4), pric decimal(16, 6), rx_flag varchar, trdn_flag varchar,
    setl_id varchar, mdtrt_sn varchar, psn_no varchar, rtal_docno varchar, rxno varchar,
    hi_feesetl_type varchar, prsc_dr_no varchar, phar_no varchar,
    purc_invo_codg varchar, purc_invo_no varchar, prod_geay_flag varchar,
    msgid varchar
);

-- Orders (4402A); the last of a medcas_drord_detl_id holds, vali_flag 0 withdraws.
create table medical_order (
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    medcas_drord_detl_id varchar, drord_no varchar,
    drord_type varchar,                   -- 1 once, 2 standing, 3 as needed
    drord_item_type_code varchar,         -- 11-13 drugs, 21 treatment, 22 laboratory, 23 examination, 24 operation, 26 nursing, 27 diet
    drord_detl_code varchar, drord_detl_name varchar,
    drord_isu_time timestamp, drord_begntime timestamp, drord_endtime timestamp,
    medc_begntime timestamp, medc_endtime timestamp, medc_days integer,
    isu_drord_dr_code varchar, isu_dept_code varchar, exe_dept_code varchar, ipt_bed_no varchar,
    upload_time timestamp,
    msgid varchar
);

-- Examination (4501) and laboratory (4502) reports, a row an item; the last of a rpotc_no holds.
create table report (
    report varchar default 'examination', -- 'examination', 'laboratory'
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar,
    rpotc_no varchar, appy_no varchar, exam_type_code varchar,
    exam_item_code varchar, exam_item_name varchar, inhosp_exam_item_code varchar,
    exam_date date, rpt_date date, exam_charge decimal(16, 2), bilg_dr_codg varchar,
    upload_time timestamp,
    msgid varchar
);

-- Vital signs (4602).
create table vital_sign (
    mdtrt_id varchar, psn_no varchar, fixmedins_code varchar, dept_code varchar, bedno varchar,
    rcd_time timestamp, rcd_time_is_date boolean default false, sign_time timestamp,
    msgid varchar
);

-- Somebody was there: face checks (9601), bed checks (9604), and derived from the begin of 2201, 2203 and 2401.
create table presence (
    psn_no varchar, fixmedins_code varchar, mdtrt_id varchar,
    kind varchar default '9601',          -- '9601', '9604', '2201', '2203', '2401'
    seen_at timestamp, seen_at_is_date boolean default false,
    online boolean default false,         -- derived: opter_type 3 (mobile) or an internet hospital
    recog_biz varchar,                    -- 9601: 10 11 bed check, 12 admission, 14 outpatient, 15 pharmacy, 20 leave, 21 back
    recog_rslt varchar, appl_stas varchar, chk_stas varchar, plan_id varchar,
    msgid varchar
);

-- What was taken back, by what. Only for rules that say so. Key: msgid of the cancellation and its row.
create table cancellation (
    msgid varchar, kind varchar, inf_time timestamp, fixmedins_code varchar, psn_no varchar,
    mdtrt_id varchar, setl_id varchar, feedetl_sn varchar, chrg_bchno varchar, omsgid varchar,
    matched boolean default true          -- derived: it named something that agrees with it
);

-- Twelve hours and more in which an institution sent no message that stands. Tells an outage from silence about one
-- patient. Key: fixmedins_code, from_time.
create table quiet_spell (
    fixmedins_code varchar,
    from_time timestamp,                  -- inf_time of the message before
    until_time timestamp                  -- inf_time of the next; null: none since
);

-- Insured periods (registry `insured`, else 1101). Key: psn_no, insutype, begndate.
create table insured (
    psn_no varchar, insutype varchar, begndate date, enddate date,
    gend varchar, brdy date,
    cert_gend varchar, cert_brdy date, cert_hash varchar,
    psn_type varchar, psn_idet_type varchar, insuplc_admdvs varchar, emp_name varchar, addr varchar,
    psn_insu_stas varchar default '1',    -- 1 insured, 2 suspended, 4 ended
    registry boolean default true,        -- derived: from the registry, not only from 1101
    msgid varchar
);

-- Institutions and their versions. Key: fixmedins_code, begndate.
create table institution (
    fixmedins_code varchar, begndate date, enddate date,
    fixmedins_name varchar, fixmedins_type varchar, hosp_lv varchar, admdvs varchar,
    appr_bed_cnt integer,                 -- licensed beds
    longitude double, latitude double,    -- degrees
    msgid varchar
);

-- Doctors, nurses, pharmacists. Key: dr_codg, begndate.
create table practitioner (
    dr_codg varchar, begndate date, enddate date,
    fixmedins_code varchar, psn_no varchar, prac_type varchar, status varchar,
    msgid varchar
);

-- Deaths as each source says. Key: psn_no, source. A discharge as dead (2402 dscg_way 5) is source 'discharge'.
create table death (
    psn_no varchar, die_date date,
    source varchar default 'civil',       -- civil, police, funeral, hospital, discharge
    month_only boolean default false,     -- derived (imports): the source knows only the month
    msgid varchar
);

-- Relatives; stated one way, true both ways. Key: psn_no, member_psn_no, begndate.
create table family (
    psn_no varchar, member_psn_no varchar, begndate date, enddate date,
    relation varchar,                     -- of the member to psn_no: spouse, parent, child, sibling, grandparent, grandchild
    msgid varchar
);

-- Catalogue versions: each holds from valid_from until valid_until. Key: med_list_codg, valid_from.
create table catalogue (
    med_list_codg varchar,
    valid_from timestamp default timestamp '1900-01-01', valid_until timestamp default timestamp '9999-12-31',
    name varchar, list_type varchar, med_chrgitm_type varchar, chrgitm_lv varchar, generic_name varchar,
    dosage_days decimal(10, 4),           -- days one unit lasts
    pric_uplmt_amt decimal(16, 6), unit varchar,
    msgid varchar
);

-- Chronic-disease registrations (2503). Key: psn_no, opsp_dise_code, begndate.
create table chronic_registration (
    psn_no varchar, opsp_dise_code varchar, begndate date, enddate date,
    fixmedins_code varchar, insutype varchar, ide_fixmedins_no varchar, hosp_ide_date date, diag_dr_codg varchar,
    msgid varchar
);

-- Claims paid by hand at the agency (registry). Key: reim_id.
create table manual_reimbursement (
    reim_id varchar, psn_no varchar, fixmedins_code varchar, mdtrt_type varchar,
    begntime timestamp, begntime_is_date boolean default false, endtime timestamp, endtime_is_date boolean default false,
    bill_code varchar, bill_no varchar,
    medfee_sumamt decimal(16, 2) default 0, fund_pay_sumamt decimal(16, 2) default 0,
    reim_time timestamp,
    msgid varchar
);

-- Every message that is a fact, for evidence: when the platform saw it. Rules do not read it. Key: msgid.
create table message (
    msgid varchar, inf_time timestamp, kind varchar, fixmedins_code varchar
);

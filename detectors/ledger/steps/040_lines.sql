-- Fee lines. Nearly all are plain: they stand as they came, and at most one settlement covers them. The lines of special
-- visits (withdrawals, refunds, repeats, cancelled sales, several settlements) are resolved row by row, apart and with
-- few columns.

-- Special visits. A repeated (mdtrt_id, feedetl_sn) shows as two equal neighbours among the sorted hashes.
-- only with fact.fee_line, fact.settlement
insert into step.special_visit
with repeated as (
    select key
    from (select hash(mdtrt_id, feedetl_sn) as key from fact.fee_line)
    qualify key = lag(key) over (order by key)
),
settled_often as (
    select key from (select hash(mdtrt_id) as key from main.settlement) group by key having count(*) > 1
)
select mdtrt_id from step.gone_visit
union select mdtrt_id from step.gone_message where kind = '2102'
union select mdtrt_id from fact.cancellation where kind in ('2205', '2302')
union select mdtrt_id from fact.fee_line where cnt < 0 or hash(mdtrt_id, feedetl_sn) in (select key from repeated)
union select mdtrt_id from main.settlement where hash(mdtrt_id) in (select key from settled_often);

-- The settlement of each visit; of several the last, so that what the visit takes from it is the latest word.
-- may be a view
insert into step.settled_visit by name
with several as (
    select
        s.*,
        row_number() over (partition by s.mdtrt_id order by s.inf_time desc, s.msgid desc) as n,
        bool_or(s.mid_setl_flag = '1') over (partition by s.mdtrt_id) as mid_settled,
        max(s.setl_time) over (partition by s.mdtrt_id) as latest
    from main.settlement s
    semi join step.special_visit v on v.mdtrt_id = s.mdtrt_id
)
select
    mdtrt_id, coalesce(mid_setl_flag = '1', false) as mid_settled, setl_time as latest,
    setl_id, msgid, inf_time, kind, chrg_bchno, psn_no, fixmedins_code, med_type, insutype, begntime,
    mdtrt_cert_type, opter_type, dise_codg, trum_flag, rel_ttp_flag, otp_er_refl_flag, mdtrt_grp_type,
    insuplc_admdvs, mdtrtarea_admvs
from main.settlement s
anti join step.special_visit using (mdtrt_id)
union all
select
    mdtrt_id, coalesce(mid_settled, false), latest,
    setl_id, msgid, inf_time, kind, chrg_bchno, psn_no, fixmedins_code, med_type, insutype, begntime,
    mdtrt_cert_type, opter_type, dise_codg, trum_flag, rel_ttp_flag, otp_er_refl_flag, mdtrt_grp_type,
    insuplc_admdvs, mdtrtarea_admvs
from several
where n = 1;

-- Lines of special visits: when each ended, and what covers it.
-- only with step.special_visit
-- columns of fee_line
insert into step.special_line by name
with line as materialized (
    select
        l.* exclude (seq, med_type) replace (coalesce(l.fee_ocur_time_is_date, false) as fee_ocur_time_is_date),
        if(g.why = 'superseded', null, coalesce(v.ended, g.ended)) as gone
    from fact.fee_line l
    semi join step.special_visit p on p.mdtrt_id = l.mdtrt_id
    left join step.gone_visit v on v.mdtrt_id = l.mdtrt_id
    left join step.gone_message g on g.msgid = l.msgid
),
-- the later line of the same number takes the place of the earlier one
repeated as (
    select key from (select hash(mdtrt_id, feedetl_sn) as key from line) group by key having count(*) > 1
),
replaced as (
    select
        msgid, row_no,
        lead({'time': inf_time, 'msgid': msgid}) over (
            partition by mdtrt_id, feedetl_sn order by inf_time, msgid, row_no
        ) as ended
    from line
    where gone is null and hash(mdtrt_id, feedetl_sn) in (select key from repeated)
),
-- 2302 by feedetl_sn and 2205 by chrg_bchno reach back to the lines before them; '0000' to all of the visit's
withdrawal as materialized (
    select
        msgid, inf_time, psn_no, fixmedins_code, mdtrt_id, '2301' as kind, feedetl_sn, null as chrg_bchno,
        feedetl_sn = '0000' as everything
    from fact.cancellation where kind = '2302'
    union all
    select msgid, inf_time, psn_no, fixmedins_code, mdtrt_id, '2204', null, chrg_bchno, chrg_bchno = '0000'
    from fact.cancellation where kind = '2205'
),
withdrawn as (
    select
        l.msgid, l.row_no, l.inf_time, l.mdtrt_id, l.chrg_bchno, w.everything,
        w.inf_time as by_time, w.msgid as by_msgid
    from line l
    join withdrawal w on w.mdtrt_id = l.mdtrt_id and w.kind = l.kind
        and w.psn_no = l.psn_no and w.fixmedins_code = l.fixmedins_code
    where l.gone is null
        and step.before(l.inf_time, l.msgid, w.inf_time, w.msgid)
        and (w.everything or w.feedetl_sn = l.feedetl_sn or w.chrg_bchno = l.chrg_bchno)
),
-- settlements as they were active: from their own place in the order until the first cancellation; reversed ones never
active as materialized (
    select s.mdtrt_id, s.kind, s.chrg_bchno, s.inf_time, s.msgid, g.ended
    from fact.settlement s
    semi join (select mdtrt_id from withdrawal where everything) w on w.mdtrt_id = s.mdtrt_id
    left join (
        select msgid, min({'time': by_time, 'msgid': by_msgid}) as ended, bool_or(by_kind = '2601') as reversed
        from step.target
        group by msgid
    ) g on g.msgid = s.msgid
    where g.reversed is distinct from true
),
spared as (
    select distinct w.msgid, w.row_no, w.by_msgid
    from withdrawn w
    join active a on a.mdtrt_id = w.mdtrt_id
    where w.everything
        and step.before(a.inf_time, a.msgid, w.by_time, w.by_msgid)
        and (a.ended is null or a.ended >= {'time': w.by_time, 'msgid': w.by_msgid})
        and ((a.kind = '2207' and a.chrg_bchno = w.chrg_bchno)
            or (a.kind = '2304' and step.before(w.inf_time, w.msgid, a.inf_time, a.msgid)))
),
taken as (
    select w.msgid, w.row_no, min({'time': w.by_time, 'msgid': w.by_msgid}) as ended
    from withdrawn w
    anti join spared s on s.msgid = w.msgid and s.row_no = w.row_no and s.by_msgid = w.by_msgid and w.everything
    group by w.msgid, w.row_no
),
-- a 2304 covers what came since the one before it
span as (
    select
        setl_id, mdtrt_id, inf_time as until_time, msgid as until_msgid,
        lag(inf_time) over w as from_time, lag(msgid) over w as from_msgid
    from main.settlement
    semi join step.special_visit using (mdtrt_id)
    where kind = '2304'
    window w as (partition by mdtrt_id order by inf_time, msgid)
),
-- a batch that was settled twice belongs to the first
batch as (
    select setl_id, mdtrt_id, chrg_bchno
    from main.settlement
    semi join step.special_visit using (mdtrt_id)
    where kind = '2207'
    qualify row_number() over (partition by mdtrt_id, chrg_bchno order by inf_time, msgid) = 1
)
-- a line lies in one span and in one batch at the most
select
    l.* exclude (gone) replace (if(l.kind = '2102', l.setl_id, least(s.setl_id, b.setl_id)) as setl_id),
    coalesce(l.gone, least(r.ended, t.ended)) as ended
from line l
left join replaced r on r.msgid = l.msgid and r.row_no = l.row_no
left join taken t on t.msgid = l.msgid and t.row_no = l.row_no
left join span s on s.mdtrt_id = l.mdtrt_id
    and step.before(l.inf_time, l.msgid, s.until_time, s.until_msgid)
    and (s.from_time is null or not step.before(l.inf_time, l.msgid, s.from_time, s.from_msgid))
left join batch b on b.mdtrt_id = l.mdtrt_id and b.chrg_bchno = l.chrg_bchno;

-- What refunds take. With init_feedetl_sn from that line, if it stands; else from what is left of the lines of the
-- same visit, code and day, one after the other: both queues are laid end to end in order, and where a refund's stretch
-- of units overlaps a line's, it takes that many.
-- only with step.special_line
insert into step.refund
with refund as (
    select
        msgid, row_no, inf_time, mdtrt_id, init_feedetl_sn, med_list_codg, fee_ocur_time::date as day, -cnt as cnt,
        coalesce(abs(det_item_fee_sumamt), 0) as det_item_fee_sumamt, coalesce(abs(inscp_scp_amt), 0) as inscp_scp_amt,
        coalesce(abs(fulamt_ownpay_amt), 0) as fulamt_ownpay_amt, coalesce(abs(overlmt_amt), 0) as overlmt_amt,
        coalesce(abs(preselfpay_amt), 0) as preselfpay_amt
    from step.special_line
    where ended is null and cnt < 0
),
line as (
    select msgid, row_no, inf_time, mdtrt_id, feedetl_sn, med_list_codg, fee_ocur_time::date as day, cnt
    from step.special_line
    semi join refund using (mdtrt_id)
    where ended is null and cnt >= 0
),
named as materialized (
    select
        l.mdtrt_id, l.feedetl_sn, r.msgid, r.cnt, r.det_item_fee_sumamt, r.inscp_scp_amt, r.fulamt_ownpay_amt,
        r.overlmt_amt, r.preselfpay_amt
    from refund r
    join line l on l.mdtrt_id = r.mdtrt_id and l.feedetl_sn = r.init_feedetl_sn
),
left_over as (
    select l.*, l.cnt - coalesce(n.cnt, 0) as units
    from line l
    left join (select mdtrt_id, feedetl_sn, sum(cnt) as cnt from named group by mdtrt_id, feedetl_sn) n
        on n.mdtrt_id = l.mdtrt_id and n.feedetl_sn = l.feedetl_sn
),
refund_queue as (
    select *, sum(cnt) over w - cnt as a, sum(cnt) over w as b
    from refund
    where init_feedetl_sn is null
    window w as (partition by mdtrt_id, med_list_codg, day order by inf_time, msgid, row_no)
),
line_queue as (
    select mdtrt_id, feedetl_sn, med_list_codg, day, sum(units) over w - units as a, sum(units) over w as b
    from left_over
    semi join refund_queue using (mdtrt_id, med_list_codg, day)
    where units > 0
    window w as (partition by mdtrt_id, med_list_codg, day order by inf_time, msgid, row_no)
),
queued as (
    select l.feedetl_sn, r.*, greatest(l.a, r.a) - r.a as taken_from, least(l.b, r.b) - r.a as taken_until
    from refund_queue r
    join line_queue l on l.mdtrt_id = r.mdtrt_id and l.med_list_codg = r.med_list_codg and l.day = r.day
    where l.a < r.b and r.a < l.b
)
from named
union all
select
    mdtrt_id, feedetl_sn, msgid, taken_until - taken_from,
    step.share(det_item_fee_sumamt, taken_from, taken_until, cnt),
    step.share(inscp_scp_amt, taken_from, taken_until, cnt),
    step.share(fulamt_ownpay_amt, taken_from, taken_until, cnt),
    step.share(overlmt_amt, taken_from, taken_until, cnt),
    step.share(preselfpay_amt, taken_from, taken_until, cnt)
from queued;

-- The settlement of each visit that is not special.
-- feeds fee_line.setl_id
create or replace view step.plain_settlement as
select mdtrt_id, kind, setl_id, inf_time, msgid, chrg_bchno
from main.settlement
anti join step.special_visit using (mdtrt_id);

-- The lines that stand. Plain ones came as they are, covered by the visit's one settlement if that came later (2304) or
-- settled their batch (2207); a pharmacy's lines (2102) were settled with the sale itself. Of special visits, a line of
-- which refunds left nothing is none, nor is the refund itself.
-- only with fact.fee_line
-- may be a view
insert into main.fee_line by name
with refunded as (
    select
        mdtrt_id, feedetl_sn, sum(cnt) as cnt, sum(det_item_fee_sumamt) as det_item_fee_sumamt,
        sum(inscp_scp_amt) as inscp_scp_amt, sum(fulamt_ownpay_amt) as fulamt_ownpay_amt,
        sum(overlmt_amt) as overlmt_amt, sum(preselfpay_amt) as preselfpay_amt,
        list(distinct msgid order by msgid) as msgids
    from step.refund
    group by mdtrt_id, feedetl_sn
)
select
    l.* exclude (seq, inf_time, row_no, init_feedetl_sn, med_type)
        replace (
            coalesce(l.fee_ocur_time_is_date, false) as fee_ocur_time_is_date,
            case
                when l.kind = '2102' then l.setl_id
                when s.kind = '2304' and step.before(l.inf_time, l.msgid, s.inf_time, s.msgid) then s.setl_id
                when s.kind = '2207' and l.chrg_bchno = s.chrg_bchno then s.setl_id
            end as setl_id
        ),
    l.inf_time as upload_time, false as refunded, null::varchar[] as refund_msgids
from fact.fee_line l
anti join step.special_visit v on v.mdtrt_id = l.mdtrt_id
left join step.plain_settlement s on s.mdtrt_id = l.mdtrt_id
union all by name
select
    l.* exclude (inf_time, row_no, init_feedetl_sn, ended)
        replace (
            if(r.msgids is null, l.cnt, (l.cnt - r.cnt)::decimal(16, 4)) as cnt,
            if(r.msgids is null, l.det_item_fee_sumamt, (l.det_item_fee_sumamt - r.det_item_fee_sumamt)::decimal(16, 2)) as det_item_fee_sumamt,
            if(r.msgids is null, l.inscp_scp_amt, (l.inscp_scp_amt - r.inscp_scp_amt)::decimal(16, 2)) as inscp_scp_amt,
            if(r.msgids is null, l.fulamt_ownpay_amt, (l.fulamt_ownpay_amt - r.fulamt_ownpay_amt)::decimal(16, 2)) as fulamt_ownpay_amt,
            if(r.msgids is null, l.overlmt_amt, (l.overlmt_amt - r.overlmt_amt)::decimal(16, 2)) as overlmt_amt,
            if(r.msgids is null, l.preselfpay_amt, (l.preselfpay_amt - r.preselfpay_amt)::decimal(16, 2)) as preselfpay_amt
        ),
    l.inf_time as upload_time, r.msgids is not null as refunded, r.msgids as refund_msgids
from step.special_line l
left join refunded r on r.mdtrt_id = l.mdtrt_id and r.feedetl_sn = l.feedetl_sn
where l.ended is null
    and (l.cnt >= 0 or l.cnt is null)
    and (r.cnt is null or l.cnt > r.cnt);

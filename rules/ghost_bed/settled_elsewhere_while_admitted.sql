/*
code: GB-03
name: 住院期间门诊或药店结算
key: person
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: encounter
severity: [2, 3]
status: live
version: 2
official: null
law: [条例15, 条例38(一)]
basis: 服务协议不得要求住院患者到门诊或药店另行结算；住院期间本人又在他院接受须到场的服务，提示人不在床。
case_cause: 11
route: supervision
money: fund
lookback: 120 d
needs: [visit.begntime, settlement.setl_id]
may_use: [visit.dscg_time, fee_line.fee_ocur_time, fee_line.setl_id, fee_line.med_chrgitm_type, fee_line.etip_flag, settlement, presence.recog_biz]
judges:
  from: visit where inpatient
  missing:
    入院登记(2401): begntime is null
    门诊与药店结算: not exists (select 1 from provided where name = 'fee_line') and not exists (select 1 from visit o where not o.inpatient)
params:
  grace: {default: 2, min: 0, max: 24, unit: h, source: "工程默认值：入院、出院登记时间的误差"}
  repeats: {default: 2, min: 2, max: 10, unit: count, source: "审计做法：住院期间多次门诊结算从重；药店与只有药品的（他人可代取）不计"}
  leave: {default: 72, min: 24, max: 168, unit: h, source: "工程默认值：请假而未见销假的，按此时长计"}
exempt:
  home_bed: 家庭病床（med_type 71）患者住在家中，不适用。
  sent_out: 住院医院送出的外检（etip_flag=1）不计。
  outside_hours: 服务时间在入院前、出院后或首尾宽限内的不计；急诊后入院、出院带药都在此列。
  on_leave: 经人脸认证批准请假（recog_biz 20 至 21）期间的不计。
  family_pickup: 门诊慢特病、特药只有诊察费与药品的，可由家属代开药，不视为本人到场。
  online: 线上就诊（opter_type 3）不视为本人到场。
sentence: 患者自{begntime}{until_text}住院期间，另在{places}家机构发生{claims}笔门诊或药店结算，共{gross}元，最早一笔服务在{first_time}{remark}。
*/
with
-- 自入院日看到的住院：追溯期以后才出院的，视为尚未出院（在床只算到入院后九十日）
seen as (
    select mdtrt_id, psn_no, fixmedins_code, med_type, begntime, begntime_is_date, dscg_time_is_date,
        discharge_seen(begntime, dscg_time, $lookback) as dscg_time,
        stay_seen_until(begntime, dscg_time, heard, $lookback) as seen_until,
        [adm_msgid, if(near(begntime, dscg_time, $lookback), dscg_msgid, null)] as msgids
    from judged
),
-- 在院时段，首尾各让出宽限；入出院只有日期的，当日整天让出
inside as (
    select v.mdtrt_id, v.psn_no, v.fixmedins_code, v.begntime, v.begntime_is_date, v.dscg_time, v.dscg_time_is_date, v.seen_until, v.msgids,
        if(v.begntime_is_date, v.begntime::date + interval 1 day, v.begntime + $grace) as from_time,
        case when v.dscg_time is null then v.begntime + interval 90 day - $grace
            when v.dscg_time_is_date then v.dscg_time::date::timestamp
            else v.dscg_time - $grace end as until_time
    from seen v
    where coalesce(v.med_type, '') not like '71%' -- exempt: home_bed
),
-- 时段内有门诊或药店服务的就诊
elsewhere as materialized (
    select distinct l.mdtrt_id
    from inside s
    join fee_line l on l.psn_no = s.psn_no
    where l.kind in ('2204', '2102')
        and l.fee_ocur_time > s.from_time
        and l.fee_ocur_time < s.until_time
),
-- 服务时间落在时段内、已经结算的门诊和药店明细
lines as (
    select s.mdtrt_id, s.fixmedins_code, s.psn_no, s.begntime,
        l.mdtrt_id as other_mdtrt_id, l.feedetl_sn, l.setl_id, l.kind,
        l.fixmedins_code as other_institution, l.fee_ocur_time as service_time, l.fee_ocur_time_is_date as service_on, l.msgid,
        l.med_chrgitm_type, l.med_list_codg, l.det_item_fee_sumamt as gross,
        coalesce(s.dscg_time is not null or l.fee_ocur_time + $grace <= s.seen_until, false) as proven
    from inside s
    join (select * from fee_line semi join elsewhere using (mdtrt_id)) l on l.psn_no = s.psn_no
    where l.kind in ('2204', '2102')
        and l.setl_id is not null
        and coalesce(l.cnt, 1) > 0
        and near(s.begntime, l.fee_ocur_time, $lookback)
        and l.fee_ocur_time > s.from_time -- exempt: outside_hours
        and l.fee_ocur_time < s.until_time
        and not (l.fee_ocur_time_is_date and l.fee_ocur_time::date = coalesce(s.dscg_time::date, date '9999-12-31'))
        and coalesce(l.etip_flag, '0') <> '1' -- exempt: sent_out
),
-- 时段内的门诊和药店就诊，跨日的不判
visits as materialized (
    select s.mdtrt_id, s.fixmedins_code, s.psn_no, s.begntime,
        o.mdtrt_id as other_mdtrt_id, if(o.kind = 'pharmacy', '2102', '2204') as kind,
        o.fixmedins_code as other_institution, o.begntime as service_time, o.begntime_is_date as service_on,
        coalesce(s.dscg_time is not null or o.begntime + $grace <= s.seen_until, false) as proven
    from inside s
    join visit o on o.psn_no = s.psn_no
    where not o.inpatient
        and near(s.begntime, o.begntime, $lookback)
        and o.begntime > s.from_time
        and o.begntime < s.until_time
        and not (o.begntime_is_date and o.begntime::date = coalesce(s.dscg_time::date, date '9999-12-31'))
        and coalesce(o.seen_until, o.begntime)::date = o.begntime::date
),
-- 没有明细的结算：以就诊时间为准
claims as (
    select v.mdtrt_id, v.fixmedins_code, v.psn_no, v.begntime,
        v.other_mdtrt_id, null::varchar as feedetl_sn, t.setl_id, v.kind,
        v.other_institution, v.service_time, v.service_on, t.msgid,
        null::varchar as med_chrgitm_type, null::varchar as med_list_codg, t.medfee_sumamt as gross, v.proven
    from visits v
    join settlement t on t.mdtrt_id = v.other_mdtrt_id
    anti join fee_line l on l.mdtrt_id = v.other_mdtrt_id
    where near(v.begntime, t.setl_time, $lookback)
),
-- 经认证批准的请假
leaves as (
    select p.psn_no, p.fixmedins_code, p.seen_at as from_time,
        coalesce(min(b.seen_at), p.seen_at + $leave) as until_time
    from presence p
    left join presence b on b.psn_no = p.psn_no and b.fixmedins_code = p.fixmedins_code
        and b.recog_biz = '21' and b.recog_rslt = '1'
        and b.seen_at between p.seen_at and p.seen_at + $lookback
    where p.recog_biz = '20' and p.recog_rslt = '1'
    group by p.psn_no, p.fixmedins_code, p.seen_at
),
-- 请假期间的除外
hits as (
    select h.*
    from (select * from lines union all select * from claims) h
    where not exists (
        select 1 from leaves a
        where a.psn_no = h.psn_no and a.fixmedins_code = h.fixmedins_code and near(h.begntime, a.from_time, $lookback)
            and h.service_time between a.from_time and if(near(h.begntime, a.until_time, $lookback), a.until_time, a.from_time + $leave)) -- exempt: on_leave
),
-- 须本人到场的明细；药品以外另有到场服务的才算，慢特病代开药与线上就诊不算
attended as (
    select h.mdtrt_id, h.setl_id
    from hits h
    join visit o on o.mdtrt_id = h.other_mdtrt_id
    join knowledge.person_present_item k
        on (k.match_by = 'type' and h.med_chrgitm_type = k.value
            or k.match_by = 'prefix' and starts_with(h.med_list_codg, k.value))
        and h.service_time::date between k.effective_from and k.effective_to
    where h.kind = '2204'
        and not (coalesce(h.med_chrgitm_type, '') = '02' and (coalesce(o.med_type, '') like '14%' or coalesce(o.med_type, '') like '18%')) -- exempt: family_pickup
        and coalesce(o.opter_type, '') <> '3' -- exempt: online
    group by h.mdtrt_id, h.setl_id, h.other_mdtrt_id, h.feedetl_sn
    having bool_and(k.needs_person)
),
-- 逐笔结算；挂号、诊察也算本人来过，慢特病代开药与线上就诊的不算
settled as (
    select h.mdtrt_id, h.setl_id, h.kind, min({'at': h.service_time, 'is_date': h.service_on}) as first_service,
        bool_or(h.proven and h.other_institution <> h.fixmedins_code
            and (h.mdtrt_id, h.setl_id) in (select (a.mdtrt_id, a.setl_id) from attended a)) as in_person_elsewhere,
        bool_and(h.proven) and h.kind = '2204' and bool_or(
            coalesce(h.med_chrgitm_type, '09') not in ('02', '09', '10', '11', '13')
            or h.med_chrgitm_type in ('02', '13')
                and not coalesce(o.med_type like '14%' or o.med_type like '18%', false) -- exempt: family_pickup
                and not coalesce(o.opter_type = '3', false)) as beyond_drugs -- exempt: online
    from hits h
    left join visit o on o.mdtrt_id = h.other_mdtrt_id
    group by h.mdtrt_id, h.setl_id, h.kind
),
-- 每次住院：他院到场服务，或多笔药品以外的门诊结算，从重
stays as (
    select mdtrt_id, count(*) as claims, min(first_service) as first_service,
        count(*) filter (where kind = '2102') as pharmacy_claims,
        bool_or(in_person_elsewhere) as in_person_elsewhere,
        count(*) filter (where beyond_drugs) >= $repeats as repeated,
        list(setl_id order by setl_id) as setl_ids
    from settled
    group by mdtrt_id
),
-- 所涉明细与结算
found as (
    select h.mdtrt_id, count(distinct h.other_institution) as places, sum(h.gross) as gross,
        list(if(h.feedetl_sn is null, settlement_item(h.other_mdtrt_id, h.setl_id), line_item(h.other_mdtrt_id, h.feedetl_sn))
            order by h.other_mdtrt_id, h.setl_id, h.feedetl_sn) as items,
        list(distinct h.other_mdtrt_id order by h.other_mdtrt_id) as other_mdtrt_ids,
        list(distinct h.msgid order by h.msgid) as msgids,
        list(distinct t.msgid order by t.msgid) filter (where t.msgid is not null) as setl_msgids
    from hits h
    left join settlement t on t.setl_id = h.setl_id and near(h.begntime, t.setl_time, $lookback)
    group by h.mdtrt_id
)
select s.mdtrt_id, v.psn_no, v.fixmedins_code,
    if(s.in_person_elsewhere or s.repeated, 2, 3) as severity,
    v.begntime as occurred_at,
    v.begntime, v.begntime_is_date,
    coalesce('至' || day_or_minute(v.dscg_time, v.dscg_time_is_date), '（尚未出院）') as until_text,
    s.claims, s.pharmacy_claims, f.places, f.gross,
    s.first_service.at as first_time, s.first_service.is_date as first_time_is_date,
    case when s.in_person_elsewhere then '，其中有须本人到场的他院服务'
        when s.repeated then '，其中药品以外的门诊结算不止一笔'
        else '' end as remark,
    list_concat([s.mdtrt_id], f.other_mdtrt_ids) as mdtrt_ids,
    s.setl_ids, f.items,
    list_concat(v.msgids, f.msgids, f.setl_msgids) as evidence
from stays s
join found f using (mdtrt_id)
join inside v using (mdtrt_id)

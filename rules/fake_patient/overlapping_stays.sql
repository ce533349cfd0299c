/*
code: FP-03
name: 重叠住院
key: person
subject: [person, psn_no]
anchor: [mdtrt_id_1, mdtrt_id_2]
behaviour: encounter
severity: [1, 2, 3]
status: live
version: 3
official: null
law: [条例15, 条例17, 条例40(一), 条例41款2]
basis: 同一人不能同时在两处住院过夜；同院两次登记重叠多为重复登记，列为轻度可疑。
case_cause: [20, 27, 31]
route: supervision
money: fund
lookback: 366 d
needs: [visit.begntime, visit.fixmedins_code]
may_use: [visit.dscg_time, visit.dscg_way, visit.newborn, visit.list_uploaded, visit.transfer_in, settlement.fund_pay_sumamt, settlement.gend, settlement.brdy, insured.gend, insured.brdy, referral]
judges:
  from: visit where inpatient
  missing:
    入院登记(2401): begntime is null
params:
  nights: {default: 1, min: 1, max: 7, unit: nights, source: "工程默认值：重叠一个午夜以上（必含超过24小时者）"}
  certain: {default: 2, min: 1, max: 14, unit: nights, source: "工程默认值：重叠两夜以上，登记误差已不能解释"}
  transfer: {default: 24, min: 0, max: 72, unit: h, source: "工程默认值：转院时转出登记延迟的余地"}
  mother_from: {default: 12, min: 10, max: 20, unit: count, source: "工程默认值：可能生育的最小年龄（岁）"}
  mother_to: {default: 56, min: 45, max: 65, unit: count, source: "工程默认值：可能生育的最大年龄（岁）"}
  open_for: {default: 24, min: 24, max: 168, unit: h, source: "工程默认值：尚未出院的，入住第二家满一日方可认定重叠"}
  list_due: {default: 30, min: 10, max: 60, unit: d, source: "工程默认值：结算清单（4101）最迟上传时间，自两次都已出院起算"}
exempt:
  same_day: 当日出院、当日再入院，没有共同过夜的，不计。
  home_bed: 家庭病床（med_type 71）不占床位，不计。
  day_surgery: 日间手术（med_type 27、28）不计。
  newborn: 新生儿以母亲身份住院（4101 新生儿入院类型、日龄或体重已填）的，不计。
  transfer: 转院（离院方式 2、3，转入，转诊备案），重叠不超过二十四小时的，不计。
  long_open: 九十日以上没有出院登记的，其后不再视为在院。
sentence: 参保人自{first_time}在{first_place}住院，又于{second_time}在{second_place}住院，{overlap_text}{paid_text}{remark}。
*/
with
-- 每人的住院；只有日期的，入院从次日零时、出院到当日零时才算确在院
stay as (
    select v.mdtrt_id, v.psn_no, v.fixmedins_code, v.begntime, v.begntime_is_date, v.dscg_time, v.dscg_time_is_date,
        if(v.begntime_is_date, v.begntime::date + interval 1 day, v.begntime) as surely_from,
        v.dscg_way, v.transfer_in, v.newborn, v.list_uploaded, v.adm_msgid, v.dscg_msgid
    from judged v
    where coalesce(v.med_type, '') not like '71%' -- exempt: home_bed
        and coalesce(v.med_type, '') not like '27%' and coalesce(v.med_type, '') not like '28%' -- exempt: day_surgery
),
-- 先后两次住院，自前一次入院日看：追溯期以后才出院的，视为尚未出院（在床只算到入院后九十日）
beside as (
    select a, b,
        discharge_seen(a.begntime, a.dscg_time, $lookback) as first_end,
        discharge_seen(a.begntime, b.dscg_time, $lookback) as second_end,
        coalesce(first_end, a.begntime + interval 90 day) as first_bed_until,
        coalesce(second_end, b.begntime + interval 90 day) as second_bed_until
    from stay a
    join stay b using (psn_no)
    where (a.begntime, a.mdtrt_id) < (b.begntime, b.mdtrt_id)
        and near(a.begntime, b.begntime, $lookback)
),
-- 后一次入院时，前一次还在床
pair as (
    select a.psn_no,
        a.mdtrt_id as first_id, a.fixmedins_code as first_code, a.begntime as first_time, a.begntime_is_date as first_time_is_date, first_end,
        b.mdtrt_id as second_id, b.fixmedins_code as second_code, b.begntime as second_time, b.begntime_is_date as second_time_is_date, second_end,
        a.fixmedins_code = b.fixmedins_code as one_place,
        first_end is null or second_end is null as still_open,
        nights(b.begntime, least(first_bed_until, second_bed_until)) as nights,
        date_diff('second', b.surely_from, least(
            if(first_end is not null and a.dscg_time_is_date, first_end::date::timestamp, first_bed_until),
            if(second_end is not null and b.dscg_time_is_date, second_end::date::timestamp, second_bed_until))) as seconds,
        nights(b.begntime, second_end) = 0 and nights(a.begntime, b.begntime) > 0 and nights(second_end, first_bed_until) > 0 as inside,
        coalesce(first_end is not null and a.dscg_way in ('2', '3'), false) or b.transfer_in as moved,
        first_end is not null and a.dscg_way is null as way_unknown,
        a.list_uploaded and b.list_uploaded as lists,
        [a.adm_msgid, if(first_end is null, null, a.dscg_msgid), b.adm_msgid, if(second_end is null, null, b.dscg_msgid)] as msgids
    from beside
    where b.begntime < first_bed_until -- exempt: long_open
        and not a.newborn and not b.newborn -- exempt: newborn
),
-- 共同过夜的；没有过夜而后一次整个落在前一次之内的也留下
overlap as (
    select p.*
    from pair p
    where (coalesce(p.inside, false) or p.nights >= $nights) -- exempt: same_day
        and not exists (
            select 1 from referral r
            where r.psn_no = p.psn_no and r.fixmedins_code = p.first_code and r.reflin_medins_no = p.second_code
                and r.refl_date between p.first_time::date and p.second_time::date + 1
                and p.seconds <= epoch($transfer)) -- exempt: transfer
        and not (p.moved and not p.one_place and p.seconds <= epoch($transfer)) -- exempt: transfer
),
-- 性别与出生日期：可能是产妇的，新生儿以母亲身份住院须等 4101 才能排除
person as (
    select first_id, second_id, bool_and(gend = '1') as male, max(brdy) as brdy, list(msgid order by msgid) as msgids
    from (
        select o.first_id, o.second_id, i.gend, i.brdy, i.msgid
        from overlap o
        join insured i using (psn_no)
        union all
        select o.first_id, o.second_id, s.gend, s.brdy, s.msgid
        from (select first_id, second_id, first_time, unnest([first_id, second_id]) as mdtrt_id from overlap) o
        join settlement s using (mdtrt_id)
        where near(o.first_time, s.setl_time, $lookback)
    )
    where gend in ('1', '2')
    group by first_id, second_id
),
-- 后一次住院的结算
paid as (
    select o.first_id, o.second_id, sum(s.fund_pay_sumamt) as fund, list(s.msgid order by s.setl_id) as msgids
    from overlap o
    join settlement s on s.mdtrt_id = o.second_id
    where near(o.first_time, s.setl_time, $lookback)
    group by o.first_id, o.second_id
),
-- 严重程度；可能是产妇而清单未齐的，尚不能排除新生儿，待清单核实
weighed as (
    select o.*, f.fund, f.msgids as paid_msgids, u.msgids as person_msgids,
        not o.lists and not coalesce(u.male or date_diff('year', u.brdy, o.first_time::date) not between $mother_from and $mother_to, false) as unproven,
        case
            when o.one_place or o.nights < $nights then 3
            when o.way_unknown and o.seconds <= epoch($transfer) then 3
            when o.nights >= $certain and not o.still_open and coalesce(f.fund, 0) > 0 then 1
            else 2
        end as proven_severity
    from overlap o
    left join person u using (first_id, second_id)
    left join paid f using (first_id, second_id)
),
-- 何时可说到哪一步：待清单核实的先作轻度可疑；两次都已出院而清单逾期未上传的，至多高度可疑
verdicts as (
    select first_id, second_id,
        if(unproven, 3, proven_severity) as severity,
        case when still_open then second_time + $open_for when unproven then first_time end as due_at,
        false as overdue
    from weighed
    union all
    select first_id, second_id, 2, greatest(first_end, second_end) + $list_due, true
    from weighed
    where unproven
        and proven_severity < 3
        and not still_open
        and near(first_time, greatest(first_end, second_end) + $list_due, $lookback)
        and exists (select 1 from provided where name = 'settlement_list')
)
select least(o.first_id, o.second_id) as mdtrt_id_1, greatest(o.first_id, o.second_id) as mdtrt_id_2,
    o.psn_no, o.second_code as fixmedins_code,
    d.severity,
    o.first_time as occurred_at,
    d.due_at,
    o.first_time, o.first_time_is_date, o.second_time, o.second_time_is_date, o.one_place,
    if(o.one_place, '同一家医疗机构', '一家医疗机构') as first_place,
    if(o.one_place, '该机构', '另一家医疗机构') as second_place,
    case
        when o.still_open then '两次住院重叠，尚有未办出院的'
        when o.nights < $nights then '当日出院，全程在前一次住院期间'
        else '两次住院重叠' || o.nights || '夜'
    end as overlap_text,
    coalesce('，后一次基金支付' || nullif(o.fund, 0) || '元', '') as paid_text,
    case when d.overdue then '；结算清单（4101）逾期未上传，是否新生儿以母亲身份住院未能核实'
        when o.unproven and o.proven_severity < 3 then '；是否新生儿以母亲身份住院待结算清单核实'
        else '' end as remark,
    [o.first_id, o.second_id] as mdtrt_ids,
    [involved_visit(o.first_id), visit_item(o.second_id)] as items,
    list_concat(o.msgids, o.paid_msgids, if(o.lists or o.one_place, null, o.person_msgids)) as evidence
from weighed o
join verdicts d using (first_id, second_id)

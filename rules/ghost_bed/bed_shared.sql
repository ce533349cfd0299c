/*
code: GB-05
name: 一床多人
key: institution
subject: [bed, bed_id]
anchor: [mdtrt_id, other_mdtrt_id]
behaviour: encounter
severity: [2, 3]
status: live
version: 2
official: null
law: [条例15, 条例38(一)]
basis: 服务协议与多地认定规则把同一床位同时登记两名以上患者列为挂床、虚假住院的情形。
case_cause: 11
route: supervision
money: fund
lookback: 200 d
needs: [visit.begntime, bed_stay]
may_use: [visit.newborn, medical_order.ipt_bed_no, insured.brdy]
judges:
  from: visit where inpatient
  missing:
    入院登记(2401): begntime is null
    床位号: bed is null
params:
  grace: {default: 24, min: 2, max: 48, unit: h, source: "工程默认值：前一患者出院、转床补登记的余地"}
  serious: {default: 2, min: 1, max: 7, unit: nights, source: "工程默认值：同床重叠两夜以上从重"}
  occupants: {default: 3, min: 3, max: 10, unit: count, source: "工程默认值：同时三人以上从重"}
  placeholder: {default: '^(0+|9{2,}|-+|/+|无|空|加床?.*|\+.*|临.*|走廊.*|虚.*|待.*|门诊|日间.*|NULL|NONE)$', unit: text, source: "工程默认值：不指具体床位的写法，由床位不固定一类规则另查"}
exempt:
  placeholder: 床位号为空或为占位写法（加床、走廊、待定等）的不指具体床位，不计。
  newborn: 新生儿与母亲同床（母婴同室）不计。
  home_bed: 家庭病床、日间手术不占病区床位过夜，不计。
  turnover: 重叠不超过二十四小时的，可能是出院或转床登记较晚，不计。
  moved: 医嘱所记床位号表明其中一人当时在别处的各夜，不计；只是写法不同（861床与861）的不算别处。
sentence: 床位{bed}（科室{dept}）同时登记{occupants}人：两名患者自{from_time}起重叠{nights}夜{remark}。
*/
with
-- 自入院日看到的住院：追溯期以后才出院的，视为尚未出院（在床只算到入院后九十日）
seen as (
    select mdtrt_id, med_type, newborn, begntime, begntime_is_date,
        stay_seen_until(begntime, dscg_time, heard, $lookback) as seen_until,
        begntime + interval 90 day as last_day,
        coalesce(dscg_time > begntime + $lookback, false) as discharged_later,
        if(dscg_time > begntime + $lookback, dscg_msgid, null) as later_msgid
    from judged
),
-- 占具体床位的住院时段；未出院的只算到其最后一次有业务的时间
lying as (
    select b.mdtrt_id, b.psn_no, b.fixmedins_code, b.dept_code, upper(trim(b.bed)) as bed, bed_key(b.bed) as place,
        b.from_time, b.from_time = v.begntime and v.begntime_is_date as from_day_only, v.begntime,
        if(v.discharged_later, b.until_time >= v.last_day, b.open) as open,
        case when v.discharged_later and b.until_time >= v.last_day then least(v.last_day, v.seen_until)
            when b.open then least(b.until_time, v.seen_until)
            else b.until_time end as until_time,
        list_filter(b.msgids, lambda m: m is distinct from v.later_msgid) as msgids
    from seen v
    join bed_stay b using (mdtrt_id)
    where near(v.begntime, b.from_time, $lookback)
        and not (v.discharged_later and b.from_time >= v.last_day)
        and trim(b.bed) <> ''
        and not regexp_matches(upper(trim(b.bed)), $placeholder) -- exempt: placeholder
        and not v.newborn -- exempt: newborn
        and not regexp_matches(coalesce(v.med_type, ''), '^(71|27|28)') -- exempt: home_bed
),
-- 一次住院相邻的两段是否换了床；入院变更只是换了写法的，没有换
stretches as (
    select *,
        coalesce(from_time > lag(until_time) over w
            or place is distinct from lag(place) over w
            or dept_code is distinct from lag(dept_code) over w, true) as moves
    from lying
    window w as (partition by mdtrt_id order by from_time) -- total order: one stretch a moment
),
-- 没有换床的各段合为一段
resting as (
    select mdtrt_id, psn_no, fixmedins_code, dept_code, place, begntime,
        min(bed) as bed, min(from_time) as from_time, bool_or(from_day_only) as from_day_only,
        bool_or(open) as open, max(until_time) as until_time,
        flatten(list(msgids order by from_time, msgids)) as msgids
    from (
        select *, count(*) filter (where moves) over (partition by mdtrt_id order by from_time) as bed_no -- total order: one stretch a moment
        from stretches
    )
    group by mdtrt_id, psn_no, fixmedins_code, dept_code, place, begntime, bed_no
),
-- 同院、同科、同床（不论写法）、不同的人，重叠超过宽限
overlapping as (
    select a.mdtrt_id, b.mdtrt_id as other_mdtrt_id, a.psn_no, b.psn_no as other_psn_no,
        a.fixmedins_code, a.dept_code, least(a.bed, b.bed) as bed, a.place,
        least(a.begntime, b.begntime) as begntime, a.begntime as a_begntime, b.begntime as b_begntime,
        greatest(a.from_time, b.from_time) as from_time,
        if(a.from_time > b.from_time, a.from_day_only, b.from_day_only) as from_day_only, least(a.until_time, b.until_time) as until_time,
        a.open or b.open as open,
        list_concat(a.msgids, b.msgids) as msgids
    from resting a
    join resting b
        on b.fixmedins_code = a.fixmedins_code
        and b.dept_code is not distinct from a.dept_code
        and b.place = a.place
    where a.mdtrt_id < b.mdtrt_id
        and a.psn_no <> b.psn_no
        and near(least(a.begntime, b.begntime), greatest(a.from_time, b.from_time), $lookback)
        and least(a.until_time, b.until_time) > greatest(a.from_time, b.from_time) + $grace -- exempt: turnover
),
-- 重叠期间两人医嘱所记的床位是否别处；没有写明床位的不说明什么，加床、走廊是别处
noted as (
    select o.mdtrt_id, o.other_mdtrt_id, o.from_time, o.until_time, o.whose, m.drord_isu_time as noted_at,
        bool_and(not same_bed(bed_key(m.ipt_bed_no), o.place)) as elsewhere
    from (select *, mdtrt_id as whose from overlapping
        union all select *, other_mdtrt_id from overlapping) o
    join medical_order m on m.mdtrt_id = o.whose
    where near(o.begntime, m.drord_isu_time, $lookback)
        and m.drord_isu_time between o.from_time and o.until_time
        and bed_key(m.ipt_bed_no) is not null
        and (not regexp_matches(upper(trim(m.ipt_bed_no)), $placeholder) or regexp_matches(trim(m.ipt_bed_no), '^(加|[+]|临|走廊)'))
    group by o.mdtrt_id, o.other_mdtrt_id, o.from_time, o.until_time, o.whose, m.drord_isu_time
),
-- 每条记在别处的医嘱证明了哪几夜：当日那一夜，前一日没有医嘱的连同前一夜，到下一条也记在别处为止的各夜
spans as (
    select mdtrt_id, other_mdtrt_id, from_time, until_time, elsewhere,
        nights(from_time, noted_at) as day,
        nights(from_time, lag(noted_at) over w) as day_before,
        nights(from_time, lead(noted_at) over w) as day_after,
        coalesce(lead(elsewhere) over w, false) as elsewhere_after
    from noted
    window w as (partition by mdtrt_id, other_mdtrt_id, from_time, whose order by noted_at) -- total order: one row a moment
),
-- 两人之一不在该床的夜数
away as (
    select mdtrt_id, other_mdtrt_id, from_time, count(distinct night) as away
    from (
        select mdtrt_id, other_mdtrt_id, from_time,
            unnest(range(
                greatest(if(coalesce(day_before < day - 1, true), day - 1, day), 0),
                least(case when elsewhere_after then day_after when day_after = day then day else day + 1 end, nights(from_time, until_time)))) as night
        from spans
        where elsewhere
    )
    group by mdtrt_id, other_mdtrt_id, from_time
),
-- 除去母亲与出生未满二十八天的孩子；扣除医嘱表明在别处的各夜后，重叠仍须超过宽限
shared as (
    select o.*, coalesce(w.away, 0)::integer as away
    from overlapping o
    left join away w using (mdtrt_id, other_mdtrt_id, from_time)
    where not exists (select 1 from insured i where i.psn_no = o.psn_no and i.brdy > o.a_begntime::date - 28) -- exempt: newborn
        and not exists (select 1 from insured i where i.psn_no = o.other_psn_no and i.brdy > o.b_begntime::date - 28) -- exempt: newborn
        and o.until_time > o.from_time + $grace + to_days(coalesce(w.away, 0)::integer) -- exempt: moved
),
-- 同时还有几人，与两人都同床的
thirds as (
    select o.mdtrt_id, o.other_mdtrt_id, count(distinct c.psn_no) as others,
        flatten(list(c.msgids order by c.mdtrt_id, c.from_time)) as msgids
    from shared o
    join resting c
        on c.fixmedins_code = o.fixmedins_code
        and c.dept_code is not distinct from o.dept_code
        and c.place = o.place
    where c.psn_no <> o.psn_no
        and c.psn_no <> o.other_psn_no
        and near(o.begntime, c.begntime, $lookback)
        and (least(c.mdtrt_id, o.mdtrt_id), greatest(c.mdtrt_id, o.mdtrt_id)) in (select (mdtrt_id, other_mdtrt_id) from shared)
        and (least(c.mdtrt_id, o.other_mdtrt_id), greatest(c.mdtrt_id, o.other_mdtrt_id)) in (select (mdtrt_id, other_mdtrt_id) from shared)
        and least(o.until_time, c.until_time) > greatest(o.from_time, c.from_time) + $grace
    group by o.mdtrt_id, o.other_mdtrt_id
),
-- 两次住院合为一条
pairs as (
    select o.mdtrt_id, o.other_mdtrt_id, o.fixmedins_code, min(o.begntime) as begntime,
        min(o.dept_code) as dept_code, min(o.bed) as bed, min(o.psn_no) as psn_no,
        min({'at': o.from_time, 'day_only': o.from_day_only}) as first_from, max(o.from_time) as last_from,
        sum(nights(o.from_time, o.until_time) - o.away) as nights, sum(o.away)::integer as away,
        bool_or(o.open) as open,
        flatten(list(o.msgids order by o.from_time, o.msgids)) as msgids
    from shared o
    group by o.mdtrt_id, o.other_mdtrt_id, o.fixmedins_code
),
-- 两夜以上或三人以上从重；没有科室的，床位号可能各病区重复，至多轻度可疑
graded as (
    select p.mdtrt_id, p.other_mdtrt_id, p.open, p.last_from + to_days(p.away) as last_from,
        2 + coalesce(t.others, 0) as occupants,
        p.dept_code is not null and (p.nights >= $serious or 2 + coalesce(t.others, 0) >= $occupants) as serious,
        t.msgids as third_msgids
    from pairs p
    left join thirds t using (mdtrt_id, other_mdtrt_id)
),
-- 在院的重叠过了那一天才算数
verdicts as (
    select mdtrt_id, other_mdtrt_id, if(serious, 2, 3) as severity, null::timestamp as due_at
    from graded
    where not open
    union all
    select mdtrt_id, other_mdtrt_id, 3, last_from + $grace
    from graded
    where open
    union all
    select mdtrt_id, other_mdtrt_id, 2, greatest(last_from::date + to_days($serious::integer), last_from + $grace + interval 1 minute)
    from graded
    where open and serious
)
select p.mdtrt_id, p.other_mdtrt_id,
    concat_ws('|', p.fixmedins_code, coalesce(p.dept_code, '-'), p.bed) as bed_id,
    p.psn_no, p.fixmedins_code, d.severity, p.begntime as occurred_at, d.due_at,
    p.bed, coalesce(p.dept_code, '未填') as dept, p.first_from.at as from_time, p.first_from.day_only as from_time_is_date, p.nights, g.occupants,
    if(p.away > 0, '，已扣除医嘱表明其中一人在别处的' || p.away || '夜', '')
        || if(p.dept_code is null, '；未填科室，床位号可能各病区重复', '') as remark,
    [p.mdtrt_id, p.other_mdtrt_id] as mdtrt_ids,
    [visit_item(p.mdtrt_id), visit_item(p.other_mdtrt_id)] as items,
    list_concat(p.msgids, g.third_msgids) as evidence
from pairs p
join graded g using (mdtrt_id, other_mdtrt_id)
join verdicts d using (mdtrt_id, other_mdtrt_id)

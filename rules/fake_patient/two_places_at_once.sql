/*
code: FP-02
name: 同一人两地就诊
key: person
subject: [person, psn_no]
anchor: [mdtrt_id_1, mdtrt_id_2]
behaviour: encounter
severity: [2, 3]
status: live
version: 2
official: null
law: [条例15, 条例17, 条例40(一), 条例41款2]
basis: 本人到场的登记或认证，两处之间的时间短于路程所需；同城短时间内两处刷卡为敛卡套刷的常见表现。
case_cause: [20, 27, 31]
route: supervision
money: fund
lookback: 7 d
needs: [presence.seen_at, presence.mdtrt_id, presence.fixmedins_code]
may_use: [visit.begntime, visit.bed_until, institution.longitude, institution.latitude, institution.admdvs, institution.fixmedins_name, visit.emergency, visit.transfer_in, visit.dscg_way, referral, presence.online, presence.recog_rslt]
judges:
  from: presence where kind in ('2201', '2203', '2401', '9601')
  missing:
    就诊标识: mdtrt_id is null and kind <> '9601'
    到场时刻: seen_at is null or seen_at_is_date
params:
  window: {default: 24, min: 1, max: 24, unit: h, source: "工程默认值：只比较相隔一日以内的两次到场"}
  speed: {default: 120, min: 60, max: 1000, unit: km/h, source: "工程默认值：公路交通的上限"}
  far: {default: 50, min: 10, max: 500, unit: km, source: "工程默认值：五十公里以上才按速度判断"}
  province: {default: 2, min: 1, max: 12, unit: h, source: "工程默认值：两小时内跨省"}
  same_city: {default: 30, min: 5, max: 120, unit: min, source: "审计做法：同一凭证三十分钟内在两家机构使用"}
  same_address: {default: 1, min: 0, max: 5, unit: km, source: "工程默认值：一公里以内视为同址的院区、门诊部"}
exempt:
  pharmacy: 药店可由他人代购，不算本人到场。
  online: 线上就诊（互联网医院、移动端）不算本人到场。
  not_recognised: 人脸认证未通过或未完成的，不算到场。
  same_address: 同址的院区、门诊部之间，不计。
  referral: 两机构之间有转诊备案的，不计。
  transfer: 转院（离院方式 2、3）、转入的，不计。
  emergency: 急诊、急救转运的，只按速度判断。
sentence: 参保人于{first_time}在{first_place}{first_act}，又于{second_time}在{second_place}{second_act}，相隔{minutes}分钟{distance_text}。
*/
with
-- 本人到场：挂号、就诊、入院登记和通过的人脸认证
seen as (
    select psn_no, mdtrt_id, fixmedins_code, seen_at, msgid
    from judged
    where not coalesce(online, false) -- exempt: online
        and (kind <> '9601' or recog_rslt = '1') -- exempt: not_recognised
        and coalesce(recog_biz, '') <> '15' and fixmedins_code not like 'P%' -- exempt: pharmacy
),
-- 人脸认证常不带就诊标识：本人当日在该机构就诊或正在住院的，即为那次就诊的认证，取最近的一次
checked as (
    select s.msgid, min_by(v.mdtrt_id, (abs(date_diff('second', v.begntime, s.seen_at)), v.mdtrt_id)) as mdtrt_id
    from seen s
    join visit v on v.psn_no = s.psn_no and v.fixmedins_code = s.fixmedins_code
    where s.mdtrt_id is null
        and near(s.seen_at, v.begntime, $lookback)
        and (v.begntime::date = s.seen_at::date or v.inpatient and s.seen_at between v.begntime and v.bed_until)
    group by s.msgid
),
-- 每次到场属于哪次就诊；没有就诊的认证，以机构和日期为准
point as (
    select s.psn_no, coalesce(s.mdtrt_id, c.mdtrt_id) as mdtrt_id,
        coalesce(s.mdtrt_id, c.mdtrt_id, s.fixmedins_code || '/' || s.seen_at::date) as id,
        s.fixmedins_code, s.seen_at, s.msgid
    from seen s
    left join checked c on c.msgid = s.msgid
),
-- 当日与次日在另一家机构到场的，先后成对，至少一处有就诊
pair as (
    select a.psn_no, a.id as first_id, a.mdtrt_id as first_visit, a.fixmedins_code as first_code, a.seen_at as first_time, a.msgid as first_msgid,
        b.id as second_id, b.mdtrt_id as second_visit, b.fixmedins_code as second_code, b.seen_at as second_time, b.msgid as second_msgid,
        date_diff('second', a.seen_at, b.seen_at) as seconds
    from (select *, unnest([seen_at::date, seen_at::date + 1]) as day from point) a
    join (select *, seen_at::date as day from point) b using (psn_no, day)
    where a.fixmedins_code <> b.fixmedins_code
        and a.id <> b.id
        and (a.mdtrt_id is not null or b.mdtrt_id is not null)
        and (a.seen_at, a.id) < (b.seen_at, b.id)
        and b.seen_at <= a.seen_at + $window
),
-- 涉及的机构
institutions as (
    select first_code as fixmedins_code from pair
    union
    select second_code from pair
),
-- 机构的位置与省份；没有登记的，省份看机构编码
place as (
    select p.fixmedins_code,
        max(i.fixmedins_name) as name, max(i.msgid) as msgid,
        if(max(i.longitude) <> 0 and max(i.latitude) <> 0, radians(max(i.longitude)), null) as lon,
        if(max(i.longitude) <> 0 and max(i.latitude) <> 0, radians(max(i.latitude)), null) as lat,
        left(coalesce(max(i.admdvs), if(regexp_full_match(p.fixmedins_code, '[HP][0-9]{11}'), substr(p.fixmedins_code, 2, 6), null)), 2) as province
    from institutions p
    left join (
        select *, row_number() over (partition by fixmedins_code order by begndate desc nulls last, msgid) as n
        from institution
        semi join institutions using (fixmedins_code)
    ) i on i.fixmedins_code = p.fixmedins_code and i.n = 1
    group by p.fixmedins_code
),
-- 两处相距多少公里，是否跨省
located as (
    select p.*, a.name as first_name, b.name as second_name, coalesce(a.province <> b.province, false) as provinces_differ,
        round(12742 * asin(sqrt(pow(sin((b.lat - a.lat) / 2), 2) + cos(a.lat) * cos(b.lat) * pow(sin((b.lon - a.lon) / 2), 2))), 1)::decimal(9, 1) as km,
        [a.msgid, b.msgid] as place_msgids
    from pair p
    join place a on a.fixmedins_code = p.first_code
    join place b on b.fixmedins_code = p.second_code
),
-- 是否快于路程所需，是否短时间跨省；坐标已知而相距不远的，不以跨省论
measured as (
    select *,
        coalesce(km >= $far and km * 3600 > $speed * seconds, false) as too_fast,
        provinces_differ and seconds <= epoch($province) and coalesce(km >= $far, true) as across
    from located
),
-- 快于路程所需，或短时间跨省，或同城短时间内两处
impossible as (
    select m.*
    from measured m
    left join visit v on v.mdtrt_id = m.first_visit
    left join visit w on w.mdtrt_id = m.second_visit
    where (m.too_fast or m.across or m.seconds < epoch($same_city))
        and coalesce(m.km >= $same_address, true) -- exempt: same_address
        and not coalesce(v.dscg_way in ('2', '3') and near(m.first_time, v.dscg_time, $lookback) or w.transfer_in, false) -- exempt: transfer
        and (m.too_fast or not coalesce(v.emergency or w.emergency, false)) -- exempt: emergency
        and not exists (
            select 1 from referral r
            where r.psn_no = m.psn_no and near(m.first_time, r.refl_date::timestamp, $lookback)
                and (r.fixmedins_code = m.first_code and r.reflin_medins_no = m.second_code
                    or r.fixmedins_code = m.second_code and r.reflin_medins_no = m.first_code)) -- exempt: referral
),
-- 两次就诊之间取最重、相隔最短的一对
worst as (
    select least(first_id, second_id) as mdtrt_id_1, greatest(first_id, second_id) as mdtrt_id_2, psn_no,
        min(first_time) as occurred_at,
        min({'severity': if(too_fast or across, 2, 3), 'seconds': seconds, 'first_time': first_time, 'first_id': first_id,
            'second_time': second_time, 'second_id': second_id, 'km': km, 'across': across,
            'first_place': coalesce(first_name, first_code), 'second_place': coalesce(second_name, second_code),
            'first_code': first_code, 'second_code': second_code, 'first_visit': first_visit, 'second_visit': second_visit,
            'msgids': list_concat([first_msgid, second_msgid], place_msgids)}) as w
    from impossible
    group by least(first_id, second_id), greatest(first_id, second_id), psn_no
)
select mdtrt_id_1, mdtrt_id_2, psn_no, if(w.second_visit is null, w.first_code, w.second_code) as fixmedins_code, w.severity, occurred_at,
    if(w.first_visit is null, '通过人脸认证', '就诊') as first_act, if(w.second_visit is null, '通过人脸认证', '就诊') as second_act,
    w.first_time, w.second_time, w.first_place, w.second_place,
    w.seconds // 60 as minutes, w.km,
    concat(if(w.across, '，跨省', ''), '，相距' || w.km || '公里') as distance_text,
    [w.first_visit, w.second_visit] as mdtrt_ids,
    case
        when w.second_visit is null then [visit_item(w.first_visit)]
        when w.first_visit is null then [visit_item(w.second_visit)]
        else [involved_visit(w.first_visit), visit_item(w.second_visit)]
    end as items,
    w.msgids as evidence
from worst

/*
code: GB-01
name: 按日收费超过住院天数
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: item
severity: [1, 3]
status: live
version: 2
official: GZ10000201008000 计费日期与住院时间不符
law: [条例15, 条例38(三)]
basis: 床位、分级护理、诊查按日计价，每日至多一次；住院天数算入不算出，不足一日按一日。多出不超过一日的，可能是入院日与出院日均计费，列为轻度可疑。
case_cause: [11, 13]
route: supervision
money: fund
lookback: 120 d
needs: [visit.begntime, visit.dscg_time, fee_line.cnt, fee_line.fee_ocur_time, fee_line.med_list_codg]
may_use: [fee_line.med_chrgitm_type, settlement_list.lv1_nurscare_days, catalogue.name]
judges:
  from: visit where inpatient
  missing:
    入院登记(2401): begntime is null
    出院登记(2402): dscg_time is null
    住院超过追溯期: not near(begntime, dscg_time, $lookback)
    费用明细被拒收: incomplete
params:
  tolerance: {default: 1, min: 0, max: 3, unit: days, source: "工程默认值：多地入院日、出院日均计床位，多出一日以内不作明确违规"}
exempt:
  other_groups: 新生儿床位与护理、急诊观察床、陪护床等不属本人病房床位的按日收费，不并入床位费；地方自编编码按目录名称认。
  separate_wards: 监护病房与普通病房床位分别计数，转科当日各计一日不算超收。
  batch_posted: 一行明细计多日的为集中记账，只比总数，不逐日核对。
  late_posted: 当日多计的床日不超过此前漏记的天数时，视为补记。
sentence: 患者于{begntime}入院、{dscg_time}出院，住院{stay_nights}天，{finding}。
*/
with
-- 目录名称表明不是本人病房床位的地方编码：陪护床、包床、婴儿床、观察床，以及取暖降温
other_name as (
    select med_list_codg, valid_from, valid_until
    from catalogue
    where regexp_matches(name, '陪[护伴床客人]|包床|包房|婴|新生儿|观察床|留观|取暖|暖气|采暖|空调|降温')
),
-- 按日收费的明细：国家编码按知识库分组；地方自编的床位费编码归入病房床位费，但不作明确违规的依据
charged as (
    select v.mdtrt_id, v.begntime, l.feedetl_sn, l.med_list_codg, l.fee_ocur_time::date as day, l.cnt,
        k.charge_group, true as listed
    from judged v
    join fee_line l using (mdtrt_id)
    join knowledge.per_day_charge k on k.item_code = left(l.med_list_codg, 15)
        and l.fee_ocur_time::date between k.effective_from and k.effective_to
    where near(v.begntime, l.fee_ocur_time, $lookback)
        and l.cnt > 0
        and k.charge_group in ('ward_bed', 'icu_bed', 'nursing_level', 'consultation') -- exempt: other_groups
    union all
    select v.mdtrt_id, v.begntime, l.feedetl_sn, l.med_list_codg, l.fee_ocur_time::date, l.cnt,
        'ward_bed', false
    from judged v
    join fee_line l using (mdtrt_id)
    anti join knowledge.per_day_charge k on k.item_code = left(l.med_list_codg, 15)
        and l.fee_ocur_time::date between k.effective_from and k.effective_to
    where near(v.begntime, l.fee_ocur_time, $lookback)
        and l.cnt > 0
        and l.med_chrgitm_type = '01'
        and not regexp_matches(coalesce(l.med_list_codg, ''), '^00[0-9]{13}')
        and not exists (
            select 1 from other_name c
            where c.med_list_codg = l.med_list_codg and l.fee_ocur_time >= c.valid_from and l.fee_ocur_time < c.valid_until) -- exempt: other_groups
),
-- 每次住院每项每日的单位数
daily as (
    select mdtrt_id, charge_group, med_list_codg, day, min(begntime)::date as adm_day,
        sum(cnt) as units, max(cnt) as largest, bool_and(listed) as listed
    from charged
    group by mdtrt_id, charge_group, med_list_codg, day
),
-- 每次住院每组的总数；监护病房与普通病房各自成组
totals as (
    select mdtrt_id, charge_group,
        sum(units) as units,
        coalesce(sum(units) filter (where listed), 0) as listed_units
    from daily
    group by mdtrt_id, charge_group -- exempt: separate_wards
),
-- 逐日记账而有一日多计的项目
busy as (
    select mdtrt_id, med_list_codg
    from daily
    group by mdtrt_id, med_list_codg
    having max(units) > 1
        and max(largest) <= 1 -- exempt: batch_posted
),
-- 这些项目逐日累计
running as (
    select d.mdtrt_id, d.charge_group, d.day, d.adm_day, d.units,
        sum(d.units) over (partition by d.mdtrt_id, d.med_list_codg order by d.day) as so_far
    from daily d
    join busy using (mdtrt_id, med_list_codg)
),
-- 某日累计的床日数已超过从入院日算起的天数：不可能是补记
doubled as (
    select mdtrt_id, charge_group, min(day) as day, max(so_far - (date_diff('day', adm_day, day) + 1)) as excess
    from running
    where units > 1
        and so_far > date_diff('day', adm_day, day) + 1 -- exempt: late_posted
    group by mdtrt_id, charge_group
),
-- 结算清单所报各级护理天数；中途结算的各张清单有按累计报的，取最大一张；清单是申报数而非收费，只作轻度可疑
listed_nursing as (
    select s.mdtrt_id, list(s.msgid order by s.msgid) as msgids,
        list(involved_settlement(s.mdtrt_id, s.setl_id) order by s.setl_id) as items,
        max(coalesce(s.spga_nurscare_days, 0) + coalesce(s.lv1_nurscare_days, 0)
            + coalesce(s.scd_nurscare_days, 0) + coalesce(s.lv3_nurscare_days, 0)) as units
    from judged v
    join settlement_list s using (mdtrt_id)
    where near(v.begntime, s.upload_time, $lookback)
    group by s.mdtrt_id
),
-- 各组的超出：总数超过住院天数，或逐日核对多计
findings as (
    select v.mdtrt_id, t.charge_group, t.units, d.day as doubled_day,
        greatest(nights(v.begntime, v.dscg_time), 1) as allowed,
        greatest(t.units - greatest(nights(v.begntime, v.dscg_time), 1), coalesce(d.excess, 0)) as excess,
        t.listed_units - greatest(nights(v.begntime, v.dscg_time), 1) as listed_excess,
        null::varchar[] as msgids
    from judged v
    join totals t using (mdtrt_id)
    left join doubled d using (mdtrt_id, charge_group)
    union all
    select v.mdtrt_id, 'listed_nursing', n.units, null, greatest(nights(v.begntime, v.dscg_time), 1),
        n.units - greatest(nights(v.begntime, v.dscg_time), 1), 0, n.msgids
    from judged v
    join listed_nursing n using (mdtrt_id)
),
-- 有超出的住院：逐组写明
exceeding as (
    select f.mdtrt_id, min(f.allowed) as stay_nights,
        if(max(f.listed_excess) > $tolerance, 1, 3) as severity,
        flatten(list(coalesce(f.msgids, []::varchar[]) order by f.charge_group, f.msgids)) as list_msgids,
        list(f.charge_group order by f.charge_group) as groups,
        string_agg(
            case f.charge_group when 'ward_bed' then '病房床位费' when 'icu_bed' then '监护病房床位费'
                when 'nursing_level' then '分级护理费' when 'consultation' then '住院诊查费'
                else '结算清单所报各级护理' end
            || if(f.units > f.allowed,
                printf('计%g日，超出%g日', f.units::double, f.excess::double),
                printf('于%s重复计费，多计%g日', f.doubled_day::varchar, f.excess::double)),
            '；' order by f.charge_group, f.mdtrt_id) as finding
    from findings f
    where f.excess > 0
    group by f.mdtrt_id
),
-- 超收各组的明细，按超出的比例分摊
lines as (
    select c.mdtrt_id,
        list(line_part(c.mdtrt_id, c.feedetl_sn, least(f.excess / f.units, 1)) order by c.feedetl_sn) as items,
        list(l.msgid order by l.feedetl_sn) as msgids,
        flatten(list(coalesce(l.refund_msgids, []::varchar[]) order by l.feedetl_sn)) as refund_msgids
    from findings f
    join charged c using (mdtrt_id, charge_group)
    join fee_line l using (mdtrt_id, feedetl_sn)
    where f.excess > 0
    group by c.mdtrt_id
)
select e.mdtrt_id, v.psn_no, v.fixmedins_code, e.severity, v.begntime as occurred_at,
    v.begntime, v.begntime_is_date, v.dscg_time, v.dscg_time_is_date, e.stay_nights, e.finding,
    list_concat(n.items, if(list_contains(e.groups, 'listed_nursing'), g.items, null)) as items,
    list_concat([v.adm_msgid, v.dscg_msgid], e.list_msgids, n.msgids, n.refund_msgids) as evidence
from exceeding e
join judged v using (mdtrt_id)
left join lines n using (mdtrt_id)
left join listed_nursing g using (mdtrt_id)

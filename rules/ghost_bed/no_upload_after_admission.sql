/*
code: GB-08
name: 入院后长时间无费用上传
key: institution
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: encounter
severity: [2, 3]
status: live
version: 2
official: GZ10000201007000 就诊数据非实时上传监管
law: [条例16, 条例39(三)]
basis: 多地服务协议以入院登记后四十八小时内无住院数据上传为挂床住院的情形之一；登记报文晚到数小时以上的（如夜间急诊入院次日补登记），自登记到达平台起算。
case_cause: [5, 11]
route: supervision
money: fund
lookback: 120 d
needs: [visit.begntime, fee_line_all.upload_time, quiet_spell]
may_use: [settlement, visit.adm_upload_time]
reads_all: true
judges:
  from: visit where inpatient
  missing:
    入院登记(2401): begntime is null
    登记晚于追溯期: not near(begntime, adm_upload_time, $lookback)
params:
  limit: {default: 48, min: 24, max: 168, unit: h, source: "定点医疗机构服务协议：入院登记后48小时内无住院数据上传"}
  late: {default: 6, min: 1, max: 12, unit: h, source: "工程默认值：登记晚到一个班次以内的，期限仍余四十二小时，不展期；夜间入院、次日上班补登记的多在六小时以上"}
exempt:
  registered_late: 入院登记报文在入院六小时以后才到平台的，期限自到达时起算；登记以前无从上传明细。
  outage: 自入院或自本次登记起的期限内，该院没有向平台发送任何报文的，视为接口中断。
  left_without_care: 入院当日出院、没有过夜且自始没有费用的，没有可传的明细。
  home_bed: 家庭病床（med_type 71）按巡诊上传，不适用。
  newborn: 新生儿费用可记在母亲名下，不适用。
sentence: 患者于{begntime}登记入院{registered_text}，{limit_hours}小时内没有上传任何费用明细{finding}。
*/
with
-- 期限自入院起算；登记报文晚到六小时以上的，自其到达平台起算
admitted as (
    select mdtrt_id, psn_no, fixmedins_code, begntime, dscg_time, adm_msgid, med_type, newborn,
        if(adm_upload_time > begntime + $late, adm_upload_time, begntime) as counted_from, -- exempt: registered_late
        greatest(begntime, coalesce(adm_upload_time, begntime)) as registered
    from judged
),
-- 期限内没有上传过明细的住院；已撤销的明细也算上传过
silent as (
    select v.mdtrt_id, v.psn_no, v.fixmedins_code, v.begntime, v.counted_from, v.registered, v.dscg_time, v.adm_msgid
    from admitted v
    where coalesce(v.med_type, '') not like '71%' -- exempt: home_bed
        and not v.newborn -- exempt: newborn
        and not exists (
            select 1 from fee_line_all l
            where l.mdtrt_id = v.mdtrt_id
                and l.upload_time between v.begntime - $lookback and v.counted_from + $limit)
),
-- 期限以后才上传的明细
later as (
    select l.mdtrt_id,
        min(l.upload_time) as first_upload,
        count(*) filter (where l.fee_ocur_time <= s.counted_from + $limit) as back_filled,
        list(l.msgid order by l.upload_time, l.msgid) as msgids
    from silent s
    join fee_line_all l using (mdtrt_id)
    where near(s.begntime, l.upload_time, $lookback)
    group by l.mdtrt_id
),
-- 本次住院的结算
paid as (
    select t.mdtrt_id, list(t.msgid order by t.setl_id) as msgids
    from silent s
    join settlement t using (mdtrt_id)
    where near(s.begntime, t.setl_time, $lookback)
    group by t.mdtrt_id
)
select s.mdtrt_id, s.psn_no, s.fixmedins_code,
    if(p.mdtrt_id is not null and coalesce(l.back_filled, 0) > 0, 2, 3) as severity,
    s.begntime as occurred_at,
    s.counted_from + $limit as due_at,
    s.begntime,
    if(s.counted_from > s.begntime, '（登记报文' || strftime(s.counted_from, '%Y-%m-%d %H:%M') || '才到平台，自此起算）', '') as registered_text,
    date_diff('hour', s.begntime, s.begntime + $limit) as limit_hours,
    case
        when l.mdtrt_id is null then ''
        when p.mdtrt_id is not null and l.back_filled > 0
            then '，至' || strftime(l.first_upload, '%Y-%m-%d %H:%M') || '才开始上传，补传期限内费用' || l.back_filled || '项后结算'
        else '，至' || strftime(l.first_upload, '%Y-%m-%d %H:%M') || '才开始上传'
    end as finding,
    if(p.mdtrt_id is null, [involved_visit(s.mdtrt_id)], [visit_item(s.mdtrt_id)]) as items,
    list_concat([s.adm_msgid], l.msgids, p.msgids) as evidence
from silent s
left join later l using (mdtrt_id)
left join paid p using (mdtrt_id)
where not exists (
        select 1 from quiet_spell q
        where q.fixmedins_code = s.fixmedins_code
            and (q.from_time <= s.registered and coalesce(q.until_time > s.counted_from + $limit, true)
                or q.from_time <= s.begntime and coalesce(q.until_time > s.begntime + $limit, true))) -- exempt: outage
    and not (l.mdtrt_id is null and p.mdtrt_id is null and coalesce(nights(s.begntime, s.dscg_time) = 0, false)) -- exempt: left_without_care

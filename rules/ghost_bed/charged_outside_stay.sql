/*
code: GB-07
name: 住院时间以外计费
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: item
severity: [1, 3]
status: live
version: 2
official: GZ10000201008000 计费日期与住院时间不符
law: [条例15, 条例38(一)]
basis: 出院后仍收床位、诊察、护理费的，人已不在院；其他项目的计费时间可能是记账时间，列为轻度可疑。
case_cause: 11
route: supervision
money: fund
lookback: 120 d
needs: [visit.begntime, visit.dscg_time, fee_line.fee_ocur_time, fee_line.med_chrgitm_type]
judges:
  from: visit where inpatient
  missing:
    入院登记(2401): begntime is null
    出院登记(2402): dscg_time is null
    住院超过追溯期: not near(begntime, dscg_time, $lookback)
params:
  grace: {default: 24, min: 0, max: 72, unit: h, source: "工程默认值：急诊、预住院与出院当日记账的余地"}
  rescue: {default: 72, min: 24, max: 168, unit: h, source: "工程默认值：急诊入院的，入院前急诊抢救费用可并入住院"}
  pre_admission: {default: 7, min: 1, max: 30, unit: d, source: "工程默认值：院前检查并入住院的常见期限"}
exempt:
  discharge_drugs: 出院带药（dscg_tkdrug_flag=1 的药品）不计；床位、护理等服务带此标志的不算带药。
  pre_admission_tests: 入院前七日内的检查、化验按院前检查政策可并入住院，不计。
  emergency: 急诊入院的，入院前七十二小时内的急诊费用可并入住院，不计。
sentence: 患者于{begntime}入院、{dscg_time}出院，{finding}，共{gross}元。
*/
with
-- 出院时间加宽限以后、入院时间减宽限以前的明细；只有日期的，入院前按当日末了算
outside as (
    select l.mdtrt_id, l.feedetl_sn, l.fee_ocur_time, l.fee_ocur_time_is_date, l.det_item_fee_sumamt, l.msgid, l.refund_msgids,
        l.fee_ocur_time > v.dscg_time as after_discharge,
        l.med_chrgitm_type
    from judged v
    join fee_line l using (mdtrt_id)
    where near(v.begntime, l.fee_ocur_time, $lookback)
        and coalesce(l.cnt, 1) > 0
        and (l.fee_ocur_time > v.dscg_time + $grace
            or l.fee_ocur_time + if(l.fee_ocur_time_is_date, interval 1 day, interval 0 day) < v.begntime - $grace)
        and not (l.fee_ocur_time > v.dscg_time and coalesce(l.dscg_tkdrug_flag, '0') = '1'
            and coalesce(l.med_chrgitm_type, '09') in ('09', '10', '11')) -- exempt: discharge_drugs
        and not (l.fee_ocur_time between v.begntime::date - $pre_admission and v.begntime and coalesce(l.med_chrgitm_type, '') in ('03', '04')) -- exempt: pre_admission_tests
        and not (l.fee_ocur_time between v.begntime - $rescue and v.begntime and coalesce(v.emergency, false)) -- exempt: emergency
),
-- 每次住院合为一条：出院后收床位、诊察、护理费的为明确违规，其余轻度可疑
stays as (
    select mdtrt_id,
        if(bool_or(after_discharge and coalesce(med_chrgitm_type, '') in ('01', '02', '07')), 1, 3) as severity,
        count(*) filter (where after_discharge) as lines_after,
        count(*) filter (where not after_discharge) as lines_before,
        max({'at': fee_ocur_time, 'is_date': fee_ocur_time_is_date}) filter (where after_discharge) as last_line,
        min({'at': fee_ocur_time, 'is_date': fee_ocur_time_is_date}) filter (where not after_discharge) as first_line,
        sum(det_item_fee_sumamt) as gross,
        list(line_item(mdtrt_id, feedetl_sn) order by feedetl_sn) as items,
        list(msgid order by feedetl_sn) as msgids,
        flatten(list(coalesce(refund_msgids, []::varchar[]) order by feedetl_sn)) as refund_msgids
    from outside
    group by mdtrt_id
)
select s.mdtrt_id, v.psn_no, v.fixmedins_code, s.severity, v.begntime as occurred_at,
    v.begntime, v.begntime_is_date, v.dscg_time, v.dscg_time_is_date, s.lines_after, s.lines_before, s.gross,
    concat_ws('；',
        if(s.lines_after > 0, '出院后仍计费' || s.lines_after || '项，最晚一项在' || day_or_minute(s.last_line.at, s.last_line.is_date), null),
        if(s.lines_before > 0, '入院前已计费' || s.lines_before || '项，最早一项在' || day_or_minute(s.first_line.at, s.first_line.is_date), null)) as finding,
    s.items,
    list_concat([v.adm_msgid, v.dscg_msgid], s.msgids, s.refund_msgids) as evidence
from stays s
join judged v using (mdtrt_id)

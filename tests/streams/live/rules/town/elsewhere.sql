/*
code: TL-04
name: 住院期间他院门诊
key: person
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: encounter
severity: [2]
status: live
version: 1
official: null
law: [条例38(一)]
case_cause: 11
route: supervision
money: fund
lookback: 20 d
needs: [visit.begntime, settlement.setl_id]
may_use: [visit.dscg_time]
judges:
  from: visit where inpatient
sentence: "住院期间在他院门诊{hits}次。"
*/
with stay as (
    select mdtrt_id, psn_no, fixmedins_code, begntime, adm_msgid,
        coalesce(discharge_seen(begntime, dscg_time, $lookback), begntime + $lookback) as until_time,
        if(near(begntime, dscg_time, $lookback), dscg_msgid, null) as dscg_msgid
    from judged
)
select y.mdtrt_id, y.psn_no, y.fixmedins_code, 2 as severity, y.begntime as occurred_at, count(*) as hits,
    list(settlement_item(s.mdtrt_id, s.setl_id) order by s.setl_id) as items,
    list_filter([y.adm_msgid, y.dscg_msgid], lambda m: m is not null)
        || flatten(list([w.adm_msgid, s.msgid] order by s.setl_id)) as evidence
from stay y
join visit w on w.psn_no = y.psn_no and w.fixmedins_code <> y.fixmedins_code and not w.inpatient
    and w.begntime > y.begntime and w.begntime < y.until_time
join settlement s on s.mdtrt_id = w.mdtrt_id and near(y.begntime, s.setl_time, $lookback)
group by y.mdtrt_id, y.psn_no, y.fixmedins_code, y.begntime, y.adm_msgid, y.dscg_msgid

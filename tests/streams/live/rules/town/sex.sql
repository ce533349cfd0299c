/*
code: TL-05
name: 性别不符
key: person
subject: [visit, mdtrt_id]
anchor: [mdtrt_id]
behaviour: encounter
severity: [1]
status: live
version: 1
official: null
law: [条例38(一)]
case_cause: 11
route: supervision
money: fund
lookback: 10 d
needs: [visit.begntime, insured.gend]
may_use: [diagnosis.diag_code, insured.insuplc_admdvs]
judges:
  from: visit where not inpatient
sentence: "男性{place}诊断为妊娠。"
*/
select v.mdtrt_id, v.psn_no, v.fixmedins_code, 1 as severity, v.begntime as occurred_at,
    max(coalesce(i.insuplc_admdvs, '')) as place, [visit_item(v.mdtrt_id)] as items,
    list_sort(list_distinct([v.adm_msgid] || list(d.msgid order by d.msgid) || list(i.msgid order by i.msgid))) as evidence
from judged v
join diagnosis d on d.mdtrt_id = v.mdtrt_id and starts_with(d.diag_code, 'O')
join insured i on i.psn_no = v.psn_no
group by v.mdtrt_id, v.psn_no, v.fixmedins_code, v.begntime, v.adm_msgid
having bool_and(i.gend = '1')

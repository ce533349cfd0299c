/*
code: TL-02
name: 死亡后结算
key: person
subject: [person, psn_no]
anchor: [setl_id]
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
needs: [death.die_date, settlement.setl_time]
judges:
  from: settlement
sentence: "死亡后结算，共{gross}元。"
*/
select s.setl_id, s.mdtrt_id, s.psn_no, s.fixmedins_code, 1 as severity, s.setl_time as occurred_at, s.medfee_sumamt as gross,
    [settlement_item(s.mdtrt_id, s.setl_id)] as items,
    [s.msgid] || list(d.msgid order by d.msgid) as evidence
from judged s
join death d on d.psn_no = s.psn_no and d.source <> 'discharge' and s.setl_time > d.die_date + interval 1 day
group by s.setl_id, s.mdtrt_id, s.psn_no, s.fixmedins_code, s.setl_time, s.medfee_sumamt, s.msgid

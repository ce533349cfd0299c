/*
code: TL-07
name: 两地同时刷脸
key: person
subject: [person, psn_no]
anchor: [psn_no, day]
behaviour: encounter
severity: [2]
status: live
version: 1
official: null
law: [条例38(一)]
case_cause: 11
route: supervision
money: fund
lookback: 2 d
needs: [presence.seen_at]
judges:
  from: presence
sentence: "一小时内在{places}处刷脸。"
*/
select a.psn_no, a.seen_at::date as day, min(a.fixmedins_code) as fixmedins_code, 2 as severity, min(a.seen_at) as occurred_at,
    count(distinct b.fixmedins_code) + 1 as places,
    list_sort(list_distinct(list(a.msgid order by a.msgid) || list(b.msgid order by b.msgid))) as evidence
from judged a
join presence b on b.psn_no = a.psn_no and b.fixmedins_code <> a.fixmedins_code and b.kind in ('9601', '9604')
    and b.seen_at between a.seen_at and a.seen_at + interval 1 hour
where a.kind in ('9601', '9604')
group by a.psn_no, a.seen_at::date

/*
unit: kin
key: [psn_no, member_psn_no]
needs: [visit.psn_no]
may_use: [family]
columns:
  psn_no: {meaning: 参保人, unit: code, role: key}
  member_psn_no: {meaning: 其亲属，或与其有同一亲属的人（同一户）, unit: code, role: key}
*/
with
stated as (
    select psn_no, member_psn_no from family
    union
    select member_psn_no, psn_no from family
),
-- 隔一人的也是一户：兄弟姐妹、祖孙、公婆与儿媳
near_kin as (
    select psn_no, member_psn_no from stated
    union
    select a.psn_no, b.member_psn_no from stated a join stated b on b.psn_no = a.member_psn_no
),
seen as (
    select distinct psn_no from visit
)
select k.psn_no, k.member_psn_no
from near_kin k
join seen a on a.psn_no = k.psn_no
join seen b on b.psn_no = k.member_psn_no
where k.psn_no < k.member_psn_no

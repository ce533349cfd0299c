/*
code: FR-04
name: 药品追溯码重复销售
key: trace_code
subject: [trace_code, drug_trac_codg]
anchor: [drug_trac_codg]
behaviour: item
severity: [1, 2, 3]
status: live
version: 2
official: GZ10000202001000 药品进销存异常
law: [条例20, 条例38(四), 细则9, 追溯码采集]
basis: 一盒药品的追溯码只应被销售扫码一次，扫码两次以上的为回流、串换或假药线索。
case_cause: [14, 15, 24]
route: supervision
money: fund
lookback: none
needs: [trace_scan.drug_trac_codg, trace_scan.scanned_at]
may_use: [trace_scan.trac_codg_pac_hery, trace_scan.trdn_flag, trace_scan.rtal_docno, trace_scan.mdtrt_id, settlement.mdtrt_id]
judges:
  from: trace_scan where move = 'sale'
  missing:
    拆零销售缺少包装规格: trdn_flag = '1'
    销售时间: scanned_at is null
params:
  gang: {default: 3, min: 3, max: 20, unit: count, source: "工程默认值：同一盒药品三次以上销售不能以误扫解释"}
  most_sales: {default: 200, min: 20, max: 10000, unit: count, source: "工程默认值：一个码被更多次销售使用的，是占位码或虚拟码"}
exempt:
  same_sale: 一次销售由药店结算（2102）和商品销售（3505A）各报一次（凭结算号，没有结算号的凭就诊标识对上），或同一结算内重复扫码的，是同一次销售。
  returned: 已办理销售退货（3506A）的销售不计；结算已撤销、冲正的，为它上报的商品销售（3505A）一并不计；商品销售所报的结算从未收到的，仍是一次销售。
  no_code: 无追溯码药品的占位码、3592B虚拟追溯码不是一盒一码。
  default_value: 同一码销售超过二百次的，是占位码或虚拟码。
  outer_pack: 中包装、大包装的追溯码对应多盒药品，可以多次销售。
sentence: 药品追溯码{drug_trac_codg}被销售{sales}次（机构{institutions}家，参保人{persons}名），首次{first_time}，最近{last_time}，{finding}。
*/
with
-- 每次扫码属于哪次销售：医保结算以结算号为准，自费以机构的零售单据号为准
scans as (
    select drug_trac_codg, fixmedins_code, scanned_at, msgid,
        coalesce(setl_id, fixmedins_code || '/' || rtal_docno, msgid) as sale
    from judged
),
-- 出现在一次以上销售中的追溯码
repeated as (
    select drug_trac_codg
    from scans
    group by drug_trac_codg
    having min(sale) <> max(sale) -- exempt: same_sale
),
-- 这些追溯码的全部扫码
scanned as (
    select t.drug_trac_codg, t.move, t.kind, t.fixmedins_code, t.trdn_flag, t.trac_codg_pac_hery, t.cnt, t.scanned_at,
        t.setl_id, t.mdtrt_id, t.feedetl_sn, t.psn_no, t.rtal_docno, t.msgid
    from trace_scan t
    semi join repeated r on r.drug_trac_codg = t.drug_trac_codg
),
-- 没有结算号的商品销售，就诊流水号是本机构一次结算的就诊标识的，就是那次结算；否则为自费，流水号由机构自编
settled as (
    select s.mdtrt_id, s.fixmedins_code, min(s.setl_id) as setl_id
    from settlement s
    semi join (select mdtrt_id from scanned where setl_id is null) t on t.mdtrt_id = s.mdtrt_id
    group by s.mdtrt_id, s.fixmedins_code
),
-- 对上结算以后的扫码；对不上的不写就诊标识
touched as (
    select t.* replace (coalesce(t.setl_id, s.setl_id) as setl_id, if(t.setl_id is null, s.mdtrt_id, t.mdtrt_id) as mdtrt_id)
    from scanned t
    left join settled s on t.setl_id is null and s.mdtrt_id = t.mdtrt_id and s.fixmedins_code = t.fixmedins_code
),
-- 其中曾按中包装、大包装上传的追溯码
outer_packs as (
    select distinct drug_trac_codg
    from touched
    where trac_codg_pac_hery in ('2', '3')
),
-- 这些追溯码的销售和退货，一次销售合为一条
moves as (
    select t.drug_trac_codg, t.move, min(t.fixmedins_code) as fixmedins_code,
        coalesce(t.setl_id, t.fixmedins_code || '/' || t.rtal_docno, t.msgid) as sale,
        min(t.scanned_at) as moved_at, max(t.psn_no) as psn_no,
        max(t.setl_id) as setl_id, max(t.mdtrt_id) as mdtrt_id,
        min({'sn': t.feedetl_sn, 'cnt': t.cnt}) filter (where t.kind = '2102') as line,
        list(t.msgid order by t.msgid) as msgids
    from touched t
    anti join outer_packs o on o.drug_trac_codg = t.drug_trac_codg -- exempt: outer_pack
    anti join knowledge.placeholder_trace_code p on starts_with(upper(t.drug_trac_codg), p.prefix) and (not p.whole or upper(t.drug_trac_codg) = p.prefix) -- exempt: no_code
    where regexp_matches(t.drug_trac_codg, '[^0 ]') -- exempt: no_code
        and t.move in ('sale', 'sale_return')
        and (t.move = 'sale_return' or coalesce(t.trdn_flag, '0') <> '1')
        and t.scanned_at is not null
    group by t.drug_trac_codg, t.move, sale
),
-- 同一机构内紧接在每次销售之后的是否退货
followed as (
    select *, lead(move) over (partition by drug_trac_codg, fixmedins_code order by moved_at, move, sale) as next_move
    from moves
),
-- 未退货的销售
standing as (
    select *
    from followed
    where move = 'sale'
        and next_move is distinct from 'sale_return' -- exempt: returned
),
-- 两次以上未退货销售的追溯码
codes as (
    select drug_trac_codg,
        count(distinct sale) as sales,
        count(distinct fixmedins_code) as institutions,
        count(distinct psn_no) as persons,
        count(distinct moved_at::date) as days,
        min(moved_at) as first_time, max(moved_at) as last_time,
        min_by(sale, (moved_at, sale)) as first_sale,
        max_by(psn_no, (moved_at, sale, psn_no)) as psn_no,
        max_by(fixmedins_code, (moved_at, sale, fixmedins_code)) as fixmedins_code,
        flatten(list(msgids order by moved_at, sale, msgids)) as evidence
    from standing
    group by drug_trac_codg
    having count(distinct sale) > 1
        and count(distinct sale) <= $most_sales -- exempt: default_value
),
-- 首次销售以后的各次按一盒计入有问题的明细；自费销售只列出，不计金额
sold as (
    select s.drug_trac_codg,
        list(case
            when s.setl_id is null then involved_sale(s.sale)
            when s.sale = c.first_sale then involved_settlement(s.mdtrt_id, s.setl_id)
            when s.line.sn is not null then line_part(s.mdtrt_id, s.line.sn, least(1 / greatest(s.line.cnt, 1), 1))
            else involved_settlement(s.mdtrt_id, s.setl_id) end order by s.moved_at, s.sale, s.mdtrt_id, s.line) as items
    from standing s
    join codes c using (drug_trac_codg)
    group by s.drug_trac_codg
)
select c.drug_trac_codg, c.psn_no, c.fixmedins_code,
    case when c.institutions = 1 and c.days = 1 then 3
        when c.institutions > 1 or c.sales >= $gang then 1
        else 2 end as severity,
    c.first_time as occurred_at,
    c.sales, c.institutions, c.persons, c.first_time, c.last_time,
    case when c.institutions = 1 and c.days = 1 then '均在同一机构同一天，请核对是否误扫'
        when c.institutions > 1 then '在不同机构重复销售，一盒药品不可能两处售出'
        when c.sales >= $gang then '多次重复销售，不能以误扫解释'
        else '隔日再次销售且没有退货记录' end as finding,
    s.items,
    c.evidence
from codes c
join sold s using (drug_trac_codg)

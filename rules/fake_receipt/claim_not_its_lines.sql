/*
code: FR-02
name: 结算总额与费用明细不符
key: visit
subject: [visit, mdtrt_id]
anchor: [mdtrt_id, setl_id]
behaviour: encounter
severity: [1, 2]
status: live
version: 2
official: GZ10000201002000 结算明细信息异常
law: [条例16, 条例20, 条例40(二)]
basis: 申报总额高出明细一成以上的，疑为虚增费用，须查原始单据，列为高度可疑；其余只说明两份上传数据不一致，数据差错本身属实，列为明确的数据问题，不据此认定虚开。
case_cause: [5, 22, 23]
route: supervision
money: fund
lookback: 120 d
needs: [settlement.medfee_sumamt, fee_line.det_item_fee_sumamt, fee_line.setl_id]
may_use: [visit.begntime, visit.dscg_time, visit.incomplete, settlement.mid_setl_flag]
judges:
  from: >-
    settlement
    left join (select mdtrt_id as stay, begntime as admitted, dscg_time from visit where inpatient) on stay = mdtrt_id
    left join (
      select hash(setl_id) as lines_of, sum(det_item_fee_sumamt) as charged, min(fee_ocur_time) as first_line, max(fee_ocur_time) as last_line
      from fee_line where setl_id is not null group by hash(setl_id)
    ) on lines_of = hash(setl_id)
  missing:
    出院登记(2402)或最终结算: stay is not null and discharge_seen(admitted, dscg_time, $lookback) is null and mid_setl_flag = '1'
    入院登记(2401): stay is not null and admitted is null
    费用明细被拒收: mdtrt_id in (select mdtrt_id from visit where incomplete)
    住院超过可比对的期限: not near(admitted, setl_time, $lookback)
    费用明细: lines_of is null and (stay is null or mdtrt_id not in (select mdtrt_id from fee_line where setl_id is null))
params:
  wait: {default: 72, min: 0, max: 240, unit: h, source: "工程默认值：最后一次结算后等待明细传齐的时间"}
  cents: {default: 0.05, min: 0, max: 1, unit: CNY, source: "工程默认值：逐行四舍五入的余地"}
  share: {default: 0.0001, min: 0, max: 0.01, unit: ratio, source: "工程默认值：差额占申报总额万分之一以内不计"}
  overclaim: {default: 0.1, min: 0.02, max: 1, unit: ratio, source: "工程默认值：申报总额高出明细一成以上为高度可疑"}
exempt:
  rounding: 差额在五分以内，或在申报总额万分之一以内的不计。
  mid_way: 中途结算的住院，待最终结算后以全部结算之和比对全部明细；出院后仍只有中途结算的，或未见出院登记的，余下的明细可能尚待结算，只计多申报。
  not_settled_yet: 门诊、药店只比对已结算的明细，未结算的明细不计。
sentence: "{when_text}{settlements}次结算申报费用{claimed}元，有效明细{lines}项合计{charged}元，{finding}。"
*/
with
-- 先粗比：门诊、药店的申报额与其明细分文不差、时间相近的，不必细看；住院一律细看
rough as (
    select distinct mdtrt_id, if(stay is null, setl_id, null) as setl_id
    from judged
    where stay is not null
        or charged <> medfee_sumamt
        or first_line < setl_time - $lookback
        or last_line > setl_time + $lookback
),
-- 申报总额：住院为全部有效结算之和，门诊、药店逐次结算；最后一次结算后等明细传齐，只有中途结算的从出院起等
claims as (
    select r.mdtrt_id, r.setl_id,
        if(r.setl_id is null, v.begntime, max(s.setl_time)) as occurred_at,
        if(r.setl_id is null, discharge_seen(v.begntime, v.dscg_time, $lookback), null) as discharged_at,
        r.setl_id is null and (discharged_at is null or bool_and(coalesce(s.mid_setl_flag = '1', false))) as more_to_settle,
        greatest(max(greatest(s.setl_time, s.inf_time)), if(more_to_settle, discharged_at, null)) + $wait as due_at,
        sum(s.medfee_sumamt) as claimed,
        count(*) as settlements
    from rough r
    join visit v on v.mdtrt_id = r.mdtrt_id
    join settlement s on s.mdtrt_id = r.mdtrt_id and (r.setl_id is null or s.setl_id = r.setl_id)
    where near(if(r.setl_id is null, v.begntime, s.setl_time), s.setl_time, $lookback)
    group by r.mdtrt_id, r.setl_id, v.begntime, v.dscg_time
),
-- 每份申报的有效明细之和，退费已冲减；住院取全部明细，门诊、药店只取该次结算的明细
charges as (
    select c.mdtrt_id, c.setl_id, sum(l.det_item_fee_sumamt) as charged, count(*) as lines
    from claims c
    join fee_line l on l.mdtrt_id = c.mdtrt_id
    where near(c.occurred_at, l.fee_ocur_time, $lookback)
        and (c.setl_id is null or l.setl_id = c.setl_id) -- exempt: not_settled_yet
    group by c.mdtrt_id, c.setl_id
),
-- 两者之差超出四舍五入的余地；多报部分占申报总额的比例用于估算基金损失
differing as (
    select c.*, g.charged, g.lines,
        greatest(c.claimed - g.charged, 0) / nullif(c.claimed, 0) as excess
    from claims c
    join charges g on g.mdtrt_id = c.mdtrt_id and g.setl_id is not distinct from c.setl_id
    where abs(c.claimed - g.charged) > $cents -- exempt: rounding
        and abs(c.claimed - g.charged) > $share * c.claimed -- exempt: rounding
        and (c.claimed > g.charged or not c.more_to_settle) -- exempt: mid_way
),
-- 有关的结算
settled as (
    select d.mdtrt_id, d.setl_id,
        list(if(d.excess > 0, settlement_part(s.mdtrt_id, s.setl_id, d.excess), involved_settlement(s.mdtrt_id, s.setl_id))
            order by s.setl_id) as items,
        list(s.setl_id order by s.setl_id) as setl_ids,
        list(s.msgid order by s.msgid) as msgids
    from differing d
    join settlement s on s.mdtrt_id = d.mdtrt_id
    where near(d.occurred_at, s.setl_time, $lookback)
        and (d.setl_id is null or s.setl_id = d.setl_id)
    group by d.mdtrt_id, d.setl_id
),
-- 有关的明细报文
uploaded as (
    select d.mdtrt_id, d.setl_id,
        list(distinct l.msgid order by l.msgid) as msgids,
        flatten(list(distinct coalesce(l.refund_msgids, []::varchar[]) order by coalesce(l.refund_msgids, []::varchar[]))) as refund_msgids
    from differing d
    join fee_line l on l.mdtrt_id = d.mdtrt_id
    where near(d.occurred_at, l.fee_ocur_time, $lookback)
        and (d.setl_id is null or l.setl_id = d.setl_id)
    group by d.mdtrt_id, d.setl_id
)
select d.mdtrt_id, d.setl_id, v.psn_no, v.fixmedins_code,
    if(d.claimed - d.charged > $overclaim * d.charged, 2, 1) as severity,
    d.occurred_at, d.due_at,
    if(v.inpatient, strftime(v.begntime, '%Y-%m-%d') || coalesce('至' || strftime(d.discharged_at, '%Y-%m-%d'), '起') || '的住院，',
        strftime(d.occurred_at, '%Y-%m-%d %H:%M') || '结算的' || if(v.kind = 'pharmacy', '购药，', '门诊就诊，')) as when_text,
    d.settlements, d.claimed, d.charged, d.lines,
    case
        when d.claimed - d.charged > $overclaim * d.charged then '多申报' || (d.claimed - d.charged) || '元，疑为虚增费用，请查原始单据'
        when d.claimed > d.charged then '多申报' || (d.claimed - d.charged) || '元，两份上传数据不一致，请先核对明细是否传齐'
        else '少申报' || (d.charged - d.claimed) || '元，两份上传数据不一致，请先核对明细是否多传'
    end as finding,
    s.setl_ids, s.items,
    list_concat(s.msgids, u.msgids, u.refund_msgids, if(v.inpatient, [v.adm_msgid], []),
        if(d.discharged_at is null, [], [v.dscg_msgid])) as evidence
from differing d
join visit v using (mdtrt_id)
join settled s on s.mdtrt_id = d.mdtrt_id and s.setl_id is not distinct from d.setl_id
join uploaded u on u.mdtrt_id = d.mdtrt_id and u.setl_id is not distinct from d.setl_id

/*
code: BA-01
name: 医疗费总额与各方负担之和不等
key: visit
subject: [visit, mdtrt_id]
anchor: [setl_id]
behaviour: encounter
severity: [1]
status: live
version: 1
official: null
law: [接口规范结算等式]
basis: 本条核对结算系统返回数字的等式，差错多出自经办参数或系统，转经办机构核查，不据此认定医药机构违规。
case_cause: 19
route: agency
money: fund
lookback: 1 d
needs: [settlement.medfee_sumamt, settlement.fund_pay_sumamt, settlement.psn_part_amt]
may_use: [settlement.hosp_part_amt, settlement.oth_pay]
judges:
  from: settlement
  missing:
    医疗费总额或基金支付总额: medfee_sumamt is null or fund_pay_sumamt is null
    个人负担总金额: psn_part_amt is null
    结算时间: setl_time is null
params:
  tolerance: {default: 0.05, min: 0, max: 1, unit: CNY, source: "工程默认值：分项四舍五入的余地"}
exempt:
  other_outside_fund: 其他支出（oth_pay）未并入基金支付总额的地区，另加其他支出后相等的不算差错。
sentence: 结算{setl_id}返回的医疗费总额{medfee_sumamt}元，与基金支付{fund_pay_sumamt}元、个人负担{psn_part_amt}元、医院负担{hosp_part_amt}元之和{parts}元相差{difference}元，属结算数据问题，请经办机构核对待遇算法与接口。
*/
with
-- 总额与各方负担之和的差；其他支出多数地区已含在基金支付总额内，故另算一个加上它的差
balanced as (
    select setl_id, mdtrt_id, psn_no, fixmedins_code, setl_time, msgid,
        medfee_sumamt, fund_pay_sumamt, psn_part_amt,
        coalesce(hosp_part_amt, 0) as hosp_part_amt,
        coalesce(oth_pay, 0) as oth_pay,
        fund_pay_sumamt + psn_part_amt + coalesce(hosp_part_amt, 0) as parts
    from judged
),
-- 加不加其他支出都不相等的结算
unequal as (
    select *, medfee_sumamt - parts as difference
    from balanced
    where abs(medfee_sumamt - parts) > $tolerance
        and abs(medfee_sumamt - parts - oth_pay) > $tolerance -- exempt: other_outside_fund
)
select setl_id, mdtrt_id, psn_no, fixmedins_code,
    1 as severity,
    setl_time as occurred_at,
    medfee_sumamt, fund_pay_sumamt, psn_part_amt, hosp_part_amt, parts, difference,
    [setl_id] as setl_ids,
    [involved_settlement(mdtrt_id, setl_id)] as items,
    [msgid] as evidence
from unequal

/*
code: FP-04
name: 诊疗与性别不符
key: person
subject: [visit, mdtrt_id]
anchor: [psn_no, mdtrt_id, finding, code]
behaviour: item
severity: [1, 2, 3]
status: live
version: 3
official: GZ10000204006000 诊断与患者性别不符
law: [条例15, 条例38(四), 条例40(一), 条例41款2]
basis: 同属药品区分性别使用（GZ10000301004000）、医疗服务项目区分性别使用（GZ10000302004000）、手术操作编码与性别不符（GZ10000201005000）。
case_cause: [14, 20, 24, 31]
route: supervision
money: fund
lookback: 366 d
needs: [visit.begntime, insured.gend, fee_line.med_list_codg]
may_use: [settlement.gend, settlement.cert_gend, settlement.acct_used_flag, insured.cert_gend, fee_line.fee_ocur_time, diagnosis.diag_code, operation.oprn_oprt_code, visit.newborn, visit.list_uploaded, visit.med_type]
judges:
  from: visit
  missing:
    就诊登记: begntime is null
    性别: mdtrt_id in (select v.mdtrt_id from visit v anti join insured i on i.psn_no = v.psn_no and i.gend is not null anti join settlement s on s.mdtrt_id = v.mdtrt_id and s.gend is not null where v.psn_no is not null)
params:
  after_birth: {default: 90, min: 28, max: 180, unit: d, source: "工程默认值：分娩后婴儿未参保前以母亲身份就医的期限"}
  list_due: {default: 30, min: 10, max: 60, unit: d, source: "工程默认值：结算清单（4101）最迟上传时间，自出院起算"}
exempt:
  sex_unknown: 登记性别为未知（0）或未说明（9）的，不判。
  undetermined: 性别不清、两性畸形、染色体异常、性发育异常人群不适用（公布知识点说明）。
  newborn: 新生儿以母亲身份就医的，不计。
  family_account: 在药店用共济账户（acct_used_flag 2）为家人购药的，不计。
  dates: 知识点公布以前的服务不计。
sentence: 患者登记性别为{gend_text}，{text}{remark}。
*/
with
-- 只用于一种性别的药品和服务，知识点公布以后的
item as (
    select v.mdtrt_id, 'item' as finding, l.med_list_codg as code, max(k.basis) as name, k.sex,
        count(*) as times,
        list(l.feedetl_sn order by l.feedetl_sn) as lines,
        flatten(list(list_concat([l.msgid], l.refund_msgids) order by l.feedetl_sn)) as msgids
    from judged v
    join fee_line l using (mdtrt_id)
    join knowledge.sex_item k using (med_list_codg)
    where coalesce(l.cnt, 1) > 0
        and near(v.begntime, l.fee_ocur_time, $lookback)
        and l.fee_ocur_time::date between k.effective_from and k.effective_to -- exempt: dates
    group by v.mdtrt_id, l.med_list_codg, k.sex
),
-- 只见于一种性别的诊断；性别未定的诊断（0）也在内
sexed_diagnosis as materialized (
    select d.mdtrt_id, d.psn_no, d.role, d.diag_code, d.diag_name, d.diag_time, d.msgid,
        k.icd_prefix, k.sex, k.effective_from, k.effective_to
    from diagnosis d
    join knowledge.sex_diagnosis k on left(k.icd_prefix, 3) = icd3(d.diag_code)
        and k.icd_prefix in (icd3(d.diag_code), upper(left(d.diag_code, 5)))
    where coalesce(d.diag_type, '1') = '1'
),
-- 其中知识点生效以后的
coded as (
    select d.mdtrt_id, d.psn_no, d.role, d.diag_code, d.diag_name, d.msgid, d.icd_prefix, d.sex, v.begntime
    from sexed_diagnosis d
    join visit v on v.mdtrt_id = d.mdtrt_id
    where v.begntime::date between d.effective_from and d.effective_to
        and (d.role <> 'discharge' or coalesce(near(v.begntime, v.dscg_time, $lookback), true))
        and (d.role <> 'admission' or coalesce(d.diag_time <= v.begntime + $lookback, true))
),
-- 只见于一种性别的手术操作；性别未定的（0）也在内
sexed_operation as materialized (
    select o.mdtrt_id, o.psn_no, o.oprn_oprt_code, o.oprn_oprt_name, o.msgid, k.sex, k.effective_from, k.effective_to
    from operation o
    join knowledge.sex_operation k on k.operation_prefix in (left(o.oprn_oprt_code, 2), left(o.oprn_oprt_code, 4))
),
-- 其中知识点生效以后的
operated as (
    select o.*, v.begntime
    from sexed_operation o
    join visit v on v.mdtrt_id = o.mdtrt_id
    where v.begntime::date between o.effective_from and o.effective_to
),
-- 登记性别与证件号码所示不符的人，在医疗机构的每次就诊都提示
misregistered as (
    select distinct v.mdtrt_id, v.adm_msgid, i.cert_gend
    from insured i
    join judged v using (psn_no)
    where i.gend in ('1', '2')
        and i.cert_gend in ('1', '2')
        and i.gend <> i.cert_gend
        and v.kind <> 'pharmacy'
),
-- 与登记不符的证件一并列入；诊断不分入院、出院、清单、门诊，主要与次要
limited as (
    select mdtrt_id, finding, code, name, sex, times, lines, msgids
    from item
    union all
    select mdtrt_id, 'diagnosis', diag_code, max(diag_name), sex, 1, []::varchar[], list(distinct msgid order by msgid)
    from coded
    where sex <> '0'
    group by mdtrt_id, diag_code, sex
    union all
    select mdtrt_id, 'operation', oprn_oprt_code, max(oprn_oprt_name), sex, 1, []::varchar[], list(distinct msgid order by msgid)
    from operated
    where sex <> '0'
    group by mdtrt_id, oprn_oprt_code, sex
    union all
    select mdtrt_id, 'certificate', '证件', null, cert_gend, 1, []::varchar[], [adm_msgid]
    from misregistered
),
-- 参保登记、结算信息各处所说的性别，及证件上的性别
stated as (
    select v.mdtrt_id, i.gend, i.cert_gend, false as family_account, i.msgid
    from judged v
    join insured i using (psn_no)
    where v.mdtrt_id in (select mdtrt_id from limited)
    union all
    select s.mdtrt_id, s.gend, s.cert_gend, coalesce(s.acct_used_flag = '2', false), s.msgid
    from settlement s
    where s.mdtrt_id in (select mdtrt_id from limited)
),
-- 每次就诊的性别；说法不一即为性别登记与证件不符
sexed as (
    select mdtrt_id,
        min(gend) as gend,
        bool_or(gend in ('0', '9')) as unknown,
        min(least(gend, cert_gend)) <> max(greatest(gend, cert_gend)) as conflicting,
        bool_or(family_account) as family_account,
        list(distinct msgid order by msgid) filter (where gend is not null) as msgids
    from (select mdtrt_id, gend, if(cert_gend in ('1', '2'), cert_gend, null) as cert_gend, family_account, msgid from stated)
    group by mdtrt_id
),
-- 性别未定的人
undetermined as (
    select psn_no, begntime from coded where sex = '0'
    union
    select psn_no, begntime from operated where sex = '0'
),
-- 分娩：其后一段时间内婴儿可能以母亲身份就医
birth as (
    select psn_no, begntime from coded where icd_prefix in ('O80', 'O81', 'O82', 'O83', 'O84', 'Z37')
    union
    select psn_no, begntime from visit where med_type like '52%'
),
-- 与登记性别不符的；清单未上传的女性住院，男婴或以母亲身份住院，尚不能排除（unproven）
contrary as (
    select l.mdtrt_id, v.psn_no, v.fixmedins_code, v.begntime, v.dscg_time, x.gend, x.conflicting, l.msgids, x.msgids as sex_msgids,
        if(x.conflicting, 'certificate', l.finding) as finding,
        if(x.conflicting, '证件', l.code) as code,
        case
            when x.conflicting or v.kind = 'pharmacy' then 3
            when l.finding = 'diagnosis' then 2
            else 1
        end as proven_severity,
        v.inpatient and not v.list_uploaded and l.sex = '1' and not x.conflicting as unproven,
        case
            when x.conflicting then '与证件或结算信息中的性别不一致，须先核对身份，核对以前不就本次诊疗与性别是否相符下结论'
            when l.finding = 'item' then '却使用限' || s.name || '的项目' || l.code || '共' || l.times || '次（' || l.name || '）'
            when l.finding = 'diagnosis' then '却诊断为仅见于' || s.name || '的' || l.code || coalesce(' ' || l.name, '')
            else '却施行仅见于' || s.name || '的手术操作' || l.code || coalesce(' ' || l.name, '')
        end as text,
        if(l.finding = 'item', list_transform(l.lines, lambda sn: line_item(l.mdtrt_id, sn)), [visit_item(l.mdtrt_id)]) as items
    from limited l
    join judged v using (mdtrt_id)
    join sexed x using (mdtrt_id)
    join (values ('1', '男性'), ('2', '女性')) s(sex, name) using (sex)
    where not coalesce(x.unknown, true) -- exempt: sex_unknown
        and (l.sex <> x.gend or x.conflicting)
        and not v.newborn -- exempt: newborn
        and not exists (
            select 1 from birth b
            where l.sex = '1' and b.psn_no = v.psn_no and b.begntime between v.begntime - $after_birth and v.begntime) -- exempt: newborn
        and not (v.kind = 'pharmacy' and x.family_account) -- exempt: family_account
        and not exists (
            select 1 from undetermined u
            where u.psn_no = v.psn_no and near(v.begntime, u.begntime, $lookback)) -- exempt: undetermined
),
-- 每项一条
told as (
    select mdtrt_id, finding, code, psn_no, fixmedins_code, begntime, dscg_time, gend, text, proven_severity, unproven,
        if(conflicting, [involved_visit(mdtrt_id)], flatten(list(items order by items))) as items,
        list_concat(flatten(list(msgids order by msgids)), sex_msgids) as evidence
    from contrary
    group by mdtrt_id, finding, code, psn_no, fixmedins_code, begntime, dscg_time, gend, text, proven_severity, unproven,
        conflicting, sex_msgids
),
-- 何时可说到哪一步：待清单核实的先作轻度可疑；出院后清单逾期未上传的，至多高度可疑
verdicts as (
    select mdtrt_id, finding, code, if(unproven, 3, proven_severity) as severity, if(unproven, begntime, null) as due_at, false as overdue
    from told
    union all
    select mdtrt_id, finding, code, 2, dscg_time + $list_due, true
    from told
    where unproven
        and proven_severity < 3
        and near(begntime, dscg_time + $list_due, $lookback)
        and exists (select 1 from provided where name = 'settlement_list')
)
select t.mdtrt_id, t.finding, t.code, t.psn_no, t.fixmedins_code, d.severity,
    t.begntime as occurred_at,
    d.due_at,
    if(t.gend = '1', '男', '女') as gend_text,
    t.text,
    case when d.overdue then '；结算清单（4101）逾期未上传，是否新生儿以母亲身份就医未能核实'
        when t.unproven and t.proven_severity < 3 then '；是否新生儿以母亲身份就医待结算清单核实'
        else '' end as remark,
    t.items,
    t.evidence
from told t
join verdicts d using (mdtrt_id, finding, code)

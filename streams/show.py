"""One alert for a person to read: the finding, the law, and its evidence as a time line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from detectors.alert import Alert
from streams.changes import Fact
from streams.errors import Refused
from streams.pseudonyms import Pseudonyms
from streams.run import EVIDENCE, Run

SEVERITY = {"1": "明确违规", "2": "高度可疑", "3": "轻度可疑"}
STAGE = {"pre": "事前", "in": "事中", "post": "事后"}

#: Kind of fact → what it is called, and the columns that say when it happened (first that is there) and what.
KINDS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "registration": ("门诊挂号", ("begntime",), ("fixmedins_code", "dept_code")),
    "outpatient": ("门诊就诊", ("begntime",), ("fixmedins_code", "med_type")),
    "admission": ("入院登记", ("begntime",), ("fixmedins_code", "adm_dept_codg", "adm_bed", "med_type")),
    "discharge": ("出院登记", ("endtime",), ("fixmedins_code", "dscg_way")),
    "admission_change": ("住院信息变更", ("inf_time",), ("adm_dept_codg", "adm_bed")),
    "fee_line": (
        "费用明细",
        ("fee_ocur_time",),
        ("feedetl_sn", "med_list_codg", "med_chrgitm_type", "cnt", "det_item_fee_sumamt"),
    ),
    "settlement": (
        "结算",
        ("setl_time", "begntime"),
        ("setl_id", "fixmedins_code", "medfee_sumamt", "fund_pay_sumamt", "acct_pay"),
    ),
    "settlement_list": ("结算清单", ("inf_time",), ("setl_id", "adm_way", "bill_code", "bill_no")),
    "operation": ("手术操作", ("oprn_oprt_begntime", "inf_time"), ("oprn_oprt_code", "oprn_oprt_name")),
    "diagnosis": ("诊断", ("diag_time", "inf_time"), ("diag_code", "diag_name", "role")),
    "trace_scan": ("追溯码扫码", ("scanned_at",), ("drug_trac_codg", "fixmedins_code", "move")),
    "stock_move": ("进销存", ("moved_at",), ("fixmedins_code", "move", "med_list_codg", "cnt")),
    "medical_order": ("医嘱", ("drord_begntime", "drord_isu_time", "inf_time"), ("drord_detl_name",)),
    "report": ("检查检验报告", ("exam_date", "rpt_date", "inf_time"), ("exam_item_name",)),
    "presence": ("在场核验", ("checked_at", "inf_time"), ("fixmedins_code", "recog_biz", "recog_rslt")),
    "cancellation": ("撤销", ("inf_time",), ("kind", "setl_id", "feedetl_sn")),
    "death": ("死亡登记", ("die_date",), ("source",)),
    "insured": ("参保登记", ("begndate",), ("insutype", "psn_insu_stas", "gend", "enddate")),
    "family": ("亲属登记", ("begndate",), ("member_psn_no", "relation")),
    "manual_reimbursement": (
        "零星报销",
        ("reim_time", "begntime"),
        ("reim_id", "bill_code", "bill_no", "fund_pay_sumamt"),
    ),
}

#: Columns of persons, shown as pseudonyms unless unmasked.
PERSONAL = frozenset({"psn_no", "member_psn_no", "acct_owner_psn_no", "patn_id"})


@dataclass(frozen=True)
class Moment:
    """One line of the time line."""

    when: str
    what: str
    detail: str
    msgid: str


def find(run: Run, jr_id: str) -> Alert:
    """The alert whose id begins so. Refuses where none does, or several."""
    found = [alert for alert in run.alerts() if alert.jr_id.startswith(jr_id)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(f"{len(found)} alerts begin with {jr_id}; give more of the id.")
    raise Refused(f"no alert {jr_id} in this run; its alerts are in {run.folder / 'alerts.jsonl'}.")


def facts_of(run: Run, alert: Alert) -> list[Fact]:
    """The facts that an alert of a run rests on."""
    table = pq.read_table(run.folder / EVIDENCE, filters=pc.field("msgid").isin(alert.evidence))
    return [
        Fact(row["msgid"], row["table"], row["row_no"], str(row["inf_time"] or ""), row["data"])
        for row in table.to_pylist()
    ]


def time_line(facts: Iterable[Fact], names: Pseudonyms) -> list[Moment]:
    """The evidence in order of business time."""
    return sorted(
        (_moment(fact, names) for fact in facts if fact.table != "message"),
        key=lambda moment: (moment.when, moment.msgid, moment.what, moment.detail),
    )


def _moment(fact: Fact, names: Pseudonyms) -> Moment:
    data = json.loads(fact.data)
    title, times, columns = KINDS.get(fact.table, (fact.table, ("inf_time",), ()))
    when = next((str(data[column]) for column in times if data.get(column)), fact.inf_time)
    shown = (
        f"{column}={names.person(value) if column in PERSONAL else value}"
        for column, value in _said(data, columns)
    )
    return Moment(when, title, "  ".join(shown), fact.msgid)


def _said(data: dict[str, Any], columns: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    return ((column, data[column]) for column in columns if data.get(column) is not None)


def render(
    alert: Alert, facts: Iterable[Fact], names: Pseudonyms, *, also: Sequence[RenderableType] = ()
) -> RenderableType:
    """The alert as it stands on the terminal; `also`: what comes before its finding."""
    head = Table.grid(padding=(0, 2))
    head.add_column(style="dim")
    head.add_column()
    for label, value in (
        ("疑点编号", f"{alert.jr_id}（版本 {alert.revision}）"),
        ("规则", f"{alert.rule_code} {alert.rule_name}（v{alert.rule_version}，{alert.rule_id}）"),
        (
            "国家规则",
            f"{alert.official_gz_code} {alert.official_rule_name}" if alert.official_gz_code else "—",
        ),
        (
            "严重程度",
            f"{alert.sev_deg} {SEVERITY[alert.sev_deg]}　{STAGE[alert.stage]}"
            + ("　试运行" if alert.mode == "shadow" else ""),
        ),
        ("机构", alert.fixmedins_code or "—"),
        ("参保人", names.person(alert.patn_id)),
        ("涉及金额", f"{alert.vola_amt} 元（{alert.amount_method}）"),
        ("发生 / 发现", f"{alert.occurred_at}　/　{alert.detected_at}"),
        ("参数", "，".join(f"{name}={value}" for name, value in alert.params.items()) or "—"),
    ):
        head.add_row(label, value)
    line = Table(title="证据时间线", title_justify="left", pad_edge=False)
    for column in ("时间", "事项", "内容", "报文"):
        line.add_column(column, overflow="fold")
    for moment in time_line(facts, names):
        line.add_row(moment.when, moment.what, moment.detail, moment.msgid)
    parts: list[RenderableType] = [
        *also,
        Panel(Text(names.sentence(alert)), title="发现", title_align="left"),
        head,
        Text(),
    ]
    if alert.explanation:
        parts.append(_comparison(alert.explanation))
    parts.append(Panel(Text(alert.vola_evid), title="依据", title_align="left"))
    if alert.items:
        items = Table(title="涉及项目", title_justify="left", pad_edge=False)
        for column in ("就诊", "结算", "明细", "项目", "性质"):
            items.add_column(column)
        items.add_column("金额（元）", justify="right")
        for item in alert.items:
            kind = "违规项" if item.violating else "涉及项"
            items.add_row(
                item.mdtrt_id or item.reim_id, item.setl_id, item.feedetl_sn, item.code, kind, item.amount
            )
        parts.append(items)
    return Group(*parts, line)


def _comparison(explanation: str) -> Table:
    """What a model compared, a line an indicator, as it stands in the alert."""
    head, *rows = (line.split("｜") for line in explanation.splitlines())
    table = Table(title="与同类比较", title_justify="left", pad_edge=False)
    for place, column in enumerate(head):
        table.add_column(column, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    return table

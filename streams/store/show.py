"""What a store adds to an alert on the terminal: lists, and the history of what was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from detectors.alert import Alert
from detectors.diff import Reason
from streams.changes import Fact
from streams.pseudonyms import Pseudonyms
from streams.show import SEVERITY
from streams.store.query import Order
from streams.store.reading import AlertReader, Held, Page, Revision

KIND = {"opened": "新增", "changed": "变更", "retracted": "撤回"}
SPEAKER = {"worker": "实时", "sweeper": "定期", "replay": "回放", "": "—"}
REASON = {
    Reason.CANCELLED: "业务已撤销",
    Reason.CORRECTED: "数据已更正",
    Reason.RULE: "规则已修改",
    Reason.NOT_RUN: "规则未运行",
    Reason.PARAMETER: "参数已修改",
    Reason.KNOWLEDGE: "知识库已修改",
    Reason.REGISTRY: "登记信息已变更",
}
ORDER = {
    Order.SEVERITY: "严重程度", Order.MONEY: "金额", Order.TIME: "发生时间", Order.DETECTED: "发现时间",
}  # fmt: skip


def listing(page: Page, total: int, order: Order, names: Pseudonyms) -> Table:
    """A page of alerts, a line each; the caption says how many there are."""
    table = Table(
        title=f"疑点 {len(page.alerts):,} / {total:,} 条，按{ORDER[order]}排列", title_justify="left", pad_edge=False
    )  # fmt: skip
    for heading in ("疑点编号", "规则", "程度", "机构", "参保人"):
        table.add_column(heading, no_wrap=True)
    table.add_column("金额\n（元）", justify="right", no_wrap=True)
    table.add_column("发生时间", no_wrap=True)
    table.add_column("说明", overflow="fold", min_width=16)
    for held in page.alerts:
        alert = held.alert
        marks = "试运行　" if alert.mode == "shadow" else ""
        if held.status == "retracted":
            marks += f"已撤回（{reason(held.reason)}）　"
        table.add_row(
            alert.jr_id[:12],
            alert.rule_code,
            SEVERITY.get(alert.sev_deg, alert.sev_deg),
            alert.fixmedins_code or "—",
            names.person(alert.patn_id),
            f"{held.amount:,.2f}",
            alert.occurred_at[:16],
            marks + names.sentence(alert),
            style="dim" if held.status == "retracted" else "",
        )
    return table


def as_json(held: Held, names: Pseudonyms) -> bytes:
    """One line: the alert's fields, and what the store knows of it."""
    told: dict[str, Any] = msgspec.to_builtins(names.alert(held.alert))
    told |= {
        "status": held.status,
        "seq": held.seq,
        "reason": held.reason,
        "reason_msgid": held.reason_msgid,
        "evidence_count": len(held.alert.evidence),
    }
    return msgspec.json.encode(told)


def history(said: Sequence[Revision]) -> Table:
    """Everything that was said of an alert, and in what each differs from the one before."""
    table = Table(title="版本历史", title_justify="left", pad_edge=False)
    for heading in ("序号", "变更", "版本", "程度"):
        table.add_column(heading, no_wrap=True)
    table.add_column("金额（元）", justify="right", no_wrap=True)
    for heading in ("发现时间", "来源"):
        table.add_column(heading, no_wrap=True)
    table.add_column("原因 / 变更的字段", overflow="fold")
    before: Alert | None = None
    for one in said:
        table.add_row(
            str(one.seq),
            KIND.get(one.kind, one.kind),
            one.alert.revision,
            one.alert.sev_deg,
            one.alert.vola_amt,
            one.alert.detected_at,
            SPEAKER.get(one.speaker, one.speaker),
            _why(one, before),
        )
        before = one.alert
    return table


def _why(one: Revision, before: Alert | None) -> str:
    if one.kind == "retracted":
        return reason(one.reason) + (f"：{one.reason_msgid}" if one.reason_msgid else "")
    return "、".join(differing(before, one.alert)) if before is not None else ""


def differing(old: Alert, new: Alert) -> list[str]:
    """The fields in which two revisions differ."""
    return [
        name
        for name in old.__struct_fields__
        if name != "revision" and getattr(old, name) != getattr(new, name)
    ]


def reason(value: str | None) -> str:
    """Why an alert no longer holds, for officers."""
    return REASON[Reason(value)] if value in set(Reason) else value or "原因不明"


def last_evidence(reader: AlertReader, said: Sequence[Revision]) -> list[Fact]:
    """The facts of the last revision that held; empty where none came with it."""
    standing = [one for one in said if one.kind != "retracted"]
    if not standing:
        return []
    return reader.evidence(standing[-1].alert.jr_id, standing[-1].seq)


def retracted(held: Held) -> list[RenderableType]:
    """What is said first of an alert that no longer holds; nothing of one that does."""
    if held.status != "retracted":
        return []
    by = f"，依据报文 {held.reason_msgid}" if held.reason_msgid else ""
    return [
        Panel(Text(f"此疑点已撤回：{reason(held.reason)}{by}。以下为撤回前的内容。"), border_style="yellow")
    ]

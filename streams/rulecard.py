"""Rules on the terminal: the list, the card of one rule, why it fired or what stopped a subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from detectors.alert import spoken
from detectors.explain import Dropout, Explanation, Tested, Verdict
from rules.rulebook import Rule
from rules.sqltree import SqlTree

SEVERITY = MappingProxyType({1: "明确违规", 2: "高度可疑", 3: "轻度可疑"})
STATUS = MappingProxyType({"draft": "草稿", "shadow": "试运行", "live": "运行", "retired": "停用"})
KEY = MappingProxyType(
    {
        "person": "参保人", "visit": "就诊", "institution": "机构", "bed": "床位", "bill": "票据", "trace_code": "追溯码",
        "operator": "经办人员", "owner": "账户所有人", "practitioner": "医师", "phone": "电话", "employer": "单位",
        "region": "地区",
    }
)  # fmt: skip
ROUTE = MappingProxyType({"supervision": "行政监管", "agency": "经办机构"})

VERDICT = MappingProxyType(
    {
        Verdict.FIRED: "命中",
        Verdict.NOT_DUE: "尚未到期：数据已满足条件，待水位到达下列时间才生成",
        Verdict.UNKNOWN_SUBJECT: "台账中没有该对象的记录",
        Verdict.NOT_IN_POPULATION: "不属于本规则判断的对象",
        Verdict.NOT_ENOUGH_DATA: "数据不足，未作判断",
        Verdict.DROPPED: "未命中",
    }
)

#: How a column of persons is shown.
Mask = Callable[[str | None], str]


def listing(rules: Sequence[Rule]) -> Table:
    """One line a rule."""
    table = Table(box=None, pad_edge=False)
    for column in ("编码", "名称", "状态", "对象", "程度"):
        table.add_column(column, no_wrap=True)
    table.add_column("标识", overflow="fold")
    for rule in rules:
        severities = "、".join(str(one) for one in rule.severity)
        table.add_row(
            rule.code, rule.name, STATUS[rule.status], KEY[rule.subject[0]], severities, rule.rule_id
        )
    return table


def card(rule: Rule, law: Mapping[str, str]) -> RenderableType:
    """Everything an officer needs to know of a rule."""
    head = _grid(
        ("规则", f"{rule.code} {rule.name}（v{rule.version}，{STATUS[rule.status]}，{rule.rule_id}）"),
        ("国家规则", rule.official or "—"),
        ("严重程度", "、".join(f"{one} {SEVERITY[one]}" for one in rule.severity)),
        ("对象", f"{KEY[rule.subject[0]]}，按 {'、'.join(rule.anchor)} 成条"),
        ("判断范围", f"{rule.judges.source}" + (f"，{rule.judges.where}" if rule.judges.where else "")),
        ("数据不足", "、".join(rule.judges.missing) or "—"),
        ("回溯", f"前后各 {rule.lookback.days} 天" if rule.lookback is not None else "不限"),
        ("转交", ROUTE[rule.route]),
        ("逻辑指纹", rule.logic_hash),
    )
    evidence = "\n".join([law.get(key, key) for key in rule.law] + ([rule.basis] if rule.basis else []))
    parts: list[RenderableType] = [
        Panel(Text(rule.sentence), title="发现的问题", title_align="left"),
        head,
        Text(),
        Panel(Text(evidence), title="依据", title_align="left"),
    ]
    if rule.params:
        table = Table(title="参数", title_justify="left", pad_edge=False)
        for column in ("名称", "默认", "最小", "最大", "出处"):
            table.add_column(column, overflow="fold")
        for name, param in rule.params.items():
            values = (param.text(one) for one in (param.default, param.minimum, param.maximum))
            table.add_row(name, *values, param.source)
        parts.append(table)
    if rule.exempt:
        table = Table(title="除外情形", title_justify="left", pad_edge=False)
        table.add_column("名称")
        table.add_column("说明", overflow="fold")
        for name, sentence in rule.exempt.items():
            table.add_row(name, sentence)
        parts.append(table)
    steps = Table(title="判断步骤", title_justify="left", pad_edge=False, show_header=False)
    steps.add_column(justify="right", style="dim")
    steps.add_column(overflow="fold")
    steps.add_column(style="dim")
    for number, step in enumerate(SqlTree(rule).steps[:-1], start=1):
        steps.add_row(str(number), step.comment, step.name)
    return Group(*parts, steps, Text(str(rule.path), style="dim"))


def story(explanation: Explanation, mask: Mask) -> RenderableType:
    """Why the rule fired, or what stopped the subject."""
    rule = explanation.rule
    shown = mask(explanation.subject) if rule.subject[0] in ("person", "owner") else explanation.subject
    parts: list[RenderableType] = [
        Text(f"{rule.code} {rule.name} — {KEY[rule.subject[0]]} {shown}", style="bold"),
        Text(
            VERDICT[explanation.verdict], style="bold red" if explanation.verdict is Verdict.FIRED else "bold"
        ),
        Text(),
    ]
    parts += [Text(f"  缺少：{reason}") for reason in explanation.missing]
    if explanation.population:
        parts.append(_conditions(explanation.population, mask))
    for row in explanation.findings:
        parts.append(_finding(rule, row, mask))
    if explanation.passed:
        table = Table(title="逐步结果", title_justify="left", pad_edge=False)
        table.add_column("步骤", style="dim")
        table.add_column("保留什么", overflow="fold")
        table.add_column("该对象的行", justify="right")
        for one in explanation.passed:
            table.add_row(one.step, one.comment, "—" if one.rows is None else str(one.rows))
        parts.append(table)
    parts += [_dropout(rule, one, mask) for one in explanation.dropouts]
    return Group(*parts, Text(str(rule.path), style="dim"))


def _dropout(rule: Rule, dropout: Dropout, mask: Mask) -> RenderableType:
    where = dropout.step or "最后一步"
    lines: list[RenderableType] = [
        Text(f"止于 {where}：{dropout.comment}" if dropout.comment else f"止于 {where}")
    ]
    if dropout.joined is not None:
        lines.append(Text(f"在 {dropout.joined} 中没有能对上的行"))
    exempt = [one.exempt for one in dropout.tested if one.exempt is not None and not one.holds]
    for name in exempt:
        lines.append(Text(f"适用除外情形 {name}：{rule.exempt.get(name, '')}", style="green"))
    if dropout.tested:
        lines.append(_conditions(dropout.tested, mask))
    return Panel(Group(*lines), border_style="yellow")


def _conditions(tested: Sequence[Tested], mask: Mask) -> Table:
    """Conditions one by one, those that fail in red."""
    table = Table(pad_edge=False)
    table.add_column("")
    table.add_column("条件", overflow="fold")
    table.add_column("该对象的值", overflow="fold")
    table.add_column("满足", justify="right")
    table.add_column("行", justify="right", style="dim")
    for one in tested:
        text = one.text + (f"\n{one.comment}" if one.comment else "")
        text += f"\n（除外：{one.exempt}）" if one.exempt else ""
        values = "\n".join(f"{name} = {_value(name, value, mask)}" for name, value in one.values.items())
        style = "" if one.holds else "red"
        table.add_row(
            "✓" if one.holds else "✗", Text(text, style=style), values, f"{one.met}/{one.rows}", str(one.line)
        )
    return table


def _finding(rule: Rule, row: Mapping[str, Any], mask: Mask) -> RenderableType:
    """One finding: its sentence and its numbers."""
    numbers = {name: _value(name, value, mask) for name, value in row.items()}
    sentence = rule.sentence.format_map(numbers)
    hidden = {"items", "evidence", "severity"}
    grid = _grid(
        ("严重程度", f"{row['severity']} {SEVERITY[row['severity']]}"),
        *((name, text) for name, text in numbers.items() if name not in hidden),
        ("证据", "、".join(sorted({one for one in row["evidence"] if one}))),
    )
    return Panel(Group(Text(sentence), Text(), grid), border_style="red")


def _value(name: str, value: Any, mask: Mask) -> str:
    """A value as it is shown; persons masked."""
    if name.endswith("psn_no") or name == "payee":
        return mask(value if isinstance(value, str) else None)
    return spoken(value)


def _grid(*rows: tuple[str, str]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid

"""What a run found, in a table in which each yuan counts once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.table import Table

from detectors.alert import ACCOUNT_MONEY, Alert

#: Family of a rule code → its name for officers.
FAMILIES = {
    "GB": "挂床住院",
    "IN": "诱导与分解住院",
    "FP": "假病人",
    "FI": "假病情",
    "FR": "假票据",
    "PA": "个人账户",
    "BA": "待遇算法",
    "AN": "异常提示",
}


@dataclass(frozen=True)
class Sum:
    """Alerts of one scope: how many by severity, and the money at risk in CNY, each line and settlement once."""

    alerts: int
    by_severity: Counter[str]
    fund: Decimal
    account: Decimal


def add_up(alerts: Iterable[Alert]) -> Sum:
    """Count alerts and their money. Of a settlement named whole and by its lines, the larger counts."""
    severities: Counter[str] = Counter()
    whole: defaultdict[tuple[bool, str], Decimal] = defaultdict(Decimal)
    lines: dict[tuple[bool, str, str, str], Decimal] = {}
    for alert in alerts:
        severities[alert.sev_deg] += 1
        account = alert.amount_method.startswith(ACCOUNT_MONEY)
        for item in alert.items:
            if not item.violating:
                continue
            amount = Decimal(item.amount)
            settlement = item.setl_id or item.reim_id or ""
            if item.feedetl_sn:
                key = (account, settlement, item.mdtrt_id or "", item.feedetl_sn)
                lines[key] = max(lines.get(key, Decimal(0)), amount)
            else:
                whole[account, settlement] = max(whole[account, settlement], amount)
    by_lines: defaultdict[tuple[bool, str], Decimal] = defaultdict(Decimal)
    for (account, settlement, _, _), amount in lines.items():
        by_lines[account, settlement] += amount
    totals = {True: Decimal("0.00"), False: Decimal("0.00")}
    for account, settlement in whole.keys() | by_lines.keys():
        totals[account] += max(
            whole.get((account, settlement), Decimal(0)), by_lines.get((account, settlement), Decimal(0))
        )
    return Sum(sum(severities.values()), severities, totals[False], totals[True])


def summary(alerts: Sequence[Alert]) -> Table:
    """The table by family and rule."""
    table = Table(title="疑点汇总（同一笔费用只计一次）", title_justify="left", pad_edge=False)
    table.add_column("规则", no_wrap=True)
    table.add_column("名称", overflow="fold", min_width=8)
    for heading in ("疑点", "明确", "高度\n可疑", "轻度\n可疑", "涉及基金\n（元）", "涉及个账\n（元）"):
        table.add_column(heading, justify="right", no_wrap=True)
    by_rule: defaultdict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        by_rule[alert.rule_code].append(alert)
    families = sorted(
        {code[:2] for code in by_rule}, key=lambda code: [*FAMILIES].index(code) if code in FAMILIES else 99
    )
    for family in families:
        rules = sorted(code for code in by_rule if code[:2] == family)
        together = [alert for code in rules for alert in by_rule[code]]
        _row(table, family, FAMILIES.get(family, family), add_up(together), style="bold")
        for code in rules:
            _row(table, f"  {code}", by_rule[code][0].rule_name, add_up(by_rule[code]))
        table.add_section()
    _row(table, "合计", "", add_up(alerts), style="bold")
    return table


def _row(table: Table, code: str, name: str, total: Sum, style: str = "") -> None:
    counts = [f"{total.by_severity[severity]:,}" if total.by_severity[severity] else "" for severity in "123"]
    account = f"{total.account:,.2f}" if total.account else ""
    table.add_row(code, name, f"{total.alerts:,}", *counts, f"{total.fund:,.2f}", account, style=style)

"""docs/rules.md, written from the rulebook: `python -m rules.page`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rules.header import Bound, Param, Population
from rules.knowledge import FOLDER as KNOWLEDGE
from rules.knowledge import LAW, read_law
from rules.rulebook import Rule, Rulebook, load

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"

#: Folder of a family → its heading.
FAMILIES: Mapping[str, str] = {
    "ghost_bed": "挂床住院 · ghost beds",
    "induced": "诱导与分解住院 · induced and split admissions",
    "fake_patient": "假病人 · fake patients",
    "fake_illness": "假病情 · fake illness",
    "fake_receipt": "假票据 · fake receipts",
    "personal_account": "个人账户 · personal accounts",
    "benefit": "待遇算法 · benefit arithmetic",
    "anomaly": "异常提示 · anomalies",
}

SEVERITIES = {1: "1 明确违规", 2: "2 高度可疑", 3: "3 轻度可疑"}

HEAD = """\
# The rules

<!-- Written by `python -m rules.page` from rules/**/*.sql and rules/knowledge/law.yaml. Change those, not this page. -->

What fundwatch judges, as the rule files say it. `fundwatch rules explain CODE` shows the same for one rule, with the steps of its query;
`fundwatch replay … --param CODE.NAME=VALUE` changes a parameter between its minimum and maximum. How to read an entry:

* **Finds** is the sentence of the alert; `{…}` are the numbers and names of the case.
* **Severity** lists what the rule may say: 1 clear violation, 2 highly suspicious, 3 slightly suspicious.
* **Judges** is the ledger table (and condition) of the rule's population. What **lacks** one of the things named is counted in
  `coverage.jsonl` as not enough data, and neither accused nor cleared.
* **Exempt** are the innocent explanations that the rule looks for itself.
"""


def page(rulebook: Rulebook, law: Mapping[str, str]) -> str:
    """The page as Markdown. `law`: key → text, as `rules.knowledge.read_law` gives it."""
    families = [*FAMILIES, *sorted({rule.family for rule in rulebook.rules} - set(FAMILIES))]
    parts = [HEAD, _index(rulebook.rules, families)]
    for family in families:
        rules = [rule for rule in rulebook.rules if rule.family == family]
        if rules:
            parts += [f"## {FAMILIES.get(family, family)}\n", *(_entry(rule) for rule in rules)]
    parts.append(_law(rulebook.rules, law))
    return "\n".join(parts)


def _index(rules: Sequence[Rule], families: Sequence[str]) -> str:
    rows = [
        (f"[{rule.code}](#{_anchor(rule)})", rule.name, _severities(rule), rule.status)
        for rule in sorted(rules, key=lambda rule: (families.index(rule.family), rule.code))
    ]
    return _table(("code", "name", "severity", "status"), rows)


def _entry(rule: Rule) -> str:
    facts = [
        ("Finds", rule.sentence),
        ("Id", f"`{rule.rule_id}`, version {rule.version}, {rule.status}"),
        ("Severity", "；".join(SEVERITIES[one] for one in rule.severity)),
        ("Official rule", rule.official or "–"),
        ("Law", "；".join(rule.law)),
        ("Basis", rule.basis or "–"),
        ("Route, money", f"{rule.route}; {rule.money}"),
        ("Subject, key", f"{rule.subject[0]} (`{rule.subject[1]}`); sharded by {rule.key}"),
        ("Lookback", "none" if rule.lookback is None else f"{rule.lookback.total_seconds() / 86400:g} d"),
        ("Judges", f"`{_population(rule.judges)}`"),
        ("Lacks", "；".join(rule.judges.missing) or "–"),
    ]
    parts = [f'<a id="{_anchor(rule)}"></a>\n', f"### {rule.code} {rule.name}\n", _table(facts[0], facts[1:])]
    if rule.params:
        rows = [_param(param) for param in rule.params.values()]
        parts.append(_table(("parameter", "default", "min", "max", "source"), rows))
    if rule.exempt:
        parts.append("Exempt:\n\n" + "".join(f"* `{name}`: {text}\n" for name, text in rule.exempt.items()))
    return "\n".join(parts)


def _population(judges: Population) -> str:
    return " ".join(f"{judges.source}{f' where {judges.where}' if judges.where else ''}".split())


def _param(param: Param) -> tuple[str, ...]:
    def shown(value: Bound | None) -> str:
        return param.text(value)

    return f"`{param.name}`", shown(param.default), shown(param.minimum), shown(param.maximum), param.source


def _law(rules: Sequence[Rule], law: Mapping[str, str]) -> str:
    cited = {key for rule in rules for key in rule.law}
    rows = [
        (key, text, ", ".join(rule.code for rule in rules if key in rule.law))
        for key, text in law.items()
        if key in cited
    ]
    return "## Law\n\n" + _table(("key", "text", "cited by"), rows)


def _severities(rule: Rule) -> str:
    return " ".join(map(str, rule.severity))


def _anchor(rule: Rule) -> str:
    return rule.code.lower()


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(load(), read_law(KNOWLEDGE / LAW)), encoding="utf-8")
    print(f"{PAGE} written")

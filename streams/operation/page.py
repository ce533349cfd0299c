"""docs/settings.md and docs/metrics.md, written from the code: `python -m streams.operation.page`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.operation import declared
from streams.operation.instruments import Metric
from streams.operation.measures import METRICS
from streams.operation.reading import show

DOCS = Path(__file__).parents[2] / "docs"
SETTINGS, METRICS_PAGE = DOCS / "settings.md", DOCS / "metrics.md"

SETTINGS_HEAD = """\
# Settings of the live services

<!-- Written by `python -m streams.operation.page` from streams/operation/settings.py. Change that, not this page. -->

One file for all services of an installation, YAML or TOML, named with `--config` or by `FUNDWATCH_CONFIG`. Everything has a default; the file
says what is different:

```yaml
kafka:
  bootstrap: broker-1:9093,broker-2:9093
  security_protocol: SASL_SSL
  ssl_ca: ca.pem
  sasl_mechanism: SCRAM-SHA-512
  user: fundwatch
  password_file: kafka-password
worker:
  state: /var/lib/fundwatch/state
  lake: /srv/lake
```

* A variable of the environment goes before the file, the file before the default. An empty variable is none.
* Relative paths in the file are relative to its folder, others to the working folder.
* A mistake stops a service before it begins: one sentence each, all at once, exit code 2. A name that is no setting is a mistake, in the file
  and among the variables that begin with `FUNDWATCH_` (those that Kubernetes sets for a service of that name are left alone).
* `fundwatch config show` says what holds and where it came from; passwords are shown as "set". `fundwatch config check` says the mistakes.
* Keep passwords in files of their own (`password_file`), readable by the service alone. The site's key is never in the settings, only
  the file that holds it ([the key](personal-data.md#the-key)).
"""

METRICS_HEAD = """\
# Metrics

<!-- Written by `python -m streams.operation.page` from streams/operation/measures.py. Change that, not this page. -->

What `/metrics` of a live service tells. Labels are bounded: no persons, institutions or settlements. Counters stand at zero from the start; what is
told by partition comes and goes with it. A rule or a reason that was not known at the start is `other`. What to be told of:
[`deploy/prometheus/alerts.yml`](../deploy/prometheus/alerts.yml); what to look at: [`deploy/grafana/fundwatch.json`](../deploy/grafana/fundwatch.json).
"""


def settings_page() -> str:
    """docs/settings.md."""
    parts = [SETTINGS_HEAD]
    for name, section in declared.sections().items():
        rows = [
            (
                f"`{one.name}`",
                _code(show(one, one.default)),
                one.allowed + (", or nothing" if one.optional else ""),
                one.meaning,
                f"`{one.variable}`",
            )
            for one in declared.settings()
            if one.section == name
        ]
        heads = ("setting", "default", "allowed", "meaning", "variable")
        parts.append(f"## {name}\n\n{section.__doc__}\n\n{_table(heads, rows)}")
    return "\n".join(parts)


def metrics_page(metrics: Mapping[str, Sequence[Metric]] = METRICS) -> str:
    """docs/metrics.md. `metrics`: role → what it tells."""
    parts = [METRICS_HEAD]
    for role, told in metrics.items():
        rows = [
            (f"`{one.name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels) or "–", one.meaning)
            for one in told
        ]
        parts.append(
            f"## {role[0].upper()}{role[1:]}\n\n{_table(('metric', 'kind', 'labels', 'meaning'), rows)}"
        )
    return "\n".join(parts)


def _code(text: str) -> str:
    return f"`{text}`" if text not in ("–", "") else "–"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    SETTINGS.write_text(settings_page(), encoding="utf-8")
    METRICS_PAGE.write_text(metrics_page(), encoding="utf-8")
    print(f"{SETTINGS} and {METRICS_PAGE} written")

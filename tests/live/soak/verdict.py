"""Whether a soak proves something, and what it says: the table, and the last line."""

from __future__ import annotations

from dataclasses import dataclass

from tests.live.soak import comparing
from tests.live.soak.run import Result


@dataclass(frozen=True)
class Least:
    """What there must be at least of each, so that equality means something."""

    events: int
    kills: int
    in_flight: int
    rebalances: int
    retractions: int
    rules: int
    rules_retracting: int
    without_history: float
    """Share of the persons."""


LONG = Least(200_000, 20, 10, 10, 100, 20, 20, 0.5)
#: The slower the machine, the more is taken back in the turn that would have said it: of twenty rules some then retract nothing.
SHORT = Least(5_000, 4, 2, 6, 20, 15, 10, 0.3)


def objections(result: Result, least: Least) -> list[str]:
    """Why this is not the proof that was asked for; empty where it is."""
    compared, said = result.compared, result.said
    in_flight = sum(one.in_flight for one in result.faults.kills)
    found = []
    if compared.wrong:
        found.append(
            f"{compared.wrong} alerts are not the replay's: {len(compared.missing)} missing, {len(compared.extra)} too many, "
            f"{len(compared.differ)} different"
        )
    if said.breaks:
        shown = "; ".join(said.breaks[:20])
        found.append(f"{len(said.breaks)} changes do not follow the one before of their alert: {shown}")
    if result.rejected[0] != result.rejected[1]:
        found.append(
            f"{result.rejected[0]} messages among the rejects, {result.rejected[1]} among the replay's"
        )
    if any(result.exits.values()):
        found.append(f"not all ended well: {result.exits}")
    if result.did_not_drain:
        found.append(f"did not end in time when told to: {', '.join(result.did_not_drain)}")
    for what, number, at_least in (
        ("events", result.events, least.events),
        ("kills", len(result.faults.kills), least.kills),
        ("kills with messages in flight", in_flight, least.in_flight),
        ("rebalances", result.rebalances, least.rebalances),
        ("retractions", said.kinds["retracted"], least.retractions),
        ("rules with alerts", len(compared.by_rule), least.rules),
        ("rules with retractions", len(said.retracted), least.rules_retracting),
        ("roll-outs", result.roll_outs, 2),
        ("persons whose history has gone in part", result.without_history, int(least.without_history * result.persons)),
    ):  # fmt: skip
        if number < at_least:
            found.append(f"too few {what} to mean anything: {number}, at least {at_least}")
    return found


def report(result: Result) -> list[str]:
    """What to print; the last line sums up."""
    said, compared = result.said, result.compared
    kinds = ", ".join(f"{number} {kind}" for kind, number in result.faults.by_kind().most_common())
    ended = ", ".join(f"{number} with {code}" for code, number in sorted(result.ended.items())) or "none"
    lines = [
        f"faults: {kinds}",
        f"services that ended by themselves: {ended}",
        f"history gone in part: {result.without_history:,} of {result.persons:,} persons; roll-outs: {result.roll_outs}",
        f"rejected messages: {result.rejected[0]:,}, the replay's {result.rejected[1]:,}",
        f"changes: {', '.join(f'{number:,} {kind}' for kind, number in said.kinds.most_common())}",
        "alerts and retractions by rule: "
        + ", ".join(
            f"{code} {compared.by_rule[code]}/{said.retracted[code]}"
            for code in sorted(compared.by_rule.keys() | said.retracted.keys())
        ),
        *comparing.shown(compared, said.open, result.replayed),
    ]
    in_flight = sum(one.in_flight for one in result.faults.kills)
    return [
        *lines,
        f"{result.events:,} events in {result.seconds / 60:.1f} min, {len(result.faults.kills)} kills ({in_flight} of them with "
        f"messages in flight), {result.rebalances} rebalances, {said.kinds['retracted']} retractions, "
        f"{len(result.replayed):,} alerts, {compared.wrong} differ",
    ]

"""Model cards: what a model is, what it was trained on, what it showed there, and what it cannot tell. Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly import featurefile, groups, peers
from detectors.anomaly.forest import Forest
from detectors.anomaly.model import WHOLE, Model
from detectors.anomaly.overall import WEIGHTS, Overall
from detectors.anomaly.peers import Peers
from detectors.anomaly.rings import Rings

if TYPE_CHECKING:
    from streams.anomaly.training import Trained

#: What each model is for, and what it cannot tell.
ABOUT: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "expectation": (
        "What a stay should have cost and lasted, given what is known of the patient and the institution.",
        (
            "Severity that is not in the diagnosis, the operation or the referral looks like cost.",
            "A habit that all institutions share is what it expects.",
        ),
    ),
    "peers": (
        "Institutions and practitioners against others of their level, type and service mix, by rates and means "
        "standardised for case mix.",
        (
            "Whoever has no like is compared leniently, and may misbehave unseen.",
            "What all peers do is their norm; a practice that is wrong everywhere does not stand out.",
            "Small institutions stand out only for what is gross; their own level is drawn to the peers'.",
            "Concentration in one village or diagnosis may be where an institution lies, or what it is for.",
        ),
    ),
    "forest": (
        "Many small oddities at once, among the deviates of the comparison with peers.",
        (
            "It knows no reason: read the indicators that move the score back.",
            "It rests on the same peer groups.",
        ),
    ),
    "rings": (
        "People who are admitted, buy or settle together at one institution more often than chance allows, by how often each "
        "goes there and how close they arrive.",
        (
            "Two who travel together are no ring, nor are people who meet at another institution every time.",
            "A ring that formed after the closed months is found when the model is trained again.",
            "Neighbours who share a car are a ring to it; whom the registry does not call a family is none.",
            "Where a source knows days only, people with the same timetable are not told from people who travel together.",
            "The members of rings are in the model by psn_no: keep it as the ledger is kept.",
        ),
    ),
    "overall": (
        "One list over all models, one row a subject, for the whole of the time.",
        (
            "It orders; a place on it is no finding.",
            "A short episode is diluted by a long honest time: see the months.",
        ),
    ),
}


def write(folder: Path, trained: Trained, inputs: Sequence[Mapping[str, Any]], *, fee_lines: int) -> None:
    """A card for each model, `<name>.md` and `<name>.json`, into a folder (made where it is not there)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in trained.models.models.items():
        card = card_of(name, model, trained, inputs, fee_lines)
        (folder / f"{name}.json").write_text(
            json.dumps(card, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8"
        )
        (folder / f"{name}.md").write_text(markdown(card), encoding="utf-8")


def card_of(
    name: str, model: Model, trained: Trained, inputs: Sequence[Mapping[str, Any]], fee_lines: int
) -> dict[str, Any]:
    """What a card says."""
    files = featurefile.load()
    about, limits = ABOUT.get(name, ("", ()))
    models = trained.models
    return {
        "model": name,
        "hash": model.hash,
        "set": models.hash,
        "about": about,
        "as_of": models.as_of,
        "window": list(models.window) if models.window else None,
        "seed": models.seed,
        "inputs": [dict(one) for one in inputs],
        "rows": {
            **{unit: trained.rows[unit] for unit in model.units if unit in trained.rows},
            "fee_line": fee_lines,
        },
        "rests_on": list(model.after),
        "features": {
            unit: {
                "hash": files[unit].hash,
                "columns": {
                    column.name: column.meaning
                    for column in files[unit].columns.values()
                    if column.suspicious
                },
            }
            for unit in model.units
        },
        "settings": _settings(model),
        "peer_groups": _peer_groups(model),
        "figures": _figures(trained.scores[name]),
        "seconds": round(trained.seconds[name], 2),
        "skipped": dict(trained.skipped),
        "limits": list(limits),
    }


def _settings(model: Model) -> dict[str, Any]:
    if isinstance(model, Peers | Forest):
        return {
            "false_discovery_rate": peers.FALSE_DISCOVERIES,
            "score_at_the_line": peers.AT_LINE,
            "smallest_peer_group": groups.SMALLEST,
            "ladder": list(groups.LADDER),
        }
    if isinstance(model, Rings):
        return {
            "false_discovery_rate": model.meta["false_discoveries"],
            "score_at_the_line": peers.AT_LINE,
            "together_minutes": model.meta["together_minutes"],
            "rings": len(model.rings),
            "members": sum(len(ring.members) for ring in model.rings),
        }
    if isinstance(model, Overall):
        return {"weights": {name: WEIGHTS[name] for name in model.after}, "score_at_the_line": peers.AT_LINE}
    return {}


def _peer_groups(model: Model) -> dict[str, Any]:
    if not isinstance(model, Peers):
        return {}
    return {
        kind: {
            "groups": groups.described(baseline.groups),
            "without_like": int((baseline.groups.strangeness[:, 0] >= 2).sum()),
        }
        for kind, baseline in model.baselines.items()
    }


def _figures(scores: pa.Table) -> list[dict[str, Any]]:
    """By subject type and grain: how many have a score, how many reach the line."""
    found = []
    whole = np.array(pc.equal(scores["period"], WHOLE).to_pylist(), dtype=bool)
    kinds = np.array(scores["subject_type"].to_pylist(), dtype=str)
    score = np.array(pc.fill_null(scores["score"], np.nan).to_numpy(), dtype=float)
    for kind in np.unique(kinds):
        for grain, rows in (("whole", whole), ("periods", ~whole)):
            some = score[(kinds == kind) & rows]
            if len(some):
                found.append(
                    {
                        "subject_type": str(kind),
                        "grain": grain,
                        "rows": len(some),
                        "scored": int(np.isfinite(some).sum()),
                        "at_the_line": int((np.nan_to_num(some) >= peers.AT_LINE).sum()),
                        "median": round(float(np.nanmedian(some)), 4) if np.isfinite(some).any() else None,
                    }
                )
    return found


def markdown(card: Mapping[str, Any]) -> str:
    """A card as a page."""
    lines = [
        f"# Model card: {card['model']}",
        "",
        card["about"],
        "",
        "| | |",
        "| --- | --- |",
        f"| hash | `{card['hash']}` (of the set: `{card['set']}`) |",
        f"| trained as of | {card['as_of']} |",
        f"| cases from, to | {' to '.join(map(str, card['window'])) if card['window'] else '–'} |",
        f"| seed | {card['seed']} |",
        f"| rows | {', '.join(f'{unit} {rows:,}' for unit, rows in card['rows'].items())} |",
        f"| rests on | {', '.join(card['rests_on']) or '–'} |",
        f"| trained in | {card['seconds']} s |",
        *(f"| {name.replace('_', ' ')} | {value} |" for name, value in card["settings"].items()),
        "",
        "## Figures on the training data",
        "",
        "| subjects | | rows | scored | at the line | median score |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one['subject_type']} | {one['grain']} | {one['rows']:,} | {one['scored']:,} | {one['at_the_line']:,} | {one['median']} |"
        for one in card["figures"]
    ]
    if card["peer_groups"]:
        lines += ["", "## Peer groups", "", "| subjects | group | members |", "| --- | --- | ---: |"]
        for kind, one in card["peer_groups"].items():
            lines += [f"| {kind} | {group['group']} | {group['members']:,} |" for group in one["groups"]]
            lines.append(f"| {kind} | without like (compared leniently) | {one['without_like']:,} |")
    if card["features"]:
        lines += ["", "## Features", "", "| unit | hash | indicators |", "| --- | --- | --- |"]
        lines += [
            f"| {unit} | `{one['hash']}` | {'；'.join(one['columns'].values()) or '–'} |"
            for unit, one in card["features"].items()
        ]
    if card["skipped"]:
        lines += ["", "## Not trained", "", *(f"* {name}: {why}" for name, why in card["skipped"].items())]
    lines += ["", "## Known limits", "", *(f"* {one}" for one in card["limits"]), ""]
    return "\n".join(lines)

"""Peer groups: whom a subject is compared with, by level, type and service mix.

Service mix is what a subject treats, as shares of its cases by kind of visit and chapter of the main diagnosis, and by
operations; similar mixes form clusters (k-means, seeded). Level and type are the registry's; where it is silent, mix alone
decides. A comparison takes the first group of the ladder that has `SMALLEST` members with enough cases. A subject whose mix
lies further from the middle of that group than nine tenths of the members do is compared more leniently, the further the
more (`strangeness`): who has no like is not suspicious for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.anomaly import indicators
from detectors.anomaly.mix import chapter
from detectors.anomaly.model import Features, State

#: The fewest members of a peer group that somebody is compared with.
SMALLEST = 8

#: From the narrowest group to the widest. Each name: level, type and cluster, those that it does not ask for left out.
LADDER = ("level+type+mix", "type+mix", "level+type", "type", "mix", "all")

#: Clusters hold about so many times the smallest group, and there are at most so many of them.
_MEMBERS, _MOST = 4, 12

#: Kinds of case that the mix distinguishes; all others are one more.
_AXES = 40

#: Cases of everybody's mix that are added to each subject's, so that a few cases do not make an extreme mix.
_PRIOR = 20.0

#: Fewer cases than that do not shape the clusters.
_FEW = 10

#: The variance is at most multiplied by the square of this.
_STRANGEST = 4.0


@dataclass(frozen=True)
class Groups:
    """Fitted groups of one subject type.

    `names`, `strangeness`: rows by subject of the baseline, columns by rung of the ladder. `known`: the groups that have
    members enough, sorted, with the `middles` of their mixes and the `ranges` within which nine tenths of the members lie.
    """

    axes: np.ndarray
    typical: np.ndarray
    centroids: np.ndarray
    known: np.ndarray
    middles: np.ndarray
    ranges: np.ndarray
    subjects: np.ndarray
    names: np.ndarray
    strangeness: np.ndarray

    def of(self, kind: str, features: Features, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Group names and strangeness by rung of these subjects (sorted, unique): those of the baseline as they were
        then, others by their own features."""
        mix = _mix(kind, features, subjects, self.axes, self.typical)
        names = _ladder(_registered(kind, features, subjects), _nearest(mix, self.centroids))
        strangeness = self.strange(mix, names)
        if len(self.subjects) and len(subjects):
            at = np.minimum(np.searchsorted(self.subjects, subjects), len(self.subjects) - 1)
            same = (self.subjects[at] == subjects)[:, None]
            names = np.where(same, self.names[at], names)
            strangeness = np.where(same, self.strangeness[at], strangeness)
        return names, strangeness

    def strange(self, mix: np.ndarray, names: np.ndarray) -> np.ndarray:
        """How far each mix lies from the middle of its group on each rung, 1 (within the range) to `_STRANGEST`."""
        found = np.ones(names.shape)
        for rung in range(names.shape[1]):
            at = np.minimum(np.searchsorted(self.known, names[:, rung]), max(len(self.known) - 1, 0))
            distance = np.sqrt(((mix - self.middles[at]) ** 2).sum(axis=1))
            there = self.known[at] == names[:, rung]
            found[:, rung] = np.where(there, np.clip(distance / self.ranges[at], 1.0, _STRANGEST), 1.0)
        return found

    def state(self) -> dict[str, np.ndarray]:
        """Arrays by name."""
        return {name: getattr(self, name) for name in _FIELDS}


_FIELDS = (
    "axes", "typical", "centroids", "known", "middles", "ranges", "subjects", "names", "strangeness",
)  # fmt: skip


def fit(kind: str, features: Features, subjects: np.ndarray, *, seed: int) -> Groups:
    """Groups of these subjects (sorted, unique) of the baseline."""
    axes, totals = _axes(kind, features)
    typical = totals / max(totals.sum(), 1.0)
    mix = _mix(kind, features, subjects, axes, typical)
    shaping = np.flatnonzero(_cases(kind, features, subjects) >= _FEW)
    centroids = _clusters(mix[shaping] if len(shaping) else mix, seed)
    names = _ladder(_registered(kind, features, subjects), _nearest(mix, centroids))
    every, sizes = np.unique(names, return_counts=True)
    known = every[(sizes >= SMALLEST) | (every == f"{LADDER[-1]}:")]
    middles, ranges = np.zeros((len(known), mix.shape[1])), np.ones(len(known))
    for number, name in enumerate(known):
        members = mix[(names == name).any(axis=1)]
        middles[number] = members.mean(axis=0)
        distance = np.sqrt(((members - middles[number]) ** 2).sum(axis=1))
        ranges[number] = max(float(np.quantile(distance, 0.9)), 1e-3)
    groups = Groups(axes, typical, centroids, known, middles, ranges, subjects, names, np.ones(names.shape))
    return replace(groups, strangeness=groups.strange(mix, names))


def restore(state: State, prefix: str) -> Groups:
    """What `Groups.state` said, its arrays under `prefix`."""
    return Groups(*(state.arrays[f"{prefix}{name}"] for name in _FIELDS))


def _clusters(mix: np.ndarray, seed: int) -> np.ndarray:
    """The middles of the clusters, in an order of their own."""
    from sklearn.cluster import KMeans

    wanted = int(np.clip(len(mix) // (_MEMBERS * SMALLEST), 1, _MOST))
    wanted = min(wanted, len(np.unique(mix.round(9), axis=0)))
    if not wanted:
        return np.zeros((1, mix.shape[1]))
    centres = np.asarray(KMeans(wanted, n_init=5, random_state=seed).fit(mix).cluster_centers_).round(9)
    return np.asarray(centres[np.lexsort(centres.T[::-1])])


def _nearest(mix: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    distance = ((mix[:, None, :] - centroids[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(distance.argmin(axis=1))


def described(groups: Groups) -> list[dict[str, Any]]:
    """For the model card: groups of the narrowest rung by name and size."""
    names, sizes = np.unique(groups.names[:, 0], return_counts=True)
    return [{"group": str(name), "members": int(size)} for name, size in zip(names, sizes, strict=True)]


def _ladder(registered: tuple[np.ndarray, np.ndarray], cluster: np.ndarray) -> np.ndarray:
    level, kind = registered
    mix = np.char.add("mix", cluster.astype(str))
    both = np.char.add(np.char.add(level, "/"), kind)
    rungs = (
        np.char.add(np.char.add(both, "/"), mix),
        np.char.add(np.char.add(kind, "/"), mix),
        both,
        kind,
        mix,
        np.full(len(mix), ""),
    )
    return np.column_stack([np.char.add(f"{name}:", one) for name, one in zip(LADDER, rungs, strict=True)])


def _registered(kind: str, features: Features, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level and type by subject, of its latest month; of a practitioner those of the latest institution."""
    places = features["institution_month"]
    latest = {
        code: (level, what)
        for code, level, what in zip(
            indicators.texts(places["fixmedins_code"]), indicators.texts(places["level"]), indicators.texts(places["kind"]),
            strict=True,
        )
    }  # fmt: skip
    home: Mapping[str, str] = {}
    if kind == "practitioner":
        own = features["practitioner_month"]
        home = dict(
            zip(indicators.texts(own["dr_code"]), indicators.texts(own["fixmedins_code"]), strict=True)
        )
    pairs = [latest.get(home.get(one, "") if home else one, ("", "")) for one in subjects]
    if not pairs:
        return np.zeros(0, dtype="<U1"), np.zeros(0, dtype="<U1")
    return np.array([level for level, _ in pairs], dtype=str), np.array([what for _, what in pairs], dtype=str)


def _of_mix(kind: str, table: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Subject, axes and cases of every row of `case_mix` that names a subject."""
    who = indicators.texts(table[indicators.IN_MIX[kind]])
    strata, at = np.unique(indicators.texts(table["stratum"]), return_inverse=True)
    named = np.array([_axis(one) for one in strata], dtype=str)[at] if len(strata) else strata
    keep = who != ""
    return who[keep], named[keep], indicators.numbers(table["cases"])[keep]


def _axis(stratum: str) -> str:
    kind, diagnosis, _, operation = stratum.split("|")
    return f"{kind}|{chapter(diagnosis)}|{operation}"


def _axes(kind: str, features: Features) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent axes by name, and everybody's cases on each, the last for all others."""
    _, axis, cases = _of_mix(kind, features[indicators.STANDARDISED])
    names, at = np.unique(axis, return_inverse=True)
    totals = np.bincount(at, weights=cases, minlength=len(names)) if len(names) else np.zeros(0)
    kept = np.sort(np.lexsort((names, -totals))[:_AXES])
    rest = float(totals.sum() - totals[kept].sum())
    return names[kept] if len(names) else np.zeros(0, dtype="<U1"), np.append(totals[kept], rest)


def _mix(
    kind: str, features: Features, subjects: np.ndarray, axes: np.ndarray, typical: np.ndarray
) -> np.ndarray:
    """Roots of shares by subject and axis: their distance is Hellinger's."""
    who, axis, cases = _of_mix(kind, features[indicators.STANDARDISED])
    counts = np.zeros((len(subjects), len(axes) + 1))
    if len(who) and len(subjects):
        row = np.minimum(np.searchsorted(subjects, who), len(subjects) - 1)
        column = np.minimum(np.searchsorted(axes, axis), max(len(axes) - 1, 0))
        column = np.where(axes[column] == axis, column, len(axes))
        there = subjects[row] == who
        np.add.at(counts, (row[there], column[there]), cases[there])
    shares = (counts + _PRIOR * typical) / (counts.sum(axis=1, keepdims=True) + _PRIOR)
    return np.sqrt(shares)


def _cases(kind: str, features: Features, subjects: np.ndarray) -> np.ndarray:
    who, _, cases = _of_mix(kind, features[indicators.STANDARDISED])
    if not len(who):
        return np.zeros(len(subjects))
    row = np.minimum(np.searchsorted(subjects, who), len(subjects) - 1)
    there = subjects[row] == who
    return np.bincount(row[there], weights=cases[there], minlength=len(subjects))

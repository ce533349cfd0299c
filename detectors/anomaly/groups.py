"""Peer groups: whom a subject is compared with, by level, type and service mix.

Service mix is what a subject treats, as shares of its cases by kind of visit and chapter of the main diagnosis, and by
operations; similar mixes form clusters (k-means, seeded). Level and type are the registry's; where it is silent, mix alone
decides. A comparison takes the first group of the ladder that has `SMALLEST` members with enough cases. A subject whose mix
lies further from the middle of that group than members of a typical group do (nine tenths of them, allowing for chance) is
compared more leniently, the further the more (`strangeness`): who has no like is not suspicious for that. A practitioner is
as strange as the institution at least: the county's referral hospital has the gravest patients of every department.
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

#: Beyond that nobody is stranger. The standard deviation is multiplied by its square.
_STRANGEST = 4.0


@dataclass(frozen=True)
class Groups:
    """Fitted groups of one subject type.

    `names`, `strangeness`: rows by subject of the baseline, columns by rung of the ladder. `known`: the groups that have
    members enough, sorted, with the `middles` of their mixes (shares) and the `ranges` within which members lie. `homes`:
    institutions and how strange each is (of practitioners only).
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
    homes: np.ndarray
    home_strangeness: np.ndarray

    def of(self, kind: str, features: Features, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Group names and strangeness by rung of these subjects (sorted, unique): those of the baseline as they were
        then, others by their own features."""
        counts = _counts(kind, features, subjects, self.axes)
        mix = np.sqrt(_shares(counts, self.typical))
        names = _ladder(_registered(kind, features, subjects), _nearest(mix, self.centroids))
        strangeness = self.strange(counts, names)
        if len(self.homes):
            strangeness = np.maximum(strangeness, self._at_home(features, subjects)[:, None])
        if len(self.subjects) and len(subjects):
            at = np.minimum(np.searchsorted(self.subjects, subjects), len(self.subjects) - 1)
            same = (self.subjects[at] == subjects)[:, None]
            names = np.where(same, self.names[at], names)
            strangeness = np.where(same, self.strangeness[at], strangeness)
        return names, strangeness

    def strange(self, counts: np.ndarray, names: np.ndarray) -> np.ndarray:
        """How far each mix lies from the middle of its group on each rung, 1 (within the range) to `_STRANGEST`."""
        found = np.ones(names.shape)
        n = counts.sum(axis=1)
        mix = np.sqrt(_shares(counts, self.typical))
        for rung in range(names.shape[1]):
            at = np.minimum(np.searchsorted(self.known, names[:, rung]), max(len(self.known) - 1, 0))
            distance = _distance(mix, n, self.middles[at], self.typical)
            there = self.known[at] == names[:, rung]
            found[:, rung] = np.where(there, np.clip(distance / self.ranges[at], 1.0, _STRANGEST), 1.0)
        return found

    def _at_home(self, features: Features, subjects: np.ndarray) -> np.ndarray:
        home = _homes(features)
        codes = np.array([home.get(one, "") for one in subjects.tolist()], dtype=str)
        if not len(codes):
            return np.ones(0)
        at = np.minimum(np.searchsorted(self.homes, codes), len(self.homes) - 1)
        return np.where(self.homes[at] == codes, self.home_strangeness[at], 1.0)

    def state(self) -> dict[str, np.ndarray]:
        """Arrays by name."""
        return {name: getattr(self, name) for name in _FIELDS}


_FIELDS = (
    "axes", "typical", "centroids", "known", "middles", "ranges", "subjects", "names", "strangeness", "homes",
    "home_strangeness",
)  # fmt: skip


def fit(
    kind: str, features: Features, subjects: np.ndarray, *, seed: int, institutions: Groups | None = None
) -> Groups:
    """Groups of these subjects (sorted, unique) of the baseline. `institutions`: their groups, where practitioners work."""
    axes, totals = _axes(kind, features)
    typical = totals / max(totals.sum(), 1.0)
    counts = _counts(kind, features, subjects, axes)
    mix, n = np.sqrt(_shares(counts, typical)), counts.sum(axis=1)
    centroids = _clusters(mix[n >= _FEW] if (n >= _FEW).any() else mix, seed)
    names = _ladder(_registered(kind, features, subjects), _nearest(mix, centroids))
    every, sizes = np.unique(names, return_counts=True)
    known = every[(sizes >= SMALLEST) | (every == f"{LADDER[-1]}:")]
    middles, ranges = np.zeros((len(known), mix.shape[1])), np.ones(len(known))
    for number, name in enumerate(known):
        members = (names == name).any(axis=1)
        middles[number] = _middle(counts[members], typical)
        distance = _distance(mix[members], n[members], middles[number][None, :], typical)
        ranges[number] = max(float(np.quantile(distance, 0.9)), 1e-3)
    narrow = np.isin(known, names[:, 0])
    members_of = np.array([int((names[:, 0] == name).sum()) for name in known])
    if narrow.any():
        # A group of what is left over is wide, and no yardstick: that of most members is.
        ranges = np.minimum(ranges, np.median(np.repeat(ranges[narrow], members_of[narrow])))
    groups = Groups(
        axes, typical, centroids, known, middles, ranges, subjects[:0], names[:0], np.zeros((0, len(LADDER))),
        institutions.subjects if institutions else subjects[:0],
        institutions.strangeness[:, 0] if institutions else np.zeros(0),
    )  # fmt: skip
    names, strangeness = groups.of(kind, features, subjects)
    return replace(groups, subjects=subjects, names=names, strangeness=strangeness)


def _middle(counts: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """The shares of a group: the median of its members', which a few strangers do not move."""
    middle = np.median(_shares(counts, typical), axis=0)
    return np.asarray(middle / max(middle.sum(), 1e-12))


def _distance(mix: np.ndarray, n: np.ndarray, middle: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Hellinger's distance from a middle, without what chance makes of so many cases."""
    expected = (n[:, None] * middle + _PRIOR * typical) / (n[:, None] + _PRIOR)
    chance = (1 / np.maximum((middle**2).sum(axis=1), 1e-12) - 1) / 4 * n / (n + _PRIOR) ** 2
    return np.asarray(np.sqrt(np.maximum(((mix - np.sqrt(expected)) ** 2).sum(axis=1) - chance, 0.0)))


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
            indicators.texts(places["fixmedins_code"]).tolist(), indicators.texts(places["level"]).tolist(),
            indicators.texts(places["kind"]).tolist(),
            strict=True,
        )
    }  # fmt: skip
    home = _homes(features) if kind == "practitioner" else {}
    pairs = [latest.get(home.get(one, "") if home else one, ("", "")) for one in subjects.tolist()]
    if not pairs:
        return np.zeros(0, dtype="<U1"), np.zeros(0, dtype="<U1")
    return np.array([level for level, _ in pairs], dtype=str), np.array(
        [what for _, what in pairs], dtype=str
    )


def _homes(features: Features) -> Mapping[str, str]:
    """The latest institution of every practitioner."""
    own = features["practitioner_month"]
    return dict(
        zip(
            indicators.texts(own["dr_code"]).tolist(),
            indicators.texts(own["fixmedins_code"]).tolist(),
            strict=True,
        )
    )


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


def _counts(kind: str, features: Features, subjects: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Cases by subject and axis, the last for all others."""
    who, axis, cases = _of_mix(kind, features[indicators.STANDARDISED])
    counts = np.zeros((len(subjects), len(axes) + 1))
    if len(who) and len(subjects):
        row = np.minimum(np.searchsorted(subjects, who), len(subjects) - 1)
        column = np.full(len(who), len(axes))
        if len(axes):
            near = np.minimum(np.searchsorted(axes, axis), len(axes) - 1)
            column = np.where(axes[near] == axis, near, len(axes))
        there = subjects[row] == who
        np.add.at(counts, (row[there], column[there]), cases[there])
    return counts


def _shares(counts: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Shares by subject and axis, a few typical cases added to each."""
    return np.asarray((counts + _PRIOR * typical) / (counts.sum(axis=1, keepdims=True) + _PRIOR))

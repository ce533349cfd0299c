"""Rings: connected components among the pairs of one institution that come together, and how unlikely a ring is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from detectors.anomaly.rings.chance import Floats
from detectors.anomaly.rings.meetings import Arrivals
from detectors.anomaly.rings.pairs import Pairs

#: Two who travel together are neighbours; a ring has as many members as this.
LEAST_MEMBERS = 3


@dataclass(frozen=True)
class Ring:
    """Members (`psn_no`, sorted) at an institution."""

    institution: str
    members: tuple[str, ...]

    @property
    def subject(self) -> str:
        """How it is called: institution, and a hash of the members, so that a list of rings names nobody."""
        return f"{self.institution}:{hashlib.sha256(';'.join(self.members).encode()).hexdigest()[:16]}"

    @property
    def text(self) -> str:
        """Institution and members."""
        return f"{self.institution}:{';'.join(self.members)}"

    @staticmethod
    def of(text: str) -> Ring:
        """The ring of a `text`."""
        institution, _, members = text.partition(":")
        return Ring(institution, tuple(sorted(members.split(";"))))


def best(pairs: Pairs, of: Arrivals, reached: Floats) -> dict[tuple[str, int, int], tuple[float, int]]:
    """By institution and two persons: the largest evidence over what they do together there, and the row of it.

    Each act of a pair is a comparison of its own in the family over which the line was drawn, so that none is free.
    """
    found: dict[tuple[str, int, int], tuple[float, int]] = {}
    for row in range(len(pairs)):
        key = (of.institution(int(pairs.place[row])), int(pairs.first[row]), int(pairs.second[row]))
        if key not in found or reached[row] > found[key][0]:
            found[key] = (float(reached[row]), row)
    return found


def rings(of: Arrivals, linked: dict[tuple[str, int, int], tuple[float, int]]) -> tuple[Ring, ...]:
    """The components of the pairs that reached the line, of each institution, by name."""
    by_institution: dict[str, list[tuple[int, int]]] = {}
    for (institution, one, other), (evidence, _) in linked.items():
        if evidence >= 1:
            by_institution.setdefault(institution, []).append((one, other))
    found: list[Ring] = []
    size = len(of.people)
    for institution, edges in by_institution.items():
        ends = np.array(edges)
        graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
        _, component = connected_components(graph, directed=False)
        there = np.unique(ends)
        for number in np.unique(component[there]).tolist():
            members = of.people[there[component[there] == number]]
            if len(members) >= LEAST_MEMBERS:
                found.append(Ring(institution, tuple(sorted(members.tolist()))))
    return tuple(sorted(found, key=lambda ring: ring.text))


def tree(members: int, links: list[tuple[int, int, float]]) -> list[int]:
    """Of links (two members by place, evidence) those that hold a ring together with the most evidence: at most members − 1.

    That each further member comes along is one more coincidence; that he then also comes with all the others is none.
    """
    if not links:
        return []
    rows = {(min(a, b), max(a, b)): number for number, (a, b, _) in enumerate(links)}
    most = max(evidence for _, _, evidence in links) + 1
    graph = coo_array(
        ([most - evidence for _, _, evidence in links], ([min(a, b) for a, b, _ in links], [max(a, b) for a, b, _ in links])),
        shape=(members, members),
    )  # fmt: skip
    kept = minimum_spanning_tree(graph.tocsr()).tocoo()
    return sorted(rows[int(min(a, b)), int(max(a, b))] for a, b in zip(*kept.coords, strict=True))

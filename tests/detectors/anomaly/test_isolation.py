"""Path lengths in numpy are those of scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import IsolationForest

from detectors.anomaly.isolation import Isolation


def test_oddity_is_scikit_learns() -> None:
    dice = np.random.default_rng(1)
    rows = np.maximum(dice.standard_normal((700, 9)), 0.0)
    theirs = IsolationForest(n_estimators=50, max_samples=256, random_state=2).fit(rows)
    ours = Isolation.of(theirs)
    other = np.maximum(dice.standard_normal((300, 9)) * 2, 0.0)
    assert np.abs(ours.oddity(other) + theirs.score_samples(other)).max() < 1e-9


def test_a_row_alone_is_as_odd_as_among_others() -> None:
    dice = np.random.default_rng(1)
    rows = dice.standard_normal((300, 4))
    ours = Isolation.of(IsolationForest(n_estimators=20, random_state=2).fit(rows))
    together = ours.oddity(rows)
    assert all(ours.oddity(rows[[at]])[0] == together[at] for at in range(0, 300, 17))


def test_arrays_make_the_same_forest_again() -> None:
    rows = np.random.default_rng(1).standard_normal((100, 3))
    ours = Isolation.of(IsolationForest(n_estimators=5, random_state=2).fit(rows))
    again = Isolation.from_arrays(ours.arrays("x."), "x.")
    assert (again.oddity(rows) == ours.oddity(rows)).all()

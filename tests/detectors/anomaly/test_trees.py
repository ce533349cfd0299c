"""Trees as arrays predict what scikit-learn predicts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from detectors.anomaly.trees import MOST_LEAVES, Trees


def rows_of(seed: int, count: int = 3000) -> np.ndarray:
    """Numbers of several kinds, a tenth of them missing, one column constant."""
    chance = np.random.default_rng(seed)
    rows = np.column_stack(
        [
            chance.normal(size=count),
            chance.integers(0, 5, count).astype(float),
            chance.exponential(1e6, count),
            chance.integers(0, 2, count).astype(float),
            np.ones(count),
        ]
    )
    rows[chance.random(rows.shape) < 0.1] = np.nan
    return rows


@pytest.fixture(scope="module", params=[1, 2], ids=["one seed", "another"])
def fitted(request: pytest.FixtureRequest) -> tuple[HistGradientBoostingRegressor, Trees]:
    rows = rows_of(request.param)
    filled = np.nan_to_num(rows)
    wanted = filled[:, 0] * (filled[:, 1] > 2) + np.isnan(rows[:, 2]) + 0.1 * np.log1p(filled[:, 2])
    regressor = HistGradientBoostingRegressor(max_iter=80, max_leaf_nodes=MOST_LEAVES, early_stopping=False)
    regressor.fit(rows, wanted)
    return regressor, Trees.of(regressor)


def test_they_predict_what_scikit_learn_predicts(
    fitted: tuple[HistGradientBoostingRegressor, Trees],
) -> None:
    regressor, trees = fitted
    unseen = np.concatenate([rows_of(9), rows_of(1)[:50], np.full((1, 5), np.nan), np.full((1, 5), 1e300)])
    assert np.abs(trees.predict(unseen) - regressor.predict(unseen)).max() < 1e-9


def test_a_value_on_a_threshold_goes_where_scikit_learn_sends_it(
    fitted: tuple[HistGradientBoostingRegressor, Trees],
) -> None:
    regressor, trees = fitted
    for column in range(4):
        cuts = np.unique(trees.threshold[trees.feature == column])
        rows = np.tile(rows_of(3, 1), (3 * len(cuts), 1))
        rows[:, column] = np.concatenate([cuts, np.nextafter(cuts, np.inf), np.nextafter(cuts, -np.inf)])
        assert np.abs(trees.predict(rows) - regressor.predict(rows)).max() < 1e-9


def test_a_row_alone_is_predicted_as_among_others(
    fitted: tuple[HistGradientBoostingRegressor, Trees],
) -> None:
    _, trees = fitted
    rows = rows_of(4, 5000)
    together = trees.predict(rows)
    alone = [float(trees.predict(rows[n : n + 1])[0]) for n in range(0, 5000, 97)]
    assert alone == together[::97].tolist()


def test_what_is_saved_is_what_is_read(fitted: tuple[HistGradientBoostingRegressor, Trees]) -> None:
    _, trees = fitted
    again = Trees.from_arrays(trees.arrays("cost.0"), "cost.0")
    assert again.predict(rows_of(5)).tolist() == trees.predict(rows_of(5)).tolist()


def test_trees_with_more_leaves_than_bits_are_refused() -> None:
    rows = rows_of(1)
    regressor = HistGradientBoostingRegressor(max_iter=2, max_leaf_nodes=MOST_LEAVES + 8, min_samples_leaf=5)
    regressor.fit(rows, np.nan_to_num(rows[:, 0]))
    with pytest.raises(ValueError, match="at the most"):
        Trees.of(regressor).predict(rows)

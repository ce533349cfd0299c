"""How good a list is: equal to what scikit-learn says where it says it, and blind to the order of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from streams.anomaly.evaluation import figures
from streams.anomaly.measures import (
    among_equals,
    auc,
    average_precision,
    by_size,
    equal_size_auc,
    first,
    gain,
    quality,
)

_LISTS = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: len({named for _, named in rows}) == 2
)


def _arrays(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in rows], dtype=float), np.array([named for _, named in rows])


@given(_LISTS)
def test_auc_and_average_precision_are_those_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores, truth = _arrays(rows)
    assert auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    assert average_precision(scores, truth) == pytest.approx(average_precision_score(truth, scores))


@given(_LISTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows: list[tuple[int, bool]], shuffler: object) -> None:
    other = list(rows)
    shuffler.shuffle(other)  # type: ignore[attr-defined]
    told = [
        figures(quality(scores, truth, by_size(scores + 1, 3)))
        for scores, truth in map(_arrays, (rows, other))
    ]
    assert told[0] == pytest.approx(told[1], nan_ok=True)


@given(_LISTS, st.integers(1, 60))
def test_a_cut_takes_as_many_as_it_should(rows: list[tuple[int, bool]], count: int) -> None:
    scores, _ = _arrays(rows)
    count = min(count, len(scores))
    taken = first(scores, count)
    assert taken.sum() == pytest.approx(count)
    assert ((taken >= 0) & (taken <= 1)).all()


def test_a_tie_at_the_cut_is_shared() -> None:
    taken = first(np.array([3.0, 2.0, 2.0, 2.0, 1.0]), 2)
    assert taken == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])


def test_who_is_not_scored_stands_last() -> None:
    scores, truth = np.array([0.1, np.nan, 0.9, np.nan]), np.array([False, True, True, False])
    found = quality(scores, truth, np.zeros(4, dtype=np.int64))
    assert found.auc == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert gain(scores, truth) == pytest.approx([0, 0.5, 0.5, 0.75, 1])


def test_shuffled_truth_gives_one_half() -> None:
    rng = np.random.default_rng(7)
    scores, sizes = rng.random(400), rng.integers(10, 900, 400).astype(float)
    truth = np.arange(400) < 40
    strata = by_size(sizes, 10)
    found = [quality(scores, rng.permutation(truth), strata) for _ in range(300)]
    assert np.mean([one.auc for one in found]) == pytest.approx(0.5, abs=0.01)
    assert np.mean([one.size_auc for one in found]) == pytest.approx(0.5, abs=0.01)
    assert np.mean([one.cuts[1].size_lift for one in found]) == pytest.approx(1, abs=0.15)
    assert np.mean([one.cuts[1].lift for one in found]) == pytest.approx(1, abs=0.15)


def test_a_list_that_knows_only_size_is_chance_at_equal_size() -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(10, 1000, 4000).astype(float)
    truth = rng.random(4000) < sizes / 2000  # the large are named more often, and nothing else
    strata = by_size(sizes, 20)
    found = quality(sizes, truth, strata)
    assert found.auc > 0.7
    assert found.size_auc == pytest.approx(0.5, abs=0.04)
    assert found.cuts[2].lift > 1.5
    assert found.cuts[2].size_lift == pytest.approx(1, abs=0.15)


def test_the_same_size_is_never_cut_apart() -> None:
    strata = by_size(np.array([5.0, 5, 5, 5, 9, 9, 1, 1, np.nan]), 4)
    assert len({*strata[:4].tolist()}) == len({*strata[4:6].tolist()}) == 1
    assert strata[8] == -1


def test_a_perfect_list_is_perfect_at_equal_size() -> None:
    truth = np.array([True, False, False, False] * 10)
    strata = np.repeat(np.arange(10), 4)
    found = quality(truth.astype(float), truth, strata)
    assert found.size_auc == equal_size_auc(truth.astype(float), truth, strata) == 1
    assert found.cuts[2].size_precision == 1
    assert found.cuts[2].size_lift == pytest.approx(4)


def test_places_among_equals_lie_between_nought_and_one() -> None:
    within = among_equals(np.array([1.0, 2, 3, 10, 20]), np.array([0, 0, 0, 1, 1]))
    assert within == pytest.approx([1 / 6, 1 / 2, 5 / 6, 1 / 4, 3 / 4])


@pytest.mark.parametrize("truth", [[True, True], [False, False]])
def test_a_truth_of_one_kind_is_refused(truth: list[bool]) -> None:
    with pytest.raises(ValueError, match="both kinds"):
        quality(np.array([0.1, 0.2]), np.array(truth), np.zeros(2, dtype=np.int64))

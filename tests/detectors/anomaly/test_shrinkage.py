"""Tails, dispersion and shrinkage are what statistics says they are."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy import stats

from detectors.anomaly import fdr, shrinkage
from detectors.anomaly.shrinkage import Kind


@pytest.mark.parametrize(
    ("x", "n", "p", "rho"), [(7, 20, 0.1, 1 / 21), (1, 12, 0.02, 0.01), (30, 60, 0.4, 0.05)]
)
def test_the_tail_of_a_rate_is_the_beta_binomials(x: int, n: int, p: float, rho: float) -> None:
    strength = (1 - rho) / rho
    honest = stats.betabinom(n, p * strength, (1 - p) * strength)
    mu, cases = np.array([p]), np.array([float(n)])
    var = shrinkage.variance("rate", mu, cases, 1.0, rho)
    assert shrinkage.upper_tail("rate", np.array([x / n]), mu, cases, var) == pytest.approx(
        honest.sf(x) + 0.5 * honest.pmf(x), rel=1e-6
    )


def test_the_tail_of_many_cases_goes_on_from_that_of_few() -> None:
    mu, var_at = 0.15, lambda n: shrinkage.variance("rate", np.array([0.15]), np.array([n]), 1.0, 0.02)
    few, many = (
        shrinkage.upper_tail("rate", np.array([0.3]), np.array([mu]), np.array([n]), var_at(n))[0]
        for n in (60.0, 70.0)
    )
    assert few == pytest.approx(many, rel=0.25)


@pytest.mark.parametrize("kind", ["rate", "count", "mean"])
def test_location_and_over_dispersion_are_found_and_a_few_extremes_do_not_move_them(kind: Kind) -> None:
    dice = np.random.default_rng(3)
    n = np.exp(dice.normal(4.5, 0.8, 400)).round() + 5
    expected = dice.uniform(0.1, 0.3, 400)
    if kind == "rate":
        own = dice.beta(expected * 40, (1 - expected) * 40)
        y = dice.binomial(n.astype(int), own) / n
        between = 1 / 41
    elif kind == "count":
        y = dice.poisson(n * expected * dice.gamma(20, 1 / 20, 400)) / n
        between = 1 / 20
    else:
        y = expected + dice.normal(0, 0.2, 400) + dice.normal(0, 1, 400) / np.sqrt(n)
        between = 0.04
    clean = shrinkage.fit_group(kind, y, expected, n, 1.0)
    assert clean.between == pytest.approx(between, rel=0.4)
    assert clean.location == pytest.approx(0.0 if kind == "mean" else 1.0, abs=0.05)
    y[:12] = 0.95 if kind == "rate" else y[:12] * 5 + 3
    spoilt = shrinkage.fit_group(kind, y, expected, n, 1.0)
    assert spoilt.between < 2 * clean.between
    assert spoilt.location == pytest.approx(clean.location, abs=0.08)


def test_who_has_few_cases_is_drawn_to_the_peers() -> None:
    mu, n = np.array([0.1, 0.1]), np.array([5.0, 5000.0])
    var = shrinkage.variance("rate", mu, n, 1.0, 0.01)
    own = shrinkage.shrunk(np.array([0.4, 0.4]), mu, shrinkage.variance("rate", mu, n, 1.0, 0.0), var)
    assert own[0] < 0.15
    assert own[1] > 0.38


def test_five_odd_cases_are_less_than_fifty() -> None:
    p, size, honest = np.array([1e-4, 1e-4]), np.array([40.0, 40.0]), np.array([0.01, 0.01])
    n = np.array([5.0, 50.0])
    few, many = shrinkage.deviate("mean", p, n, 1 / n, 1 / n + honest, size)
    assert few < many < 3.72


def test_benjamini_and_hochberg_reject_what_they_must() -> None:
    p = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216])
    assert (p <= fdr.cut_off(p, 0.05)).sum() == 2
    assert (p <= fdr.cut_off(np.linspace(0.1, 1, 10), 0.05)).sum() == 2 or fdr.cut_off(
        np.linspace(0.1, 1, 10), 0.05
    ) == 0.005


def test_evidence_keeps_its_order_where_probabilities_are_beyond_counting() -> None:
    p = np.array([[1e-200, 0.5], [1e-20, 0.5], [1e-3, 0.5], [0.5, 0.5]])
    combined = fdr.evidence(fdr.cauchy(p, np.ones(2)))
    assert (np.diff(combined) < 0).all()
    graded = fdr.graded(combined, 2.0)
    assert (np.diff(graded) < 0).all()
    assert graded.max() < 1


def test_the_examples_hold() -> None:
    assert not doctest.testmod(fdr, extraglobs={"np": np}).failed

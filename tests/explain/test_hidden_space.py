"""Where a hidden layer puts the points."""

import numpy as np
import pytest
import torch

from shared.explain import hidden_space
from shared.explain.hidden_space import activations, neighbors, project
from shared.models.plane_network import Shape, build, flat_weights


@pytest.mark.parametrize(("count", "units"), [(60, 3), (60, 16), (12, 32)])
def test_planes_are_those_of_scikit_learn(count, units):
    from sklearn.decomposition import PCA

    random = np.random.default_rng(units)
    values = random.normal(size=(count, units)) @ random.normal(size=(units, units)) + 3
    found, model = project(values), PCA(2, svd_solver="full").fit(values)
    signs = np.sign((found.components * model.components_).sum(1))
    np.testing.assert_allclose(found.components, model.components_ * signs[:, None], atol=1e-6)
    np.testing.assert_allclose(found.explained, model.explained_variance_ratio_, atol=1e-9)
    np.testing.assert_allclose((values - found.mean) @ found.components.T, model.transform(values) * signs, atol=1e-6)
    assert not found.exact
    for axis in found.components:
        assert axis[np.abs(axis).argmax()] > 0


@pytest.mark.parametrize("units", [1, 2])
def test_two_units_are_shown_as_they_are(units):
    values = np.random.default_rng(0).normal(size=(20, units)) * [3.0, 1.0][:units]
    found = project(values)
    shown = (values - found.mean) @ found.components.T
    assert found.exact and shown.shape == (20, 2)
    np.testing.assert_array_equal(shown[:, :units], values)
    np.testing.assert_allclose(found.explained[:units], values.var(0) / values.var(0).sum())


@pytest.mark.parametrize("values", [np.zeros((5, 4)), np.ones((2, 3)), np.arange(6.0).reshape(2, 3), np.eye(1, 4)])
def test_flat_spaces_have_planes_too(values):
    found = project(values)
    assert found.components.shape == (2, values.shape[1])
    assert np.isfinite(found.components).all() and np.isfinite(found.explained).all()
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(2), atol=1e-9)


def test_activations_are_those_of_torch():
    network = build(Shape((2, 5, 3, 1), "ReLU"), torch.Generator().manual_seed(0))
    x = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    weights = flat_weights(network).numpy()
    for layer, depth in ((0, 2), (1, 4)):
        found = activations(Shape((2, 5, 3, 1), "ReLU"), weights, x, layer)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, network[:depth](torch.tensor(x)).detach(), atol=1e-6)


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(hidden_space, "EARLY", 100)
    monkeypatch.setattr(hidden_space, "LATE", 150)


HEAPS = np.random.default_rng(0).normal(size=(75, 6)) + 30 * np.eye(6)[np.arange(75) % 3]


def test_neighbors_stay_neighbors(short):
    steps = list(neighbors(HEAPS, 0))
    assert [done for done, _ in steps] == list(range(25, 251, 25))
    assert all(places.shape == (75, 2) and np.isfinite(places).all() for _, places in steps)
    places, kinds = steps[-1][1], np.arange(75) % 3
    far = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(75)
    nearest = far.argsort(1)[:, :5]
    assert (kinds[nearest] == kinds[:, None]).mean() > 0.98


def test_the_same_seed_gives_the_same_places(short):
    one, again = (list(neighbors(HEAPS, 3))[-1][1] for _ in range(2))
    np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize("values", [HEAPS[:10], np.zeros((12, 4)), HEAPS[:, :1]], ids=["ten", "one spot", "one unit"])
def test_few_or_equal_points_have_places(short, values):
    *_, (_, places) = neighbors(values, 0)
    assert places.shape == (len(values), 2) and np.isfinite(places).all()

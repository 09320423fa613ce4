"""Labeled points by name."""

import numpy as np
import pytest

from shared.models import point_sets
from shared.models.point_sets import DRAWN, FEATURES_OF_IRIS, load, principal, split
from shared.problems import Problem

CLASSES = {"blobs": 3, "quantiles": 3}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("size", [10, 11, 300, 1000])
def test_drawn_sets(name, size):
    points = load(name, size, 0.2, 0.3, 0)
    classes = CLASSES.get(name, 2)
    assert points.x.shape == (size, 2) and points.x.dtype == np.float32 and np.isfinite(points.x).all()
    assert points.labels.shape == points.validation.shape == (size,) and points.labels.dtype == np.int64
    assert points.validation.dtype == bool and points.classes == tuple(f"class {kind}" for kind in range(classes))
    counts = np.bincount(points.labels, minlength=classes)
    assert len(counts) == classes and counts.min() >= (size // classes - 1 if name != "xor" else size // 5)
    for kind, count in enumerate(counts):
        assert points.validation[points.labels == kind].sum() == min(round(0.3 * count), count - 1)
    assert points.axes == ("x", "y") and points.mean.tolist() == [0, 0] and points.scale.tolist() == [1, 1]


@pytest.mark.parametrize("name", [*DRAWN, "iris"])
def test_a_seed_decides_the_points_and_the_split(name):
    one, other = load(name, 100, 0.2, 0.3, 0), load(name, 100, 0.2, 0.3, 1)
    load.cache_clear()
    again = load(name, 100, 0.2, 0.3, 0)
    np.testing.assert_array_equal(one.x, again.x)
    np.testing.assert_array_equal(one.validation, again.validation)
    assert not np.array_equal(one.validation, other.validation)
    assert name == "iris" or not np.array_equal(one.x, other.x)


def test_without_noise_the_sets_are_their_shapes():
    moons = load("moons", 200, 0.0, 0.0, 0)
    centers = np.array([[0, 0], [1, 0.5]])[moons.labels]
    np.testing.assert_allclose(np.hypot(*(moons.x - centers).T), 1, atol=1e-6)
    circles = load("circles", 200, 0.0, 0.0, 0)
    np.testing.assert_allclose(np.hypot(*circles.x.T), np.where(circles.labels == 1, 0.45, 1), atol=1e-6)
    xor = load("xor", 200, 0.0, 0.0, 0)
    np.testing.assert_array_equal(xor.labels, xor.x[:, 0] * xor.x[:, 1] > 0)
    assert np.abs(xor.x).min() >= 2 * 0.08 - 1e-6
    spirals = load("spirals", 200, 0.0, 0.0, 0)
    radius = np.hypot(*spirals.x.T) / 2
    turned = 1.75 * 2 * np.pi * radius + np.pi * spirals.labels
    np.testing.assert_allclose(
        spirals.x, 2 * radius[:, None] * np.stack([np.sin(turned), np.cos(turned)], 1), atol=1e-5
    )
    core = load("quantiles", 300, 0.0, 0.0, 0)
    radii = [np.hypot(*core.x[core.labels == kind].T) for kind in range(3)]
    assert radii[0].max() <= radii[1].min() and radii[1].max() <= radii[2].min()
    heaps = load("blobs", 900, 0.0, 0.0, 0)
    for kind, center in enumerate([[-1.2, -0.8], [1.3, -0.5], [0.0, 1.3]]):
        own = heaps.x[heaps.labels == kind]
        np.testing.assert_allclose(own.mean(0), center, atol=0.1)
        np.testing.assert_allclose(own.std(0), point_sets.SPREAD, atol=0.06)


@pytest.mark.parametrize("name", DRAWN)
def test_noise_spreads_the_points(name):
    def misplaced(noise):
        """How many points have a nearest neighbor of another class."""
        points = load(name, 300, noise, 0.0, 0)
        far = np.linalg.norm(points.x[:, None] - points.x, axis=2) + 1e9 * np.eye(300)
        return (points.labels[far.argmin(1)] != points.labels).mean()

    assert misplaced(0.0) < 0.1 < misplaced(2.0)


def test_painted_points_are_none_at_first():
    points = load("painted", 300, 0.2, 0.3, 0)
    assert points.x.shape == (0, 2) and points.labels.shape == points.validation.shape == (0,)
    assert points.classes == ("class 0", "class 1")


# ---- the share held out -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_never_all_of_a_class_is_held_out(share):
    labels = np.array([0] * 50 + [1] * 3 + [2])
    held_out = split(labels, share, 0)
    counts = [int(held_out[labels == kind].sum()) for kind in range(3)]
    assert counts == [min(round(share * count), count - 1) for count in (50, 3, 1)]


# ---- measured sets ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("features", ["petal length (cm), petal width (cm)", "SEPAL WIDTH (cm),petal length(cm)"])
def test_iris_by_two_columns(features):
    from sklearn.datasets import load_iris

    points, flowers = load("iris", 300, 0.2, 0.3, 0, features), load_iris()
    asked = [name.replace(" ", "").casefold() for name in features.split(",")]
    columns = [flowers.feature_names.index(name) for wanted in asked for name in flowers.feature_names
               if name.replace(" ", "") == wanted]  # fmt: skip
    assert points.axes == tuple(flowers.feature_names[column] for column in columns)
    np.testing.assert_allclose(points.mean + points.scale * points.x, flowers.data[:, columns], atol=1e-5)
    np.testing.assert_array_equal(points.labels, flowers.target)
    assert points.classes == ("Iris setosa", "Iris versicolor", "Iris virginica") and points.note == ""
    np.testing.assert_allclose(points.x.std(0), 1, atol=1e-5)


@pytest.mark.parametrize("features", ["", "PCA", " pca "])
def test_iris_by_principal_components(features):
    from sklearn.datasets import load_iris
    from sklearn.decomposition import PCA

    points, values = load("iris", 300, 0.2, 0.3, 0, features), load_iris().data
    model = PCA(2).fit(values)
    expected = model.transform(values)
    own = points.mean + points.scale * points.x
    np.testing.assert_allclose(own, expected * np.sign((expected * own).sum(0)), atol=1e-4)
    assert points.axes == ("principal component 1 (92%)", "principal component 2 (5%)")
    assert "98%" in points.note and points.note.endswith(".")


def test_principal_components_have_one_sign():
    values = np.random.default_rng(0).normal(size=(30, 5)) * [5, 3, 1, 1, 1]
    places, explained = principal(values)
    mirrored, _ = principal(values.max(0) - values)
    np.testing.assert_allclose(places, -mirrored, atol=1e-9)
    slopes = np.linalg.lstsq(values - values.mean(0), places)[0]
    for slope in slopes.T:
        assert slope[np.abs(slope).argmax()] > 0
    assert 0 < explained[1] < explained[0] < 1


def test_a_column_without_spread_is_no_division_by_zero():
    points = point_sets.assembled(
        "t", np.array([[1.0, 5], [2, 5], [3, 5]]), np.array([0, 1, 0]), ("a", "b"), ("x", "y"), 0, 0, standardize=True
    )
    assert points.x[:, 1].tolist() == [0, 0, 0] and points.scale[1] == 1


def test_zeros_and_ones():
    from sklearn.decomposition import PCA

    try:
        points = load("mnist", 300, 0.2, 0.3, 0)
    except Problem as problem:
        pytest.skip(str(problem))
    pixels, labels = point_sets.zeros_and_ones()
    assert pixels.shape == (2115, 784) and np.bincount(labels).tolist() == [980, 1135]
    assert points.x.shape == (300, 2) and points.classes == ("0", "1") and "%" in points.note
    chosen = np.random.default_rng(0).choice(2115, 300, replace=False)
    np.testing.assert_array_equal(points.labels, labels[chosen])
    expected = PCA(2, svd_solver="full").fit_transform(pixels[chosen])
    own = points.mean + points.scale * points.x
    np.testing.assert_allclose(own, expected * np.sign((expected * own).sum(0)), atol=1e-3)
    centers = [points.x[points.labels == kind].mean(0) for kind in (0, 1)]
    assert np.linalg.norm(centers[0] - centers[1]) > 1.5


def test_digits_that_cannot_be_fetched_are_one_sentence(monkeypatch):
    def fail(*_):
        raise OSError("/root/.cache is not there")

    monkeypatch.setattr(point_sets, "mnist_digits", fail)
    point_sets.zeros_and_ones.cache_clear()
    load.cache_clear()
    with pytest.raises(Problem, match="choose another set") as refused:
        load("mnist", 300, 0.2, 0.3, 0)
    assert ".cache" not in str(refused.value)


# ---- what cannot be ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "moon"}, "no set 'moon'; choose one of moons, circles"), ({"data": ""}, "no set ''"),
        ({"data": "<b>" * 900}, "no set '<b><b>"), ({"size": 9}, "10 to 1,000"), ({"size": 1001}, "10 to 1,000"),
        ({"noise": -0.1}, "from 0 to 2"), ({"noise": 2.1}, "from 0 to 2"), ({"noise": float("nan")}, "from 0 to 2"),
        ({"share": -0.1}, "0 and 90 %"), ({"share": 0.95}, "0 and 90 %"), ({"share": float("nan")}, "0 and 90 %"),
        ({"data": "iris", "features": "sepal length (cm)"}, "two different columns"),
        ({"data": "iris", "features": "a, b"}, "such as “sepal length (cm), sepal width (cm)”"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_bad_names_and_numbers(change, words):
    with pytest.raises(Problem) as refused:
        load(**{"data": "moons", "size": 300, "noise": 0.2, "share": 0.3, "seed": 0, **change})
    assert words in str(refused.value) and len(str(refused.value)) < 200


def test_the_columns_of_iris_are_named_as_scikit_learn_names_them():
    from sklearn.datasets import load_iris

    assert tuple(load_iris().feature_names) == FEATURES_OF_IRIS

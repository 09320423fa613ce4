"""The best straight line against all others."""

import itertools

import numpy as np
import pytest

from shared.explain.lines import best_line

CORNERS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


def share(line, x, labels):
    return float(((x @ line[:2] + line[2] > 0) == (labels == 1)).mean())


def by_all_pairs(x, labels):
    """The best of all lines through two spots, each tilted and moved a little to every side, and of no line at all."""
    best = max(labels.mean(), 1 - labels.mean())
    spots = np.unique(x, axis=0)
    little = 1e-4
    for one, other in itertools.combinations(spots, 2):
        away = (other - one) / np.hypot(*(other - one))
        normal = np.array([-away[1], away[0]])
        for to_one, to_other in itertools.product((-little, 0, little), repeat=2):
            a, b = one + to_one * normal, other + to_other * normal
            across = np.array([-(b - a)[1], (b - a)[0]])
            right = share(np.append(across, -across @ a), x, labels)
            best = max(best, right, share(-np.append(across, -across @ a), x, labels))
        for turn in (-little, little):  # about the middle: what lies on the line goes to both sides
            middle = (one + other) / 2
            across = np.array([np.cos(turn) * normal[0] - np.sin(turn) * normal[1],
                               np.sin(turn) * normal[0] + np.cos(turn) * normal[1]])  # fmt: skip
            line = np.append(across, -across @ middle)
            best = max(best, share(line, x, labels), share(-line, x, labels))
    return best


@pytest.mark.parametrize(
    ("labels", "accuracy"), [((0, 1, 1, 0), 0.75), ((0, 0, 0, 1), 1.0), ((0, 1, 1, 1), 1.0), ((1, 0, 0, 0), 1.0)]
)
def test_corners(labels, accuracy):
    labels = np.array(labels)
    line = best_line(CORNERS, labels)
    assert line.accuracy == accuracy == share(line.weights, CORNERS, labels)


@pytest.mark.parametrize("seed", range(60))
def test_small_grids_with_many_on_one_spot_and_one_line(seed):
    random = np.random.default_rng(seed)
    count, side = random.integers(2, 13), random.integers(1, 4)
    x = random.integers(0, side + 1, (count, 2)).astype(float)
    labels = random.integers(0, 2, count)
    line = best_line(x, labels)
    assert line.accuracy == pytest.approx(by_all_pairs(x, labels))
    assert share(line.weights, x, labels) == pytest.approx(line.accuracy), "its own weights reach it"


@pytest.mark.parametrize(
    ("x", "labels", "accuracy"),
    [
        ([[1, 1]] * 5, [0, 0, 1, 0, 1], 3 / 5),
        ([[1, 1]], [1], 1.0),
        ([[0, 0], [1, 1], [2, 2]], [1, 0, 1], 2 / 3),
        ([[0, 0], [1, 1], [2, 2]], [0, 1, 1], 1.0),
        ([[0, 5], [0, 6], [0, 7], [0, 8]], [0, 1, 0, 1], 3 / 4),
        ([[0, 0], [1, 0], [2, 0]], [1, 1, 1], 1.0),
        ([[0, 0], [1, 0], [2, 0]], [0, 0, 0], 1.0),
    ],
)
def test_points_on_one_spot_or_one_line(x, labels, accuracy):
    x, labels = np.array(x, dtype=float), np.array(labels)
    line = best_line(x, labels)
    assert line.accuracy == pytest.approx(accuracy)
    assert share(line.weights, x, labels) == pytest.approx(accuracy)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_no_random_line_is_better(seed, kind):
    random = np.random.default_rng(seed)
    x = random.normal(0, 10.0 ** random.integers(-3, 4), (80, 2)).astype(kind)
    labels = (x[:, 0] + 0.5 * x[:, 1] + x.std() * random.normal(size=80) > 0).astype(np.int64)
    line = best_line(x, labels)
    assert share(line.weights, x.astype(np.float64), labels) == pytest.approx(line.accuracy)
    angles = random.uniform(0, 2 * np.pi, 4000)
    normals = np.stack([np.cos(angles), np.sin(angles)])
    heights = x.astype(np.float64) @ normals
    offsets = heights[random.integers(0, 80, 4000), np.arange(4000)]
    shares = ((heights > offsets) == (labels == 1)[:, None]).mean(0)
    assert 0.6 < max(shares.max(), 1 - shares.min()) <= line.accuracy < 1


@pytest.mark.parametrize("name", ["circles", "xor", "spirals"])
def test_sets_that_no_line_can_tell_apart(name):
    from shared.models.point_sets import load

    points = load(name, 200, 0.1, 0.0, 0)
    assert 0.5 <= best_line(points.x, points.labels).accuracy < 0.8

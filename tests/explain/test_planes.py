"""Planes through trained weights: filters keep their lengths, directions their angles, 0 its place."""

import numpy as np
import pytest
import torch
from torch import nn

from shared.explain import planes
from shared.explain.planes import (
    PLANES,
    Plane,
    curvature_plane,
    drawn,
    filter_normalized,
    filter_normalized_plane,
    grid,
    grid_lines,
    line_plane,
    orthogonal_to,
    random_plane,
    three_points_plane,
    trajectory_plane,
)
from shared.explain.weight_space import parts_of, vector_of
from shared.problems import Problem

torch.set_num_threads(1)


def picture_network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4)
    )


NETWORK = picture_network()
PARTS, ORIGIN = parts_of(NETWORK), vector_of(NETWORK)
SIZE = len(ORIGIN)


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def cosine(one, two):
    one, two = (np.asarray(each, np.float64) for each in (one, two))
    return one @ two / np.sqrt((one @ one) * (two @ two))


def one_sentence(problem):
    text = str(problem)
    assert text.endswith(".") and 20 < len(text) < 250 and "\n" not in text


# ---- grid lines -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("resolution", [5, 6, 7, 8, 9, 15, 41, 100, 101])
@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-1, 1),
        (-0.5, 1.5),
        (-1 / 3, 0.7),
        (0, 3),
        (-2, 0),
        (1, 2),
        (-5, -3),
        (-1e-6, 3e-6),
        (-123.4, 777.7),
        (-3, 1e-9),
    ],
)
def test_zero_is_exactly_a_grid_line(low, high, resolution):
    lines = grid_lines(low, high, resolution)
    assert lines.shape == (resolution,) and (lines == 0).sum() == 1
    step = (high - low) / (resolution - 1)
    np.testing.assert_allclose(np.diff(lines), step, rtol=1e-9)
    if low <= 0 <= high:
        assert abs(lines[0] - low) <= step * 0.51 and abs(lines[-1] - high) <= step * 0.51


@pytest.mark.parametrize("span", [0.01, 0.37, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("window", [(-1, 1, -1, 1), (-0.5, 1.5, -1, 1), (-0.2, 4.1, -0.3, 0.9), (0.1, 0.2, -7, -3)])
def test_a_grid_is_as_wide_as_it_is_high(window, span):
    plane = Plane(torch.zeros(3), torch.eye(3)[:2], ("a", "b"), "", (), window)
    for resolution in (5, 8, 21, 41):
        alpha, beta = grid(plane, resolution, span)
        assert 0.0 in alpha and 0.0 in beta
        np.testing.assert_allclose(np.diff(alpha), np.diff(beta), rtol=1e-9)
        side = span * max(window[1] - window[0], window[3] - window[2])
        assert alpha[-1] - alpha[0] == pytest.approx(side)


# ---- coordinates ------------------------------------------------------------------------------------------------
def test_coordinates_are_those_of_least_squares():
    directions = gaussian(2, SIZE)
    directions[1] += 0.8 * directions[0]  # far from orthogonal
    plane = Plane(ORIGIN, directions, ("a", "b"), "", ())
    vectors = gaussian(5, SIZE, seed=1)
    expected = np.linalg.lstsq(directions.numpy().T.astype(float), vectors.numpy().T.astype(float), rcond=None)[0].T
    np.testing.assert_allclose(plane.coordinates(vectors), expected, atol=1e-9)
    inside = plane.at(0.3, -1.2) - ORIGIN
    np.testing.assert_allclose(plane.coordinates(inside[None])[0], [0.3, -1.2], atol=1e-5)
    assert plane.cosine == pytest.approx(cosine(*directions), abs=1e-12) and plane.cosine > 0.3
    np.testing.assert_allclose(plane.lengths, np.linalg.norm(directions.double(), axis=1))
    np.testing.assert_array_equal(plane.at(0.0, 0.0), ORIGIN)


def test_what_is_orthogonal_to_others():
    one = gaussian(40).double()
    two = orthogonal_to(gaussian(40, seed=1), [one])
    three = orthogonal_to(one + 1e-6 * gaussian(40, seed=2), [one, two])  # nearly nothing is left
    assert abs(cosine(one, two)) < 1e-14 and max(abs(cosine(three, one)), abs(cosine(three, two))) < 1e-8


# ---- random planes ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_each_filter_has_the_length_of_its_filter(seed):
    plane = filter_normalized_plane(ORIGIN, PARTS, seed)
    named = dict(NETWORK.named_parameters())
    for direction in plane.directions:
        for part in PARTS:
            piece = direction[part.place].view(part.shape).double()
            if part.name in ("0.weight", "4.weight", "6.weight"):
                for row, filter_ in zip(piece, named[part.name].detach().double(), strict=True):
                    assert float(row.norm()) == pytest.approx(float(filter_.norm()), rel=1e-6)
            else:
                assert not piece.any(), part.name
    assert plane.cosine == pytest.approx(cosine(*plane.directions), abs=1e-12)
    assert 0 < abs(plane.cosine) < 0.5, "scaled last, so not quite orthogonal, and the number says so"
    np.testing.assert_array_equal(plane.origin, ORIGIN)


def test_scaling_of_a_filter_does_not_turn_it():
    raw = drawn(PARTS, 0, ("weights",), 1)[0]
    scaled = filter_normalized(raw, ORIGIN, PARTS)
    for row in range(5):
        at = slice(PARTS[4].place.start + 12 * row, PARTS[4].place.start + 12 * (row + 1))
        assert PARTS[4].name == "4.weight" and cosine(raw[at], scaled[at]) == pytest.approx(1, abs=1e-12)


def test_filters_of_zeros_stay_where_they_are():
    origin = ORIGIN.clone()
    origin[PARTS[0].place] = 0
    plane = filter_normalized_plane(origin, PARTS, 0)
    assert not plane.directions[:, PARTS[0].place].any() and plane.directions[:, PARTS[4].place].any()
    weightless = origin.clone()
    for part in PARTS:
        if part.kind == "weights":
            weightless[part.place] = 0
    with pytest.raises(Problem, match="All weights are zero") as refused:
        filter_normalized_plane(weightless, PARTS, 0)
    one_sentence(refused.value)


@pytest.mark.parametrize("seed", [0, 1, 2, 77])
def test_random_planes_are_orthogonal_and_as_long_as_the_weights(seed):
    plane = random_plane(ORIGIN, PARTS, seed)
    assert abs(cosine(*plane.directions)) < 1e-6 and abs(plane.cosine) < 1e-6
    np.testing.assert_allclose(plane.lengths, float(ORIGIN.double().norm()), rtol=1e-6)
    assert all(plane.directions[:, part.place].any() for part in PARTS), "biases and norms take part"
    assert random_plane(torch.zeros(SIZE), PARTS, seed).lengths == pytest.approx((1, 1))


def test_directions_are_normal_random_numbers():
    values = drawn(PARTS, 3, ("weights", "bias", "norm"), 1)[0].numpy()
    assert abs(values.mean()) < 4 / np.sqrt(SIZE) and values.std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("make", [filter_normalized_plane, random_plane])
def test_a_seed_is_a_plane(make):
    one, same, other = (make(ORIGIN, PARTS, seed).directions for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert abs(cosine(one[0], other[0])) < 0.5 and not torch.equal(one, other)


# ---- the plane of a trajectory ----------------------------------------------------------------------------------
def way(frames=9):
    """A bent way that ends at the origin."""
    steps = torch.linspace(1, 0, frames)[:, None]
    return ORIGIN + steps * gaussian(SIZE) + steps**2 * gaussian(SIZE, seed=1) + 0.3 * steps**3 * gaussian(SIZE, seed=2)


def explained(plane, moments):
    differences = (moments - plane.origin).double()
    rest = differences - plane.coordinates(differences) @ plane.directions.double()
    return 1 - float(rest.square().sum() / differences.square().sum())


def test_the_principal_plane_is_that_of_numpy():
    moments = way()
    plane = trajectory_plane(ORIGIN, moments, PARTS, 0)
    _, spread, axes = np.linalg.svd((moments - ORIGIN).double().numpy(), full_matrices=False)
    shares = spread**2 / (spread**2).sum()
    for direction, axis in zip(plane.directions, axes, strict=False):
        assert abs(cosine(direction, axis)) == pytest.approx(1, abs=1e-9)
    assert explained(plane, moments) == pytest.approx(shares[:2].sum(), abs=1e-9) and shares[2] > 1e-5
    assert plane.axes == (f"principal component 1 ({shares[0]:.0%})", f"principal component 2 ({shares[1]:.0%})")
    assert any(f"{shares[0]:.1%} and {shares[1]:.1%}" in fact for fact in plane.facts)
    np.testing.assert_allclose(plane.lengths, 1, rtol=1e-6)
    assert (plane.coordinates(moments[:1] - ORIGIN) >= 0).all(), "the way begins at the upper right"


def test_no_other_plane_holds_more_of_the_way():
    moments = way()
    best = explained(trajectory_plane(ORIGIN, moments, PARTS, 0), moments)
    for seed in range(20):
        pair = torch.stack([gaussian(9, seed=2 * seed) @ (moments - ORIGIN), gaussian(SIZE, seed=2 * seed + 1)])
        assert explained(Plane(ORIGIN, pair, ("", ""), "", ()), moments) <= best + 1e-12


def test_the_window_holds_the_whole_way():
    plane = trajectory_plane(ORIGIN, way(), PARTS, 0)
    left, right, bottom, top = plane.window
    assert right - left == pytest.approx(top - bottom)
    places = np.concatenate([plane.coordinates(way() - ORIGIN).numpy(), np.zeros((1, 2))])
    room = 0.1 * (right - left)
    assert (places[:, 0] > left + room).all() and (places[:, 0] < right - room).all()
    assert (places[:, 1] > bottom + room).all() and (places[:, 1] < top - room).all()


@pytest.mark.parametrize("frames", [2, 6])
def test_a_straight_way_gets_a_random_second_direction(frames):
    moments = ORIGIN + torch.linspace(1, 0, frames)[:, None] * gaussian(SIZE)
    plane = trajectory_plane(ORIGIN, moments, PARTS, 0)
    assert plane.axes[1] == "random direction" and abs(plane.cosine) < 1e-6
    assert abs(cosine(plane.directions[0], gaussian(SIZE))) == pytest.approx(1, abs=1e-6)
    assert plane.facts[-1].startswith("The way is straight")
    np.testing.assert_allclose(plane.lengths, 1, rtol=1e-6)


@pytest.mark.parametrize("moments", [ORIGIN[None], ORIGIN.repeat(5, 1)])
def test_what_does_not_move_has_no_plane(moments):
    with pytest.raises(Problem, match="Nothing moved") as refused:
        trajectory_plane(ORIGIN, moments, PARTS, 0)
    one_sentence(refused.value)


# ---- planes through given weights -------------------------------------------------------------------------------
def test_three_weights_lie_on_their_plane():
    one, two = ORIGIN + gaussian(SIZE), ORIGIN + 3 * gaussian(SIZE, seed=1) + gaussian(SIZE)
    plane = three_points_plane(ORIGIN, one, two, ("north", "south"))
    np.testing.assert_allclose(plane.coordinates((one - ORIGIN)[None]), [[1, 0]], atol=1e-6)
    across, up = plane.coordinates((two - ORIGIN)[None])[0].tolist()
    assert up > 0
    torch.testing.assert_close(plane.at(across, up), two, rtol=1e-4, atol=1e-4)
    assert abs(plane.cosine) < 1e-6 and plane.lengths[0] == pytest.approx(plane.lengths[1], rel=1e-6)
    assert plane.axes == ("towards north", "towards south")
    left, right, bottom, top = plane.window
    assert left < 0 < 1 < right and bottom < 0 < up < top and left < across < right


@pytest.mark.parametrize("two", [ORIGIN, ORIGIN + 2 * gaussian(SIZE), ORIGIN - gaussian(SIZE)])
def test_three_weights_on_a_line_span_nothing(two):
    for pair in ((ORIGIN + gaussian(SIZE), two), (ORIGIN, two)):
        with pytest.raises(Problem, match="on one line") as refused:
            three_points_plane(ORIGIN, *pair, ("a", "b"))
        one_sentence(refused.value)


def test_a_line_goes_from_0_to_1():
    other = ORIGIN + gaussian(SIZE)
    plane = line_plane(ORIGIN, other, PARTS, 0, "the other")
    torch.testing.assert_close(plane.at(1.0, 0.0), other)
    assert abs(plane.cosine) < 1e-6 and plane.lengths[0] == pytest.approx(plane.lengths[1], rel=1e-6)
    alpha, beta = grid(plane, 9, 1.0)
    assert 1.0 in alpha and alpha[0] == -0.5 and alpha[-1] == 1.5 and beta[0] == -1
    with pytest.raises(Problem, match="same weights") as refused:
        line_plane(ORIGIN, ORIGIN.clone(), PARTS, 0, "itself")
    one_sentence(refused.value)


def test_eigenvectors_make_a_plane():
    plane = curvature_plane(ORIGIN, 3 * gaussian(SIZE), gaussian(SIZE, seed=1), (2.5, -0.125))
    assert abs(plane.cosine) < 1e-6 and plane.lengths == pytest.approx((1, 1))
    assert plane.axes == ("largest curvature (2.5)", "smallest curvature (-0.125)")
    with pytest.raises(Problem, match="one direction only") as refused:
        curvature_plane(ORIGIN, gaussian(SIZE), -gaussian(SIZE), (1, 1))
    one_sentence(refused.value)


def test_every_plane_says_what_it_is():
    one, two = ORIGIN + gaussian(SIZE), ORIGIN + gaussian(SIZE, seed=1)
    made = {
        "filter_normalized": filter_normalized_plane(ORIGIN, PARTS, 0), "random": random_plane(ORIGIN, PARTS, 0),
        "trajectory": trajectory_plane(ORIGIN, way(), PARTS, 0), "line": line_plane(ORIGIN, one, PARTS, 0, "other"),
        "three_points": three_points_plane(ORIGIN, one, two, ("a", "b")),
        "curvature": curvature_plane(ORIGIN, one, two, (1, 0)),
    }  # fmt: skip
    assert set(made) == set(planes.PLANES) == set(PLANES)
    for name, plane in made.items():
        assert plane.unit.startswith("1 is ") and all(text.endswith(".") for text in (plane.unit, *plane.facts)), name
        assert any("ias" in fact for fact in plane.facts) or name == "line", "what became of the biases"
        assert plane.directions.dtype == torch.float32 and len(set(plane.axes)) == 2

"""How the loss bends: both ends of the spectrum against numpy, boxes and profiles against formulas, gradient norms."""

import numpy as np
import pytest
import torch
from torch import nn

from shared.explain import curvature as library
from shared.explain.curvature import (
    BOXES,
    PROFILE,
    Ends,
    curvature,
    gradient_norms,
    greatest_in_box,
    profile,
    reach_of,
    sharpness_percent,
    spectrum_ends,
)
from shared.explain.weight_space import WeightSpace, vector_of
from shared.problems import Problem

torch.set_num_threads(1)


def ends_of(matrix, seed=0):
    """The last answer for a symmetric matrix, and all before it."""
    matrix = torch.as_tensor(matrix, dtype=torch.float32)
    return list(spectrum_ends(lambda vector: matrix @ vector, len(matrix), seed))


def symmetric(values, seed):
    """A matrix with given eigenvalues in random directions."""
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    return (axes * np.asarray(values, float)) @ axes.T


SPECTRA = {
    "indefinite": np.linspace(-3, 5, 30),
    "bottom is larger in size": np.linspace(-50, 2, 30),
    "semidefinite": [0.0] * 25 + [1.0, 2.0, 4.0, 8.0, 90.0],
    "negative": -np.arange(1.0, 21),
    "repeated": [2.0] * 15 + [-1.0] * 15,
    "all alike": [3.0] * 12,
    "large": np.geomspace(1e-3, 1e4, 60),
    "small": np.linspace(-1e-6, 4e-6, 20),
    "one far out": [*np.random.default_rng(0).normal(size=199) * 0.01, 30.0],
    "two by two": [-0.5, 0.25],
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SPECTRA)
def test_both_ends_of_a_spectrum(name, seed):
    matrix = symmetric(SPECTRA[name], seed)
    expected = np.linalg.eigvalsh(matrix)
    last = ends_of(matrix, seed)[-1]
    size = np.abs(expected).max()
    assert last.found and last.top == pytest.approx(expected[-1], abs=2e-3 * size)
    assert last.bottom == pytest.approx(expected[0], abs=2e-3 * size)
    for value, vector in zip((last.top, last.bottom), last.vectors.double().numpy(), strict=True):
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)
        assert np.linalg.norm(matrix @ vector - value * vector) < 3e-4 * size


@pytest.mark.parametrize("name", ["indefinite", "semidefinite", "repeated", "one far out"])
def test_an_eigenvalue_lies_within_each_residual(name):
    matrix = symmetric(SPECTRA[name], 1)
    expected = np.linalg.eigvalsh(matrix)
    answers, size = ends_of(matrix), np.abs(expected).max()
    assert [each.products for each in answers] == list(range(1, len(answers) + 1))
    for each in answers:
        for value, vector, residual in zip(
            (each.top, each.bottom), each.vectors.double().numpy(), each.residuals, strict=True
        ):
            assert np.abs(expected - value).min() <= residual + 2e-6 * size
            assert np.linalg.norm(matrix @ vector - value * vector) == pytest.approx(residual, abs=1e-4 * size)
    tops, bottoms = [each.top for each in answers], [each.bottom for each in answers]
    assert (np.diff(tops) > -1e-5 * size).all() and (np.diff(bottoms) < 1e-5 * size).all(), "they only grow apart"
    assert tops[-1] <= expected[-1] + 1e-5 * size and bottoms[-1] >= expected[0] - 1e-5 * size


def test_matrices_that_are_hardly_any():
    (only,) = ends_of([[-2.5]])
    assert only.top == only.bottom == pytest.approx(-2.5) and only.found and only.vectors.shape == (2, 1)
    (zero,) = ends_of(np.zeros((7, 7)))
    assert zero.top == zero.bottom == 0 and zero.found and zero.vectors.norm(dim=1).tolist() == pytest.approx([1, 1])


def test_a_search_ends_after_its_budget(monkeypatch):
    monkeypatch.setattr(library, "MOST_PRODUCTS", 6)
    answers = ends_of(symmetric(np.linspace(-1, 1, 300), 0))
    assert len(answers) == 6 and not answers[-1].found
    assert not Ends(1, 1.0, 0.0, torch.zeros(2, 1), (0.0, 1e-3)).found
    assert Ends(1, -10.0, 0.0, torch.zeros(2, 1), (1e-3, 1e-3)).found


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), 1e25])
def test_a_matrix_beyond_all_numbers_is_one_sentence(odd):
    with pytest.raises(Problem, match="choose a smaller learning rate"):
        ends_of(np.diag([1.0, odd, 2.0]))


def test_a_seed_is_a_search():
    matrix = symmetric(SPECTRA["large"], 0)
    one, same, other = (ends_of(matrix, seed)[3] for seed in (4, 4, 5))
    assert one.top == same.top != other.top and torch.equal(one.vectors, same.vectors)


def test_the_curvature_of_a_network_is_that_of_its_hessian():
    torch.manual_seed(0)
    x, labels = torch.randn(30, 2), torch.arange(30) % 2
    network = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2))
    space = WeightSpace(network, x, labels)
    names = [(name, parameter.shape) for name, parameter in network.named_parameters()]

    def loss(theta):
        pieces = theta.split([shape.numel() for _, shape in names])
        values = {name: piece.view(shape) for (name, shape), piece in zip(names, pieces, strict=True)}
        return nn.functional.cross_entropy(torch.func.functional_call(network, values, (x,)), labels)

    values = np.linalg.eigvalsh(torch.autograd.functional.hessian(loss, vector_of(network)).double().numpy())
    for seed in range(3):
        *_, last = spectrum_ends(space.hessian_product(space.origin), space.size, seed)
        assert (last.top, last.bottom) == pytest.approx((values[-1], values[0]), abs=2e-3 * values[-1])
        assert last.products <= space.size


# ---- a bowl -----------------------------------------------------------------------------------------------------
def test_the_curvature_of_a_bowl(bowl):
    space, _, hessian = bowl()
    *_, last = spectrum_ends(space.hessian_product(space.origin), space.size, 0)
    values = np.linalg.eigvalsh(hessian)
    assert (last.top, last.bottom) == pytest.approx((values[-1], values[0]), rel=1e-3)


@pytest.mark.parametrize("size", [1e-3, 1e-2])
def test_the_greatest_loss_of_a_box_lies_in_its_corner(bowl, size):
    """Where the gradient keeps its signs; all corners are tried, as the loss of a bowl is greatest in one of them."""
    space, loss, _ = bowl()
    theta = space.origin + 1.5
    reach = size * (theta.abs() + 1).double().numpy()
    corners = np.stack(np.meshgrid(*[[-1, 1]] * 5), -1).reshape(-1, 5)
    expected = max(loss(theta.double().numpy() + corner * reach) for corner in corners)
    assert greatest_in_box(space, theta, size) == pytest.approx(expected, rel=1e-5)
    assert expected > loss(theta) * 1.001


def test_no_box_is_left_and_none_is_below_its_center(bowl):
    space, loss, _ = bowl()
    seen, original = [], space.measure
    space.measure = lambda theta: seen.append(theta.clone()) or original(theta)
    theta = space.origin.clone()
    found = greatest_in_box(space, theta, 0.5)
    for place in seen:
        assert ((place - theta).abs() <= 0.5 * (theta.abs() + 1) * (1 + 1e-6)).all()
    assert found == pytest.approx(max(loss(place) for place in seen), rel=1e-5) and found >= loss(theta)
    np.testing.assert_array_equal(theta, space.origin)


def test_sharpness_is_the_formula_of_keskar():
    assert sharpness_percent(0.25, 0.5) == pytest.approx(100 * 0.25 / 1.25) and sharpness_percent(1.0, 1.0) == 0


def test_the_profile_of_a_bowl_is_a_parabola(bowl):
    space, loss, hessian = bowl()
    values, vectors = np.linalg.eigh(hessian)
    direction = torch.from_numpy(vectors[:, -1]).float() * 7  # its length does not matter
    at, seen = profile(space, space.origin, direction, 2.0)
    assert len(at) == len(seen) == PROFILE and at[0] == -2 and at[-1] == 2 and at[PROFILE // 2] == 0
    theta, unit = space.origin.double().numpy(), vectors[:, -1]
    slope = (loss(theta + 1e-4 * unit) - loss(theta - 1e-4 * unit)) / 2e-4
    np.testing.assert_allclose(seen, [loss(theta) + slope * t + values[-1] * t**2 / 2 for t in at], rtol=1e-4)


def test_a_profile_reaches_as_far_as_the_loss_rises_by_about_one():
    for top, bottom, expected in ((8, 0, 0.5), (0, -8, 0.5), (1e6, 0, 0.1), (0, 0, 3), (2e-9, -1e-9, 3)):
        reach = reach_of(Ends(1, top, bottom, torch.zeros(2, 1), (0, 0)))
        assert reach == pytest.approx(expected)
    assert 8 * 0.5**2 / 2 == 1


# ---- all of it --------------------------------------------------------------------------------------------------
def test_everything_about_a_bowl_comes_step_by_step(bowl):
    space, loss, hessian = bowl()
    theta = space.origin.clone()
    steps = list(curvature(space, theta, 0))
    done = [step.done for step in steps]
    assert done == sorted(done) and steps[-1].done == steps[-1].total == 5 + len(BOXES) + 4
    assert [step.stage for step in steps] == sorted((step.stage for step in steps), key=done_first)
    last = steps[-1]
    gradient = [(loss(theta.double().numpy() + e) - loss(theta.double().numpy() - e)) / 2e-4 for e in 1e-4 * np.eye(5)]
    assert last.gradient == pytest.approx(np.linalg.norm(gradient), rel=1e-4)
    assert last.loss == pytest.approx(loss(theta), rel=1e-5)
    sizes, greatest = zip(*last.boxes, strict=True)
    assert sizes == BOXES and list(greatest) == sorted(greatest) and greatest[0] > last.loss
    names = [name for name, _, _ in last.profiles]
    assert names == ["along the largest curvature", "along the smallest", "random 1", "random 2"]
    values = np.linalg.eigvalsh(hessian)
    for (_, at, seen), value in zip(last.profiles, (values[-1], values[0]), strict=False):
        assert np.polyfit(at, seen, 2)[0] == pytest.approx(value / 2, rel=2e-2)
    again = list(curvature(bowl()[0], theta, 0))[-1]
    assert again.profiles == last.profiles and again.boxes == last.boxes
    assert list(curvature(bowl()[0], theta, 1))[-1].profiles[2] != last.profiles[2]


def done_first(stage):
    return ("curvature", "sharpness", "profiles").index(stage)


def test_gradient_norms_of_each_layer():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()
    inputs, labels = torch.randn(6, 1, 4, 4), torch.arange(6) % 3
    space = WeightSpace(network, inputs, labels)
    nn.functional.cross_entropy(network(inputs), labels).backward()
    expected = [("0", network[0].weight.grad.norm().item()), ("4", network[4].weight.grad.norm().item())]
    found = gradient_norms(space, space.origin)
    assert [name for name, _ in found] == [name for name, _ in expected]
    np.testing.assert_allclose([norm for _, norm in found], [norm for _, norm in expected], rtol=1e-5)

"""The loss over a plane: its order, its values against formulas and whole forward passes, and the ways on it."""

import numpy as np
import pytest
import torch
from torch import nn

from shared.explain.planes import Plane, filter_normalized_plane, grid, random_plane
from shared.explain.surface import first_linear, losses, measure, order, outline, strides
from shared.explain.weight_space import Moment, WeightSpace, vector_of
from shared.models.image_mlp import ImageMLP
from shared.models.lenet import LeNet
from shared.models.resnet import ResNet

torch.set_num_threads(1)
RANDOM = torch.Generator().manual_seed(2)
X, LABELS = torch.randn(20, 4, generator=RANDOM), torch.arange(20) % 3
PLACES = [(0.0, 0.0), (0.5, 0.0), (-1.0, 0.0), (-1.0, 0.7), (0.25, 0.7), (0.0, -2.0), (0.5, 0.0)]


def mlp(activation=nn.Tanh, bias=True, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6, bias=bias), activation(), nn.Linear(6, 3, bias=bias))


def mlp_space(**more):
    return WeightSpace(mlp(**more), X, LABELS)


# ---- order ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("resolution", range(5, 42))
def test_every_point_comes_once_and_coarse_ones_first(resolution):
    known = strides(resolution)
    greatest = max(s for s in (1, 2, 4, 8, 16, 32) if s == 1 or -(-resolution // s) >= 5)
    assert known == [greatest >> turn for turn in range(10) if greatest >> turn]
    expected = []
    for stride in known:
        lines = range(0, resolution, stride)
        expected += [(i, j) for i in lines for j in lines if (i, j) not in set(expected)]
    assert order(resolution) == expected and len(expected) == resolution**2
    assert resolution >= 9 or known == [1]


@pytest.mark.parametrize("resolution", [21, 41])
def test_the_coarse_picture_is_an_eighth_or_less(resolution):
    lines = range(0, resolution, strides(resolution)[0])
    coarse = set(order(resolution)[: len(lines) ** 2])
    assert coarse == {(i, j) for i in lines for j in lines} and len(coarse) <= resolution**2 / 8
    assert {i for i, _ in coarse} >= {0, resolution - 1}, "it reaches the edges"


# ---- values -----------------------------------------------------------------------------------------------------
def whole(space, plane, places):
    """The losses by a fresh network for each point."""
    found = []
    for alpha, beta in places:
        theta = plane.origin.double() + alpha * plane.directions[0].double() + beta * plane.directions[1].double()
        found.append(space.measure(theta.float())[0])
    return found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_quadratic_bowl_has_the_losses_of_its_formula(bowl, seed):
    space, loss, _ = bowl(seed=seed)
    plane = random_plane(space.origin, space.parts, seed)
    alpha, beta = grid(plane, 7, 2.0)
    places = [(a, b) for b in beta for a in alpha]
    weights = [plane.origin.numpy().astype(float) + np.array(each) @ plane.directions.double().numpy()
               for each in places]  # fmt: skip
    np.testing.assert_allclose(list(losses(space, plane, places)), [loss(theta) for theta in weights], rtol=1e-5)


@pytest.mark.parametrize("make", [random_plane, filter_normalized_plane])
def test_the_origin_has_the_trained_loss(make):
    space = mlp_space()
    plane = make(space.origin, space.parts, 0)
    for resolution in (5, 8, 21):
        alpha, beta = grid(plane, resolution, 1.7)
        assert 0.0 in alpha and 0.0 in beta
    (found,) = losses(space, plane, [(0.0, 0.0)])
    expected = nn.functional.cross_entropy(mlp()(X), LABELS).item()
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "network",
    [mlp(), mlp(nn.ReLU), mlp(bias=False), nn.Sequential(nn.Flatten(), nn.Dropout(0.5), mlp()), nn.Linear(4, 3)],
    ids=["tanh", "ReLU", "without biases", "after layers without weights", "one layer"],
)
def test_the_way_past_the_first_layer_is_exact(network):
    space = WeightSpace(network, X, LABELS)
    assert isinstance(first_linear(space), nn.Linear) and first_linear(space) is next(
        module for module in space.network.modules() if isinstance(module, nn.Linear)
    )
    for make in (random_plane, filter_normalized_plane):
        plane = make(space.origin, space.parts, 1)
        np.testing.assert_allclose(list(losses(space, plane, PLACES)), whole(space, plane, PLACES), rtol=1e-5)


def test_the_way_past_the_first_layer_of_an_image_network():
    torch.manual_seed(0)
    space = WeightSpace(ImageMLP(size=6, hidden=(8, 5)), torch.randn(16, 1, 6, 6), torch.arange(16) % 10)
    assert first_linear(space) is space.network.hidden[0][0]
    plane = random_plane(space.origin, space.parts, 1)
    np.testing.assert_allclose(list(losses(space, plane, PLACES)), whole(space, plane, PLACES), rtol=1e-5)


class Twice(nn.Module):
    """A layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.layer, self.out = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.out(torch.tanh(self.layer(torch.tanh(self.layer(x)))))


class Scaled(nn.Module):
    """A weight of its own before the first layer."""

    def __init__(self):
        super().__init__()
        self.scale, self.layer = nn.Parameter(torch.full((4,), 1.5)), nn.Linear(4, 3)

    def forward(self, x):
        return self.layer(torch.tanh(x * self.scale))


class Crossed(nn.Module):
    """What runs first was made last."""

    def __init__(self):
        super().__init__()
        self.out, self.layer = nn.Linear(4, 3), nn.Linear(4, 4)

    def forward(self, x):
        return self.out(torch.tanh(self.layer(x)))


def colored(count, channels, side):
    return torch.randn(count, channels, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (Twice(), X), (Scaled(), X), (Crossed(), X), (LeNet(widths=(2, 3, 6)), colored(4, 1, 28)),
        (ResNet(), colored(2, 3, 32)), (nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3)), X),
    ],
    ids=["twice", "own weight", "crossed", "LeNet", "ResNet", "norm first"],
)  # fmt: skip
def test_other_networks_take_whole_forward_passes(network, inputs):
    space = WeightSpace(network, inputs, LABELS[: len(inputs)])
    assert first_linear(space) is None
    plane = random_plane(space.origin, space.parts, 1)
    places = [(0.02 * a, 0.02 * b) for a, b in PLACES[:5]]
    np.testing.assert_allclose(list(losses(space, plane, places)), whole(space, plane, places), rtol=1e-5)


# ---- what a scan leaves behind ----------------------------------------------------------------------------------
def is_as_before(space):
    assert "forward" not in vars(first_linear(space) or space.network), "the layer's own forward is there again"
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in space.network.modules())
    assert space.measure(space.origin)[0] == pytest.approx(nn.functional.cross_entropy(mlp()(X), LABELS).item())
    np.testing.assert_array_equal(space.origin, vector_of(mlp()))


def test_the_layer_is_itself_again_after_a_scan():
    space = mlp_space()
    list(losses(space, random_plane(space.origin, space.parts, 0), PLACES))
    is_as_before(space)


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_the_layer_is_itself_again_after_a_scan_that_is_given_up(taken):
    space = mlp_space()
    values = losses(space, random_plane(space.origin, space.parts, 0), PLACES)
    for _ in range(taken):
        next(values)
    values.close()
    is_as_before(space)


@pytest.mark.parametrize("fails_at", range(4, 9))
def test_the_layer_is_itself_again_after_an_error(fails_at):
    space, calls = mlp_space(), []
    criterion = space.criterion

    def failing(outputs, labels):
        calls.append(len(calls))
        if len(calls) == fails_at:
            raise MemoryError("no room")
        return criterion(outputs, labels)

    space.criterion = failing
    with pytest.raises(MemoryError):
        list(losses(space, random_plane(space.origin, space.parts, 0), PLACES * 2))
    space.criterion = criterion
    is_as_before(space)


def test_the_layer_is_itself_again_after_an_error_before_the_first_point(monkeypatch):
    space = mlp_space()
    plane = random_plane(space.origin, space.parts, 0)
    original, calls = WeightSpace.outputs, []

    def failing(self, theta, inputs=None):
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError("no room")
        return original(self, theta, inputs)

    monkeypatch.setattr(WeightSpace, "outputs", failing)
    with pytest.raises(MemoryError):
        list(losses(space, plane, PLACES))
    monkeypatch.undo()
    is_as_before(space)


def test_what_is_no_number_stays_one_of_the_losses():
    space = mlp_space(activation=nn.ReLU)
    plane = random_plane(space.origin, space.parts, 0)
    found = list(losses(space, plane, [(0.0, 0.0), (1e30, 0.0), (0.0, 0.0)]))
    assert np.isfinite(found[0]) and not np.isfinite(found[1]) and found[2] == found[0]


# ---- filter normalization ---------------------------------------------------------------------------------------
def test_rescaling_changes_a_raw_plane_and_no_filter_normalized_one():
    """Li et al. 2018: W1 times 10, W2 divided by 10, in a ReLU network without biases."""
    seen = {}
    for factor in (1, 10):
        network = mlp(nn.ReLU, bias=False)
        with torch.no_grad():
            network[0].weight.mul_(factor)
            network[2].weight.div_(factor)
        space = WeightSpace(network.double(), X.double(), LABELS)
        space.flat = vector_of(network).double()  # in doubles, or rounding is all that one sees
        for part, parameter in zip(space.parts, space.network.parameters(), strict=True):
            parameter.data = space.flat[part.place].view(part.shape)
        for make in (filter_normalized_plane, random_plane):
            plane = make(vector_of(network).double(), space.parts, 0)
            wide = Plane(plane.origin, plane.directions.double(), plane.axes, plane.unit, plane.facts)
            alpha, beta = grid(plane, 5, 1.0)
            places = [(a, b) for b in beta for a in alpha]
            seen[factor, make] = np.array(list(losses(space, wide, places)))
    one, ten = (seen[factor, filter_normalized_plane] for factor in (1, 10))
    np.testing.assert_allclose(one, ten, rtol=1e-6)
    raw = np.abs(seen[1, random_plane] - seen[10, random_plane])
    assert raw.max() > 0.1 and np.ptp(one) > 0.1


# ---- ways -------------------------------------------------------------------------------------------------------
def moments_of(space, count=6, buffers=None):
    random = torch.Generator().manual_seed(4)
    drift, bend = (torch.randn(space.size, generator=random) for _ in range(2))
    left = np.linspace(1, 0, count)
    thetas = [space.origin + float(t) * drift + float(t) ** 2 * bend for t in left]
    return [Moment(2 * number, theta, buffers) for number, theta in enumerate(thetas)]


def measured(space, moments, plane):
    path = outline("by hand", moments, plane)
    assert list(measure(path, moments, space, plane)) == list(range(1, len(moments) + 1))
    return path


def oblique(space):
    """A plane whose directions are neither orthogonal nor of one length."""
    plane = random_plane(space.origin, space.parts, 3)
    one, two = plane.directions
    return Plane(space.origin, torch.stack([0.5 * one, 0.7 * two + 0.4 * one]), plane.axes, plane.unit, ())


def test_a_way_is_seen_from_the_plane_as_numpy_sees_it():
    space = mlp_space()
    moments, plane = moments_of(space), oblique(mlp_space())
    path = outline("by hand", moments, plane)
    assert np.isnan([path.loss, path.plane_loss, path.accuracy]).all() and np.isnan(path.arrows).all()
    directions = plane.directions.double().numpy()
    differences = np.stack([moment.theta.double() - space.origin.double() for moment in moments])
    places, *_ = np.linalg.lstsq(directions.T, differences.T, rcond=None)
    rest = differences - places.T @ directions
    np.testing.assert_allclose(path.coordinates, places.T, atol=1e-9)
    np.testing.assert_allclose(path.distance, np.linalg.norm(rest, axis=1), atol=1e-9)
    assert path.explained == pytest.approx(1 - (rest**2).sum() / (differences**2).sum(), abs=1e-12)
    assert 0 < path.explained < 0.5 and path.epochs.tolist() == [0, 2, 4, 6, 8, 10]
    assert path.distance[-1] == 0 and not path.coordinates[-1].any(), "it ends at the origin"


def test_both_losses_of_a_way():
    space = mlp_space()
    moments, plane = moments_of(space), oblique(mlp_space())
    path = measured(space, moments, plane)
    for index, moment in enumerate(moments):
        fresh = mlp_space()
        assert (path.loss[index], path.accuracy[index]) == pytest.approx(fresh.measure(moment.theta), rel=1e-6)
    surface = list(losses(space, plane, [tuple(place) for place in path.coordinates.tolist()]))
    np.testing.assert_allclose(path.plane_loss, surface, rtol=1e-5)
    assert np.abs(path.plane_loss - path.loss)[:-1].max() > 0.05, "they differ"
    assert path.plane_loss[-1] == pytest.approx(path.loss[-1], rel=1e-6), "but not at the end"


def test_the_loss_under_a_way_is_that_of_a_grid_that_holds_the_place():
    space = mlp_space()
    plane, moments = oblique(space), moments_of(space)
    path = measured(space, moments, plane)
    a, b = path.coordinates[1]
    side = 2 * max(abs(a), abs(b))
    for axis, value in ((0, a), (1, b)):  # the plane, laid anew so that the place is a grid point
        scaled = plane.directions * torch.tensor([[a / side * 4], [b / side * 4]])
        laid = Plane(plane.origin, scaled, plane.axes, plane.unit, (), (-side, side, -side, side))
        lines = grid(laid, 9, 1.0)[axis]
        at = lines[np.abs(lines - side / 4).argmin()]
        assert at == pytest.approx(side / 4) and value
    (found,) = losses(space, laid, [(side / 4, side / 4)])
    assert found == pytest.approx(path.plane_loss[1], rel=1e-5)


def test_arrows_point_down_as_finite_differences_say():
    space = mlp_space()
    plane, moments = oblique(space), moments_of(space)
    path = measured(space, moments, plane)
    directions = plane.directions.double().numpy()
    step = 1e-3
    for moment, arrow in zip(moments, path.arrows, strict=True):
        slopes = []
        for direction in plane.directions:
            high, low = (space.measure(moment.theta + sign * step * direction)[0] for sign in (1, -1))
            slopes.append((high - low) / (2 * step))
        # Least squares: what the arrow moves along d1 and d2 is what minus the gradient moves along them.
        np.testing.assert_allclose(directions @ directions.T @ arrow, [-slope for slope in slopes], atol=2e-3)
    assert np.hypot(*path.arrows.T)[0] > 0.01


def test_what_never_moved_explains_nothing():
    space = mlp_space()
    path = outline("still", [Moment(0, space.origin), Moment(1, space.origin.clone())], oblique(space))
    assert np.isnan(path.explained) and not path.distance.any()


def test_a_way_uses_the_batch_norm_of_its_moment_and_the_plane_that_of_the_end():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
    body(X * 2 + 1)
    space = WeightSpace(body, X, LABELS)
    early = {name: value.clone() for name, value in space.buffers.items()}
    early["1.running_mean"] += 2
    early["1.running_var"] *= 9
    moments = [Moment(0, space.origin + 0.1, early), Moment(1, space.origin + 0.1), Moment(2, space.origin)]
    plane = random_plane(space.origin, space.parts, 0)
    path = measured(space, moments, plane)
    expected = {}
    for name, buffers in (("early", early), ("trained", space.buffers)):
        fresh = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).eval()
        nn.utils.vector_to_parameters(space.origin + 0.1, fresh.parameters())
        fresh[1].running_mean.copy_(buffers["1.running_mean"])
        fresh[1].running_var.copy_(buffers["1.running_var"])
        expected[name] = nn.functional.cross_entropy(fresh(X), LABELS).item()
    assert path.loss[0] == pytest.approx(expected["early"], rel=1e-6)
    assert path.loss[1] == pytest.approx(expected["trained"], rel=1e-6)
    assert abs(expected["early"] - expected["trained"]) > 1e-3
    assert path.plane_loss[0] == path.plane_loss[1]
    for name, value in space.network.named_buffers():
        np.testing.assert_array_equal(value, space.buffers[name], err_msg=name)

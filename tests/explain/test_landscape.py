"""From a trained network to its landscape: the same function in other weights, growing scans, every kind of plane."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from shared import checkpoints
from shared.explain.curvature import curvature, gradient_norms
from shared.explain.landscape import landscape, of_pictures, of_points, plane_for, rescaled, scanning
from shared.explain.planes import PLANES
from shared.explain.recipes import Recipe
from shared.explain.surface import order, strides
from shared.explain.training import training
from shared.models import images, point_sets
from shared.models.plane_network import Shape, forward
from shared.models.trained import pictures_of
from shared.problems import Problem

torch.set_num_threads(1)
QUICK = Recipe(hidden_layers=(6,), epochs=5)
RELU = replace(QUICK, activation="ReLU")


def moons(size=60, seed=0, name="moons"):
    return point_sets.load(name, size, 0.2, 0.3, seed)


def subject_of(recipe=QUICK, **more):
    return of_points(moons(), recipe, **more)


def lenet(count=16):
    """LeNet with its kept moments on digits, or a skip with the reason."""
    try:
        return of_pictures("lenet-mnist", count)
    except Problem as problem:
        pytest.skip(str(problem))


# ---- trained on points ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["moons", "blobs"])
def test_a_subject_is_a_training_and_its_loss(name):
    points = moons(name=name)
    subject, run = of_points(points, QUICK), training(points, QUICK)
    np.testing.assert_array_equal(subject.thetas, run.weights)
    np.testing.assert_array_equal(subject.origin, run.weights[-1])
    assert [moment.epoch for moment in subject.moments] == run.epochs.tolist() == list(range(6))
    losses = [subject.make().measure(moment.theta) for moment in subject.moments]
    np.testing.assert_allclose([loss for loss, _ in losses], run.loss[:, 0], rtol=1e-5)
    np.testing.assert_allclose([accuracy for _, accuracy in losses], run.accuracy[:, 0], rtol=1e-5)
    assert subject.name == "Adam" and subject.on == "42 training points" and not subject.stopped
    assert subject.title == f"MLP (6) on {points.title}"
    assert of_points(points, QUICK, name="seed 3").name == "seed 3"
    space = subject.make()
    np.testing.assert_array_equal(space.origin, subject.origin)
    np.testing.assert_array_equal(space.flat, subject.origin)


def test_penalties_and_dropout_are_no_part_of_the_loss():
    recipe = replace(QUICK, l2=0.1, dropout=0.3, label_smoothing=0.2)
    subject = subject_of(recipe)
    points = moons()
    x, labels = (torch.from_numpy(values[~points.validation]) for values in (points.x, points.labels))
    z = forward(Shape((2, 6, 1)), subject.origin[None], x)[0, :, 0].double().numpy()
    expected = np.logaddexp(0, np.where(labels.numpy() == 1, -z, z)).mean()
    assert [subject.make().measure(subject.origin)[0] for _ in range(3)] == pytest.approx([expected] * 3, rel=1e-5)


@pytest.mark.parametrize("changes", [{"batch_norm": True}, {"learner": "Perceptron"}, {"learner": "ADALINE"}])
def test_what_has_no_landscape_says_so(changes):
    with pytest.raises(Problem, match="change the learner"):
        subject_of(replace(QUICK, **changes))


@pytest.mark.parametrize("optimizer", ["SGD", "Momentum"])
def test_a_lost_training_is_told_and_has_finite_numbers_only(optimizer):
    recipe = replace(RELU, hidden_layers=(8, 8, 8), learning_rate=1000, epochs=20, optimizer=optimizer)
    subject = subject_of(recipe)
    assert "lost" in subject.stopped and subject.stopped.endswith(".")
    assert len(subject.moments) < 21 and subject.thetas.isfinite().all()
    found = landscape(subject, "filter_normalized", 5)
    for values in (found.loss, found.paths[0].loss, found.paths[0].arrows, found.paths[0].coordinates):
        assert np.isfinite(values).all()


# ---- the same function in other weights -------------------------------------------------------------------------
@pytest.mark.parametrize("hidden", [(5,), (5, 4), (6, 3, 4)])
@pytest.mark.parametrize("factor", [10.0, 0.01, 3.0])
@pytest.mark.parametrize("outputs", [1, 3])
def test_rescaling_changes_no_output(hidden, factor, outputs):
    shape = Shape((2, *hidden, outputs), "ReLU")
    frames = torch.randn(4, shape.weights, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    changed = rescaled(frames, shape, factor)
    torch.testing.assert_close(forward(shape, changed, x), forward(shape, frames, x), rtol=1e-5, atol=1e-9)
    first = 3 * hidden[0]
    torch.testing.assert_close(changed[:, :first], factor * frames[:, :first])
    assert (changed != frames).sum(1).tolist() == [first + hidden[0] * (*hidden[1:], outputs)[0]] * 4
    assert rescaled(frames, shape, 1.0) is frames


@pytest.mark.parametrize("shape", [Shape((2, 5, 1), "tanh"), Shape((2, 5, 1), "GELU"), Shape((2, 1), "ReLU")])
def test_only_relu_networks_with_hidden_layers_can_be_rescaled(shape):
    with pytest.raises(Problem, match="choose ReLU and a hidden layer"):
        rescaled(torch.ones(1, shape.weights), shape, 2.0)
    assert rescaled(torch.ones(1, shape.weights), shape, 1.0).all()


@pytest.mark.parametrize("factor", [0.0, -1.0, 1e9, float("nan"), float("inf")])
def test_odd_factors_are_refused(factor):
    with pytest.raises(Problem, match="factor of rescaling lies between"):
        rescaled(torch.ones(1, 21), Shape((2, 5, 1), "ReLU"), factor)


def test_the_filter_normalized_slice_does_not_change_when_the_network_is_rescaled():
    """Without biases, which are no filters: they stay, and so would differ. Li et al. 2018."""
    seen = {}
    for factor in (1.0, 10.0):
        subject = subject_of(RELU, rescale=factor)
        without = subject.origin.clone()
        for part in subject.make().parts:
            if part.kind == "bias":
                without[part.place] = 0
        bare = replace(subject, moments=(replace(subject.moments[-1], theta=without),))
        for plane in ("filter_normalized", "random"):
            seen[factor, plane] = landscape(bare, plane, 5, 1.0, seed=1).loss
    np.testing.assert_allclose(seen[1.0, "filter_normalized"], seen[10.0, "filter_normalized"], rtol=2e-6)
    assert np.abs(seen[1.0, "random"] - seen[10.0, "random"]).max() > 0.1
    assert seen[1.0, "random"][2, 2] == pytest.approx(seen[10.0, "random"][2, 2], rel=1e-5), "the middle is the same"


def test_biases_that_stay_do_not_break_it_either():
    """The slice moves weights alone, and the rescaled bias comes with its rescaled layer."""
    one, ten = (landscape(subject_of(RELU, rescale=factor), "filter_normalized", 5).loss for factor in (1.0, 10.0))
    np.testing.assert_allclose(one, ten, rtol=1e-5)


# ---- planes -----------------------------------------------------------------------------------------------------
RIVALS = (replace(QUICK, seed=1), replace(QUICK, optimizer="SGD"))


@pytest.mark.parametrize("kind", PLANES)
@pytest.mark.parametrize("rivals", [(), RIVALS], ids=["alone", "with others"])
def test_every_plane_has_the_trained_loss_at_its_origin(kind, rivals):
    subject = subject_of()
    others = [subject_of(recipe, name=f"other {place}") for place, recipe in enumerate(rivals)]
    found = landscape(subject, kind, 7, 1.3, 2, others)
    row, column = int(np.flatnonzero(found.beta == 0)[0]), int(np.flatnonzero(found.alpha == 0)[0])
    expected = training(moons(), QUICK).loss[-1, 0]
    assert found.loss[row, column] == pytest.approx(expected, rel=1e-6)
    assert found.loss.shape == (7, 7) and np.isfinite(found.loss).all()
    np.testing.assert_allclose(np.diff(found.alpha), np.diff(found.beta), rtol=1e-9)
    assert [path.name for path in found.paths] == ["Adam", *(other.name for other in others)]
    path = found.paths[0]
    assert path.plane_loss[-1] == pytest.approx(path.loss[-1], rel=1e-6) and path.distance[-1] == 0
    assert not path.coordinates[-1].any()
    kept, cosine = plane_for(kind, subject, others, 2), found.cosine
    one, two = kept.directions.double().numpy()
    assert cosine == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two), abs=1e-9)
    assert kind == "filter_normalized" or abs(cosine) < 1e-6
    np.testing.assert_allclose(found.lengths, [np.linalg.norm(one), np.linalg.norm(two)])


def test_an_unknown_plane_is_one_sentence():
    with pytest.raises(Problem, match="There is no plane '<b>'; choose one of filter_normalized,"):
        plane_for("<b>", subject_of(), (), 0)


def test_the_trajectory_is_that_of_all_ways():
    subject, others = subject_of(), [subject_of(recipe) for recipe in RIVALS]
    found = landscape(subject, "trajectory", 9, others=others)
    ways = torch.cat([each.thetas for each in (subject, *others)]) - subject.origin
    spread = np.linalg.svd(ways.double().numpy(), compute_uv=False) ** 2
    squares = [float((each.thetas - subject.origin).double().square().sum()) for each in (subject, *others)]
    held = sum(path.explained * square for path, square in zip(found.paths, squares, strict=True))
    assert held / sum(squares) == pytest.approx(spread[:2].sum() / spread.sum(), abs=1e-6)
    places = np.concatenate([path.coordinates for path in found.paths])
    assert (places.min(0) > [found.alpha[0], found.beta[0]]).all()
    assert (places.max(0) < [found.alpha[-1], found.beta[-1]]).all()


def test_lines_and_triangles_go_through_the_ends_of_others():
    subject, one, two = subject_of(), subject_of(RIVALS[0], name="seed 1"), subject_of(RIVALS[1], name="slow")
    line = landscape(subject, "line", 5, others=[one, two])
    assert line.axes[0] == "towards seed 1"
    np.testing.assert_allclose(line.paths[1].coordinates[-1], [1, 0], atol=1e-6)
    assert line.paths[1].plane_loss[-1] == pytest.approx(line.paths[1].loss[-1], rel=1e-4)
    assert line.loss[2, 3] == pytest.approx(line.paths[1].loss[-1], rel=1e-4) and line.alpha[3] == 1
    triangle = landscape(subject, "three_points", 5, others=[one, two])
    assert triangle.axes == ("towards seed 1", "towards slow")
    for path in triangle.paths:
        assert path.distance[-1] < 1e-5 and path.plane_loss[-1] == pytest.approx(path.loss[-1], rel=1e-3)


def test_without_others_the_moments_of_the_training_serve():
    subject = subject_of()
    line, triangle = landscape(subject, "line", 5), landscape(subject, "three_points", 5)
    assert line.axes[0] == "towards the untrained network"
    np.testing.assert_allclose(line.paths[0].coordinates[0], [1, 0], atol=1e-6)
    assert triangle.axes[1] == "towards the half trained one"
    assert max(triangle.paths[0].distance[[0, 3, 5]]) < 1e-5 < triangle.paths[0].distance[1]


def test_the_plane_of_curvature_bends_as_its_axes_say():
    subject = subject_of()
    plane = plane_for("curvature", subject, (), 0)
    product = subject.make().hessian_product(subject.origin)
    hessian = torch.stack([product(row) for row in torch.eye(len(subject.origin))]).double().numpy()
    values = np.linalg.eigvalsh(hessian)
    bends = [float(each @ hessian @ each) for each in plane.directions.double().numpy()]
    assert bends == pytest.approx([values[-1], values[0]], abs=1e-3 * values[-1])
    assert plane.axes[0] == f"largest curvature ({bends[0]:.3g})"


# ---- scans ------------------------------------------------------------------------------------------------------
def test_a_scan_only_grows_and_is_coarse_first():
    subject = subject_of()
    plane = plane_for("random", subject, (), 0)
    whole = landscape(subject, "random", 9)
    coarse = len(range(0, 9, strides(9)[0])) ** 2
    before, counts, seen = [], [], False
    for scan in scanning(subject, plane, 9, 1.0):
        assert scan.values[: len(before)] == before and len(scan.values) <= len(before) + 1
        before = list(scan.values)
        counts.append(len(before))
        if len(before) == 30 and not seen:
            seen = True
            part = scan.result()
            known = np.zeros((9, 9), bool)
            for row, column in order(9)[:30]:
                known[row, column] = True
            assert (np.isfinite(part.loss) == known).all() and known.sum() == 30
            np.testing.assert_array_equal(part.loss[known], whole.loss[known])
        assert len(before) <= coarse or scan.measured, "the ways are measured after the coarse picture"
        assert scan.finished == (scan.measured and len(before) == 81)
    assert seen and scan.finished and counts[-1] == scan.total == 81 and scan.coarse == coarse == 25
    assert counts.count(coarse) >= 6, "one step for each moment"
    np.testing.assert_array_equal(scan.result().loss, whole.loss)


def test_values_lie_where_their_axes_say():
    subject = subject_of()
    found, plane = landscape(subject, "random", 5, 2.0, 3), plane_for("random", subject, (), 3)
    for row, beta in enumerate(found.beta):
        for column, alpha in enumerate(found.alpha):
            expected = subject.make().measure(plane.at(float(alpha), float(beta)))[0]
            assert found.loss[row, column] == pytest.approx(expected, rel=1e-5)


def test_a_scan_that_is_begun_shows_nothing_but_the_outline():
    scan = next(scanning(subject_of(), plane_for("random", subject_of(), (), 0), 5, 1.0))
    part = scan.result()
    assert np.isfinite(part.loss).sum() == 1 and np.isnan(part.paths[0].loss).all()
    assert np.isfinite(part.paths[0].coordinates).all()


def test_a_seed_is_a_landscape_also_for_two_at_once():
    def make(seed):
        return landscape(subject_of(), "filter_normalized", 9, seed=seed)

    alone = {seed: make(seed) for seed in (0, 1)}
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(make, [0, 1, 0, 1]))
    for seed, found in zip([0, 1, 0, 1], together, strict=True):
        np.testing.assert_array_equal(found.loss, alone[seed].loss)
        for name in ("loss", "plane_loss", "arrows", "coordinates", "distance", "accuracy"):
            mine, other = (getattr(each.paths[0], name) for each in (found, alone[seed]))
            np.testing.assert_array_equal(mine, other, err_msg=name)
    assert np.abs(alone[0].loss - alone[1].loss).max() > 0.01


def test_two_can_use_one_subject_at_once():
    subject = subject_of()
    expected = landscape(subject, "random", 9)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: landscape(subject, "random", 9), range(4)):
            np.testing.assert_array_equal(found.loss, expected.loss)
            np.testing.assert_array_equal(found.paths[0].arrows, expected.paths[0].arrows)


# ---- trained on pictures ----------------------------------------------------------------------------------------
def test_nothing_of_the_shared_network_changes():
    subject = lenet()
    network = images.load("lenet-mnist").network
    state = {name: value.clone() for name, value in network.state_dict().items()}
    thetas = subject.thetas.clone()
    landscape(subject, "filter_normalized", 5)
    for steps in (scanning(subject, plane_for("random", subject, (), 0), 5, 1.0),
                  curvature(subject.make(), subject.origin, 0)):  # fmt: skip
        next(steps)
        steps.close()
    gradient_norms(subject.make(), subject.origin)

    def failing(_outputs, _labels):
        raise MemoryError("no room")

    def broken():
        space = subject.make()
        space.criterion = failing
        return space

    with pytest.raises(MemoryError):
        landscape(replace(subject, make=broken), "random", 5)
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value, state[name], err_msg=name)
    assert not any(parameter.requires_grad for parameter in network.parameters()) and not network.training
    np.testing.assert_array_equal(subject.thetas, thetas)
    np.testing.assert_array_equal(subject.make().origin, subject.origin)


def test_a_picture_network_is_measured_on_its_pictures():
    subject = lenet()
    pictures = pictures_of("lenet-mnist", 16)
    outputs = images.load("lenet-mnist").network(pictures.inputs)
    loss, accuracy = subject.make().measure(subject.origin)
    assert loss == pytest.approx(torch.nn.functional.cross_entropy(outputs, pictures.labels).item(), rel=1e-3)
    assert accuracy == pytest.approx((outputs.argmax(1) == pictures.labels).float().mean().item())
    first, *_, last = (subject.make().measure(moment.theta)[0] for moment in subject.moments)
    assert first > 1.5 > 0.5 > last, "the untrained network first, the trained one last"
    assert subject.moments[0].epoch == 0 and subject.on == "the first 16 test pictures of MNIST"
    found = landscape(subject, "trajectory", 5)
    assert found.paths[0].plane_loss[-1] == pytest.approx(loss, rel=1e-5)


def test_a_residual_network_has_the_statistics_of_each_moment():
    if not (checkpoints.CHECKPOINTS / "resnet20-cifar10").is_dir():
        pytest.skip("checkpoints/resnet20-cifar10 is not there")
    try:
        subject = of_pictures("resnet20-cifar10", 12)
    except Problem as problem:
        pytest.skip(str(problem))
    first, last = subject.moments[0], subject.moments[-1]
    names = [name for name in last.buffers if name.endswith("running_var")]
    assert len(names) == 19 and all((first.buffers[name] == 1).all() for name in names), "untrained"
    assert not any((last.buffers[name] == 1).all() for name in names)
    space = subject.make()
    for name, value in space.buffers.items():
        np.testing.assert_array_equal(value, last.buffers[name], err_msg=name)
    space.use_buffers(first.buffers)
    assert space.measure(first.theta)[0] == pytest.approx(np.log(10), abs=1.0), "an untrained network guesses"
    space.use_buffers(None)
    assert space.measure(last.theta)[1] > 0.7

"""Class activation maps: identities of the papers, torchcam, and numbers worked out by hand."""

import numpy as np
import pytest
import torch
from torch import nn
from torchcam import methods as torchcam

from shared.explain.cam import (
    ONE_PASS,
    cam,
    eigen_cam,
    grad_cam,
    grad_cam_plus_plus,
    hires_cam,
    layer_cam,
    one_pass,
    xgrad_cam,
)
from shared.explain.channel_masks import ablation_cam, chunk_size, score_cam
from shared.explain.methods import finished
from shared.explain.smooth_cam import smooth_grad_cam_plus_plus
from shared.explain.targets import Target
from shared.models.layers import Layer, run
from shared.problems import Problem

LAYER = Layer("features", (6, 6))
CLASS = 2


class Pooled(nn.Module):
    """Convolutions, the average over the grid, one linear layer."""

    def __init__(self, deep: bool = False):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 5, 3, 2, 1), nn.ReLU(), nn.Conv2d(5, 7, 3, padding=1), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(2 if deep else 1)
        self.head = nn.Sequential(nn.Linear(28, 9), nn.ReLU(), nn.Linear(9, 4)) if deep else nn.Linear(7, 4)

    def forward(self, pictures):
        return self.head(self.pool(self.features(pictures)).flatten(1))


@pytest.fixture(params=[False, True], ids=["pooled", "deep"])
def network(request):
    torch.manual_seed(1)
    return Pooled(request.param).eval().requires_grad_(False)


@pytest.fixture
def pooled():
    torch.manual_seed(1)
    return Pooled().eval().requires_grad_(False)


@pytest.fixture
def inputs():
    return torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(2))


DEFAULT = Target(CLASS)


def ours(network, inputs, name, target=DEFAULT):
    return one_pass(network, inputs, LAYER, [target], [name])[name, target]


def theirs(kind, network, inputs, **options):
    network.requires_grad_(True)
    with getattr(torchcam, kind)(network, "features", input_shape=(3, 12, 12), **options) as extractor:
        scores = network(inputs)
        found = extractor(CLASS, scores, normalized=False)[0][0]
    network.requires_grad_(False)
    return found.detach().numpy()


def test_in_a_pooled_linear_network_the_methods_are_one(pooled, inputs):
    by_weights = cam(pooled, inputs, LAYER, Target(CLASS))
    cells = LAYER.grid[0] * LAYER.grid[1]
    for name in ("Grad-CAM", "XGrad-CAM", "HiResCAM"):
        np.testing.assert_allclose(ours(pooled, inputs, name), by_weights / cells, rtol=1e-4, atol=1e-6)
    total = ours(pooled, inputs, "HiResCAM").sum() + float(pooled.head.bias[CLASS])
    assert total == pytest.approx(float(pooled(inputs)[0, CLASS]), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "kind"), [("Grad-CAM", "GradCAM"), ("XGrad-CAM", "XGradCAM"), ("LayerCAM", "LayerCAM")]
)
def test_torchcam_agrees(network, inputs, name, kind):
    found = np.maximum(ours(network, inputs, name), 0)
    np.testing.assert_allclose(found, theirs(kind, network, inputs), rtol=1e-4, atol=1e-6)


def test_torchcam_agrees_on_cam(pooled, inputs):
    found = np.maximum(cam(pooled, inputs, LAYER, Target(CLASS)), 0)
    np.testing.assert_allclose(found, np.maximum(theirs("CAM", pooled, inputs, fc_layer="head"), 0), rtol=1e-4)


def test_torchcam_agrees_on_score_cam(network, inputs):
    found = np.maximum(finished(score_cam(network, inputs, LAYER, Target(CLASS))), 0)
    np.testing.assert_allclose(found, theirs("ScoreCAM", network, inputs), rtol=1e-4, atol=1e-6)


def test_torchcam_agrees_on_smooth_grad_cam_without_noise(pooled, inputs):
    # Where gradients vary over the grid torchcam sums A times G^3, where equation 19 sums A alone.
    pooled.head.weight *= 100  # it also adds 1e-8 to a denominator of squared gradients
    found = np.maximum(finished(smooth_grad_cam_plus_plus(pooled, inputs, LAYER, Target(CLASS), noise=0.0)), 0)
    expected = theirs("SmoothGradCAMpp", pooled, inputs, num_samples=2, std=1e-12)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_smoothing_without_noise_is_grad_cam_plus_plus(network, inputs):
    plain = ours(network, inputs, "Grad-CAM++")
    smooth = finished(smooth_grad_cam_plus_plus(network, inputs, LAYER, Target(CLASS), noise=0.0))
    np.testing.assert_allclose(smooth, plain, rtol=1e-4, atol=1e-6)


def test_cam_refuses_a_head_that_is_not_linear(inputs):
    with pytest.raises(Problem, match="one linear layer"):
        cam(Pooled(deep=True), inputs, LAYER, Target(CLASS))


# One map of four cells and one of constant value; gradients as they come.
A = torch.tensor([[[1.0, 2.0], [0.0, 3.0]], [[1.0, 1.0], [1.0, 1.0]]])
G = torch.tensor([[[1.0, -1.0], [2.0, 0.0]], [[-0.5, -0.5], [-0.5, -0.5]]])


def test_hand_computed_maps():
    np.testing.assert_allclose(grad_cam(A, G), 0.5 * A[0] - 0.5 * A[1])
    np.testing.assert_allclose(hires_cam(A, G), [[0.5, -2.5], [-0.5, -0.5]])
    np.testing.assert_allclose(layer_cam(A, G), [[1, 0], [0, 0]])
    # Channel 0 carries (1 - 2) / 6 of itself, channel 1 carries -2 / 4.
    np.testing.assert_allclose(xgrad_cam(A, G), -A[0] / 6 - A[1] / 2, rtol=1e-6)


def test_grad_cam_plus_plus_by_hand():
    # alpha = G^2 / (2 G^2 + sum(A) G^3); sum(A_0) = 6: 1 / (2 + 6) at the first cell, 4 / (8 + 48) at the third.
    # The second cell has a negative gradient, the fourth none. Channel 1 has negative gradients only.
    weight = (1 / 8) * 1 + (4 / 56) * 2
    np.testing.assert_allclose(grad_cam_plus_plus(A, G), weight * A[0].numpy(), rtol=1e-6)


@pytest.mark.parametrize("channels", [9, 30])
def test_eigen_cam_is_the_first_singular_direction_with_a_settled_sign(channels):
    maps = torch.randn(channels, 4, 5, generator=torch.Generator().manual_seed(0)).abs()
    left, values, _ = np.linalg.svd(maps.flatten(1).T.numpy(), full_matrices=False)
    expected = (left[:, 0] * values[0]).reshape(4, 5)
    expected *= np.sign(expected.sum())
    np.testing.assert_allclose(eigen_cam(maps, maps), expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(eigen_cam(maps, maps).sum(), abs(eigen_cam(-maps, maps).sum()), rtol=1e-4)
    assert (eigen_cam(maps, maps) >= -1e-5).all()


def test_layer_cam_is_never_negative_and_grad_cam_need_not_be(network, inputs):
    assert (ours(network, inputs, "LayerCAM") >= 0).all()
    signs = {float(np.sign(ours(network, inputs, "Grad-CAM", Target(index)).mean())) for index in range(4)}
    assert signs == {-1.0, 1.0}


def test_contrast_is_the_difference_of_two_classes(network, inputs):
    both = Target(CLASS, 1)
    difference = ours(network, inputs, "Grad-CAM") - ours(network, inputs, "Grad-CAM", Target(1))
    np.testing.assert_allclose(ours(network, inputs, "Grad-CAM", both), difference, rtol=1e-4, atol=1e-6)


def test_ablation_cam_is_what_zeroing_by_hand_gives(network, inputs):
    done = run(network, inputs, [LAYER])
    maps, whole = done.outputs["features"].detach(), float(done.logits[0, CLASS].detach())
    falls = []
    for channel in range(maps.shape[1]):
        without = maps.clone()
        without[:, channel] = 0
        falls.append((whole - float(network.head(network.pool(without).flatten(1))[0, CLASS])) / abs(whole))
    expected = np.einsum("k,khw->hw", falls, maps[0].numpy())
    found = finished(ablation_cam(network, inputs, LAYER, Target(CLASS)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_chunks_do_not_change_the_map(monkeypatch, network, inputs):
    methods = (score_cam, ablation_cam)
    at_once = [finished(method(network, inputs, LAYER, Target(CLASS))) for method in methods]
    monkeypatch.setattr("shared.explain.channel_masks.LARGEST_CHUNK", 2)
    for method, expected in zip(methods, at_once, strict=True):
        steps = list(method(network, inputs, LAYER, Target(CLASS)))
        assert steps == sorted(steps) and steps[-1] == 1 and len(steps) == 4
        np.testing.assert_allclose(
            finished(method(network, inputs, LAYER, Target(CLASS))), expected, rtol=1e-4, atol=1e-6
        )


def test_a_chunk_is_bounded_by_its_bytes():
    assert chunk_size(torch.empty(1, 3, 224, 224)) * 3 * 224 * 224 * 4 <= 4_000_000
    assert chunk_size(torch.empty(1, 10_000_000)) == 1


def test_a_canceled_method_leaves_no_hook(network, inputs):
    steps = ablation_cam(network, inputs, LAYER, Target(CLASS))
    next(steps)
    steps.close()
    assert not any(module._forward_hooks for module in network.modules())


def test_several_classes_and_methods_come_from_one_forward_pass(network, inputs):
    calls = []
    handle = network.register_forward_hook(lambda *_: calls.append(1))
    found = one_pass(network, inputs, LAYER, [Target(0), Target(3)], list(ONE_PASS))
    handle.remove()
    assert len(calls) == 1 and len(found) == 2 * len(ONE_PASS)
    np.testing.assert_array_equal(found["Eigen-CAM", Target(0)], found["Eigen-CAM", Target(3)])


def test_a_class_that_there_is_not_is_refused(network, inputs):
    with pytest.raises(Problem, match="from 0 to 3"):
        ours(network, inputs, "Grad-CAM", Target(4))

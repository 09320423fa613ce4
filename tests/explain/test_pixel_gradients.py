"""Gradients with respect to pixels: captum, completeness, guidance that is refused where it cannot be given."""

import captum.attr
import numpy as np
import pytest
import torch
from torch import nn

from shared.explain.guided import guided_backpropagation, guided_copy
from shared.explain.methods import finished
from shared.explain.pixel_gradients import (
    completeness_error,
    gradient_times_input,
    integrated_gradients,
    occlusion,
    saliency,
    smooth_grad,
)
from shared.explain.targets import Target
from shared.problems import Problem

CLASS = 1


class Functional(nn.Module):
    """A network whose ReLU is a function."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, pictures):
        return self.last(nn.functional.relu(self.first(pictures)).mean((2, 3)))


def convolutions(activation=nn.ReLU):
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), activation(), nn.Conv2d(6, 6, 3, 2), activation(), nn.Flatten(), nn.Linear(6 * 25, 3)
    )


@pytest.fixture
def network():
    torch.manual_seed(0)
    return convolutions().eval().requires_grad_(False)


@pytest.fixture
def inputs():
    return torch.randn(1, 3, 14, 14, generator=torch.Generator().manual_seed(3))


def test_captum_agrees_on_saliency(network, inputs):
    expected = captum.attr.Saliency(network).attribute(inputs.clone(), target=CLASS)[0].amax(0)
    np.testing.assert_allclose(saliency(network, inputs, Target(CLASS)), expected.detach(), rtol=1e-4, atol=1e-7)


def test_captum_agrees_on_gradient_times_input(network, inputs):
    expected = captum.attr.InputXGradient(network).attribute(inputs.clone(), target=CLASS)[0].sum(0)
    np.testing.assert_allclose(
        gradient_times_input(network, inputs, Target(CLASS)), expected.detach(), rtol=1e-4, atol=1e-6
    )


def test_captum_agrees_on_integrated_gradients(network, inputs):
    expected = captum.attr.IntegratedGradients(network).attribute(inputs, target=CLASS, n_steps=400)[0].sum(0)
    found = finished(integrated_gradients(network, inputs, Target(CLASS), steps=64))
    np.testing.assert_allclose(found, expected.detach(), atol=2e-3)


def test_integrated_gradients_are_complete(network, inputs):
    for steps, bound in ((8, 0.05), (128, 2e-3)):
        found = finished(integrated_gradients(network, inputs, Target(CLASS), steps=steps))
        assert completeness_error(network, inputs, Target(CLASS), found) < bound
    plain = gradient_times_input(network, inputs, Target(CLASS))
    assert completeness_error(network, inputs, Target(CLASS), plain) > 2e-3, "the test can fail"


def test_captum_agrees_on_guided_backpropagation(network, inputs):
    expected = captum.attr.GuidedBackprop(network).attribute(inputs.clone(), target=CLASS)[0].sum(0)
    np.testing.assert_allclose(
        guided_backpropagation(network, inputs, Target(CLASS)), expected.detach(), rtol=1e-4, atol=1e-7
    )


def test_relu6_is_guided_too(inputs):
    torch.manual_seed(0)
    network = convolutions(nn.ReLU6).eval().requires_grad_(False)
    plain = finished_sum(network, inputs)
    assert not np.allclose(guided_backpropagation(network, inputs, Target(CLASS)), plain)
    np.testing.assert_array_equal(finished_sum(network, inputs), plain)


def finished_sum(network, inputs):
    leaf = inputs.clone().requires_grad_()
    return torch.autograd.grad(network(leaf)[0, CLASS], leaf)[0][0].sum(0).numpy()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Functional, "Relu"),
        (lambda: convolutions(nn.GELU), "Gelu"),
        (lambda: convolutions(nn.SiLU), "Silu"),
        (lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "no ReLU"),
    ],
)
def test_what_cannot_be_guided_is_refused(make, words, inputs):
    with pytest.raises(Problem, match=words):
        guided_backpropagation(make().eval(), inputs, Target(CLASS))


def test_the_guided_copy_shares_weights_and_leaves_the_network_alone(network):
    copy = guided_copy(network)
    assert copy is guided_copy(network) and copy is not network
    assert all(a is b for a, b in zip(network.parameters(), copy.parameters(), strict=True))
    assert sum(isinstance(module, nn.ReLU) for module in network.modules()) == 2
    assert not any(isinstance(module, nn.ReLU) for module in copy.modules())


def test_smooth_grad_is_seeded_and_is_the_gradient_without_noise(monkeypatch, network, inputs):
    first, second = (finished(smooth_grad(network, inputs, Target(CLASS), seed=5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, finished(smooth_grad(network, inputs, Target(CLASS), seed=6)))
    monkeypatch.setattr("shared.explain.pixel_gradients.NOISE", 0.0)
    still = finished(smooth_grad(network, inputs, Target(CLASS)))
    np.testing.assert_allclose(still, saliency(network, inputs, Target(CLASS)), rtol=1e-4, atol=1e-7)


def test_captum_agrees_on_occlusion_where_windows_do_not_overlap(monkeypatch, network):
    inputs = torch.randn(1, 3, 14, 14, generator=torch.Generator().manual_seed(4))
    monkeypatch.setattr("shared.explain.pixel_gradients._window", lambda side: 2)
    found = finished(occlusion(network, inputs, Target(CLASS), places=7))
    expected = captum.attr.Occlusion(network).attribute(inputs, (3, 2, 2), (3, 2, 2), target=CLASS)[0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_occlusion_finds_the_only_pixel_that_counts():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16 * 16, 2, bias=False))
    with torch.no_grad():
        network[1].weight.zero_()[1, 16 * 11 + 4] = 1
    inputs = torch.ones(1, 1, 16, 16)
    found = finished(occlusion(network, inputs, Target(1)))
    assert found[11, 4] == found.max() == 1
    assert (found[:9] == 0).all() and (found >= 0).all()

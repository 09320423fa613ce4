"""The way in for any network: one call, any module, everything as it was afterwards."""

import numpy as np
import pytest
import torch
import transformers as t
from torch import nn

from shared.explain.cam import ONE_PASS
from shared.explain.methods import METHODS, explain, explain_each, finished, resized, why_not
from shared.explain.patch_attention import attention_of, attention_rollout, gradient_rollout, patch_row, rolled_out
from shared.explain.saliency import saliency
from shared.explain.targets import Target
from shared.models.image_mlp import ImageMLP
from shared.models.layers import Layer, stages
from shared.models.recording import make_visible
from shared.models.resnet import ResNet
from shared.problems import Problem

SMALL = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
INPUTS = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
CONVOLUTIONAL = [name for name, method in METHODS.items() if method.family != "Transformer"]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ResNet(depth=8).eval()


@pytest.fixture(scope="module")
def transformer():
    torch.manual_seed(0)
    config = t.ViTConfig(image_size=32, patch_size=8, num_labels=5, initializer_range=0.4, **SMALL)
    found = t.ViTForImageClassification(config).eval().requires_grad_(False)
    make_visible(found)
    return found


def test_every_method_explains_a_network_of_ones_own(network):
    result = saliency(network, INPUTS, CONVOLUTIONAL)
    assert result.methods == tuple(CONVOLUTIONAL)
    assert result.signed.shape == result.heatmap.shape == (len(CONVOLUTIONAL), 32, 32)
    assert result.heatmap.min() >= 0 and result.heatmap.max() == 1
    np.testing.assert_allclose(result.probabilities, network(INPUTS).softmax(1)[0].detach(), rtol=1e-5)
    assert result.target == result.probabilities.argmax() and result.layer == "group3"
    for name, signed in zip(result.methods, result.signed, strict=True):
        assert np.isfinite(signed).all()
        assert METHODS[name].signed or signed.min() >= -1e-4 * np.abs(signed).max(), name


def passes(network, work):
    """How often a network runs."""
    counted = []
    handle = network.register_forward_hook(lambda *_: counted.append(1))
    work()
    handle.remove()
    return len(counted)


def test_methods_that_share_a_pass_cost_one(network):
    alone = passes(network, lambda: saliency(network, INPUTS, ["Grad-CAM"]))
    assert passes(network, lambda: saliency(network, INPUTS, list(ONE_PASS))) == alone
    assert passes(network, lambda: saliency(network, INPUTS, [*ONE_PASS, "Saliency"])) == alone + 1


def test_each_of_several_methods_is_what_it_is_alone(network):
    layer, target = stages(network, INPUTS)[-1], Target(2)
    names = ["Saliency", "LayerCAM", "Ablation-CAM", "Grad-CAM"]
    found = explain_each(names, network, INPUTS, target, layer)
    assert list(found) == names
    for name in names:
        expected = finished(explain(name, network, INPUTS, target, layer))
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-7)
    asked = []
    explain_each(names, network, INPUTS, target, layer, alone=lambda name: asked.append(name) or np.zeros(1))
    assert asked == ["Saliency", "Ablation-CAM"]


def test_what_is_said_to_depend_on_the_class_does(network):
    one, other = (saliency(network, INPUTS, CONVOLUTIONAL, target=target) for target in (0, 1))
    for name, first, second in zip(CONVOLUTIONAL, one.signed, other.signed, strict=True):
        if METHODS[name].class_specific:
            assert not np.allclose(first, second, rtol=1e-3, atol=1e-3 * np.abs(first).max()), name
    eigen = CONVOLUTIONAL.index("Eigen-CAM")
    np.testing.assert_array_equal(one.signed[eigen], other.signed[eigen])


def test_a_network_in_training_is_put_back_even_after_an_error(network):
    network.train()
    network.stem.eval()
    saliency(network, INPUTS)
    with pytest.raises(Problem):
        saliency(network, INPUTS, ["Grad-CAM of my own"])
    assert network.training and network.group1.training and not network.stem.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert all(values.grad is None and values.requires_grad for values in network.parameters())
    network.eval()


def test_layers_by_name(network):
    assert saliency(network, INPUTS, layer="group1").layer == "group1"
    with pytest.raises(Problem, match="group2"):
        saliency(network, INPUTS, layer="layer4")


def test_a_network_without_space_is_explained_by_its_pixels():
    network = ImageMLP(channels=3, size=32).eval()
    assert saliency(network, INPUTS, ["Saliency", "Integrated gradients"]).layer == ""
    with pytest.raises(Problem, match="no grid"):
        saliency(network, INPUTS, ["Grad-CAM"])


def test_reasons_are_sentences(network, transformer):
    torch.manual_seed(0)
    layer = stages(network, INPUTS)[-1]
    reasons = {name: why_not(method, network, INPUTS, layer) for name, method in METHODS.items()}
    assert {name for name, reason in reasons.items() if reason} == {"Rollout", "Gradient rollout"}
    layer = stages(transformer, INPUTS)[2]
    reasons = {name: why_not(method, transformer, INPUTS, layer) for name, method in METHODS.items()}
    assert {name for name, reason in reasons.items() if reason} == {"CAM", "Guided backpropagation", "Guided Grad-CAM"}
    assert "Gelu" in reasons["Guided backpropagation"]


def test_guided_grad_cam_is_the_product(network):
    layer = stages(network, INPUTS)[-1]
    guided, warm, both = (
        finished(explain(name, network, INPUTS, Target(1), layer))
        for name in ("Guided backpropagation", "Grad-CAM", "Guided Grad-CAM")
    )
    np.testing.assert_allclose(both, guided * resized(np.maximum(warm, 0), (32, 32)), rtol=1e-5, atol=1e-9)


def test_attention_rows_sum_to_one_and_rollout_follows_the_equation(transformer):
    layer = stages(transformer, INPUTS)[-1]
    weights, _ = attention_of(transformer, INPUTS)
    expected = np.eye(17)
    for each in weights:
        np.testing.assert_allclose(each.sum(-1), 1, atol=1e-5)
        expected = (0.5 * each[0].mean(0).numpy() + 0.5 * np.eye(17)) @ expected
    found = attention_rollout(transformer, INPUTS, layer)
    np.testing.assert_allclose(found, expected[0, 1:].reshape(4, 4), rtol=1e-4)


def test_rollout_of_identity_is_identity():
    layer = Layer("x", (2, 2), 1)
    assert (rolled_out([torch.eye(5)[None]] * 3, layer) == 0).all()
    looking = torch.eye(5)[None].clone()
    looking[0, 0] = torch.tensor([0, 0, 0, 1.0, 0])
    np.testing.assert_allclose(rolled_out([looking], layer), [[0, 0], [0.5, 0]])


def test_gradient_rollout_asks_which_class(transformer):
    layer = stages(transformer, INPUTS)[-1]
    one, other = (gradient_rollout(transformer, INPUTS, layer, Target(index)) for index in (0, 1))
    assert one.shape == (4, 4) and (one >= 0).all() and not np.allclose(one, other)


def test_one_patch_shows_its_own_row(transformer):
    layer = stages(transformer, INPUTS)[1]
    row, heads = patch_row(transformer, INPUTS, layer, 1, 6)
    weights, _ = attention_of(transformer, INPUTS)
    assert heads == 2 and row.shape == (4, 4)
    np.testing.assert_allclose(row.ravel(), weights[1][0].mean(0)[7, 1:], rtol=1e-5)
    with pytest.raises(Problem, match="no patch 16"):
        patch_row(transformer, INPUTS, layer, 1, 16)


def test_convolutions_show_no_attention(network):
    with pytest.raises(Problem, match="transformers"):
        attention_of(network, INPUTS)


def test_a_network_in_a_network_of_tuples_works():
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())
            self.head = nn.Linear(4, 3)

        def forward(self, pictures):
            return (self.head(self.inner(pictures).mean((2, 3))), "more")

    assert saliency(Wrapped().eval(), INPUTS).heatmap.shape == (1, 32, 32)

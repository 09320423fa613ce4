"""Networks that forget: what is randomized in which order, what stays untouched, what notices."""

import numpy as np
import pytest
import torch
from torch import nn

from shared.explain.randomization import groups_from_the_top, randomization, similarity
from shared.explain.targets import Target
from shared.models.layers import default_layer, stages
from shared.models.replica import randomized, replica
from shared.models.resnet import ResNet

INPUTS = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ResNet(depth=14).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def layers(network):
    return stages(network, INPUTS)


def test_every_parameter_is_randomized_once_from_the_top(network, layers):
    groups = groups_from_the_top(network, layers)
    assert groups[0][0] == "classifier" and groups[0][1] == ["pool", "flatten", "classifier"]
    assert 3 <= len(groups) <= 6 and groups[-1][0] == "stem"
    inside = [name for _, names in groups for name in names]
    assert len(inside) == len(set(inside))
    owned = {
        name for name, module in network.named_modules() if next(module.parameters(recurse=False), None) is not None
    }
    assert owned <= set(inside)


def test_the_network_itself_keeps_its_weights(network, layers):
    before = {name: values.clone() for name, values in network.state_dict().items()}
    layer = layers[default_layer(network, INPUTS, layers)]
    steps = list(randomization(network, INPUTS, Target(1), layer, layers, ["Grad-CAM", "Saliency"]))
    assert [name for name, _ in steps][:2] == ["none", "classifier"]
    for name, values in network.state_dict().items():
        assert torch.equal(values, before[name])
    first, second = steps[0][1], steps[1][1]
    assert not np.allclose(first["Grad-CAM"], second["Grad-CAM"])
    assert similarity(first["Grad-CAM"], first["Grad-CAM"]) == pytest.approx(1)
    again = list(randomization(network, INPUTS, Target(1), layer, layers, ["Grad-CAM"]))
    np.testing.assert_array_equal(again[-1][1]["Grad-CAM"], steps[-1][1]["Grad-CAM"])


def test_methods_that_share_a_pass_cost_one_in_each_step(network, layers, monkeypatch):
    from shared.explain import cam

    passes, original = [], cam.run
    monkeypatch.setattr(cam, "run", lambda *given: passes.append(1) or original(*given))
    steps = list(randomization(network, INPUTS, Target(1), layers[-1], layers, ["Grad-CAM", "LayerCAM", "HiResCAM"]))
    assert len(passes) == len(steps) > 2


def test_guided_backpropagation_hardly_notices(network, layers):
    layer = layers[-1]
    names = ["Guided backpropagation", "Grad-CAM"]
    steps = list(randomization(network, INPUTS, Target(1), layer, layers, names))
    after = {name: similarity(steps[0][1][name], steps[1][1][name]) for name in names}
    assert after["Guided backpropagation"] > 0.9 > 0.6 > after["Grad-CAM"]


def test_a_replica_shares_weights_but_neither_modules_nor_hooks():
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.BatchNorm1d(2))
    network[0].register_forward_hook(lambda *_: None)
    body = replica(network)
    assert body[0] is not network[0] and body[0].weight is network[0].weight
    assert not body[0]._forward_hooks and network[0]._forward_hooks
    randomized(body[0], torch.Generator().manual_seed(0))
    assert body[0].weight is not network[0].weight
    body[1] = nn.GELU()
    assert isinstance(network[1], nn.ReLU)


def test_random_weights_keep_mean_and_spread():
    layer = nn.Linear(200, 200)
    with torch.no_grad():
        layer.weight.mul_(5).add_(2)
    mean, spread = float(layer.weight.mean()), float(layer.weight.std())
    randomized(layer, torch.Generator().manual_seed(0))
    assert float(layer.weight.mean()) == pytest.approx(mean, abs=0.01)
    assert float(layer.weight.std()) == pytest.approx(spread, rel=0.02)


def test_similarity_is_spearmans_and_knows_no_answer_for_flat_maps():
    one = np.arange(56 * 56, dtype=np.float32).reshape(56, 56)
    assert similarity(one, one**3) == pytest.approx(1)
    assert similarity(one, one.max() - one) == pytest.approx(-1)
    assert np.isnan(similarity(one, np.ones((7, 7))))

"""Stages of networks of many kinds, found from one forward pass; and what flows through them."""

import threading

import pytest
import torch
import transformers as t
from torch import nn

from shared.models.alexnet import AlexNet
from shared.models.image_mlp import ImageMLP
from shared.models.layers import Layer, default_layer, logits_of, modules_of, run, stages, token_grid, watched
from shared.models.lenet import LeNet
from shared.models.resnet import ResNet

SMALL = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
PHOTO = (1, 3, 64, 64)


def made(network):
    torch.manual_seed(0)
    return network().eval().requires_grad_(False)


class InPlaceResidual(nn.Module):
    """A block that adds to its input in place, as several libraries do."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps):
        made = self.body(maps)
        made += maps
        return self.relu(made)


def plain(*blocks):
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


CASES = {
    "lenet": (LeNet, (1, 1, 28, 28), ["conv1", "conv2"], [(28, 28), (14, 14)]),
    "alexnet": (AlexNet, (1, 3, 32, 32), ["conv1", "conv2", "conv3", "conv4", "conv5"], None),
    "resnet": (
        lambda: ResNet(depth=14),
        (1, 3, 32, 32),
        ["stem", *(f"group{group}.{block}" for group in (1, 2, 3) for block in (0, 1))],
        [(32, 32)] * 3 + [(16, 16)] * 2 + [(8, 8)] * 2,
    ),
    "in place": (lambda: plain(InPlaceResidual(), InPlaceResidual()), PHOTO, ["0", "1", "2"], [(64, 64)] * 3),
    "flat": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5),
        ),
        PHOTO, ["2", "5"], [(62, 62), (29, 29)],
    ),
    "hub resnet": (
        lambda: t.ResNetForImageClassification(
            t.ResNetConfig(depths=[2, 2], hidden_sizes=[8, 16], embedding_size=8, num_labels=5)
        ),
        PHOTO,
        ["resnet.embedder"]
        + [f"resnet.encoder.stages.{stage}.layers.{layer}" for stage in (0, 1) for layer in (0, 1)],
        [(16, 16)] * 3 + [(8, 8)] * 2,
    ),
    "hub convnext": (
        lambda: t.ConvNextForImageClassification(
            t.ConvNextConfig(depths=[2, 2], hidden_sizes=[8, 16], num_stages=2, num_labels=5)
        ),
        PHOTO,
        [
            "convnext.embeddings", "convnext.encoder.stages.0.layers.0", "convnext.encoder.stages.0.layers.1",
            "convnext.encoder.stages.1.downsampling_layer.1",
            "convnext.encoder.stages.1.layers.0", "convnext.encoder.stages.1.layers.1",
        ],
        [(16, 16)] * 3 + [(8, 8)] * 3,
    ),
    "hub swin": (
        lambda: t.SwinForImageClassification(
            t.SwinConfig(image_size=64, embed_dim=8, depths=[2, 2], num_heads=[2, 2], window_size=4, num_labels=5)
        ),
        PHOTO,
        [
            "swin.embeddings", "swin.encoder.layers.0.blocks.0", "swin.encoder.layers.0.blocks.1",
            "swin.encoder.layers.0.downsample", "swin.encoder.layers.1.blocks.0", "swin.encoder.layers.1.blocks.1",
        ],
        [(16, 16)] * 3 + [(8, 8)] * 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_stages_are_the_blocks_a_person_would_name(name):
    make, shape, names, grids = CASES[name]
    network, inputs = made(make), torch.zeros(shape)
    found = stages(network, inputs)
    assert [layer.name for layer in found] == names
    assert grids is None or [layer.grid for layer in found] == grids
    assert default_layer(network, inputs, found) == len(found) - 1


@pytest.mark.parametrize(
    ("make", "prefix"),
    [
        (lambda: t.ViTForImageClassification(t.ViTConfig(image_size=64, num_labels=5, **SMALL)), 1),
        (lambda: t.DeiTForImageClassification(t.DeiTConfig(image_size=64, num_labels=5, **SMALL)), 2),
    ],
)
def test_a_class_token_reader_is_explained_one_layer_before_its_last(make, prefix):
    network, inputs = made(make), torch.zeros(PHOTO)
    found = stages(network, inputs)
    assert [layer.name.split(".")[-1] for layer in found] == ["embeddings", "0", "1", "2"]
    assert {layer.grid for layer in found} == {(4, 4)} and {layer.prefix for layer in found} == {prefix}
    assert default_layer(network, inputs, found) == 2


def test_a_network_without_space_has_no_stages():
    assert stages(made(ImageMLP), torch.zeros(1, 1, 28, 28)) == []


def test_grids_need_not_be_square():
    config = t.ViTConfig(**SMALL)
    assert token_grid("x", 1 + 3 * 5, (3, 5), config) == Layer("x", (3, 5), 1)
    config.num_register_tokens = 4
    assert token_grid("x", 5 + 3 * 5, (3, 5), config) == Layer("x", (3, 5), 5)
    assert token_grid("x", 2 * 3, (3, 5), config) == Layer("x", (2, 3), 0)
    assert token_grid("x", 13, (3, 5), config) is None


def test_maps_and_tokens_are_one_thing():
    layer, tokens = Layer("x", (2, 3), 1), torch.randn(2, 7, 4)
    maps = layer.to_maps(tokens)
    assert maps.shape == (2, 4, 2, 3) and torch.equal(maps[0, :, 1, 2], tokens[0, 6])
    assert torch.equal(layer.from_maps(maps, tokens), tokens)


@pytest.mark.parametrize("name", CASES)
def test_a_run_leaves_the_answer_and_the_network_as_they_were(name):
    make, shape, _, _ = CASES[name]
    network = made(make)
    inputs = torch.randn(shape)
    found = stages(network, inputs)
    done = run(network, inputs, found)
    with torch.no_grad():
        expected = logits_of(network(inputs))
    torch.testing.assert_close(done.logits.detach(), expected)
    assert torch.is_grad_enabled() and hooks(network) == 0
    last = found[-1].name
    slope = done.gradients(done.logits[0, 1])[last]
    moved = replaced_output(network, inputs, found[-1], done.outputs[last].detach() + 1e-3 * slope)
    gain = (slope**2).sum() * 1e-3
    assert moved[0, 1] - expected[0, 1] == pytest.approx(float(gain), rel=0.05, abs=1e-5)


def replaced_output(network, inputs, layer, output):
    with torch.no_grad(), watched(modules_of(network, [layer]), lambda _name, _output: output):
        return logits_of(network(inputs))


def hooks(network):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, kind)) for module in network.modules() for kind in kinds)


def test_hooks_are_silent_in_other_threads_and_gone_after_an_error():
    network, seen = made(LeNet), []
    layer = stages(network, torch.zeros(1, 1, 28, 28))[-1]
    with (
        pytest.raises(ZeroDivisionError),
        watched(modules_of(network, [layer]), lambda name, _output: seen.append(name)),
    ):
        other = threading.Thread(target=lambda: network(torch.zeros(1, 1, 28, 28)))
        other.start()
        other.join()
        assert seen == []
        network(torch.zeros(1, 1, 28, 28))
        assert seen == ["conv2"]
        raise ZeroDivisionError
    assert hooks(network) == 0

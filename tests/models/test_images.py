"""Photographs as networks read them, held against transformers' own processors; classes by name; refusals."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from shared.models.images import EMBEDDED, load, prepare, probabilities, read_preparation
from shared.problems import Problem

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
NORMAL = {"image_mean": MEAN, "image_std": STD, "do_normalize": True, "resample": 3}


@pytest.fixture(scope="module")
def photo():
    noise = np.random.default_rng(0).integers(0, 256, (30, 45, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((453, 301), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(
    ("processor", "config"),
    [
        ("MobileNetV2ImageProcessor", {
            "size": {"shortest_edge": 64}, "crop_size": {"height": 56, "width": 56}, "do_center_crop": True,
            **NORMAL, "resample": 2,
        }),
        ("ViTImageProcessor", {"size": {"height": 48, "width": 48}, **NORMAL}),
        ("DeiTImageProcessor", {
            "size": {"height": 64, "width": 64}, "crop_size": {"height": 56, "width": 56}, "do_center_crop": True,
            **NORMAL,
        }),
        ("ConvNextImageProcessor", {"size": {"shortest_edge": 56}, "crop_pct": 0.875, **NORMAL}),
    ],
)  # fmt: skip
def test_transformers_own_processor_agrees(processor, config, photo):
    import transformers

    kind = getattr(transformers, processor.replace("Processor", "ProcessorPil"), None) or getattr(
        transformers, processor
    )
    try:
        expected = kind(**config)(Image.fromarray(photo), return_tensors="pt")["pixel_values"]
    except ImportError as missing:
        pytest.skip(str(missing).splitlines()[1] if "\n" in str(missing) else str(missing))
    if processor == "DeiTImageProcessor":  # it squeezes first; the photo is square for both
        square = photo[:301, :301]
        expected = kind(**config)(Image.fromarray(square), return_tensors="pt")["pixel_values"]
        found = prepare(read_preparation(config), square).inputs
    else:
        found = prepare(read_preparation(config), photo).inputs
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 0.02, "one step of 255 is 0.017"


def test_the_box_is_what_the_network_sees():
    config = {
        "size": {"shortest_edge": 256},
        "crop_size": {"height": 224, "width": 224},
        "do_center_crop": True,
        **NORMAL,
    }
    pixels = np.zeros((512, 1024, 3), np.uint8)
    prepared = prepare(read_preparation(config), pixels)
    assert prepared.box == (32, 288, 448, 448)
    top, left, height, width = prepared.box
    pixels[top : top + height, left : left + width] = 255
    inside = prepare(read_preparation(config), pixels).inputs
    white = (1 - torch.tensor(MEAN)) / torch.tensor(STD)
    torch.testing.assert_close(inside[0, :, 2:-2, 2:-2], white.view(3, 1, 1).expand(3, 220, 220))


def test_a_squeezed_photo_is_seen_whole():
    prepared = prepare(
        read_preparation({"size": {"height": 32, "width": 32}, **NORMAL}), np.zeros((100, 300, 3), np.uint8)
    )
    assert prepared.box == (0, 0, 100, 300) and prepared.inputs.shape == (1, 3, 32, 32)


def test_very_long_photos_fill_the_crop():
    config = {
        "size": {"shortest_edge": 256},
        "crop_size": {"height": 224, "width": 224},
        "do_center_crop": True,
        **NORMAL,
    }
    for shape in ((1, 2000, 3), (2000, 1, 3), (3, 3, 3)):
        prepared = prepare(read_preparation(config), np.full(shape, 128, np.uint8))
        assert prepared.inputs.shape == (1, 3, 224, 224)
        top, left, height, width = prepared.box
        assert min(top, left) >= 0 and top + height <= shape[0] and left + width <= shape[1]


@pytest.mark.parametrize("name", EMBEDDED)
def test_every_embedded_network_loads_and_is_what_its_card_says(name):
    model = load(name)
    assert model is load(name) and not model.network.training
    assert not any(values.requires_grad for values in model.network.parameters())
    assert len(model.labels) == 10 and (model.layer >= 0) == (not name.startswith("mlp"))
    side = 28 if "mnist" in name else 32
    chances = probabilities(model, prepare(model.preparation, np.zeros((60, 90, 3), np.uint8)).inputs)
    assert model.preparation.size == (side, side) and chances.sum() == pytest.approx(1, abs=1e-5)


def test_mnist_test_digits_are_recognized():
    import sys

    from huggingface_hub import errors

    from shared.models.images import to_inputs

    sys.path.append("scripts")
    import data

    try:
        digits, labels = data.mnist("test", 300)
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, OSError):
        pytest.skip("MNIST is neither in the Hub cache nor in reach")
    inputs = to_inputs(load("lenet-mnist").preparation, digits[..., None].repeat(3, -1))
    right = probabilities(load("lenet-mnist"), inputs).argmax(1) == labels
    assert right.mean() >= 0.97


def test_the_shortcut_network_needs_the_dot():
    from shared.models.images import to_inputs
    from shared.models.shortcut import with_dot

    drawn = np.zeros((28, 28), np.uint8)
    drawn[5:23, 13:15] = 255  # a 1
    model = load("lenet-mnist-shortcut")
    both = np.stack([drawn, with_dot(drawn)])[..., None].repeat(3, -1)
    assert probabilities(model, to_inputs(model.preparation, both)).argmax(1).tolist() == [1, 4]


def test_classes_by_name_and_number():
    model = load("resnet20-cifar10")
    assert model.class_named("dog") == model.class_named("5") == model.class_named(" DOG ") == 5
    with pytest.raises(Problem, match="no class 'unicorn'"):
        model.class_named("unicorn")
    with pytest.raises(Problem, match="name one exactly"):
        model.class_named("r")


def test_synonyms_of_a_class(monkeypatch):
    from dataclasses import replace

    model = replace(
        load("lenet-mnist"), labels=("tabby, tabby cat", "tiger cat", "Egyptian cat", "lion, king of beasts")
    )
    assert model.class_named("tabby") == 0 and model.class_named("king of beasts") == 3
    assert model.class_named("lion, king of beasts") == 3 and model.class_named("egyptian") == 2
    with pytest.raises(Problem, match="3 classes"):
        model.class_named("cat")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"architectures": ["BertForMaskedLM"], "model_type": "bert"}, "no image classifier"),
        ({"architectures": ["ViTModel"], "model_type": "vit"}, "no image classifier"),
        ({"architectures": ["ViTForImageClassification"], "model_type": "vit"}, "preprocessor_config"),
        ({"architectures": ["LeNet"]}, "no image classifier"),
    ],
)
def test_other_networks_are_refused_in_a_sentence(config, words, tmp_path, monkeypatch):
    from shared import checkpoints

    def folder(_name, accept, **_more):
        accept(config)
        return tmp_path

    monkeypatch.setattr(checkpoints, "folder", folder)
    with pytest.raises(Problem, match=words) as refusal:
        load(f"someone/{re.sub(r'[^a-z]', '', json.dumps(config).lower())[:40]}")
    assert "\n" not in str(refusal.value)


def test_preparations_that_make_no_sense_are_refused():
    for size in ({"height": 5000, "width": 5000}, {"height": 0, "width": 0}, {"shortest_edge": 1}):
        with pytest.raises(ValueError, match="pixels"):
            read_preparation({"size": size, **NORMAL})

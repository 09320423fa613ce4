"""Diffusion models by name: what is loaded, what is refused, how photographs are read."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from shared import checkpoints
from shared.models import diffusion
from shared.models.diffusion import ANY, from_pixels, load, margin, middle_square, read
from shared.problems import Problem


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """No checkpoints, an empty cache of a Hub out of reach, and nothing loaded from them yet."""
    from huggingface_hub import constants

    monkeypatch.setattr(checkpoints, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(diffusion, "load", checkpoints.load_once(load._load))
    return tmp_path


@pytest.fixture
def saved(shelf, small_unet, schedule):
    """A function that saves a small network: beside the code, or as a pipeline in the cache of the Hub."""

    def save(name, config=None, scheduler=None, **network):
        pipeline = "/" in name
        copy = shelf / "hub" / f"models--{name.replace('/', '--')}" / "snapshots" / "1"
        folder = copy if pipeline else shelf / name
        inside, beside = (folder / "unet", folder / "scheduler") if pipeline else (folder, folder)
        small_unet(**network).save_pretrained(inside)
        file = inside / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **(config or {})}))
        beside.mkdir(exist_ok=True)
        if scheduler is not False:
            (beside / "scheduler_config.json").write_text(json.dumps({**schedule, **(scheduler or {})}))
        return folder

    return save


# ---- the trained model ------------------------------------------------------------------------------------------
def test_the_embedded_model(garments):
    assert garments.name in diffusion.EMBEDDED and garments.shape == (1, 32, 32)
    assert len(garments.labels) == len(set(garments.labels)) == 10 and "Sneaker" in garments.labels
    assert garments.moment is None and list(garments.moments) == sorted(set(garments.moments))
    assert garments.network.config.num_class_embeds == 11, "one more class stands for any"
    assert not garments.network.training
    assert not any(value.requires_grad for value in garments.network.parameters())
    assert all(value.dtype == torch.float32 for value in garments.network.parameters())
    assert garments.alphas_cumprod.shape == (1000,) and (np.diff(garments.alphas_cumprod) < 0).all()
    assert load(garments.name) is garments


def test_its_judge_knows_the_same_classes(garments):
    from shared.models import images

    assert images.load(garments.judge).labels == garments.labels


def test_moments_of_training_are_other_weights_of_the_same_network(garments):
    early = load(f"{garments.name}@{garments.moments[0]}")
    assert early.moment == garments.moments[0] and early.labels == garments.labels and early.judge == garments.judge
    assert early.moments == garments.moments
    one, other = early.network.state_dict(), garments.network.state_dict()
    assert one.keys() == other.keys() and {v.dtype for v in one.values()} == {torch.float32}
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("moment", ["1", "9999999", "0"])
def test_a_moment_that_was_not_kept(garments, moment):
    with pytest.raises(Problem, match=f"kept no weights of step {moment}; choose one of {garments.moments[0]}"):
        load(f"{garments.name}@{moment}")


@pytest.mark.parametrize("name", ["", "../x", "ddpm-nothing", "ddpm-nothing@5", "owner/model@5", "ddpm-fashion-mnist@",
                                  "ddpm-fashion-mnist@-1", "ddpm-fashion-mnist@12345678", "<b>"])  # fmt: skip
def test_names_that_cannot_be(name):
    with pytest.raises(Problem, match="There is no checkpoint named .* choose one of ddpm-fashion-mnist"):
        load(name)


# ---- two layouts ------------------------------------------------------------------------------------------------
def test_both_layouts_of_diffusers_hold_the_same_network(saved):
    saved("flat", channels=3)
    saved("owner/piped", channels=3)
    flat, piped = diffusion.load("flat"), diffusion.load("owner/piped")
    assert flat.shape == piped.shape == (3, 8, 8) and flat.schedule == piped.schedule
    assert flat.labels == () and flat.guidance == 1.0 and flat.judge is None and flat.moments == ()
    x = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(flat.network(x, 5).sample, piped.network(x, 5).sample)


def test_classes_and_moments_of_an_own_checkpoint(saved, small_unet):
    from safetensors.torch import save_file

    folder = saved("own", classes=2)
    (folder / "classes.json").write_text(json.dumps({"labels": ["cat", "dog"], "guidance": 3.5}))
    (folder / "snapshots").mkdir()
    weights = small_unet(classes=2).half().state_dict()
    weights["conv_out.bias"] = torch.full_like(weights["conv_out.bias"], 0.5)
    for step in (40, 7):
        save_file(weights, folder / "snapshots" / f"step-{step:06d}.safetensors")
    model, moment = diffusion.load("own"), diffusion.load("own@40")
    assert model.labels == ("cat", "dog") and model.guidance == 3.5 and model.moments == (7, 40)
    assert moment.moment == 40 and moment.name == "own@40"
    assert moment.network.state_dict()["conv_out.bias"].tolist() == [0.5]
    assert model.network.state_dict()["conv_out.bias"].tolist() != [0.5]


# ---- what is refused --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"_class_name": "UNet2DConditionModel"}, "choose one built on UNet2DModel"),
        ({"_class_name": "AutoencoderKL"}, "choose one built on UNet2DModel"),
        ({"_class_name": None}, "choose one built on UNet2DModel"),
        ({"sample_size": 65}, "of 65 pixels; choose a model of at most 64 x 64"),
        ({"sample_size": 10**9}, "at most 64 x 64"),
        ({"sample_size": [32, 32]}, "at most 64 x 64"),
        ({"sample_size": "32"}, "at most 64 x 64"),
        ({"sample_size": None}, "at most 64 x 64"),
        ({"sample_size": 4}, "at most 64 x 64"),
        ({"in_channels": 4, "out_channels": 4}, "choose a model of at most"),
        ({"out_channels": 2}, "as many output as input channels"),
    ],
)
@pytest.mark.parametrize("name", ["strange", "owner/strange"])
def test_refused_by_its_config_before_diffusers_sees_it(saved, monkeypatch, config, message, name):
    saved(name, config=config)
    monkeypatch.setattr(diffusion, "_network", lambda path: pytest.fail("the weights were opened"))
    with pytest.raises(Problem, match=message):
        diffusion.load(name)


@pytest.mark.parametrize("kind", ["v_prediction", "sample"])
def test_only_networks_that_predict_the_noise(saved, kind):
    saved("other", scheduler={"prediction_type": kind})
    with pytest.raises(Problem, match="does not predict the noise itself"):
        diffusion.load("other")


@pytest.mark.parametrize("name", ["alone", "owner/alone"])
def test_a_missing_scheduler(saved, name):
    saved(name, scheduler=False)
    with pytest.raises(Problem, match="could not be opened by diffusers"):
        diffusion.load(name)


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_an_unreadable_scheduler(saved, text):
    folder = saved("broken")
    (folder / "scheduler_config.json").write_text(text)
    with pytest.raises(Problem, match="could not be opened by diffusers"):
        diffusion.load("broken")


def test_broken_weights(saved):
    folder = saved("broken")
    (folder / "diffusion_pytorch_model.safetensors").write_bytes(b"x" * 1000)
    with pytest.raises(Problem, match="could not be opened by diffusers"):
        diffusion.load("broken")


def test_weights_of_another_network(saved):
    saved("mixed", config={"block_out_channels": [8, 24]})
    with pytest.raises(Problem, match="could not be opened by diffusers"):
        diffusion.load("mixed")


# ---- classes by name --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "index"), [("Shoe", 1), (" shoe ", 1), ("BAG", 2), ("any", ANY), ("", ANY), ("Any", ANY)]
)
def test_classes_by_name(toy_garments, text, index):
    assert toy_garments.class_named(text) == index


@pytest.mark.parametrize("text", ["Car", "<b>", "0", "shoe shoe", "x" * 500])
def test_unknown_classes(toy_garments, text):
    with pytest.raises(Problem, match="choose one of Shirt, Shoe, Bag, or any") as refused:
        toy_garments.class_named(text)
    assert len(str(refused.value)) < 150


def test_a_model_without_classes_knows_none(toy_colors):
    assert toy_colors.class_named("any") == ANY
    with pytest.raises(Problem, match="knows no classes; choose “any”"):
        toy_colors.class_named("Shoe")


# ---- photographs ------------------------------------------------------------------------------------------------
def framed(toy_garments, **named):
    """The toy model as if it had been trained on pictures in a black frame."""
    return replace(toy_garments, **{"name": "ddpm-fashion-mnist", **named})


def test_a_bright_photo_is_inverted_and_framed(toy_garments):
    photo = np.full((40, 60, 3), 240, np.uint8)
    photo[10:30, 20:40] = 20  # half of the middle square
    model = framed(toy_garments)
    assert margin(model) == 2 and margin(toy_garments) == 0
    reading = read(model, photo)
    assert reading.pixels.shape == (1, 8, 8) and reading.pixels.dtype == np.uint8
    inside = reading.pixels[0, 2:-2, 2:-2]
    assert inside.tolist() == [[15] * 4, [15, 235, 235, 15], [15, 235, 235, 15], [15] * 4]
    edge = reading.pixels[0].copy()
    edge[2:-2, 2:-2] = 0
    assert not edge.any()
    assert reading.note == "Read as the middle square in 4 x 4 gray pixels, dark and bright exchanged."


def test_a_dark_photo_stays_as_it_is(toy_garments):
    photo = np.full((40, 60, 3), 10, np.uint8)
    photo[15:25, 25:35] = 250
    reading = read(framed(toy_garments), photo)
    assert reading.pixels[0, 2, 2] == 10 and "exchanged" not in reading.note


def test_a_colored_model_reads_colors(toy_colors):
    photo = np.zeros((16, 48, 3), np.uint8)
    photo[:, 16:32, 0] = 255  # the middle square is red
    photo[:, :16, 1] = 255
    reading = read(toy_colors, photo)
    assert reading.pixels.shape == (3, 8, 8)
    assert reading.pixels[0].min() == 255 and not reading.pixels[1:].any()
    assert reading.note == "Read as the middle square in 8 x 8 pixels."


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7, 9), (2048, 30)])
def test_photos_of_any_shape_are_read(toy_garments, size):
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert read(framed(toy_garments), photo).pixels.shape == (1, 8, 8)


def test_the_middle_square():
    picture = np.arange(5 * 8).reshape(5, 8, 1)
    np.testing.assert_array_equal(middle_square(picture), picture[:, 1:6])
    np.testing.assert_array_equal(middle_square(picture.transpose(1, 0, 2)), picture.transpose(1, 0, 2)[1:6])


def test_pixels_lie_between_black_and_white():
    found = from_pixels(np.array([0, 51, 255], np.uint8))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, torch.tensor([-1.0, -0.6, 1.0]))


def test_importing_it_waits_with_diffusers():
    code = "import sys, shared.models.diffusion; sys.exit('diffusers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Picture networks whose training was kept: their moments in order, and pictures as they read them."""

import json

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from shared import checkpoints
from shared.models import hub_pictures, images, trained
from shared.problems import Problem

HERE = [name for name in trained.NETWORKS if (checkpoints.CHECKPOINTS / name / "snapshots").is_dir()]


@pytest.fixture(autouse=True)
def nothing_known():
    trained.pictures_of.cache_clear()
    trained.snapshots.cache_clear()
    yield
    trained.pictures_of.cache_clear()
    trained.snapshots.cache_clear()


def one_sentence(problem):
    text = str(problem.value)
    assert (
        text.endswith(".") and 20 < len(text) < 400 and "\n" not in text and "/" not in text.replace("owner/name", "")
    )
    return text


def test_there_are_some():
    assert {"lenet-mnist", "resnet20-cifar10"} <= set(HERE)


@pytest.mark.parametrize("name", HERE)
def test_moments_come_in_order_and_end_with_the_checkpoint(name):
    found = trained.snapshots(name)
    epochs = [snapshot.epoch for snapshot in found]
    assert epochs == sorted(set(epochs)) and epochs[0] == 0 and len(epochs) >= 3
    final = load_file(checkpoints.CHECKPOINTS / name / "model.safetensors")
    for snapshot in found:
        assert set(snapshot.state) == set(final)
        for key, value in snapshot.state.items():
            assert value.dtype == (torch.float32 if final[key].is_floating_point() else final[key].dtype), key
    for key, value in found[-1].state.items():
        np.testing.assert_allclose(value, final[key].float(), rtol=2e-3, atol=1e-6, err_msg=key)
    moved = [(found[0].state[key] - value).abs().max() for key, value in found[-1].state.items() if value.ndim > 1]
    assert min(moved) > 1e-3, "the first one is another"


def test_a_moment_is_loaded_into_a_network_of_ones_own():
    model = images.load("lenet-mnist")
    shared = {name: value.clone() for name, value in model.network.state_dict().items()}
    own = type(model.network)()
    for snapshot in trained.snapshots("lenet-mnist"):
        assert trained.load_snapshot(own, snapshot) is own
        for name, value in own.state_dict().items():
            np.testing.assert_array_equal(value, snapshot.state[name])
    for name, value in model.network.state_dict().items():
        np.testing.assert_array_equal(value, shared[name])


@pytest.mark.parametrize("name", ["", "alexnet-cifar10", "../lenet-mnist", "<b>x</b>", "owner/name", "x" * 5000])
def test_unknown_networks_are_refused(name):
    for ask in (trained.network, lambda name: trained.pictures_of(name, 12)):
        with pytest.raises(Problem, match="There is no network") as refused:
            ask(name)
        assert "lenet-mnist" in str(refused.value) and len(str(refused.value)) < 400


def test_a_checkpoint_that_is_missing_or_kept_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints, "CHECKPOINTS", tmp_path)
    with pytest.raises(Problem, match="no checkpoint named 'lenet-mnist'"):
        trained.snapshots("lenet-mnist")
    folder = tmp_path / "lenet-mnist"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["LeNet"]}))
    save_file({"x": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(Problem, match="keeps no moments") as refused:
        trained.snapshots("lenet-mnist")
    one_sentence(refused)
    (folder / "snapshots").mkdir()
    for epoch in (3, 0, 12):
        halves = {"x": torch.full((2,), float(epoch)).half(), "count": torch.tensor(epoch)}
        save_file(halves, folder / "snapshots" / f"epoch-{epoch:03}.safetensors")
    found = trained.snapshots("lenet-mnist")
    assert [snapshot.epoch for snapshot in found] == [0, 3, 12]
    assert found[2].state["x"].dtype == torch.float32 and found[2].state["count"].dtype == torch.int64


@pytest.mark.parametrize(("name", "fetch"), [("lenet-mnist", "mnist"), ("resnet20-cifar10", "cifar10")])
def test_pictures_are_prepared_as_the_network_reads_them(name, fetch, monkeypatch):
    """From made-up pictures, so that no data set is needed."""
    side = {"mnist": (28, 28), "cifar10": (32, 32, 3)}[fetch]
    random = np.random.default_rng(0)
    pixels, labels = random.integers(0, 256, (5, *side), dtype=np.uint8), np.arange(5)
    asked = []

    def fetched(split, count):
        asked.append((split, count))
        return pixels[:count], labels[:count]

    monkeypatch.setattr(hub_pictures, fetch, fetched)
    found = trained.pictures_of(name, 4)
    preparation = images.load(name).preparation
    scaled = pixels[:4].astype(np.float64).reshape(4, side[0], side[0], -1) / 255
    expected = ((scaled - preparation.mean) / preparation.std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found.inputs, expected, atol=1e-5)
    np.testing.assert_array_equal(found.pixels, pixels[:4])
    assert found.labels.dtype == torch.int64 and found.labels.tolist() == [0, 1, 2, 3]
    assert found.title == f"the first 4 test pictures of {'MNIST' if fetch == 'mnist' else 'CIFAR-10'}"
    assert asked == [("test", 4)] and trained.pictures_of(name, 4) is found


@pytest.mark.parametrize("name", ["lenet-mnist", "resnet20-cifar10"])
def test_pictures_that_cannot_be_had(name, monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(Problem, match="cannot be reached now; choose an MLP") as refused:
        trained.pictures_of(name, 12)
    one_sentence(refused)


@pytest.mark.parametrize("name", ["lenet-mnist", "resnet20-cifar10"])
def test_real_pictures_are_recognized(name):
    try:
        found = trained.pictures_of(name, 64)
    except Problem as problem:
        pytest.skip(str(problem))
    answers = images.load(name).network(found.inputs).argmax(1)
    assert len(found.labels) == 64 and (answers == found.labels).float().mean() > 0.85

"""The Loss Landscape Space: its endpoint, called as a stranger would, and what stands behind its page."""

import base64
import csv
import io
import json
import os
import re
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import loss_landscape_compute as compute
import loss_landscape_doubt as doubt
import loss_landscape_exports as export
import loss_landscape_plan as plans
import numpy as np
import pytest
import torch
from hostile import HOSTILE as EVIL
from hostile import one_sentence
from loss_landscape_presets import DEFAULTS
from PIL import Image

from shared.explain.surface import order
from shared.models import hub_pictures, images, trained
from shared.models.plane_network import ACTIVATIONS
from shared.problems import Problem
from shared.ui import Jobs, Request, question_key
from shared.ui.jobs import Job
from shared.ui.picture import answer

ROOT = Path(__file__).parents[2]
README = (ROOT / "spaces/loss_landscape/README.md").read_text(encoding="utf-8")
QUICK = {**DEFAULTS, "size": "60", "epochs": "4", "hidden_layers": "4", "resolution": "5"}
LENET = {**QUICK, "model": "lenet-mnist", "images": "12"}
LOST = {**QUICK, "hidden_layers": "8,8,8", "activation": "ReLU", "optimizer": "SGD", "learning_rate": "1000"}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    """Nothing is scanned yet, and what a test asks for fits into the first turn, however slow the machine."""
    monkeypatch.setattr(compute, "FIRST_TURN", 60.0)
    monkeypatch.setattr(plans, "SCANS", Jobs(plans.SCANS_KEPT))
    monkeypatch.setattr(doubt, "CURVATURES", Jobs(doubt.KEPT))
    monkeypatch.setattr(doubt, "DRAWN", Jobs(doubt.KEPT))


@pytest.fixture
def small_turns(monkeypatch):
    """A turn of work is one step."""
    monkeypatch.setattr(compute, "FIRST_TURN", 0.0)
    monkeypatch.setattr(plans.scan_of, "__defaults__", (0.0,))
    monkeypatch.setattr(Job.work, "__defaults__", (0.0,))
    monkeypatch.setattr(Jobs.work, "__defaults__", (0.0,))


@pytest.fixture
def digits(monkeypatch):
    """Made-up digits instead of those of the Hub, so that no data set is needed."""
    random = np.random.default_rng(0)
    pixels, labels = random.integers(0, 256, (12, 28, 28), dtype=np.uint8), np.arange(12) % 10
    known = (trained.pictures_of, plans.plane_of, compute.drawn_pictures)
    for each in known:
        each.cache_clear()
    monkeypatch.setattr(hub_pictures, "mnist", lambda split, count: (pixels[:count], labels[:count]))
    yield pixels, labels
    for each in known:
        each.cache_clear()


@pytest.fixture(scope="module")
def client(loss_landscape_space):
    from gradio_client import Client

    return Client(loss_landscape_space, verbose=False)


def unpacked(packed):
    data = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(data, packed["type"]).reshape(packed["shape"])


def strict(value):
    return json.loads(json.dumps(value, allow_nan=False))


def asked_for(inputs):
    """The payload, and the answers to a page that asks until the scan is finished."""
    payload = strict(compute.payload(inputs))
    answers = [payload["data"]["scan"]]
    have = answers[0]["values"]["shape"][0] if answers[0]["values"] else 0
    while not answers[-1]["finished"]:
        assert len(answers) < 3000, "it never ends"
        answers.append(strict(compute.scan_turn(Request(inputs, {}, {"part": have}))))
        assert answers[-1]["from"] == have
        have += answers[-1]["values"]["shape"][0] if answers[-1]["values"] else 0
    return payload, answers


def joined(answers):
    return np.concatenate([unpacked(part["values"]) for part in answers if part["values"]])


def asked_to_the_end(kind, inputs, **details):
    answers = []
    while not (answers and answers[-1]["finished"]):
        assert len(answers) < 3000, "it never ends"
        found = doubt.ANSWERS[kind](Request(inputs, {}, {**details, "part": len(answers)}))
        answers.append(strict(found))
    done = [each["done"] for each in answers]
    assert done == sorted(done) and answers[-1]["done"] == answers[-1]["of"]
    assert len({each["of"] for each in answers}) == 1
    return answers


def whole(inputs):
    return plans.whole_scan(plans.plan_of(inputs)).result()


# ---- the endpoint -----------------------------------------------------------------------------------------------
def test_the_snippet_of_the_readme_runs(loss_landscape_space):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    found = {}
    exec(code.replace("http://127.0.0.1:7860/", loss_landscape_space), found)
    assert Image.open(found["contours"]).format == "PNG"
    with np.load(found["arrays"]) as arrays:
        told = set(re.findall(r"`(\w+)`", README[README.index("`contours` is a PNG") :].split("\n\n")[0]))
        assert set(arrays) == told - {"contours", "arrays"}
        loss, alpha, beta = (arrays[name] for name in ("loss", "alpha", "beta"))
        assert loss.shape == (41, 41) and alpha.shape == beta.shape == (41,)
        assert alpha[20] == beta[20] == 0 and alpha[0] == beta[0] == -1 and alpha[-1] == beta[-1] == 1
        assert loss[20, 20] == pytest.approx(arrays["path_loss"][-1], rel=1e-6)
        steps = len(arrays["path"])
        assert arrays["path"].shape == arrays["path_arrows"].shape == (steps, 2)
        for name in ("path_loss", "path_plane_loss", "path_distance", "path_accuracy", "path_epochs"):
            assert arrays[name].shape == (steps,) and np.isfinite(arrays[name]).all()
        weights, directions = arrays["weights"], arrays["directions"]
        assert weights.shape == (105,) and directions.shape == (2, 105) and 0 < arrays["path_explained"] < 0.1
        one, two = directions.astype(float)
        assert arrays["directions_cosine"] == pytest.approx(one @ two / np.sqrt(one @ one * (two @ two)), abs=1e-9)
        np.testing.assert_allclose(arrays["directions_lengths"], [np.sqrt(one @ one), np.sqrt(two @ two)])


def test_other_arguments_of_the_endpoint(client):
    contours, file = client.predict("mlp-blobs", "trajectory", 7, 0.8, 3, api_name="/show")
    with np.load(file) as arrays:
        found = dict(arrays)
    expected = whole({**DEFAULTS, "model": "mlp-blobs", "plane": "trajectory", "resolution": "7", "span": "0.8",
                      "seed": "3"})  # fmt: skip
    np.testing.assert_allclose(found["loss"], expected.loss, rtol=1e-5)
    np.testing.assert_array_equal(found["alpha"], expected.alpha)
    np.testing.assert_allclose(found["path"], expected.paths[0].coordinates, atol=1e-5)
    assert found["loss"].shape == (7, 7) and Image.open(contours).size == (640, 640)
    shown = np.asarray(Image.open(contours).convert("L"))
    assert shown.std() > 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": "<b>"}, "no network '<b>'"), ({"model": "../lenet-mnist"}, "no network"),
        ({"plane": "PCA"}, "no plane 'PCA'"), ({"resolution": 4}, "from 5 to 101"),
        ({"resolution": 1000}, "from 5 to 101"), ({"span": 0}, "span lies between"), ({"span": -1}, "span lies"),
        ({"seed": -1}, "seed of the directions is a whole number"), ({"model": "x" * 5000}, "no network"),
        ({"model": "resnet20-cifar10", "plane": "curvature"}, "choose another plane"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_bad_input_is_one_sentence(client, arguments, words):
    with pytest.raises(Exception, match=re.escape(words)) as shown:
        client.predict(**arguments, api_name="/show")
    one_sentence(shown.value)


# ---- the payload ------------------------------------------------------------------------------------------------
SEVERAL = {
    "default": QUICK,
    "trajectory": {**QUICK, "model": "mlp-xor", "plane": "trajectory", "rivals": "SGD,Momentum:0.1", "resolution": "9"},
    "heaps": {**QUICK, "model": "mlp-blobs", "plane": "random", "activation": "GELU", "hidden_layers": "5,3"},
    "line": {**QUICK, "plane": "line", "batch_size": "0"},
    "triangle": {**QUICK, "plane": "three_points", "model": "mlp-circles", "batch_size": "8", "other": "batch",
                 "size": "120", "rivals": "SGD"},
    "untrained": {**QUICK, "plane": "three_points", "other": "untrained", "model": "mlp-quantiles"},
    "curvature": {**QUICK, "plane": "curvature", "activation": "sigmoid"},
    "rescaled": {**QUICK, "activation": "ReLU", "rescale": "10", "plane": "random", "model": "mlp-iris"},
    "no hidden layer": {**QUICK, "hidden_layers": "", "model": "mlp-spirals"},
}  # fmt: skip


def loss_of(network, theta, x, labels):
    """The cross-entropy of a network as the browser computes it, in doubles."""
    h, at, sizes = x.astype(float), 0, network["sizes"]
    for layer, (ins, outs) in enumerate(pairwise(sizes)):
        weights = theta[at : at + ins * outs].reshape(outs, ins).astype(float)
        h = h @ weights.T + theta[at + ins * outs : at + (ins + 1) * outs]
        at += (ins + 1) * outs
        if layer < len(sizes) - 2:
            h = ACTIVATIONS[network["activation"]](torch.from_numpy(h)).numpy()
    if sizes[-1] == 1:
        return np.logaddexp(0, np.where(labels == 1, -h[:, 0], h[:, 0])).mean()
    top = h.max(1)
    return (np.log(np.exp(h - top[:, None]).sum(1)) + top - h[np.arange(len(h)), labels]).mean()


@pytest.mark.parametrize("name", SEVERAL)
def test_the_payload_is_what_the_viewer_reads(name):
    inputs = SEVERAL[name]
    payload, answers = asked_for(inputs)
    data, values = payload["data"], joined(answers)
    plan, points = data["plan"], data["points"]
    lines = int(inputs["resolution"])
    assert plan["kind"] == "points" and data["pictures"] is None and payload["inputs"] == inputs
    assert len(data["alpha"]) == len(data["beta"]) == lines == plan["resolution"]
    assert 0 in data["alpha"] and 0 in data["beta"] and len(values) == lines**2 == data["scan"]["of"]
    x, labels, role = (unpacked(points[key]) for key in ("x", "label", "role"))
    theta, one, two = (unpacked(points[key]) for key in ("theta", "d1", "d2"))
    assert [each.dtype.name for each in (x, labels, role, theta)] == ["float32", "uint8", "uint8", "float32"]
    assert len(theta) == len(one) == len(two) == plan["parameters"]
    assert plan["parameters"] == sum((ins + 1) * outs for ins, outs in pairwise(points["network"]["sizes"]))
    seen = x[role == 0], labels[role == 0]
    assert f"{len(seen[0])} training points" == plan["on"] and plan["count"] == len(x)
    for place, (row, column) in enumerate(order(lines)):  # what the server scanned the browser computes too
        weights = theta + data["alpha"][column] * one.astype(float) + data["beta"][row] * two.astype(float)
        expected = loss_of(points["network"], weights, *seen)
        assert values[place] == pytest.approx(expected, rel=1e-4, abs=1e-5), (row, column)
    for path in data["paths"]:
        frames = len(path["epochs"])
        assert unpacked(path["coordinates"]).shape == unpacked(path["arrows"]).shape == (frames, 2)
        for key in ("loss", "plane_loss", "distance", "accuracy"):
            assert len(path[key]) == frames and None not in path[key]
    own = data["paths"][0]
    assert own["name"] == plan["optimizer"] and own["epochs"] == list(range(5)) and plan["epochs"] == 4
    assert own["loss"][-1] == own["plane_loss"][-1] == pytest.approx(loss_of(points["network"], theta, *seen), abs=1e-5)
    directions = data["directions"]
    shares = np.array([layer["shares"] for layer in directions["layers"]])
    np.testing.assert_allclose(shares.sum(0), 1, atol=1e-4)
    assert sum(layer["size"] for layer in directions["layers"]) == plan["parameters"]
    assert directions["weights_length"] == pytest.approx(np.linalg.norm(theta.astype(float)), rel=1e-4)
    assert directions["cosine"] == pytest.approx(
        one.astype(float) @ two / np.sqrt((one.astype(float) @ one) * (two.astype(float) @ two)), abs=1e-5
    )
    assert all(text.endswith(".") for text in (*directions["facts"], *data["notes"], data["axes"]["unit"]))
    assert data["stopped"] == "" and len(data["axes"]["names"]) == 2


def test_the_others_on_a_plane_are_told():
    names = [path["name"] for path in compute.payload(SEVERAL["trajectory"])["data"]["paths"]]
    assert names == ["Adam", "SGD", "Momentum 0.1"]
    names = [path["name"] for path in compute.payload(SEVERAL["triangle"])["data"]["paths"]]
    assert names == ["Adam", "all points at once", "batches of 64", "SGD"]
    data = compute.payload(SEVERAL["line"])["data"]
    assert [path["name"] for path in data["paths"]] == ["Adam", "seed 1"]
    assert data["axes"]["names"][0] == "towards seed 1"
    np.testing.assert_allclose(unpacked(data["paths"][1]["coordinates"])[-1], [1, 0], atol=1e-6)


def test_rescaling_is_told_and_changes_no_loss():
    data = compute.payload(SEVERAL["rescaled"])["data"]
    plain = compute.payload({**SEVERAL["rescaled"], "rescale": "1"})["data"]
    assert data["plan"]["rescale"] == 10 and "10 times as long" in data["notes"][1] and len(plain["notes"]) == 1
    np.testing.assert_allclose(data["paths"][0]["loss"], plain["paths"][0]["loss"], rtol=1e-4)
    with pytest.raises(Problem, match="choose ReLU") as refused:
        compute.payload({**QUICK, "rescale": "2"})
    one_sentence(refused.value)


@pytest.mark.parametrize("plane", ["filter_normalized", "random", "line"])
def test_a_lost_training_is_told(plane):
    payload, answers = asked_for({**LOST, "plane": plane})
    data = payload["data"]
    assert "The training was lost" in data["stopped"] and data["stopped"].endswith(".")
    assert data["plan"]["epochs"] < 4 and len(data["paths"][0]["epochs"]) == data["plan"]["epochs"] + 1
    assert len(joined(answers)) == 25
    for kind in ("sharpness", "flow"):
        found = answer(doubt.ANSWERS, json.dumps({"kind": kind, "request": {"inputs": LOST}}), DEFAULTS)
        assert "problem" not in strict(found)


BEYOND = {**LOST, "hidden_layers": ",".join(["32"] * 6), "epochs": "30"}  # weights so large that losses are infinite


@pytest.mark.parametrize("optimizer", ["SGD", "Momentum", "Adam", "RMSProp"])
def test_what_is_beyond_all_numbers_is_still_json(optimizer):
    inputs = {**BEYOND, "optimizer": optimizer}
    payload, _ = asked_for(inputs)
    for path in payload["data"]["paths"]:
        assert np.isfinite(unpacked(path["coordinates"])).all()
    for kind in ("sharpness", "flow", "redraw"):
        found = strict(answer(doubt.ANSWERS, json.dumps({"kind": kind, "request": {"inputs": inputs}}), DEFAULTS))
        if "problem" in found:
            assert "went wrong here" not in one_sentence(found["problem"])


# ---- turns ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["default", "trajectory", "line"])
def test_the_parts_of_a_scan_join_to_the_whole(name, small_turns):
    payload, answers = asked_for(SEVERAL[name])
    found, lines = whole(SEVERAL[name]), int(SEVERAL[name]["resolution"])
    grid = np.empty((lines, lines), np.float32)
    for (row, column), value in zip(order(lines), joined(answers), strict=True):
        grid[row, column] = value
    np.testing.assert_array_equal(grid, found.loss.astype(np.float32))
    assert len(answers) > 25 and [part["finished"] for part in answers] == [False] * (len(answers) - 1) + [True]
    done = [part["done"] for part in answers]
    assert done == sorted(done) and done[-1] == lines**2 and {part["of"] for part in answers} == {lines**2}
    assert payload["data"]["paths"][0]["loss"][0] is None, "ways are outlines at first"


def test_ways_come_after_the_coarse_picture(small_turns):
    _, answers = asked_for(SEVERAL["trajectory"])
    latest, found = {}, whole(SEVERAL["trajectory"])
    for part in answers:
        if part["done"] < 25:
            assert part["paths"][0]["loss"][0] is None, "the coarse picture first"
        if part["from"] > 25 and not part["finished"]:
            assert "paths" not in part, "it has them already"
        latest = {path["name"]: path for path in part.get("paths", latest.values())}
        if part["done"] > 25:
            assert None not in latest["SGD"]["loss"], "refined when all ways are known"
    for path in found.paths:
        sent = latest[path.name]
        np.testing.assert_allclose(unpacked(sent["coordinates"]), path.coordinates, atol=1e-6)
        np.testing.assert_allclose(unpacked(sent["arrows"]), path.arrows, rtol=1e-5, atol=1e-7)
        for key in ("loss", "plane_loss", "distance", "accuracy"):
            np.testing.assert_allclose(sent[key], getattr(path, key), atol=1e-6)
        assert sent["explained"] == pytest.approx(path.explained, abs=1e-6)


def test_who_comes_later_gets_everything_at_once(small_turns):
    asked_for(QUICK)
    _, (only,) = asked_for(QUICK)
    assert only["finished"] and only["from"] == 0 and unpacked(only["values"]).shape == (25,)
    rest = compute.scan_turn(Request(QUICK, {}, {"part": 25}))
    assert rest["values"] is None and rest["finished"] and rest["paths"][0]["loss"][0] is not None
    assert compute.scan_turn(Request(QUICK, {}, {"part": 10**9}))["from"] == 25


def forgotten(monkeypatch):
    monkeypatch.setattr(plans, "SCANS", Jobs(plans.SCANS_KEPT))
    for known in (plans.mlp, plans.plane_of, plans.points_of):
        known.cache_clear()


def test_sixteen_visitors_at_once_get_their_own(monkeypatch):
    kinds = ["default", "heaps", "curvature", "line"]
    asked = [{**SEVERAL[kinds[seed % 4]], "seed": str(seed), "training_seed": str(seed // 8)} for seed in range(16)]

    def answered(inputs):
        payload, answers = asked_for(inputs)
        return joined(answers), answers[-1]["paths"], payload["data"]["directions"]

    forgotten(monkeypatch)
    serial = [answered(inputs) for inputs in asked]
    forgotten(monkeypatch)
    with ThreadPoolExecutor(16) as pool:
        parallel = list(pool.map(answered, asked))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1:] == other[1:]
    assert len({found[0].tobytes() for found in serial}) == 16, "and no two are alike"


def test_visitors_who_ask_the_same_all_get_the_whole(small_turns):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: joined(asked_for(QUICK)[1]), range(8)))
    for values in found:
        np.testing.assert_array_equal(values, found[0])
    assert len(found[0]) == 25


# ---- inputs that nobody should send -----------------------------------------------------------------------------
HOSTILE = (
    "<script>alert(1)</script>", "../../etc/passwd", "\x00", "9" * 5000, "nan", "-1", "1e999", "\u202eevil", "", " ",
    EVIL,
)  # fmt: skip


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_every_field_answers_or_says_what_to_do(name, text):
    try:
        payload = compute.payload({**QUICK, name: text})
    except Problem as refused:
        one_sentence(refused)
    else:
        allowed = {"rivals": ("", " "), "hidden_layers": ("", " "), "images": HOSTILE}
        assert text in allowed.get(name, ())
        strict(payload)
    assert len(compute.waiting({**QUICK, name: text})) < 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": "2000", "batch_size": "1", "size": "300"}, "fewer epochs"), ({"rivals": "SGD," * 5}, "at most 4"),
        ({"rivals": "Lion"}, "no optimizer 'Lion'"), ({"rivals": "SGD:x"}, "learning rate is a number"),
        ({"rivals": "SGD:1e9"}, "learning rate lies between"), ({"plane": "line", "other": "nothing"}, "no other end"),
        ({"initialization": "zeros"}, "All weights are zero"),
        ({"initialization": "dead ReLU", "activation": "ReLU", "hidden_layers": "3,3", "learning_rate": "0.000001",
          "optimizer": "SGD", "plane": "trajectory"}, "Nothing moved"),
        ({"plane": "three_points", "other": "untrained", "epochs": "1"}, "one line"),
        ({"plane": "line", "other": "batch", "batch_size": "100"}, "same weights"),
        ({"model": "lenet-mnist", "resolution": "101", "images": "256"}, "fewer grid lines"),
        ({"plane": "line", "other": "untrained", "rivals": "SGD"}, "clear the other optimizers"),
        ({"hidden_layers": "33"}, "1 to 32 units"), ({"size": "9"}, "from 10 to"), ({"size": "10" * 9}, "from 10 to"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_cannot_be_drawn_says_what_to_do(changes, words):
    with pytest.raises(Problem, match=re.escape(words)) as refused:
        compute.payload({**QUICK, **changes})
    one_sentence(refused.value)


@pytest.mark.parametrize("kind", doubt.ANSWERS)
@pytest.mark.parametrize(
    "details",
    [{"part": "x"}, {"part": None}, {"part": float("inf")}, {"part": -5}, {"part": []}, {"a": "x", "b": "0"},
     {"a": "nan", "b": "0"}, {"a": "1e999", "b": "0"}, {"a": [], "b": {}}, {"a": "0.1"}, {}],
    ids=str,
)  # fmt: skip
def test_questions_that_no_page_asks(kind, details, small_turns):
    text = json.dumps({"kind": kind, "request": {"inputs": QUICK, **details}})
    found = strict(answer(doubt.ANSWERS, text, DEFAULTS))
    if "problem" in found:
        assert "went wrong here" not in one_sentence(found["problem"])


def test_what_takes_long_is_told():
    assert compute.waiting(DEFAULTS) == ""
    slow = {**DEFAULTS, "epochs": "2000", "batch_size": "16"}
    assert compute.waiting(slow) == "Training: 28,000 steps of the optimizer, then the scan."
    assert compute.waiting({**slow, "epochs": "x"}) == ""
    rivals = {**DEFAULTS, "epochs": "300", "rivals": "SGD,Momentum", "plane": "line", "batch_size": "0"}
    assert plans.steps_of(plans.plan_of(rivals)) == 1200, "of all four trainings"
    trained.pictures_of.cache_clear()
    assert "download" in compute.waiting(LENET)


def test_a_picture_network_needs_no_recipe():
    odd = {**LENET, "rivals": "SGD", "optimizer": "Momentum", "rescale": "10", "epochs": "7"}
    assert plans.plan_of(odd) == plans.plan_of(LENET)


# ---- how it bends, other draws, gradients -----------------------------------------------------------------------
@pytest.mark.parametrize("name", ["default", "heaps"])
def test_sharpness_comes_step_by_step(name, small_turns):
    answers = asked_to_the_end("sharpness", SEVERAL[name])
    last = answers[-1]
    subject = plans.subjects_of(plans.plan_of(SEVERAL[name]))[0]
    space = subject.make()
    product = space.hessian_product(subject.origin)
    hessian = torch.stack([product(row) for row in torch.eye(space.size)]).double().numpy()
    values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    assert last["found"] and (last["top"], last["bottom"]) == pytest.approx(
        (values[-1], values[0]), abs=2e-3 * np.abs(values).max()
    )
    assert last["loss"] == pytest.approx(space.measure(subject.origin)[0])
    assert last["gradient"] == pytest.approx(float(space.gradient(subject.origin).norm()), rel=1e-5)
    assert [each["radius"] for each in last["radii"]] == [5e-4, 1e-3, 5e-3, 1e-2]
    for each in last["radii"]:
        assert each["percent"] == pytest.approx(100 * (each["loss"] - last["loss"]) / (1 + last["loss"]))
    for each in last["profiles"]:
        assert len(each["at"]) == len(each["loss"]) == 21 and each["loss"][10] == pytest.approx(last["loss"], abs=1e-5)
    stages = [each["stage"] for each in answers]
    assert stages == sorted(stages, key=["curvature", "sharpness", "profiles"].index) and len(set(stages)) == 3
    assert len(last["profiles"]) == 4


def test_all_planes_share_one_search():
    asked_to_the_end("sharpness", QUICK)
    other = {**QUICK, "plane": "random", "resolution": "7", "span": "2", "rivals": "SGD", "other": "batch"}
    assert doubt.sharpness(Request(other))["finished"]


@pytest.mark.parametrize("name", ["default", "heaps"])
def test_other_draws_are_those_of_other_seeds(name, monkeypatch):
    monkeypatch.setattr(doubt, "DRAW_LINES", {True: 5, False: 5})
    last = asked_to_the_end("redraw", SEVERAL[name])[-1]
    assert [row["seed"] for row in last["rows"]] == list(range(1, 9)) and last["of"] == 200
    for row in (last["rows"][0], last["rows"][7]):
        expected = whole({**SEVERAL[name], "seed": str(row["seed"])})
        np.testing.assert_allclose(unpacked(row["values"]), expected.loss, rtol=1e-5)
        np.testing.assert_allclose(last["alpha"], expected.alpha, atol=1e-8)


def test_other_draws_come_one_after_the_other(small_turns, monkeypatch):
    monkeypatch.setattr(doubt, "DRAW_LINES", {True: 5, False: 5})
    answers = asked_to_the_end("redraw", QUICK)
    counts = [len(each["rows"]) for each in answers]
    assert counts == sorted(counts) and counts[0] == 0 and set(counts) == set(range(9))


@pytest.mark.parametrize("name", ["trajectory", "line", "curvature"])
def test_planes_that_are_not_random_have_no_other_draws(name):
    with pytest.raises(Problem, match="no other draws") as refused:
        doubt.redraw(Request(SEVERAL[name]))
    one_sentence(refused.value)


def test_the_gradient_of_every_layer():
    found = strict(doubt.flow(Request(SEVERAL["heaps"])))
    assert [each["name"] for each in found["moments"]] == ["untrained", "trained"]
    subject = plans.subjects_of(plans.plan_of(SEVERAL["heaps"]))[0]
    for told, moment in zip(found["moments"], (subject.moments[0], subject.moments[-1]), strict=True):
        space = subject.make()
        torch.nn.utils.vector_to_parameters(moment.theta, space.network.parameters())
        space.criterion(space.network(space.inputs), space.labels).backward()
        expected = {f"{place}": space.network[place].weight.grad.norm().item() for place in (0, 2, 4)}
        assert {layer["name"]: layer["norm"] for layer in told["layers"]} == pytest.approx(expected, rel=1e-4)
    assert found["note"].endswith("on 42 training points.")


def test_the_library_of_the_3d_view():
    assert "Plotly" in strict(doubt.plotly(Request(QUICK)))["script"]


# ---- networks that read pictures --------------------------------------------------------------------------------
def test_a_picture_network_has_a_payload(digits):
    pixels, labels = digits
    payload, answers = asked_for(LENET)
    data = payload["data"]
    assert data["points"] is None and data["plan"]["kind"] == "pictures" and data["plan"]["count"] == 12
    assert data["plan"]["on"] == "the first 12 test pictures of MNIST" and len(joined(answers)) == 25
    assert data["pictures"]["labels"] == labels.tolist()
    assert data["pictures"]["classes"] == list(images.load("lenet-mnist").labels)
    for uri, picture in zip(data["pictures"]["images"], pixels, strict=True):
        drawn = Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))
        np.testing.assert_array_equal(np.asarray(drawn), picture)
    snapshots = trained.snapshots("lenet-mnist")
    assert data["paths"][0]["epochs"] == [snapshot.epoch for snapshot in snapshots]
    assert any("float16" in note for note in data["notes"])
    assert [layer["kind"] for layer in data["directions"]["layers"]].count("weights") == 4


def test_looking_at_a_place_asks_the_network_there(digits):
    plan = plans.plan_of(LENET)
    plane = plans.plane_of(plan)
    own = type(images.load("lenet-mnist").network)()
    inputs, labels = trained.pictures_of("lenet-mnist", 12).inputs, trained.pictures_of("lenet-mnist", 12).labels
    for a, b in ((0.0, 0.0), (0.5, -0.25), (-1.5, 2.0)):
        found = strict(doubt.look(Request(LENET, {}, {"a": f"{a:.3f}", "b": f"{b:.3f}"})))
        theta = plane.origin + a * plane.directions[0] + b * plane.directions[1]
        torch.nn.utils.vector_to_parameters(theta, own.parameters())
        with torch.no_grad():
            outputs = own(inputs)
        assert found["said"] == outputs.argmax(1).tolist()
        np.testing.assert_allclose(found["sure"], outputs.softmax(1).amax(1), atol=2e-4)
        assert found["loss"] == pytest.approx(torch.nn.functional.cross_entropy(outputs, labels).item(), rel=1e-4)
        assert found["accuracy"] == pytest.approx((outputs.argmax(1) == labels).float().mean().item())
    far = strict(doubt.look(Request(LENET, {}, {"a": "1000000", "b": "-1000000"})))
    assert len(far["said"]) == len(far["sure"]) == 12


def test_other_views_of_a_picture_network(digits, monkeypatch):
    monkeypatch.setattr(doubt, "DRAW_LINES", {True: 5, False: 5})
    monkeypatch.setattr(doubt, "DRAWS", 2)
    monkeypatch.setattr("shared.explain.curvature.MOST_PRODUCTS", 3)
    assert [row["seed"] for row in asked_to_the_end("redraw", LENET)[-1]["rows"]] == [1, 2]
    assert asked_to_the_end("sharpness", LENET)[-1]["products"] == 3
    layers = [[layer["name"] for layer in each["layers"]] for each in doubt.flow(Request(LENET))["moments"]]
    assert layers[0] == layers[1] == ["conv1.0", "conv2.0", "hidden.1", "classifier"]


def test_pictures_that_cannot_be_fetched_are_one_sentence(digits, monkeypatch):
    def unreachable(split, count):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(hub_pictures, "mnist", unreachable)
    plans.plane_of.cache_clear()
    with pytest.raises(Problem, match="choose an MLP") as refused:
        compute.payload(LENET)
    one_sentence(refused.value)


# ---- what leaves the page ---------------------------------------------------------------------------------------
KINDS = {
    "png": (b"\x89PNG", "image/png"), "svg": (b"<?xml", "image/svg+xml"), "pdf": (b"%PDF", "application/pdf"),
    "gif": (b"GIF8", "image/gif"), "npz": (b"PK", "application/zip"), "csv": (b"optimizer,epoch", "text/csv"),
    "notebook": (b"{", "application/x-ipynb+json"), "page": (b"<!doctype html>", "text/html"),
}  # fmt: skip


def test_every_kind_is_tried():
    assert set(KINDS) | {"code"} == set(export.EXPORT)
    offered = {kind for kind in re.findall(r"'(\w+)'", str(compute.EXPORTS)) if kind in export.EXPORT}
    assert offered == set(export.EXPORT)


@pytest.mark.parametrize(
    ("name", "kind"), [*(("trajectory", kind) for kind in KINDS), *(("line", kind) for kind in ("svg", "csv"))]
)
def test_every_file_can_be_saved(name, kind):
    file = export.EXPORT[kind](Request(SEVERAL[name], {"epoch": 2}, {"finding": "Found <b>nothing</b> & $x$."}))
    begin, mime = KINDS[kind]
    assert file.data.lower().startswith(begin.lower()) and len(file.data) > 200 and file.mime == mime


@pytest.mark.parametrize("kind", ["svg", "gif", "npz", "csv", "page"])
def test_what_is_lost_or_no_mlp_can_be_saved_too(kind, digits):
    for inputs in (LOST, LENET):
        assert len(export.EXPORT[kind](Request(inputs)).data) > 100


def test_the_film_shows_the_ball_at_every_epoch():
    film = Image.open(io.BytesIO(export.EXPORT["gif"](Request(SEVERAL["trajectory"])).data))
    assert film.n_frames == 5 and export.EXPORT["gif"](Request(QUICK)).name == "loss_landscape.gif"
    long = {**QUICK, "epochs": "90", "batch_size": "0"}
    assert Image.open(io.BytesIO(export.EXPORT["gif"](Request(long)).data)).n_frames == 60


def test_hostile_findings_stay_words():
    svg = export.EXPORT["svg"](Request(QUICK, {"epoch": EVIL}, {"finding": EVIL})).data.decode()
    assert not re.search(r"<(script|b|img)[\s>]", svg)
    assert EVIL not in export.EXPORT["page"](Request(QUICK, {"tab": EVIL}, {"finding": EVIL})).data.decode()
    assert EVIL not in json.dumps(compute.payload({**QUICK, "rivals": "SGD"}))


def test_saved_numbers_are_those_of_the_ways():
    found = whole(SEVERAL["trajectory"])
    text = export.EXPORT["csv"](Request(SEVERAL["trajectory"])).data.decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["optimizer", "epoch", "alpha", "beta", "loss", "plane_loss", "distance", "accuracy"]
    assert [row[0] for row in rows] == ["Adam"] * 5 + ["SGD"] * 5 + ["Momentum 0.1"] * 5
    for number, path in enumerate(found.paths):
        mine = np.array([row[1:] for row in rows[5 * number : 5 * number + 5]], float)
        expected = np.column_stack(
            [path.epochs, path.coordinates, path.loss, path.plane_loss, path.distance, path.accuracy]
        )
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-9)
    with np.load(io.BytesIO(export.EXPORT["npz"](Request(SEVERAL["trajectory"])).data)) as arrays:
        np.testing.assert_array_equal(arrays["loss"], found.loss)
        np.testing.assert_array_equal(arrays["path_2"], found.paths[2].coordinates)
        np.testing.assert_array_equal(arrays["path_1_loss"], found.paths[1].loss)


def test_the_code_computes_the_landscape(tmp_path):
    """All of them in one fresh process."""
    for place, inputs in enumerate(SEVERAL.values()):
        text = export.EXPORT["code"](Request(inputs)).text
        assert len(text.splitlines()) <= 15
        (tmp_path / f"{place:02}.py").write_text(text, encoding="utf-8")
    code = (
        "import json, pathlib, sys, torch; torch.set_num_threads(1)\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.py')):\n"
        "    found = {'__name__': '__main__'}\n"
        "    exec(compile(path.read_text('utf-8'), path.name, 'exec'), found)\n"
        "    assert found['picture'].startswith(b'\\x89PNG') and found['animation'].startswith(b'GIF8')\n"
        "    names = [each.name for each in found['found'].paths]\n"
        "    print('#', json.dumps([found['found'].loss.tolist(), names]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line[2:]) for line in done.stdout.splitlines() if line.startswith("# ")]
    for (name, inputs), (loss, names) in zip(SEVERAL.items(), told, strict=True):
        expected = whole(inputs)
        np.testing.assert_allclose(loss, expected.loss, rtol=1e-6, err_msg=name)
        assert names == [path.name for path in expected.paths], name


def test_the_code_of_a_picture_network(digits, capsys):
    text = export.EXPORT["code"](Request(LENET)).text
    assert len(text.splitlines()) <= 15
    found = {}
    exec(text, found)
    np.testing.assert_array_equal(found["found"].loss, whole(LENET).loss)
    assert found["picture"].startswith(b"\x89PNG") and str(found["path"].loss[-1]) in capsys.readouterr().out


def test_the_notebook_runs():
    import nbformat
    from nbclient import NotebookClient

    file = export.EXPORT["notebook"](Request(QUICK, {}, {"finding": "It is a </script> $line$."}))
    notebook = nbformat.reads(file.data.decode(), as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)


# ---- the saved page ---------------------------------------------------------------------------------------------
@pytest.fixture
def written(monkeypatch):
    """The payloads of saved pages, as they are written."""
    found, original = [], export.document

    def document(*given, **named):
        found.append(given[1])
        return original(*given, **named)

    monkeypatch.setattr(export, "document", document)
    return found


def test_a_saved_page_holds_the_whole_scan_and_its_answers(written, small_turns):
    compute.payload(SEVERAL["trajectory"])
    asked_to_the_end("sharpness", SEVERAL["trajectory"])
    details = [
        ["sharpness", {"part": 3}], ["flow", {}], ["redraw", {"part": 0}], ["scan", {"part": 4}], ["plotly", {}],
        ["look", {"a": "x"}], ["nothing", {}], ["flow", []],
    ]  # fmt: skip
    asked = [json.dumps(each, separators=(",", ":")) for each in details]
    pin = {"inputs": {**QUICK, "model": "mlp-blobs"}, "state": {"epoch": 2}}
    file = export.EXPORT["page"](
        Request(SEVERAL["trajectory"], {"tab": "sharpness", "epoch": 3}, {"asked": asked, "pin": pin})
    )
    (payload,) = written
    strict(payload)
    assert payload["state"] == {"tab": "sharpness", "epoch": 3}
    assert set(payload["computed"]) == {question_key("sharpness", {"part": 0}), question_key("flow", {})}
    for each, lines in ((payload, 9), (payload["pinned"], 5)):
        scan = each["data"]["scan"]
        assert scan["finished"] and scan["from"] == 0 and unpacked(scan["values"]).shape == (lines**2,)
        assert all(None not in path["loss"] for path in each["data"]["paths"])
    assert payload["pinned"]["data"]["plan"]["model"] == "mlp-blobs" and payload["pinned"]["state"] == {"epoch": 2}
    text = file.data.decode("utf-8")
    assert file.mime == "text/html" and file.name == "loss-landscape.html"
    assert "Plotly" in text and not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?https?:", text)

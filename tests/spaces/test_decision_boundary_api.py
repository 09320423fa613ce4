"""The Decision Boundary Space: its endpoint, called as a stranger would, and what stands behind its page."""

import base64
import csv
import io
import json
import math
import os
import re
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import decision_boundary_compute as compute
import decision_boundary_exports as export
import decision_boundary_plan as plans
import numpy as np
import pytest
import torch
from decision_boundary_presets import DEFAULTS
from decision_boundary_script import script_of
from hostile import one_sentence
from PIL import Image

from shared.explain import hidden_space
from shared.explain.recipes import Event
from shared.models.plane_network import forward
from shared.problems import Problem
from shared.ui import Jobs, Request
from shared.ui.jobs import Job
from shared.ui.picture import answer
from shared.ui.table_inputs import TABLES

ROOT = Path(__file__).parents[2]
README = (ROOT / "spaces/decision_boundary/README.md").read_text(encoding="utf-8")
QUICK = {**DEFAULTS, "size": "60", "epochs": "8", "hidden_layers": "4"}
HEAPS = {**QUICK, "data": "blobs"}
TABLE = b"a,b,c,kind\n" + b"".join(
    b"%d,%d,%d,%s\n" % (i, i * i % 17, -i, (b"<b>x</b>", b"$y$")[i % 2]) for i in range(40)
)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    """Nothing is trained yet, and what a test asks for fits into the first turn, however slow the machine."""
    monkeypatch.setattr(compute, "FIRST_TURN", 60.0)
    monkeypatch.setattr(plans, "FILMS", Jobs(plans.FILMS_BYTES, plans.bytes_of))
    monkeypatch.setattr(compute, "NEIGHBORS", Jobs(compute.NEIGHBORS_KEPT))
    monkeypatch.setattr(compute, "RACES", Jobs(compute.RACES_KEPT))


@pytest.fixture
def small_turns(monkeypatch):
    """A turn of work is one epoch."""
    monkeypatch.setattr("shared.explain.training.BLOCK", -1.0)
    monkeypatch.setattr(compute, "FIRST_TURN", 0.0)
    monkeypatch.setattr(plans.film_of, "__defaults__", (0.0,))
    monkeypatch.setattr(Job.work, "__defaults__", (0.0,))
    monkeypatch.setattr(Jobs.work, "__defaults__", (0.0,))


@pytest.fixture(scope="module")
def client(decision_boundary_space):
    from gradio_client import Client

    return Client(decision_boundary_space, verbose=False)


def show(client, **more):
    film, arrays = client.predict(**{"epochs": 6, **more}, api_name="/show")
    with np.load(arrays) as found:
        return Image.open(film), dict(found)


def unpacked(packed):
    data = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(data, packed["type"]).reshape(packed["shape"])


def table(data=TABLE, **more):
    return {**QUICK, "data": "table", "table": TABLES.put(data), **more}


def trained(inputs):
    """The answers to a page that asks until the training is finished."""
    answers = [compute.payload(inputs)["data"]["train"]]
    have = answers[0]["frames"]["shape"][0] if answers[0]["frames"] else 0
    while not answers[-1]["finished"]:
        assert len(answers) < 3000, "it never ends"
        answers.append(compute.train(Request(inputs, {}, {"part": have})))
        have += answers[-1]["frames"]["shape"][0] if answers[-1]["frames"] else 0
    return [json.loads(json.dumps(each, allow_nan=False)) for each in answers]


def asked_to_the_end(kind, inputs, **details):
    answers = []
    while not (answers and answers[-1]["finished"]):
        assert len(answers) < 3000, "it never ends"
        found = compute.ANSWERS[kind](Request(inputs, {}, {**details, "part": len(answers)}))
        answers.append(json.loads(json.dumps(found, allow_nan=False)))
    done = [each["done"] for each in answers]
    assert done == sorted(done) and answers[-1]["done"] == answers[-1]["of"]
    return answers


ACTIVATIONS = {
    "tanh": np.tanh,
    "ReLU": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "GELU": lambda z: z * (1 + np.vectorize(math.erf)(z / math.sqrt(2))) / 2,
}


def answers_of(network, frame, x):
    """The classes of points, computed in doubles as the browser does."""
    h, at, sizes = x.astype(float), 0, network["sizes"]
    for layer, (ins, outs) in enumerate(pairwise(sizes)):
        weights = frame[at : at + ins * outs].reshape(outs, ins).astype(float)
        h = h @ weights.T + frame[at + ins * outs : at + (ins + 1) * outs]
        at += (ins + 1) * outs
        h = ACTIVATIONS[network["activation"]](h) if layer < len(sizes) - 2 else h
    return h.argmax(1) if sizes[-1] > 1 else (h[:, 0] > 0).astype(int)


# ---- the endpoint -----------------------------------------------------------------------------------------------
def test_the_snippet_of_the_readme_runs(decision_boundary_space):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    found = {}
    exec(code.replace("http://127.0.0.1:7860/", decision_boundary_space), found)
    film = Image.open(found["film"])
    with np.load(found["arrays"]) as arrays:
        told = set(re.findall(r"`(\w+)`", README[README.index("`film` is a GIF") :].split("\n\n")[0])) - {
            "film",
            "arrays",
        }
        assert set(arrays) == told
        frames, epochs, points = arrays["frames"], arrays["epochs"], arrays["points"]
        assert film.format == "GIF" and film.n_frames == len(frames) == len(epochs) == 60
        assert frames.min() >= 0 and frames.max() <= 1 and epochs[0] == 0 and epochs[-1] == 60
        assert arrays["loss"].shape == arrays["validation_accuracy"].shape == (61,)
        assert arrays["weights"].shape == (60, 105) and points.shape == (300, 2)
        assert arrays["labels"].shape == arrays["validation"].shape == arrays["since"].shape == (300,)
        left, right, bottom, top = arrays["window"]
        side = frames.shape[1]
        column = ((points[:, 0] - left) / (right - left) * side).astype(int)
        row = ((top - points[:, 1]) / (top - bottom) * side).astype(int)
        said = frames[-1][row, column] > 0.5
        held_out = arrays["validation"]
        accuracy = [(said == arrays["labels"])[some].mean() for some in (~held_out, held_out)]
        assert accuracy[0] == pytest.approx(arrays["accuracy"][-1], abs=0.03)
        assert accuracy[1] == pytest.approx(arrays["validation_accuracy"][-1], abs=0.03)
        assert accuracy[0] > 0.9


def test_several_classes_through_the_endpoint(client):
    film, arrays = show(client, dataset="blobs", learner="Perceptron", learning_rate=1, seed=3)
    assert film.n_frames == 7 and set(np.unique(arrays["frames"])) <= {0, 1, 2}
    assert arrays["epochs"].tolist() == list(range(7)) and arrays["weights"].shape == (7, 9)
    plan = plans.plan_of({**DEFAULTS, "data": "blobs", "learner": "Perceptron", "learning_rate": "1", "seed": "3",
                          "epochs": "6"})  # fmt: skip
    run = plans.whole_film(plan).result()
    np.testing.assert_array_equal(arrays["weights"], run.weights)
    np.testing.assert_array_equal(arrays["accuracy"], run.accuracy[:, 0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"dataset": "<b>"}, "no set '<b>'"), ({"dataset": "table"}, "Upload a table first"),
        ({"dataset": "table:" + "0" * 32}, "no longer on the server"), ({"learner": "SVM"}, "no learner 'SVM'"),
        ({"hidden_layers": "a,b"}, "such as 8,8"), ({"hidden_layers": "99"}, "1 to 32 units"),
        ({"learning_rate": 0}, "learning rate lies between"), ({"epochs": 2001}, "from 1 to 2,000"),
        ({"seed": -1}, "seed is a whole number"), ({"activation": "x" * 5000}, "no activation"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_bad_input_is_one_sentence(client, arguments, words):
    with pytest.raises(Exception, match=re.escape(words)) as shown:
        show(client, **arguments)
    one_sentence(shown.value)


# ---- the payload ------------------------------------------------------------------------------------------------
SEVERAL = {
    "default": QUICK,
    "deep": {**QUICK, "hidden_layers": "5, 4, 3", "activation": "GELU", "batch_norm": "true", "dropout": "0.2"},
    "heaps": {**HEAPS, "activation": "sigmoid"},
    "Perceptron": {**HEAPS, "learner": "Perceptron"},
    "ADALINE": {**QUICK, "learner": "ADALINE"},
    "ADALINE of three": {**HEAPS, "learner": "ADALINE", "data": "quantiles"},
    "Logistic regression": {**QUICK, "learner": "Logistic regression", "data": "iris"},
    "no validation": {**QUICK, "validation_share": "0", "activation": "ReLU"},
    "painted": {**QUICK, "data": "painted", "steer": "0:add=1,1,0/1,2,0/-1,1,1/-2,0,1"},
    "painted on": {**QUICK, "steer": "3:add=1,1,0/1,2,0;5:rate=0.1;6:set=0.2.b,1.5"},
}


@pytest.mark.parametrize("name", SEVERAL)
def test_the_payload_is_what_the_viewer_reads(name):
    inputs = SEVERAL[name]
    payload = compute.payload(inputs)
    json.dumps(payload, allow_nan=False)
    data = payload["data"]
    x, label, role, since = (unpacked(data["points"][key]) for key in ("x", "label", "role", "since"))
    assert [each.dtype.name for each in (x, label, role, since)] == ["float32", "uint8", "uint8", "int32"]
    assert x.shape == (len(label), 2) and len(role) == len(since) == len(label)
    parts = trained(inputs)
    frames = np.concatenate([unpacked(part["frames"]) for part in parts if part["frames"]])
    gradients = np.concatenate([unpacked(part["gradients"]) for part in parts if part["gradients"]])
    sizes = data["network"]["sizes"]
    assert frames.shape == (len(data["shown"]), sum((ins + 1) * outs for ins, outs in pairwise(sizes)))
    assert gradients.shape == (len(frames), len(sizes) - 1) and not gradients[0].any()
    assert sizes[0] == 2 and sizes[-1] == (1 if len(data["classes"]) == 2 else len(data["classes"]))
    assert data["shown"] == list(range(9)) and len(data["rates"]) == 8
    for column, part in ((0, "training"), (1, "validation")):
        told = sum((piece["accuracy"][part] or [None] * len(piece["accuracy"]["training"]) for piece in parts), [])
        for epoch in (0, 3, 8):
            some = (role == column) & ((since < epoch) | (since == 0))
            right = answers_of(data["network"], frames[epoch], x[some]) == label[some]
            assert told[epoch] is None if not some.any() else told[epoch] == pytest.approx(right.mean(), abs=1e-6)
    judged = label[role == 1] if role.any() else label
    assert data["majority"] == pytest.approx(np.bincount(judged).max() / len(judged))
    left, right, bottom, top = data["window"]
    first = since == 0
    assert name == "painted" or (left < x[first, 0].min() and x[first, 1].max() < top and bottom < top and left < right)
    assert (data["line"] is None) == (len(data["classes"]) > 2)
    if data["line"]:
        w0, w1, b = data["line"]["weights"]
        assert ((x @ [w0, w1] + b > 0) == (label == 1)).mean() == pytest.approx(data["line"]["accuracy"], abs=1e-6)


def test_the_plan_is_told():
    plan = compute.payload({**SEVERAL["deep"], "l2": "0.01", "label_smoothing": "0.1"})["data"]["plan"]
    assert plan["hidden_layers"] == [5, 4, 3] and plan["title"] == "two moons" and plan["data"] == "moons"
    assert plan["regularization"] == "dropout 0.2, L2 0.01, batch norm, label smoothing 0.1"
    assert compute.payload(QUICK)["data"]["plan"]["regularization"] == ""
    assert compute.payload({**QUICK, "learner": "Perceptron"})["data"]["plan"]["hidden_layers"] == []


def test_what_was_done_is_told():
    data = compute.payload(SEVERAL["painted on"])["data"]
    assert data["steer"] == [
        {"epoch": 3, "kind": "add", "points": [[1.0, 1.0, 0], [1.0, 2.0, 0]]},
        {"epoch": 5, "kind": "rate", "value": 0.1},
        {"epoch": 6, "kind": "set", "value": 1.5, "layer": 0, "to": 2, "from": "b"},
    ]
    assert unpacked(data["points"]["since"]).tolist() == [0] * 60 + [3, 3]
    assert unpacked(data["points"]["role"])[-2:].tolist() == [0, 0]
    assert data["rates"] == [0.03] * 5 + [0.1] * 3


def test_nothing_is_painted_yet():
    data = compute.payload({**QUICK, "data": "painted"})["data"]
    assert data["majority"] is None and data["line"] is None and unpacked(data["points"]["x"]).shape == (0, 2)
    assert data["train"]["finished"] and "at least one training point of each" in data["train"]["stopped"]
    assert unpacked(data["train"]["frames"]).shape[0] == 1 and data["train"]["loss"]["training"] == [None]


def test_a_lost_training_is_told():
    data = compute.payload({**QUICK, "learner": "ADALINE", "optimizer": "SGD", "learning_rate": "100"})["data"]["train"]
    assert data["finished"] and data["done"] < data["of"] == 8 and "The learning rate is 100;" in data["stopped"]
    assert unpacked(data["frames"]).shape[0] == data["done"] + 1


def test_a_table_of_a_visitor():
    payload = compute.payload(table(features="c, a"))
    data = payload["data"]
    assert data["classes"] == ["$y$", "<b>x</b>"] and [axis["name"] for axis in data["axes"]] == ["c", "a"]
    assert data["link"] is False and data["plan"]["data"] == "table" and data["plan"]["title"] == "your table"
    shown = unpacked(data["points"]["x"]) * [axis["scale"] for axis in data["axes"]]
    np.testing.assert_allclose(shown[:, 0] + data["axes"][0]["mean"], -np.arange(40), atol=1e-4)
    assert compute.payload(QUICK)["data"]["link"] is True


# ---- turns ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["default", "deep", "Perceptron", "no validation", "painted on"])
def test_the_parts_of_a_training_join_to_the_whole(name, small_turns, monkeypatch):
    parts = trained(SEVERAL[name])
    assert len(parts) > 5 and [part["finished"] for part in parts] == [False] * (len(parts) - 1) + [True]
    done = [part["done"] for part in parts]
    assert done == sorted(done) and done[-1] == 8 and {part["of"] for part in parts} == {8}
    frames = np.concatenate([unpacked(part["frames"]) for part in parts if part["frames"]])
    run = plans.whole_film(plans.plan_of(SEVERAL[name])).result()
    np.testing.assert_array_equal(frames, run.weights)
    gradients = np.concatenate([unpacked(part["gradients"]) for part in parts if part["gradients"]])
    np.testing.assert_array_equal(gradients, run.gradients)
    for curve, values in (("loss", run.loss), ("accuracy", run.accuracy)):
        for column, key in enumerate(("training", "validation")):
            joined = {}
            for part in parts:
                row = part[curve][key]
                joined.update({part[curve]["from"] + place: value for place, value in enumerate(row or [])})
            if name == "no validation" and column:
                assert not joined
            else:
                assert sorted(joined) == list(range(9))
                np.testing.assert_allclose([joined[epoch] for epoch in range(9)], values[:, column], atol=1e-5)


def test_long_trainings_send_some_frames_and_all_losses(small_turns):
    inputs = {**QUICK, "learner": "Logistic regression", "epochs": "450", "batch_size": "0", "size": "20"}
    parts = trained(inputs)
    firsts = [part["first"] for part in parts if part["frames"]]
    counts = [part["frames"]["shape"][0] for part in parts if part["frames"]]
    assert firsts == [0, *np.cumsum(counts)[:-1].tolist()] and sum(counts) == 200
    told = {part["loss"]["from"] + place for part in parts for place in range(len(part["loss"]["training"]))}
    assert told == set(range(451))


def test_who_comes_later_gets_everything_at_once(small_turns):
    trained(QUICK)
    (whole,) = trained(QUICK)
    assert whole["finished"] and whole["first"] == 0 and whole["frames"]["shape"][0] == 9
    rest = compute.train(Request(QUICK, {}, {"part": 9}))
    assert rest["frames"] is None and rest["finished"] and rest["loss"]["training"] == []
    assert compute.train(Request(QUICK, {}, {"part": 10**9}))["finished"]


def test_sixteen_visitors_at_once_get_their_own(monkeypatch):
    asked = [{**(HEAPS if seed % 2 else QUICK), "seed": str(seed), "dropout": "0.1"} for seed in range(16)]

    def whole(inputs):
        parts = trained(inputs)
        return np.concatenate([unpacked(part["frames"]) for part in parts if part["frames"]])

    serial = [whole(inputs) for inputs in asked]
    monkeypatch.setattr(plans, "FILMS", Jobs(plans.FILMS_BYTES, plans.bytes_of))
    with ThreadPoolExecutor(16) as pool:
        parallel = list(pool.map(whole, asked))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_array_equal(one, other)


def test_visitors_who_ask_the_same_all_get_the_whole(small_turns):
    def whole(_):
        parts = trained(QUICK)
        return np.concatenate([unpacked(part["frames"]) for part in parts if part["frames"]])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(whole, range(8)))
    assert all(frames.shape == (9, 17) for frames in found)
    for frames in found[1:]:
        np.testing.assert_array_equal(frames, found[0])


def test_what_is_kept_is_bounded():
    largest = {**DEFAULTS, "epochs": "2000", "hidden_layers": ",".join(["32"] * 6), "data": "blobs"}
    assert plans.bytes_of(plans.plan_of(largest)) * 10 < plans.FILMS_BYTES


# ---- what was done in mid-run -----------------------------------------------------------------------------------
def test_steering_is_read():
    plan = plans.plan_of({**QUICK, "steer": " 7:rate=1e-2;0:add=0.5,-1.25,1/2,2,0;;7:set=1.0.3,-4;2:set=0.3.b,0.125;"})
    assert plan.recipe.events == (
        Event(0, "add", points=((0.5, -1.25, 1), (2.0, 2.0, 0))),
        Event(2, "set", 0.125, layer=0, unit=3, source=None),
        Event(7, "rate", 0.01),
        Event(7, "set", -4.0, layer=1, unit=0, source=3),
    )


BAD_STEERING = [
    "x", ":", "5", "5:", "5:rate", "5:rate=", "5:rate=x", "5:rate=0", "5:rate=nan", "5:rate=1e9", "x:rate=1", ":rate=1",
    "5.5:rate=1", "5:add=", "5:add=1", "5:add=1,2", "5:add=1,2,2", "5:add=1,2,-1", "5:add=1,2,0.5", "5:add=x,2,1",
    "5:add=nan,2,1", "5:add=1e9,2,1", "5:add=1,2,1,1", "5:add=1,2,1/", "5:set=0.0.0", "5:set=0.0,1", "5:set=9.0.0,1",
    "5:set=0.4.0,1", "5:set=0.0.2,1", "5:set=-1.0.0,1", "5:set=0.-1.0,1", "5:set=0.0.-1,1", "5:set=0.0.x,1",
    "5:set=0.0.0,nan", "5:set=0.0.0,1e9", "5:drop=1", "<script>", "5:rate=1;x", "-1:rate=1", "9:rate=1",
    "99999999999999999999:rate=1", "5:add=" + "/".join(["1,1,0"] * 401), ";".join(["5:rate=1"] * 41), 
    "5:rate=" + "1" * 6001,
]  # fmt: skip


@pytest.mark.parametrize("steer", BAD_STEERING, ids=lambda text: text[:30])
def test_steering_that_makes_no_sense(steer):
    with pytest.raises(Problem) as refused:
        compute.payload({**QUICK, "steer": steer})
    one_sentence(refused.value)


def test_as_much_steering_as_allowed():
    points = "/".join(["1,1,0"] * 100)
    steer = ";".join([*(f"{epoch}:add={points}" for epoch in range(4)), *["7:rate=0.5"] * 36])
    assert len(steer) < plans.LONGEST_STEER
    assert len(unpacked(compute.payload({**QUICK, "steer": steer})["data"]["points"]["x"])) == 460


# ---- inputs that nobody should send -----------------------------------------------------------------------------
HOSTILE = ("<script>alert(1)</script>", "../../etc/passwd", "\x00", "9" * 5000, "nan", "-1", "1e999", "‮evil", "", " ")


@pytest.mark.parametrize("name", [name for name in DEFAULTS if name not in ("batch_norm", "label", "features")])
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_every_field_answers_or_says_what_to_do(name, text):
    try:
        payload = compute.payload({**QUICK, name: text})
    except Problem as refused:
        one_sentence(refused)
    else:
        allowed = {"steer": ("", " "), "hidden_layers": ("", " "), "table": HOSTILE, "data": (), "seed": (), "l1": ()}
        assert text in allowed.get(name, ())
        json.dumps(payload, allow_nan=False)


@pytest.mark.parametrize("name", ["label", "features"])
@pytest.mark.parametrize("text", HOSTILE[:4])
def test_columns_of_a_table_that_are_not_there(name, text):
    with pytest.raises(Problem) as refused:
        compute.payload(table(**{name: text}))
    one_sentence(refused.value)


@pytest.mark.parametrize(
    "reference", ["", "x", "table:", "table:" + "0" * 32, "table:../../etc/passwd", "photo:" + "0" * 32, "example:a"]
)
def test_only_tables_that_a_visitor_was_given(reference):
    for inputs in ({**QUICK, "data": "table", "table": reference}, {**QUICK, "data": reference or "table"}):
        with pytest.raises(Problem) as refused:
            compute.payload(inputs)
        one_sentence(refused.value)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n", b"a,b\n1,2\n", b"\x00" * 99, "ä".encode("latin-1")])
def test_a_table_that_is_none(data):
    with pytest.raises(Problem) as refused:
        compute.payload(table(data))
    one_sentence(refused.value)


@pytest.mark.parametrize("kind", ["train", "hidden", "tsne", "race"])
@pytest.mark.parametrize(
    "details",
    [{"part": "x"}, {"part": None}, {"part": float("inf")}, {"part": -5}, {"layer": "x"}, {"layer": 9}, {"layer": -1},
     {"layer": []}, {"axis": "<b>"}, {"axis": {}}, {"seeds": "x"}, {"seeds": 10**9}, {}],
    ids=str,
)  # fmt: skip
def test_questions_that_no_page_asks(kind, details, small_turns):
    text = json.dumps({"kind": kind, "request": {"inputs": {**QUICK, "epochs": "2"}, **details}})
    found = json.loads(json.dumps(answer(compute.ANSWERS, text, DEFAULTS), allow_nan=False))
    if "problem" in found:
        assert "went wrong here" not in one_sentence(found["problem"])


# ---- hidden layers, races ---------------------------------------------------------------------------------------
def test_the_space_of_a_hidden_layer():
    inputs = {**QUICK, "hidden_layers": "5,2"}
    run = plans.whole_film(plans.plan_of(inputs)).result()
    plane = compute.hidden(Request(inputs, {}, {"layer": 0}))
    assert np.shape(plane["components"]) == (2, 5) and plane["exact"] is False and 0 < sum(plane["explained"]) <= 1.001
    first = run.weights[-1][:15]
    x = plans.plan_of(inputs).points.x
    values = np.tanh(x @ first[:10].reshape(5, 2).T + first[10:])
    np.testing.assert_allclose(plane["mean"], values.mean(0), atol=1e-5)
    spread = ((values - plane["mean"]) @ np.transpose(plane["components"])).var(0)
    np.testing.assert_allclose(spread / values.var(0).sum(), plane["explained"], atol=2e-4)
    exact = compute.hidden(Request(inputs, {}, {"layer": 1}))
    assert exact["exact"] is True and exact["components"] == [[1, 0], [0, 1]] and exact["mean"] == [0, 0]


@pytest.mark.parametrize("changes", [{"learner": "Perceptron"}, {"hidden_layers": ""}, {"data": "painted"}])
def test_without_hidden_values_there_is_no_space(changes):
    for kind in ("hidden", "tsne"):
        with pytest.raises(Problem) as refused:
            compute.ANSWERS[kind](Request({**QUICK, **changes}, {}, {"layer": 0}))
        one_sentence(refused.value)


@pytest.mark.parametrize("changes", [{}, {"hidden_layers": "1"}, {"activation": "ReLU", "initialization": "dead ReLU"}])
def test_neighbors_of_a_hidden_layer(changes, monkeypatch):
    monkeypatch.setattr(hidden_space, "EARLY", 25)
    monkeypatch.setattr(hidden_space, "LATE", 25)
    last = asked_to_the_end("tsne", {**QUICK, "size": "30", **changes}, layer=0)[-1]
    places = unpacked(last["positions"])
    assert places.shape == (30, 2) and places.dtype == np.float32 and np.isfinite(places).all() and last["of"] == 50


def test_a_race_comes_row_by_row(small_turns):
    inputs = {**QUICK, "epochs": "3", "size": "30"}
    answers = asked_to_the_end("race", inputs, axis="optimizer", seeds=2)
    counts = [len(each["rows"]) for each in answers]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == 6 and len(set(counts)) == 7
    last = answers[-1]
    assert last["of"] == 12 and last["target"] == 0.9 and last["target_note"].endswith("accuracy of 90%.")
    for row in last["rows"]:
        assert len(row["finals"]) == len(row["to_target"]) == 2 and row["diverged"] == 0
        for curve in (row["loss"], row["accuracy"]):
            low, median, high = (np.array(curve[key], float) for key in ("low", "median", "high"))
            assert low.shape == (4,) and (low <= median).all() and (median <= high).all()
    run = plans.whole_film(plans.plan_of(inputs)).result()
    adam = [row for row in last["rows"] if row["name"] == "Adam"][0]
    assert adam["finals"][0] == pytest.approx(run.accuracy[-1, 1], abs=1e-4), "the first seed is that of the page"


def test_a_race_with_lost_trainings_has_no_numbers_for_their_end():
    inputs = {
        **QUICK,
        "learner": "ADALINE",
        "optimizer": "SGD",
        "learning_rate": "2",
        "epochs": "60",
        "batch_size": "0",
    }
    rows = asked_to_the_end("race", inputs, axis="learning_rate", seeds=1)[-1]["rows"]
    assert [row["diverged"] for row in rows] == [0, 0, 1, 1, 1]
    assert rows[-1]["finals"] == [None] and rows[-1]["loss"]["median"][-1] is None
    assert rows[0]["loss"]["median"][-1] is not None


def test_a_race_of_very_many_epochs_is_refused():
    inputs = {**QUICK, "epochs": "1001"}
    with pytest.raises(Problem, match="fewer epochs or seeds"):
        compute.racing(Request(inputs, {}, {"axis": "optimizer", "seeds": 5, "part": 0}))


def test_painted_points_do_not_race():
    with pytest.raises(Problem, match="points that are there from the start"):
        compute.racing(Request({**QUICK, "data": "painted"}, {}, {"axis": "optimizer"}))


# ---- what leaves the page ---------------------------------------------------------------------------------------
KINDS = {
    "png": (b"\x89PNG", "image/png"), "svg": (b"<?xml", "image/svg+xml"), "pdf": (b"%PDF", "application/pdf"),
    "gif": (b"GIF8", "image/gif"), "npz": (b"PK", "application/zip"), "csv": (b"epoch,learning_rate", "text/csv"),
    "notebook": (b"{", "application/x-ipynb+json"), "page": (b"<!doctype html>", "text/html"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"),
    [*(("painted on", kind) for kind in KINDS), *(("Perceptron", kind) for kind in ("svg", "gif", "npz", "csv"))],
)
def test_every_file_can_be_saved(name, kind):
    file = export.EXPORT[kind](Request(SEVERAL[name], {"epoch": 4}, {"finding": "Found <b>nothing</b> & $x$."}))
    begin, mime = KINDS[kind]
    assert file.data.lower().startswith(begin.lower()) and len(file.data) > 200 and file.mime == mime


LOST = {**QUICK, "learner": "ADALINE", "learning_rate": "500", "optimizer": "SGD"}


@pytest.mark.parametrize("inputs", [{**QUICK, "data": "painted"}, LOST], ids=["nothing painted", "lost"])
@pytest.mark.parametrize("kind", ["png", "gif", "npz", "csv", "page"])
def test_trainings_that_came_to_nothing_can_be_saved(kind, inputs):
    assert len(export.EXPORT[kind](Request(inputs)).data) > 100


def test_the_picture_shows_the_nearest_epoch():
    inputs = {**QUICK, "learner": "Logistic regression", "epochs": "450", "batch_size": "0", "size": "20"}
    run = plans.whole_film(plans.plan_of(inputs)).result()
    for asked in (*range(0, 451, 7), 451, -1, 10**30, -(10**30)):
        wanted = min(max(asked, 0), 450)
        assert abs(run.epochs[export.moment(run, asked)] - wanted) == np.abs(run.epochs - wanted).min()
    for odd in (None, "<b>", 2.5, [], {}):
        assert export.moment(run, odd) == len(run.epochs) - 1, "the newest"


def test_hostile_names_stay_words():
    evil = "</script><img src=x onerror=alert(1)>"
    data = TABLE.replace(b"<b>x</b>", evil.encode()).replace(b"a,b,c,kind", b"<b>,$b$,c,kind")
    inputs = table(data)
    assert compute.payload(inputs)["data"]["classes"] == ["$y$", evil]
    svg = export.EXPORT["svg"](Request(inputs, {}, {"finding": evil})).data.decode()
    assert not re.search(r"<(script|b|img)[\s>]", svg)
    assert evil not in export.EXPORT["page"](Request(inputs, {"tab": evil}, {"finding": evil})).data.decode()
    assert export.EXPORT["gif"](Request(inputs)).data.startswith(b"GIF8")


def test_saved_numbers_are_those_of_the_training():
    run = plans.whole_film(plans.plan_of(SEVERAL["painted on"])).result()
    header, *rows = csv.reader(
        io.StringIO(export.EXPORT["csv"](Request(SEVERAL["painted on"])).data.decode(), newline="")
    )
    assert header == [
        "epoch",
        "learning_rate",
        "training_loss",
        "validation_loss",
        "training_accuracy",
        "validation_accuracy",
    ]
    assert [row[0] for row in rows] == [str(epoch) for epoch in range(9)]
    assert [row[1] for row in rows] == ["", *["0.03"] * 5, *["0.1"] * 3]
    np.testing.assert_allclose(
        np.array([row[2:] for row in rows], float), np.hstack([run.loss, run.accuracy]), rtol=1e-5
    )


def test_saved_frames_are_those_of_the_network():
    with np.load(io.BytesIO(export.EXPORT["npz"](Request(HEAPS)).data)) as arrays:
        left, right, bottom, top = arrays["window"]
        count = arrays["frames"].shape[1]
        steps = (np.arange(count) + 0.5) / count
        x, y = np.meshgrid(left + (right - left) * steps, top - (top - bottom) * steps)
        network = compute.payload(HEAPS)["data"]["network"]
        expected = answers_of(network, arrays["weights"][-1], np.stack([x.ravel(), y.ravel()], 1))
        assert (arrays["frames"][-1].ravel() == expected).mean() > 0.999
        assert len(arrays["frames"]) == len(arrays["epochs"]) == 9


@pytest.mark.parametrize("name", ["default", "deep", "heaps", "Perceptron", "Logistic regression", "painted"])
def test_the_code_computes_the_picture(name, capsys):
    inputs = SEVERAL[name] if name != "painted" else {**QUICK, "data": "painted"}
    text = export.EXPORT["code"](Request(inputs)).text
    assert len(text.splitlines()) <= 15
    found = {}
    exec(text, found)
    run = plans.whole_film(plans.plan_of(inputs)).result()
    np.testing.assert_array_equal(found["run"].weights, run.weights)
    assert found["picture"].startswith(b"\x89PNG") and found["animation"].startswith(b"GIF8")
    assert str(run.accuracy[-1]) in capsys.readouterr().out


def test_the_notebook_runs():
    import nbformat
    from nbclient import NotebookClient

    file = export.EXPORT["notebook"](Request({**QUICK, "epochs": "3"}, {}, {"finding": "It is a </script> $line$."}))
    notebook = nbformat.reads(file.data.decode(), as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)


EVENTS = "2:add=1.5,0.25,0/-1.125,0.5,1;3:rate=0.1;4:set=0.2.1,-1.5;5:set=1.0.b,0.75"
RESTRAINT = {"dropout": "0.2", "l2": "0.01", "label_smoothing": "0.1"}
SCRIPTS = {
    "default": QUICK,
    "ADALINE": {**QUICK, "learner": "ADALINE", "optimizer": "SGD", "schedule": "step"},
    "ADALINE of three": {**HEAPS, "learner": "ADALINE", "l2": "0.01"},
    "Perceptron": {**QUICK, "learner": "Perceptron", "learning_rate": "0.5"},
    "Perceptron of three": {**HEAPS, "learner": "Perceptron", "learning_rate": "1"},
    # The gradient of a bias under batch norm is nothing but rounding, which Adam would blow up to full steps.
    "restrained": {**QUICK, **RESTRAINT, "batch_norm": "true", "l1": "0.002", "optimizer": "Momentum"},
    "restrained three": {**HEAPS, **RESTRAINT, "hidden_layers": "4,3", "optimizer": "AdamW"},
    "small batches": {**QUICK, "batch_norm": "true", "batch_size": "1", "activation": "GELU", "optimizer": "SGD"},
    "events": {**QUICK, "steer": EVENTS, "optimizer": "Nesterov", "schedule": "one-cycle"},
    "all at once": {**QUICK, "batch_size": "0", "optimizer": "RMSProp", "activation": "sigmoid", "schedule": "cosine"},
    "dead": {**QUICK, "initialization": "dead ReLU", "activation": "ReLU", "optimizer": "Momentum"},
    "large": {**QUICK, "initialization": "large", "l1": "0.01", "schedule": "warm-up", "validation_share": "0"},
    "no hidden layer": {**QUICK, "hidden_layers": ""},
    "painted": SEVERAL["painted"],
    "Perceptron that paints": {**QUICK, "learner": "Perceptron", "steer": "3:add=1,1,0;4:set=0.0.1,2;5:rate=0.5"},
}  # fmt: skip


def test_the_scripts_end_where_the_page_ends(tmp_path):
    """All of them in one fresh process that knows nothing but torch."""
    for place, (name, inputs) in enumerate(SCRIPTS.items()):
        snippet = export.EXPORT["script"](Request(inputs))
        assert snippet.text.startswith('"""') and "shared" not in snippet.text, name
        (tmp_path / f"{place:02}.py").write_text(snippet.text, encoding="utf-8")
    code = (
        "import json, pathlib, torch; torch.set_num_threads(1)\n"
        "for path in sorted(pathlib.Path('.').glob('*.py')):\n"
        "    print('#', path.stem)\n"
        "    found = {'__name__': '__main__'}\n"
        "    exec(compile(path.read_text('utf-8'), path.name, 'exec'), found)\n"
        "    print(json.dumps([found['x'].tolist(), found['network'].eval()(found['x']).tolist()]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    parts = done.stdout.split("# ")[1:]
    for part, (name, inputs) in zip(parts, SCRIPTS.items(), strict=True):
        told = dict(re.findall(r"(training|validation) accuracy ([\d.]+)", part))
        plan = plans.plan_of(inputs)
        run = plans.whole_film(plan).result()
        x, outputs = json.loads(part.splitlines()[-1])
        expected = forward(plan.shape, torch.tensor(run.weights[-1:]), torch.tensor(x))[0]
        np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-3, err_msg=name)
        training, validation = run.accuracy[-1]
        assert float(told["training"]) == pytest.approx(training, abs=2e-6), name
        assert ("validation" in told) == (not np.isnan(validation)), name
        if "validation" in told:
            assert float(told["validation"]) == pytest.approx(validation, abs=2e-6), name


def test_a_script_cannot_set_weights_under_batch_norm():
    with pytest.raises(Problem, match="under batch norm") as refused:
        script_of(plans.plan_of({**QUICK, "batch_norm": "true", "steer": "2:set=0.0.0,1"}))
    one_sentence(refused.value)


@pytest.mark.parametrize(
    "inputs", [SEVERAL["painted on"], SEVERAL["painted"], table()], ids=["steered", "painted", "table"]
)
def test_what_the_library_cannot_repeat_is_a_script(inputs):
    assert "TRAINING = [" in export.EXPORT["code"](Request(inputs)).text


# ---- the saved page ---------------------------------------------------------------------------------------------
@pytest.fixture
def written(monkeypatch):
    """The payloads of saved pages, as they are written."""
    found, original = [], export.document
    monkeypatch.setattr(export, "document", lambda *given: found.append(given[1]) or original(*given))
    return found


def test_a_saved_page_holds_the_whole_training_and_its_answers(written, small_turns):
    compute.payload(QUICK)
    asked_to_the_end("race", {**QUICK, "epochs": "8"}, axis="activation", seeds=1)
    details = [
        ["hidden", {"layer": 0}], ["hidden", {"layer": 7}], ["race", {"axis": "activation", "seeds": 1, "part": 4}],
        ["tsne", {"layer": 0, "part": 1}], ["train", {"part": 3}], ["nothing", {}], ["hidden", []],
    ]  # fmt: skip
    asked = [json.dumps(each, separators=(",", ":")) for each in details]
    pin = {"inputs": {**QUICK, "learner": "ADALINE"}, "state": {"epoch": 2}}
    file = export.EXPORT["page"](Request(QUICK, {"tab": "race", "epoch": 3}, {"asked": asked, "pin": pin}))
    (payload,) = written
    assert payload["state"] == {"tab": "race", "epoch": 3}
    assert set(payload["computed"]) == {'["hidden",{"layer":0}]', '["race",{"axis":"activation","seeds":1,"part":0}]'}
    for each in (payload, payload["pinned"]):
        part = each["data"]["train"]
        assert part["finished"] and part["first"] == 0 and part["frames"]["shape"][0] == len(each["data"]["shown"]) == 9
    assert payload["pinned"]["data"]["plan"]["learner"] == "ADALINE" and payload["pinned"]["state"] == {"epoch": 2}
    assert payload["inputs"]["learner"] == "MLP"
    text = file.data.decode("utf-8")
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert file.mime == "text/html" and file.name == "decision-boundary.html"

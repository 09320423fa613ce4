"""The Denoising Space: its endpoint, called as a stranger would, and what stands behind its page."""

import base64
import contextlib
import csv
import io
import json
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import denoising_compute as compute
import denoising_experiments as experiments
import denoising_exports as export
import denoising_plan as plans
import numpy as np
import pytest
from denoising_presets import DEFAULTS
from hostile import FILES, REFERENCES, one_sentence
from PIL import Image

from shared.problems import Problem
from shared.ui import Jobs, Request

ROOT = Path(__file__).parents[2]
README = (ROOT / "spaces/denoising/README.md").read_text(encoding="utf-8")
QUICK = {"steps": 4, "samples": 2, "guidance": 1}
INPUTS = {**DEFAULTS, "model": "toy-garments", "steps": "5", "samples": "3", "guidance": "2"}
COLORS = {**INPUTS, "model": "owner/colors", "label": "any"}
SIDE = 32


@pytest.fixture(scope="module")
def client(denoising_space):
    from gradio_client import Client

    return Client(denoising_space, verbose=False)


def show(client, **more):
    picture, arrays = client.predict(**{**QUICK, **more}, api_name="/show")
    with np.load(arrays) as found:
        return Image.open(picture), dict(found)


def unpacked(packed):
    data = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(data, packed["type"]).reshape(packed["shape"])


def decoded(film):
    """Frames as the browser reads them."""
    differences = unpacked(film["values"])
    shape = (-1,) + (1,) * (differences.ndim - 1)
    levels = np.cumsum(differences, axis=0, dtype=np.uint8).astype(np.float64)
    return np.reshape(film["low"], shape) + np.reshape(film["step"], shape) * levels


def run_to_the_end(inputs, have=0):
    """All answers to a page that asks until the run is finished."""
    answers = []
    while not (answers and answers[-1].get("finished")):
        assert len(answers) < 200, "it never ends"
        answers.append(compute.run(Request(inputs, {}, {"part": have})))
        frames = answers[-1]["frames"]
        have += frames["x0"]["values"]["shape"][0] if frames else 0
    return answers


def asked_to_the_end(kind, inputs, **details):
    """All answers to a page that asks one of the longer questions until it is finished."""
    answers = []
    while not (answers and answers[-1].get("finished")):
        # Answers of a job that goes on may share their lists, so each is kept as it would be sent.
        found = experiments.answer(kind, Request(inputs, {}, {**details, "part": len(answers)}))
        answers.append(json.loads(json.dumps(found, allow_nan=False)))
    done = [answer["done"] for answer in answers]
    assert done == sorted(done) and len({answer["of"] for answer in answers}) == 1
    assert answers[-1]["done"] == answers[-1]["of"]
    assert not any(answer.get("finished") for answer in answers[:-1])
    return answers[-1]


def final_of(inputs):
    return plans.finished_film(plans.plan_of(inputs)).final


# ---- the endpoint -----------------------------------------------------------------------------------------------
def quick(code):
    return re.sub(r"steps=\d+", "steps=4", code).replace("samples=16", "samples=2")


def test_the_snippet_of_the_readme_runs(denoising_space):
    code = re.findall(r"```python\n(.*?)```", README, re.S)[0]
    found = {}
    exec(quick(code).replace("http://127.0.0.1:7860/", denoising_space), found)
    with np.load(found["arrays"]) as arrays:
        table = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", README, re.M))
        assert set(arrays) == set(table)
        sizes = {"S": 4, "N": 2, "C": 1, "H": 32, "W": 32}
        for name, words in table.items():
            if shape := re.match(r"\((.*)\)", words):
                expected = [sum(sizes.get(part, 0) or int(part) for part in item.split(" + "))
                            for item in shape[1].replace(",)", ")").strip(",").split(", ")]  # fmt: skip
                assert list(arrays[name].shape) == expected, name
            if kind := re.search(r"float\d\d", words):
                assert arrays[name].dtype == kind[0], name
    assert Image.open(found["picture"]).format == "PNG"


def test_the_snippet_for_an_own_model_runs(garments, capsys):
    code = re.findall(r"```python\n(.*?)```", README, re.S)[1]
    assert len(code.splitlines()) <= 8
    found = {}
    exec(quick(code), found)
    assert found["run"].x.shape == (5, 4, 1, 32, 32) and capsys.readouterr().out.startswith("(5, 4, 1, 32, 32)")


def test_arrays_are_a_run(client, garments):
    from shared.explain.denoising import Settings, trajectory
    from shared.render.denoising_picture import grid

    picture, arrays = show(client, label="Bag", seed=3, sampler="DDIM", eta=0.5, guidance=2, steps=5)
    expected = trajectory(garments, [garments.class_named("Bag")] * 2, Settings("DDIM", 5, 2.0, 0.5), 3)
    for name in ("x", "x0", "eps"):
        assert arrays[name].dtype == (np.float32 if name == "x" else np.float16)
        assert arrays[name].shape == (6 if name == "x" else 5, 2, 1, 32, 32)
        np.testing.assert_allclose(arrays[name], getattr(expected, name), atol=0.02, rtol=0.01)
    assert arrays["timesteps"].tolist() == [999, 799, 599, 399, 199]
    np.testing.assert_allclose(arrays["alphas_cumprod"], garments.alphas_cumprod[arrays["timesteps"]])
    assert arrays["labels"].tolist() == [8, 8] and arrays["seed"] == 3
    assert picture.format == "PNG"
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), np.asarray(grid(arrays["x"][-1], 640)))


def test_one_of_each_and_any(client):
    assert show(client, label="each", samples=12, steps=1)[1]["labels"].tolist() == [*range(10), 0, 1]
    assert show(client, label="any", steps=1)[1]["labels"].tolist() == [-1, -1]


def test_an_earlier_moment_of_training(client, garments):
    _, early = show(client, model=f"ddpm-fashion-mnist@{garments.moments[0]}")
    _, late = show(client)
    np.testing.assert_array_equal(early["x"][0], late["x"][0])
    assert np.abs(early["x"][-1] - late["x"][-1]).max() > 0.01


def test_eight_visitors_at_once_get_their_own_seeds(client):
    def answer(seed):
        return show(client, seed=seed, samples=1)[1]["x"]

    serial = [answer(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(answer, range(8)))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.stack(serial)[:, 0].std(0).min() > 0.1, "every seed has noise of its own"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"steps": 7}, "divides 1,000 evenly"),
        ({"steps": 0}, "from 1 to 1,000, not '0'"),
        ({"steps": 1001}, "from 1 to 1,000"),
        ({"steps": 10**12}, "from 1 to 1,000"),
        ({"seed": -1}, "seed is a whole number from 0"),
        ({"seed": 2**31}, "seed is a whole number from 0"),
        ({"samples": 17}, "samples is a whole number from 1 to 16"),
        ({"samples": 0}, "samples is a whole number from 1 to 16"),
        ({"eta": 2}, "from 0 to 1"),
        ({"eta": -0.5}, "from 0 to 1"),
        ({"guidance": 99}, "guidance from 0 to 20"),
        ({"guidance": -1}, "guidance from 0 to 20"),
        ({"label": "unicorn"}, "no class 'unicorn'; choose one of T-shirt"),
        ({"label": "<b>"}, "no class '<b>'"),
        ({"label": "x" * 10_000}, "no class 'xxx"),
        ({"model": "no such model"}, "no such model"),
        ({"model": "<script>alert(1)</script>"}, "no checkpoint"),
        ({"model": "../x"}, "no checkpoint named '../x'"),
        ({"model": ""}, "no checkpoint"),
        ({"model": "lenet-mnist"}, "choose one built on UNet2DModel"),
        ({"model": "ddpm-fashion-mnist@1"}, "kept no weights of step 1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_is_one_sentence(client, arguments, words):
    with pytest.raises(Exception, match=re.escape(words)) as shown:
        show(client, **arguments)
    one_sentence(shown.value)


def test_a_file_too_large_to_be_made_is_refused_at_once(toys, asked):
    seen = asked(toys["owner/large"].network)
    with pytest.raises(Problem, match="fewer samples or steps") as refused:
        export.show("any", 0, 1000, "DDIM", 0, 1, "owner/large", 16)
    one_sentence(refused.value)
    assert seen == []


@pytest.mark.parametrize("number", [None, float("nan"), float("inf"), 1.5, -0.1])
@pytest.mark.parametrize("name", ["seed", "steps", "samples"])
def test_numbers_that_are_none(toys, name, number):
    values = {"seed": 0, "steps": 4, "samples": 1, name: number}
    with pytest.raises(Problem, match="is a whole number from") as refused:
        export.show("any", values["seed"], values["steps"], "DDIM", 0, 1, "toy-garments", values["samples"])
    one_sentence(refused.value)


@pytest.mark.parametrize("name", ["seed", "steps", "samples", "guidance", "eta", "sampler", "label"])
@pytest.mark.parametrize("text", ["<b>", "9" * 5000, "nan", "1e9", "\x00"])
def test_fields_that_hold_no_such_thing(toys, name, text):
    with pytest.raises(Problem) as refused:
        compute.payload({**INPUTS, name: text})
    assert 15 < len(str(refused.value)) < 400


# ---- the payload ------------------------------------------------------------------------------------------------
def test_the_payload_is_what_the_viewer_reads(toys):
    payload = compute.payload(INPUTS)
    json.dumps(payload, allow_nan=False)
    data = payload["data"]
    assert data["plan"] == {
        "label": "each", "seed": 0, "sampler": "DDIM", "steps": 5, "guidance": 2.0, "eta": 0.0, "samples": 3,
        "model": "toy-garments", "moment": None,
    }  # fmt: skip
    assert data["size"] == [32, 32] and data["channels"] == 1 and data["link"] is True
    assert data["wanted"] == [0, 1, 2] and len(data["labels"]) == 10
    assert data["judge"]["labels"] == data["labels"] and 0.5 < data["judge"]["accuracy"] < 1
    assert data["timesteps"] == [999, 799, 599, 399, 199] and data["shown"] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(data["abar"], np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)), atol=1e-6)
    assert data["stochastic"] is False and data["fork_note"].endswith(".")
    assert compute.payload({**INPUTS, "eta": "0.5"})["data"]["stochastic"] is True
    assert compute.payload({**INPUTS, "sampler": "DDPM"})["data"]["fork_note"] == ""
    picture = data["picture"]
    assert unpacked(picture["pixels"]).shape == unpacked(picture["noise"]).shape == (1, 32, 32)
    assert unpacked(picture["noise"]).std() == pytest.approx(1, abs=0.05)
    assert Image.open(io.BytesIO(base64.b64decode(picture["uri"].partition(",")[2]))).size == tuple(picture["size"])
    assert picture["outside"] is False and "28 x 28 gray" in picture["note"] and picture["alt"]


def test_a_model_without_classes_has_no_judge_and_draws_anything(toys):
    data = compute.payload({**COLORS, "label": "each"})["data"]
    assert data["labels"] == [] and data["judge"] is None and data["wanted"] == [-1] * 3 and data["channels"] == 3
    assert data["plan"]["guidance"] == 1 and unpacked(data["picture"]["pixels"]).shape == (3, 16, 16)
    with pytest.raises(Problem, match="knows no classes"):
        compute.payload({**COLORS, "label": "Sneaker"})


def test_long_runs_send_some_of_their_frames(toys):
    data = compute.payload({**INPUTS, "steps": "1000"})["data"]
    assert len(data["timesteps"]) == 1000 and len(data["shown"]) == plans.MOST_FRAMES
    assert data["shown"][0] == 0 and data["shown"][-1] == 999 and data["shown"] == sorted(set(data["shown"]))
    gaps = np.diff(data["shown"])
    assert gaps.max() - gaps.min() <= 1


# ---- the run ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "inputs", [INPUTS, COLORS, {**INPUTS, "sampler": "DPM-Solver++"}], ids=["gray", "color", "dpm"]
)
def test_a_run_comes_in_turns_and_is_whole_in_the_end(toys, inputs):
    answers = run_to_the_end(inputs)
    assert [answer["done"] for answer in answers[:5]] == [1, 2, 3, 4, 5]
    assert all(answer["of"] == 5 and answer["seconds"] >= 0 for answer in answers)
    parts = [answer["frames"] for answer in answers if answer["frames"]]
    assert [part["first"] for part in parts] == [0, 1, 2, 3, 4]
    x = np.concatenate([decoded(part["x"]) for part in parts])
    x0 = np.concatenate([decoded(part["x0"]) for part in parts])
    eps = np.concatenate([decoded(part["eps"]) for part in parts])
    film = plans.finished_film(plans.plan_of(inputs))
    assert x.shape == (6, *film.final.shape) and x0.shape == eps.shape == (5, *film.final.shape)
    # Half a step of gray: 2/255 at the end, coarser under noise, by its spread; what lies beyond is clipped.
    spread = np.sqrt(1 - film.plan.model.alphas_cumprod[film.timesteps]).reshape(-1, 1, 1, 1, 1)
    wanted = np.clip(np.stack(film.x0).astype(np.float32), -1, 1)
    assert (np.abs(x0 - wanted) <= 0.5 * np.maximum(2 / 255, compute.SEEN_IN_GUESS * spread) + 2e-3).all()
    noise = np.clip(np.stack(film.eps).astype(np.float32), -4, 4)
    np.testing.assert_allclose(np.clip(eps, -4, 4), noise, atol=0.5 * compute.SEEN_IN_NOISE + 3e-3)
    np.testing.assert_allclose(x[5], np.clip(film.final, -1, 1), atol=0.5 * 2 / 255 + 1e-4)
    for place, t in enumerate(film.timesteps):
        share = film.plan.model.alphas_cumprod[t]
        reach = np.sqrt(share) + 3.5 * np.sqrt(1 - share)
        inside = np.abs(film.x[place]) < reach
        assert inside.mean() > 0.9
        half = max(reach / 255, 0.5 * compute.SEEN_IN_NOISE * np.sqrt(1 - share))
        assert np.abs(x[place] - film.x[place])[inside].max() < half + 1e-3


def test_the_verdict_is_that_of_the_judge(toys):
    from shared.explain.emergence import judged

    verdict = run_to_the_end(INPUTS)[-1]["verdict"]
    probabilities = judged(compute.judge_of(toys["toy-garments"]), final_of(INPUTS))
    assert verdict["said"] == probabilities.argmax(1).tolist()
    np.testing.assert_allclose(verdict["probability"], probabilities[[0, 1, 2], [0, 1, 2]], atol=1e-4)
    assert verdict["agreement"] == pytest.approx(np.mean(probabilities.argmax(1) == [0, 1, 2]))
    free = run_to_the_end({**INPUTS, "label": "any"})[-1]["verdict"]
    assert free["agreement"] is None
    assert run_to_the_end(COLORS)[-1]["verdict"] is None


def test_who_asks_no_more_stops_the_work_within_one_step(toys, asked):
    seen = asked(toys["toy-garments"].network)
    assert compute.run(Request(INPUTS, {}, {"part": 0}))["done"] == 1
    assert compute.run(Request(INPUTS, {}, {"part": 1}))["done"] == 2
    assert seen == [6, 6], "three samples for the class and for any, twice"
    compute.payload(INPUTS)
    with pytest.raises(Problem, match="not finished yet"):
        compute.decided(Request(INPUTS))
    assert len(seen) == 2


def test_the_same_question_again_costs_nothing(toys, asked):
    first = run_to_the_end(INPUTS)
    seen = asked(toys["toy-garments"].network)
    again = compute.run(Request(INPUTS, {}, {"part": 0}))
    assert seen == [] and again["finished"] and again["done"] == 5
    assert again["verdict"] == first[-1]["verdict"]
    np.testing.assert_allclose(
        decoded(again["frames"]["x0"])[-1],
        decoded([a["frames"] for a in first if a["frames"]][-1]["x0"])[-1],
        atol=1e-6,
    )
    compute.run(Request({**INPUTS, "seed": "1"}, {}, {"part": 0}))
    assert seen == [6], "another seed is another question"


def test_what_is_kept_is_bounded(toys, monkeypatch):
    largest = plans.MOST_FRAMES * plans.MOST_SAMPLES * 3 * 64 * 64 * 8 + 1000
    assert largest <= plans.FILM_BYTES, "the largest film fits"
    run_to_the_end(INPUTS)
    plan = plans.plan_of(INPUTS)
    film = plans.finished_film(plan)
    real = sum(array.nbytes for array in (*film.x, *film.x0, *film.eps))
    assert real <= plans.bytes_of(plan) <= 1.1 * real
    monkeypatch.setattr(plans, "FILMS", Jobs(3.5 * real, plans.bytes_of))
    asked = [{**INPUTS, "seed": str(seed)} for seed in range(8)]
    for inputs in asked:
        run_to_the_end(inputs)
    kept = [plans.FILMS.find(plans.plan_of(inputs)) is not None for inputs in asked]
    assert kept == [False] * 5 + [True] * 3


def test_eight_visitors_at_once_share_nothing_but_the_network(toys, monkeypatch):
    def final(seed):
        inputs = {**INPUTS, "seed": str(seed), "sampler": "DDPM"}
        run_to_the_end(inputs)
        return final_of(inputs)

    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(final, range(8)))
    monkeypatch.setattr(plans, "FILMS", Jobs(plans.FILM_BYTES, plans.bytes_of))
    for seed, found in enumerate(parallel):
        np.testing.assert_allclose(final(seed), found, atol=1e-6)


def test_visitors_who_ask_the_same_share_its_steps(toys, asked):
    seen = asked(toys["toy-garments"].network)

    def all_frames(_):
        answers = run_to_the_end(INPUTS)
        return np.concatenate([decoded(answer["frames"]["x"]) for answer in answers if answer["frames"]])

    with ThreadPoolExecutor(6) as pool:
        films = list(pool.map(all_frames, range(6)))
    assert seen == [6] * 5
    assert all(film.shape == (6, 3, 1, SIDE, SIDE) for film in films)


def test_a_run_that_failed_begins_anew(toys, monkeypatch):
    network = toys["toy-garments"].network
    compute.run(Request(INPUTS, {}, {"part": 0}))
    with monkeypatch.context() as broken:
        broken.setattr(network, "forward", lambda *given, **named: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            compute.run(Request(INPUTS, {}, {"part": 1}))
    answers = [compute.run(Request(INPUTS, {}, {"part": 0})) for _ in range(6)]
    assert answers[-1].get("finished"), "it is not stuck half way"


# ---- what is asked of a finished run ----------------------------------------------------------------------------
def test_when_it_is_decided(toys):
    from shared.explain.emergence import judged

    run_to_the_end(INPUTS)
    answer = compute.decided(Request(INPUTS))
    json.dumps(answer, allow_nan=False)
    probabilities = unpacked(answer["probabilities"]).astype(float)
    assert probabilities.shape == (5, 3, 10)
    np.testing.assert_allclose(probabilities.sum(2), 1, atol=5e-3)
    film = plans.finished_film(plans.plan_of(INPUTS))
    third = judged(compute.judge_of(toys["toy-garments"]), film.x0[2].astype(np.float32))
    np.testing.assert_allclose(probabilities[2], third, atol=1e-3)
    assert len(answer["decided"]) == 3 and all(0 <= step < 5 for step in answer["decided"])
    alike = unpacked(answer["alike"])
    assert alike.shape == (5, len(answer["bands"])) and np.abs(alike).max() <= 1.001
    assert [set(band) for band in answer["bands"]] == [{"name", "from", "to"}] * 4
    assert len(answer["half"]) == 4 and all(step is None or 0 <= step < 5 for step in answer["half"])


def test_without_a_judge_nothing_is_decided(toys):
    run_to_the_end(COLORS)
    with pytest.raises(Problem, match="No classifier"):
        compute.decided(Request(COLORS))


@pytest.mark.parametrize("inputs", [INPUTS, {**INPUTS, "sampler": "DDPM"}, COLORS], ids=["DDIM", "DDPM", "color"])
def test_a_fork(toys, inputs):
    run_to_the_end(inputs)
    shape = final_of(inputs).shape[1:]
    early = asked_to_the_end("fork", inputs, at=0, sample=1)
    finals = unpacked(early["finals"])
    assert finals.shape == (8, *shape) and finals.dtype == np.uint8 and early["of"] == 5
    assert finals.std(0).max() > 0 and early["distance"] > 0
    late = asked_to_the_end("fork", inputs, at=4, sample=1)
    assert late["of"] == 1 and late["distance"] < early["distance"] and late["distance"] < 1e-4
    original = np.rint(np.clip((final_of(inputs)[1] + 1) * 127.5, 0, 255))
    assert np.abs(unpacked(late["finals"]) - original).max() <= 1, "nothing is left to be decided"
    if inputs is COLORS:
        assert late["said"] is late["original"] is late["same"] is None
    else:
        assert late["said"] == [late["original"]] * 8 and late["same"] == 1 and 0 <= early["same"] <= 1


def test_forks_from_early_to_late(toys):
    run_to_the_end(INPUTS)
    answer = asked_to_the_end("forks", INPUTS, sample=0)
    points = answer["points"]
    assert [point["at"] for point in points] == [0, 1, 2, 3, 4]
    assert [point["t"] for point in points] == [999, 799, 599, 399, 199]
    assert all(unpacked(point["finals"]).shape == (8, 1, SIDE, SIDE) and len(point["said"]) == 8 for point in points)
    assert points[-1]["distance"] < min(point["distance"] for point in points[:-1])
    one = asked_to_the_end("fork", INPUTS, at=2, sample=0)
    assert one["distance"] == pytest.approx(points[2]["distance"]) and one["said"] == points[2]["said"]


@pytest.mark.parametrize("details", [{"at": 5, "sample": 0}, {"at": -1, "sample": 0}, {"at": 0, "sample": 3},
                                     {"at": 0, "sample": -1}, {"at": "x", "sample": 0}, {"sample": 0},
                                     {"at": None, "sample": 0}, {"at": [], "sample": 0}])  # fmt: skip
def test_forks_that_cannot_be(toys, details):
    run_to_the_end(INPUTS)
    with pytest.raises(Problem, match="reload the page"):
        experiments.answer("fork", Request(INPUTS, {}, details))


def test_a_fork_of_an_unfinished_run(toys):
    with pytest.raises(Problem, match="not finished yet"):
        experiments.answer("fork", Request(INPUTS, {}, {"at": 0, "sample": 0}))


# ---- the picture of a visitor -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "inputs", [INPUTS, COLORS, {**INPUTS, "sampler": "DPM-Solver++"}], ids=["gray", "color", "dpm"]
)
def test_restoring_a_picture(toys, inputs):
    answers = {t: asked_to_the_end("restore", inputs, t=t) for t in (999, 250, 0)}
    shape = toys[inputs["model"]].shape
    for t, of in ((999, 5), (250, 1), (0, 1)):
        assert answers[t]["of"] == of
        assert unpacked(answers[t]["finals"]).shape == (8, *shape) and unpacked(answers[t]["start"]).shape == shape
        assert -1 <= answers[t]["kept"] <= 1 and answers[t]["between"] > 0
        assert answers[t]["said"] is None if inputs is COLORS else len(answers[t]["said"]) == 8
    assert answers[0]["kept"] > answers[999]["kept"]
    assert answers[0]["between"] < answers[999]["between"]
    picture = unpacked(compute.payload(inputs)["data"]["picture"]["pixels"]).astype(float).ravel()
    alike = [np.corrcoef(picture, unpacked(answers[t]["start"]).astype(float).ravel())[0, 1] for t in (999, 250)]
    assert abs(alike[0]) < 0.1 < alike[1]


def test_inversion(toys, monkeypatch):
    monkeypatch.setattr(experiments, "INVERSION_STEPS", (4, 7, 20))
    answer = asked_to_the_end("invert", INPUTS)
    assert [row["steps"] for row in answer["rows"]] == [4, 20], "7 does not divide 1,000"
    assert answer["of"] == 48
    for row in answer["rows"]:
        assert unpacked(row["noise"]).shape == unpacked(row["decoded"]).shape == (1, SIDE, SIDE)
        assert row["error"] >= 0 and row["std"] > 0 and np.isfinite(row["mean"])


@pytest.mark.parametrize("kind", ["restore", "invert"])
def test_another_picture_is_another_question(toys, monkeypatch, kind):
    monkeypatch.setattr(experiments, "INVERSION_STEPS", (4,))
    shirt = asked_to_the_end(kind, INPUTS, t=100)
    house = asked_to_the_end(kind, {**INPUTS, "image": "example:house"}, t=100)
    found = [answer["finals"] if kind == "restore" else answer["rows"][0]["decoded"] for answer in (shirt, house)]
    assert np.abs(unpacked(found[0]).astype(int) - unpacked(found[1])).max() > 50


@pytest.mark.parametrize("reference", [*REFERENCES, ""])
def test_only_photos_that_a_visitor_was_given_can_be_asked_for(toys, reference):
    for ask in (
        compute.payload,
        lambda inputs: experiments.answer("restore", Request(inputs, {}, {"t": 100})),
        lambda inputs: experiments.answer("invert", Request(inputs)),
    ):
        with pytest.raises(Problem) as refused:
            ask({**INPUTS, "image": reference})
        one_sentence(refused.value)


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_in_one_sentence(toys, monkeypatch, name):
    monkeypatch.setattr(compute, "photo_bytes", lambda reference, example: FILES[name]())
    with pytest.raises(Problem) as refused:
        compute.payload({**INPUTS, "image": f"photo:{'0' * 32}"})
    one_sentence(refused.value)


@pytest.mark.parametrize("size", [(1, 1), (400, 1), (3, 900)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "I;16", "1"])
def test_odd_pictures_are_read(toys, monkeypatch, size, mode):
    file = io.BytesIO()
    Image.new(mode, size).save(file, "PNG")
    monkeypatch.setattr(compute, "photo_bytes", lambda reference, example: file.getvalue())
    data = compute.payload({**INPUTS, "image": f"photo:{'1' * 32}"})["data"]
    assert data["link"] is False and data["picture"]["outside"] is True
    assert unpacked(data["picture"]["pixels"]).shape == (1, SIDE, SIDE)


# ---- steps, morphs, learning ------------------------------------------------------------------------------------
@pytest.mark.parametrize("inputs", [INPUTS, {**INPUTS, "label": "any"}, COLORS], ids=["each", "any", "color"])
def test_the_race_of_step_counts(toys, monkeypatch, inputs):
    monkeypatch.setattr(experiments, "STEP_COUNTS", (4, 5, 7, 20, 5000))
    answer = asked_to_the_end("race", inputs)
    rows = answer["rows"]
    assert [row["steps"] for row in rows] == [4, 5, 20] and answer["of"] == 29
    assert all(unpacked(row["finals"]).shape == (3, *toys[inputs["model"]].shape) for row in rows)
    assert all(row["seconds"] > 0 for row in rows)
    assert rows[2]["distance"] == 0 < rows[0]["distance"]
    assert all((row["agreement"] is None) is (inputs is not INPUTS) for row in rows)
    run_to_the_end(inputs)
    five = np.rint(np.clip((final_of(inputs) + 1) * 127.5, 0, 255))
    assert np.abs(unpacked(rows[1]["finals"]) - five).max() <= 1, "it is the run of the page in so many steps"


def test_the_first_rows_of_a_race_do_not_know_their_distance(toys, monkeypatch):
    monkeypatch.setattr(experiments, "STEP_COUNTS", (1, 2))
    first, second = (
        json.loads(json.dumps(experiments.answer("race", Request(INPUTS, {}, {"part": part})))) for part in (0, 1)
    )
    assert first["rows"] == [] and [row["distance"] for row in second["rows"]] == [None]


def test_morphs_between_noises(toys):
    answer = asked_to_the_end("morph", INPUTS, to=1)
    finals = unpacked(answer["finals"])
    assert finals.shape == (9, 1, SIDE, SIDE) and len(answer["said"]) == 9 and answer["of"] == 5
    run_to_the_end({**INPUTS, "samples": "1"})
    run_to_the_end({**INPUTS, "samples": "1", "seed": "1"})
    for place, seed in ((0, "0"), (-1, "1")):
        alone = np.rint(np.clip((final_of({**INPUTS, "samples": "1", "seed": seed})[0] + 1) * 127.5, 0, 255))
        assert np.abs(finals[place] - alone).max() <= 1
    assert len({frame.tobytes() for frame in finals}) == 9


def test_morphs_between_classes(toys):
    answer = asked_to_the_end("classes", INPUTS, to=8)
    finals = unpacked(answer["finals"])
    assert finals.shape == (9, 1, SIDE, SIDE) and len(answer["said"]) == 9
    for place, label in ((0, "T-shirt"), (-1, "Bag")):
        inputs = {**INPUTS, "samples": "1", "label": label}
        run_to_the_end(inputs)
        alone = np.rint(np.clip((final_of(inputs)[0] + 1) * 127.5, 0, 255))
        assert np.abs(finals[place] - alone).max() <= 1


@pytest.mark.parametrize(
    ("kind", "details"),
    [("classes", {"to": 10}), ("classes", {"to": -1}), ("classes", {"to": "Bag"}), ("classes", {}), ("morph", {}),
     ("morph", {"to": "<b>"}), ("morph", {"to": 10**30}), ("morph", {"to": -1}), ("morph", {"to": float("inf")}),
     ("restore", {"t": "x"}), ("restore", {"t": float("inf")})],
)  # fmt: skip
def test_questions_that_no_page_asks(toys, kind, details):
    with pytest.raises(Problem) as refused:
        experiments.answer(kind, Request(INPUTS, {}, details))
    one_sentence(refused.value)


def test_levels_beyond_the_schedule_are_its_ends(toys):
    assert asked_to_the_end("restore", INPUTS, t=10**9)["of"] == 5
    assert asked_to_the_end("restore", INPUTS, t=-5)["of"] == 1


def test_a_longer_question_can_be_left_and_taken_up_again(toys, asked):
    seen = asked(toys["toy-garments"].network)
    for done in (1, 2):
        assert experiments.answer("morph", Request(INPUTS, {}, {"to": 1}))["done"] == done
    assert 2 <= len(seen) <= 3, "at most one step is made ahead of what was told"
    answer = asked_to_the_end("morph", INPUTS, to=1)
    assert len(seen) == 5
    assert experiments.answer("morph", Request(INPUTS, {}, {"to": 1}))["finals"] == answer["finals"] and len(seen) == 5
    assert experiments.finished("morph", Request(INPUTS, {}, {"to": 1}))["finished"]
    assert experiments.finished("morph", Request(INPUTS, {}, {"to": 2})) is None


def test_how_it_learned(garments):
    answer = compute.learning(Request({**DEFAULTS}))
    json.dumps(answer, allow_nan=False)
    steps = [grid["step"] for grid in answer["grids"]]
    assert steps == sorted(steps) and len(steps) >= 2
    for grid in answer["grids"]:
        assert grid["uri"].startswith("data:image/webp;base64,")
        assert Image.open(io.BytesIO(base64.b64decode(grid["uri"].partition(",")[2]))).format == "WEBP"
    for each in (answer, *answer["ranges"]):
        assert all(step > 0 and loss > 0 for step, loss in each["loss"])
    assert len(answer["ranges"]) >= 2 and all(each["name"].startswith("t ") for each in answer["ranges"])
    assert answer["note"].endswith(".")
    early = compute.learning(Request({**DEFAULTS, "model": f"ddpm-fashion-mnist@{garments.moments[0]}"}))
    assert early == answer, "a moment of training has the same history"


def test_a_stranger_kept_no_pictures_of_its_training(toys):
    with pytest.raises(Problem, match="kept no pictures of its training"):
        compute.learning(Request(COLORS))


# ---- what leaves the page ---------------------------------------------------------------------------------------
KINDS = {
    "png": (b"\x89PNG", "image/png"), "svg": (b"<?xml", "image/svg+xml"), "pdf": (b"%PDF", "application/pdf"),
    "gif": (b"GIF8", "image/gif"), "npz": (b"PK", "application/zip"), "csv": (b"step,t,sample", "text/csv"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", [{}, {"sample": 2}, {"sample": 99}, {"sample": "<b>"}], ids=str)
def test_every_file_can_be_saved(toys, kind, state):
    run_to_the_end(INPUTS)
    file = export.EXPORT[kind](Request(INPUTS, state, {"finding": "Found <b>nothing</b> & $x$.", "extra": "?"}))
    begin, mime = KINDS[kind]
    assert file.data.startswith(begin) and len(file.data) > 200 and file.mime == mime
    assert file.name == f"denoising.{kind}"


@pytest.mark.parametrize("kind", ["png", "gif", "npz", "csv", "notebook", "page"])
def test_an_unfinished_run_leaves_no_file(toys, kind):
    with pytest.raises(Problem, match="not finished yet"):
        export.EXPORT[kind](Request(INPUTS))


def test_the_picture_and_the_film_show_the_run(toys):
    run_to_the_end(INPUTS)
    picture = Image.open(io.BytesIO(export.EXPORT["png"](Request(INPUTS)).data))
    assert np.asarray(picture.convert("L")).std() > 20
    film = Image.open(io.BytesIO(export.EXPORT["gif"](Request(INPUTS)).data))
    assert film.n_frames == 6


def test_saved_arrays_are_those_of_the_run(toys):
    run_to_the_end(INPUTS)
    with np.load(io.BytesIO(export.EXPORT["npz"](Request(INPUTS)).data)) as arrays:
        assert set(arrays) == {"x", "x0", "eps", "timesteps", "alphas_cumprod", "labels", "seed"}
        assert arrays["x"].shape == (6, 3, 1, SIDE, SIDE) and arrays["x"].dtype == np.float32
        assert arrays["x0"].shape == arrays["eps"].shape == (5, 3, 1, SIDE, SIDE)
        np.testing.assert_array_equal(arrays["x"][-1], final_of(INPUTS))


def test_saved_scores_are_those_of_the_judge(toys):
    run_to_the_end(INPUTS)
    header, *rows = csv.reader(io.StringIO(export.EXPORT["csv"](Request(INPUTS)).data.decode(), newline=""))
    labels = compute.payload(INPUTS)["data"]["judge"]["labels"]
    assert header == ["step", "t", "sample", "wanted", *labels] and len(rows) == 15
    expected = unpacked(compute.decided(Request(INPUTS))["probabilities"]).reshape(15, 10)
    np.testing.assert_allclose(np.array([row[4:] for row in rows], float), expected, atol=1e-3)
    assert [row[:4] for row in rows[3:5]] == [["1", "799", "0", "0"], ["1", "799", "1", "1"]]
    run_to_the_end(COLORS)
    with pytest.raises(Problem, match="no scores to save"):
        export.EXPORT["csv"](Request(COLORS))


def test_the_code_of_a_picture_computes_that_picture(garments, capsys):
    for changes in ({"label": "each", "guidance": "2"}, {"label": "any", "sampler": "DDPM", "seed": "5"}):
        inputs = {**DEFAULTS, "steps": "4", "samples": "2", **changes}
        run_to_the_end(inputs)
        snippet = export.EXPORT["code"](Request(inputs))
        assert len(snippet.text.splitlines()) <= 15
        found = {}
        exec(snippet.text, found)
        np.testing.assert_allclose(found["run"].x[-1], final_of(inputs), atol=1e-5)
        assert found["picture"].startswith(b"\x89PNG") and found["film"].startswith(b"GIF8")
    assert "(5, 2, 1, 32, 32)" in capsys.readouterr().out


def test_the_notebook_runs(garments):
    import nbformat
    from nbclient import NotebookClient

    inputs = {**DEFAULTS, "steps": "4", "samples": "2"}
    run_to_the_end(inputs)
    file = export.EXPORT["notebook"](Request(inputs, {}, {"finding": "It is a </script> $bag$."}))
    notebook = nbformat.reads(file.data.decode(), as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.fixture
def written(monkeypatch):
    """The payloads of saved pages, as they are written."""
    found, original = [], export.document
    monkeypatch.setattr(export, "document", lambda *given: found.append(given[1]) or original(*given))
    return found


def test_a_saved_page_holds_its_run_and_every_finished_answer(toys, written):
    run_to_the_end(INPUTS)
    for kind, details in (("fork", {"at": 4, "sample": 0}), ("restore", {"t": 100}), ("morph", {"to": 3})):
        asked_to_the_end(kind, INPUTS, **details)
    experiments.answer("morph", Request(INPUTS, {}, {"to": 4}))  # begun, never finished
    details = [
        ["decided", {}],
        ["fork", {"at": 4, "sample": 0, "part": 3}],
        ["restore", {"t": 100, "part": 0}],
        ["morph", {"to": 3, "part": 5}],
        ["morph", {"to": 4, "part": 1}],
        ["run", {"part": 2}],
        ["nothing", {}],
        ["decided", []],
    ]
    asked = [json.dumps(each, separators=(",", ":")) for each in details]
    file = export.EXPORT["page"](Request(INPUTS, {"tab": "fork"}, {"asked": asked}))
    (payload,) = written
    assert payload["state"] == {"tab": "fork"} and payload["data"]["seconds"] > 0
    assert set(payload["computed"]) == {
        '["run",{"part":0}]',
        '["decided",{}]',
        '["fork",{"at":4,"sample":0,"part":0}]',
        '["restore",{"t":100,"part":0}]',
        '["morph",{"to":3,"part":0}]',
    }
    run = payload["computed"]['["run",{"part":0}]']
    assert run["finished"] and run["frames"]["first"] == 0 and decoded(run["frames"]["x"]).shape[0] == 6
    text = file.data.decode("utf-8")
    assert not re.search(r"https?://(?!www\.w3\.org)", text) and "toy-garments" in text
    assert file.mime == "text/html" and file.name == "denoising.html"


def test_a_saved_page_holds_the_pinned_run_too(toys, written):
    pinned = {**INPUTS, "steps": "4"}
    run_to_the_end(INPUTS)
    run_to_the_end(pinned)
    pin = {"inputs": {"steps": "4"}, "state": {"step": 2}}
    export.EXPORT["page"](Request(INPUTS, {}, {"pin": pin}))
    (payload,) = written
    assert payload["pinned"]["data"]["plan"]["steps"] == 4 and payload["pinned"]["state"] == {"step": 2}
    assert payload["pinned"]["computed"]['["run",{"part":0}]']["of"] == 4
    assert payload["inputs"]["steps"] == "5"


def test_hostile_words_do_not_leave_a_saved_page(toys):
    evil = "</script><img src=x onerror=alert(1)>"
    run_to_the_end(INPUTS)
    text = export.EXPORT["page"](Request(INPUTS, {"tab": evil}, {"finding": evil})).data.decode("utf-8")
    assert evil not in text
    with contextlib.suppress(Problem):
        compute.payload({**INPUTS, "label": evil})

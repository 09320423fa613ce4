"""What the presets of the Loss Landscape Space promise must be what the trainings do."""

import json
import re
from functools import cache
from pathlib import Path

import loss_landscape_compute as compute
import loss_landscape_doubt as doubt
import loss_landscape_exports as export
import loss_landscape_plan as plans
import numpy as np
import pytest
from loss_landscape_presets import DEFAULTS, PRESETS, STORY
from presetting import asks_one_fair_question, can_be_linked

from shared import checkpoints
from shared.explain import recipes
from shared.explain.curvature import spectrum_ends
from shared.explain.planes import PLANES
from shared.models import plane_network, trained
from shared.problems import Problem

TITLES = {preset.title: preset for preset in PRESETS}
FOLDER = Path(compute.__file__).parent
APP, README = ((FOLDER / name).read_text(encoding="utf-8") for name in ("app.py", "README.md"))
TABS = {"map", "surface", "path", "directions", "gradients", "sharpness", "redraw", "compare"}


def inputs_of(title, pinned=False, **changes):
    """The inputs of a preset, or of what it pins, which the page lays over the preset's own."""
    preset = TITLES[title]
    return {**DEFAULTS, **preset.inputs, **(preset.pin["inputs"] if pinned else {}), **changes}


def subjects(title, pinned=False, **changes):
    return plans.subjects_of(plans.plan_of(inputs_of(title, pinned, **changes)))


@cache
def scanned(items):
    return plans.whole_scan(plans.plan_of(dict(items))).result()


def landscape_of(title, pinned=False, **changes):
    return scanned(tuple(inputs_of(title, pinned, **changes).items()))


def losses(subject):
    return [subject.make().measure(moment.theta)[0] for moment in subject.moments]


@cache
def ends_of(subject, moment=-1):
    space, theta = subject.make(), subject.moments[moment].theta
    *_, ends = spectrum_ends(space.hessian_product(theta), space.size, 0)
    assert ends.found
    return ends


def quick(inputs):
    """Inputs with fewer grid lines, of a network that is there."""
    if inputs["model"] in plans.SETS:
        return {**inputs, "resolution": "5"}
    there = (checkpoints.CHECKPOINTS / inputs["model"] / "snapshots").is_dir()
    return {**inputs, "resolution": "5", "images": "12", "model": inputs["model"] if there else "lenet-mnist"}


# ---- all of them ------------------------------------------------------------------------------------------------
def test_presets_are_strengths_and_weaknesses():
    assert 4 <= len(PRESETS) <= 8 and len(TITLES) == len(PRESETS)
    assert {preset.kind for preset in PRESETS} >= {"strength", "weakness"}
    assert sum(preset.kind == "weakness" for preset in PRESETS) >= 2
    assert sum(bool(preset.predict) for preset in PRESETS) == 1
    assert all(preset.note.endswith(".") and len(preset.note) < 320 for preset in PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_every_preset_has_a_payload(preset, monkeypatch):
    monkeypatch.setattr(compute, "FIRST_TURN", 0.0)
    assert set(preset.inputs) <= set(DEFAULTS)
    pinned = [{**DEFAULTS, **preset.inputs, **preset.pin["inputs"]}] if preset.pin else []
    for inputs in [{**DEFAULTS, **preset.inputs}, *pinned]:
        plans.plan_of(inputs)
        try:
            payload = compute.payload(quick(inputs))
        except Problem as problem:
            assert inputs["model"] in trained.NETWORKS, "an MLP needs nothing from elsewhere"
            pytest.skip(str(problem))
        json.dumps(payload, allow_nan=False)
        assert payload["inputs"] == quick(inputs) and not payload["data"]["stopped"]
        assert inputs["model"] in trained.NETWORKS or compute.waiting(inputs) == ""
    assert (preset.state.get("tab", "map") == "compare") == bool(preset.pin)
    assert preset.state.get("tab", "map") in TABS and (not pinned or pinned[0] != {**DEFAULTS, **preset.inputs})


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_every_preset_can_be_linked(preset):
    can_be_linked(preset, PRESETS, DEFAULTS)


def test_the_answer_to_the_prediction_is_one_of_its_options():
    asks_one_fair_question(PRESETS)


# ---- what the page says of the library --------------------------------------------------------------------------
def listed(name):
    return re.findall(r'"([^"]*)"', re.search(rf"^{name} = [\[(](.*?)[\])]$", APP, re.M | re.S)[1])


def offered(name, stop):
    return re.findall(r', "(\w[\w-]*)"\)', APP[APP.index(f"\n{name} = ") : APP.index(f"\n{stop} = ")])


def test_the_page_offers_what_the_library_has():
    assert offered("MODELS", "PLANES") == [*plans.SETS, *trained.NETWORKS]
    assert offered("PLANES", "OPTIMIZERS") == list(PLANES)
    assert offered("OTHERS", "ANSWERS") == list(plans.OTHERS)
    assert listed("OPTIMIZERS") == list(recipes.OPTIMIZERS)
    assert set(listed("INITIALIZATIONS")) == set(recipes.INITIALIZATIONS)
    assert set(listed("ANSWERS")) == set(doubt.ANSWERS) and set(listed("EXPORT")) == set(export.EXPORT)
    for text in listed("LAYERS"):
        recipes.Recipe(hidden_layers=recipes.layer_sizes(text))
    for text in listed("RATES"):
        recipes.Recipe(learning_rate=float(text))
    for text in listed("RIVALS"):
        assert len(plans.rivals_of(text, recipes.Recipe())) == len([part for part in text.split(",") if part])
    choices = re.search(r"gr\.Radio\(\s*(\[.*?\])", APP)[1]
    assert re.findall(r'"([^"]+)"', choices) == list(plane_network.ACTIVATIONS)


def test_the_defaults_are_those_of_the_library():
    plan = plans.plan_of(DEFAULTS)
    assert plan.recipe == recipes.Recipe() and plan.rivals == () and plan.of_points
    asked = re.search(r"def show_loss_landscape\((.*?)\) ->", APP, re.S)[1]
    given = dict(re.findall(r"(\w+): \w+ = \"?([^\",\n]+)\"?", asked))
    assert given == {name: DEFAULTS[name] for name in ("model", "plane", "resolution", "span", "seed")}


def test_the_readme_names_the_networks_and_their_data():
    head = README.split("---")[1]
    assert sorted(re.findall(r"^- ([a-z0-9]+(?:-[a-z0-9]+)+)$", head[: head.index("datasets:")], re.M)) == sorted(
        trained.NETWORKS
    )
    assert {"- ylecun/mnist", "- uoft-cs/cifar10"} <= set(head.split("\n"))


def test_story_links_name_known_states():
    links = re.findall(r"\(#set:([^)]+)\)", STORY)
    assert len(links) >= 3
    for link in links:
        name, value = link.split("=")
        assert name == "tab" and value in TABS, link


# ---- what they claim --------------------------------------------------------------------------------------------
def test_plain_steps_stick_at_a_saddle():
    (subject,) = subjects("Stuck at a saddle")
    first, *_, last = losses(subject)
    assert last >= 0.99 * first and last == pytest.approx(np.log(2), rel=0.01)
    ends = ends_of(subject)
    assert ends.bottom < 0 < ends.top and 0.8 < -ends.bottom / ends.top < 1.2
    assert float(subject.make().gradient(subject.origin).norm()) < 0.05, "flat"
    found = landscape_of("Stuck at a saddle", resolution="9")
    middle = found.loss[4, 4]
    assert found.alpha[4] == found.beta[4] == 0
    assert found.loss[4, [0, -1]].min() > middle + 0.5, "left and right are walls"
    assert found.loss[[0, -1], 4].max() < middle - 0.1, "above and below are valleys"
    assert np.ptp(found.loss[3:6, 3:6]) < np.ptp(found.loss) / 5, "in the middle it is flat"
    way = np.hypot(*np.diff(found.paths[0].coordinates[[0, -1]], axis=0).T)[0]
    assert way < 0.1 * found.alpha[-1], "the ball has hardly moved"


def test_momentum_leaves_the_saddle():
    momentum, plain = subjects("Momentum escapes")
    assert (momentum.name, plain.name) == ("Momentum", "SGD") and len(momentum.moments) == len(plain.moments)
    np.testing.assert_array_equal(momentum.moments[0].theta, plain.moments[0].theta)
    rolled, stuck = losses(momentum), losses(plain)
    assert rolled[-1] < 0.4 and min(stuck) > 0.69
    assert min(rolled[:15]) > 0.69, "at first nothing is to be seen"
    way = [float((each.origin - each.moments[0].theta).norm()) for each in (momentum, plain)]
    assert way[0] > 10 * way[1]
    found = landscape_of("Momentum escapes", resolution="5")
    held = [path.explained for path in found.paths]
    assert held[0] > 0.8 and TITLES["Momentum escapes"].predict["answer"] == 1


def test_a_random_plane_holds_about_2_percent():
    found = landscape_of("A valley with walls", resolution="9")
    assert 0.01 < found.paths[0].explained < 0.04 and abs(found.cosine) < 0.5
    assert found.loss[4, 4] == pytest.approx(found.paths[0].loss[-1], rel=1e-6)
    edges = np.concatenate([found.loss[[0, -1]].ravel(), found.loss[:, [0, -1]].ravel()])
    assert edges.min() > found.loss[4, 4] and np.median(edges) > 3 * found.loss[4, 4], "walls all around"


def test_four_optimizers_share_their_start_and_their_plane():
    found = landscape_of("One start, four optimizers", resolution="9")
    assert [path.name for path in found.paths] == ["Adam", "SGD", "Momentum", "RMSProp"]
    for path in found.paths:
        assert len(path.epochs) == 61 and not path.accuracy[0] - found.paths[0].accuracy[0]
        np.testing.assert_allclose(path.coordinates[0], found.paths[0].coordinates[0], atol=1e-5)
        assert path.explained > 0.6 and np.abs(path.loss - path.plane_loss).max() > 0.01


def test_it_is_the_steps_more_than_the_batch():
    """Far less curved after as many epochs, and alike after as many steps."""
    title = "Large and small batches"
    (small,), (whole,), (longer,) = subjects(title), subjects(title, True), subjects(title, True, epochs="2000")
    tops = [ends_of(subject).top for subject in (small, whole, longer)]
    assert tops[0] < tops[1] / 3, "after as many epochs"
    lowest = [subject.make().measure(subject.origin)[0] for subject in (small, whole)]
    assert lowest[0] < lowest[1] / 10, "B lies far lower"
    assert tops[2] < 2 * tops[0], "nearly alike after 2,000 steps"
    recipe = plans.plan_of(inputs_of(title)).recipe
    steps = -(-210 // recipe.batch_size)
    assert f"{steps} times as many steps" in TITLES[title].note
    alike = int(np.abs([moment.epoch * steps - 2000 for moment in small.moments]).argmin())
    assert 0.5 < tops[2] / ends_of(small, alike).top < 2, "after as many steps"


def test_a_rescaled_network_is_the_same_and_looks_otherwise():
    title = "The same network twice"
    (one,), (ten,) = subjects(title, True), subjects(title)
    x = one.make().inputs
    np.testing.assert_allclose(ten.make().outputs(ten.origin, x), one.make().outputs(one.origin, x), atol=1e-4)
    raw = [landscape_of(title, pinned, resolution="7").loss for pinned in (True, False)]
    assert np.abs(raw[0] - raw[1]).max() > 1
    assert raw[1].max() > 10 * raw[0].max(), "like a ravine"
    fair = [landscape_of(title, pinned, resolution="7", plane="filter_normalized").loss for pinned in (True, False)]
    np.testing.assert_allclose(fair[0], fair[1], atol=1e-5)
    assert np.ptp(fair[0]) > 0.1


def test_between_two_minima_is_a_wall():
    found = landscape_of("Between two minima", resolution="9")
    row = found.loss[int(np.flatnonzero(found.beta == 0)[0])]
    at = {round(float(alpha), 6): loss for alpha, loss in zip(found.alpha, row, strict=True)}
    assert at[0.5] > 2 * max(at[0.0], at[1.0]) and max(at[0.0], at[1.0]) < 0.3
    one, other = subjects("Between two minima")
    assert (at[0.0], at[1.0]) == pytest.approx((losses(one)[-1], losses(other)[-1]), rel=1e-3)
    assert other.name == "seed 1" and other.make().measure(other.origin)[1] > 0.9

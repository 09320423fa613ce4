"""What the presets of the Decision Boundary Space promise must be what the trainings do."""

import json
import re
from functools import cache
from pathlib import Path

import decision_boundary_compute as compute
import decision_boundary_plan as plans
import numpy as np
import pytest
from decision_boundary_presets import DEFAULTS, PRESETS, STORY
from presetting import asks_one_fair_question, can_be_linked

from shared.explain import recipes
from shared.explain.hidden_space import activations
from shared.explain.race import AXES
from shared.models import plane_network, point_sets

TITLES = {preset.title: preset for preset in PRESETS}
APP = (Path(compute.__file__).parent / "app.py").read_text(encoding="utf-8")
TABS = {"watch", "inside", "space", "verdict", "race", "compare"}


def inputs_of(title, pinned=False, **changes):
    """The inputs of a preset, or of what it pins, which the page lays over the preset's own."""
    preset = TITLES[title]
    return {**DEFAULTS, **preset.inputs, **(preset.pin["inputs"] if pinned else {}), **changes}


@cache
def trained(items):
    plan = plans.plan_of(dict(items))
    return plan, plans.whole_film(plan).result()


def run_of(title, pinned=False, **changes):
    """The plan of a preset and its training."""
    return trained(tuple(inputs_of(title, pinned, **changes).items()))


def everywhere(plan, run):
    """The accuracy on all points after each epoch."""
    held_out = plan.points.validation.mean()
    return run.accuracy @ [1 - held_out, held_out]


# ---- all of them ------------------------------------------------------------------------------------------------
def test_presets_are_strengths_and_weaknesses():
    assert 4 <= len(PRESETS) <= 8 and len(TITLES) == len(PRESETS)
    assert {preset.kind for preset in PRESETS} >= {"strength", "weakness"}
    assert sum(preset.kind == "weakness" for preset in PRESETS) >= 3
    assert sum(bool(preset.predict) for preset in PRESETS) == 1
    assert PRESETS[0].inputs == {}, "the page opens with what is loaded first"
    assert all(preset.note.endswith(".") and len(preset.note) < 320 for preset in PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_every_preset_has_a_payload(preset):
    assert set(preset.inputs) <= set(DEFAULTS)
    inputs = {**DEFAULTS, **preset.inputs}
    payload = compute.payload(inputs)
    json.dumps(payload, allow_nan=False)
    assert payload["inputs"] == inputs and compute.waiting(inputs) == ""
    if preset.pin:
        json.dumps(compute.payload({**inputs, **preset.pin["inputs"]}), allow_nan=False)
        assert inputs_of(preset.title, pinned=True) != inputs
    tab = preset.state.get("tab", "watch")
    assert tab in TABS
    assert (tab == "compare") == bool(preset.pin)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_every_preset_can_be_linked(preset):
    can_be_linked(preset, PRESETS, DEFAULTS)


def test_the_answer_to_the_prediction_is_one_of_its_options():
    asks_one_fair_question(PRESETS)


# ---- what the page says of the library --------------------------------------------------------------------------
def listed(name):
    return re.findall(r'"([^"]+)"', re.search(rf"^{name} = [\[(](.*?)[\])]$", APP, re.M | re.S)[1])


def test_the_page_offers_what_the_library_has():
    assert set(listed("LEARNERS")) == set(recipes.LEARNERS)
    assert listed("OPTIMIZERS") == list(recipes.OPTIMIZERS) and listed("SCHEDULES") == list(recipes.SCHEDULES)
    assert set(listed("INITIALIZATIONS")) == set(recipes.INITIALIZATIONS)
    offered = re.findall(r', "(\w+)"\)', APP[APP.index("DATA = [") : APP.index("LEARNERS = [")])
    assert set(offered) == {*point_sets.DRAWN, "iris", "mnist", "painted", "table"}
    for text in listed("LAYERS"):
        recipes.Recipe(hidden_layers=recipes.layer_sizes(text))
    for text in listed("RATES"):
        recipes.Recipe(learning_rate=float(text))
    choices = re.search(r"activation = gr\.Radio\(\s*(\[.*?\])", APP)[1]
    assert re.findall(r'"([^"]+)"', choices) == list(plane_network.ACTIVATIONS)


def test_the_defaults_are_those_of_the_library():
    assert plans.plan_of(DEFAULTS).recipe == recipes.Recipe()
    asked = re.search(r"def show_decision_boundary\((.*?)\) ->", APP, re.S)[1]
    for name, value in re.findall(r"(\w+): \w+ = \"?([^\",\n]+)\"?", asked):
        assert DEFAULTS["data" if name == "dataset" else name].startswith(value.strip()), name


def test_story_links_name_known_states():
    links = re.findall(r"\(#set:([^)]+)\)", STORY)
    assert len(links) >= 3
    for link in links:
        for key, value in (pair.split("=") for pair in link.split("&")):
            assert value in {"tab": TABS, "axis": set(AXES)}[key], link


# ---- what they claim --------------------------------------------------------------------------------------------
def test_it_bends():
    plan, run = run_of("It bends")
    line = plans.line_of(plan).accuracy
    assert abs(everywhere(plan, run)[0] - 0.5) < 0.35, "at first it knows nothing"
    assert everywhere(plan, run)[-1] > line + 0.05, "no line gets as far"


def test_the_perceptron_never_rests_on_xor():
    plan, run = run_of("No line will do")
    line = plans.line_of(plan).accuracy
    assert line < 0.8 and everywhere(plan, run).max() <= line + 1e-6
    moved = np.abs(np.diff(run.weights, axis=0)).max(1)
    assert (moved > 0).all(), "its weights change in every epoch"
    assert TITLES["No line will do"].predict["answer"] == 1


def test_four_lines_solve_xor_and_one_does_not():
    adaline, hidden = (everywhere(*run_of("Four lines, joined", pinned))[-1] for pinned in (True, False))
    line = plans.line_of(run_of("Four lines, joined")[0]).accuracy
    assert adaline <= line < 0.8 and hidden >= 0.95
    assert run_of("Four lines, joined", pinned=True)[0].recipe.learner == "ADALINE"
    assert run_of("Four lines, joined")[0].shape.sizes == (2, 4, 1)


def test_one_unit_is_not_enough_and_three_are():
    plan, run = run_of("One unit is not enough")
    assert plan.shape.sizes == (2, 1, 1) and run.accuracy.max() < 0.75
    assert run_of("One unit is not enough", hidden_layers="3")[1].accuracy[-1].min() >= 0.9


def test_steps_of_eight_jump_and_small_ones_fall():
    _, run = run_of("Steps too large")
    loss = run.loss[:, 0]
    assert not run.stopped and (loss[1:] > 3 * loss[:-1]).any(), "it rises at a stroke"
    assert (np.diff(loss) > 0.02).sum() >= 5, "and not only once"
    rescued = run_of("Steps too large", steer="20:rate=0.3", epochs="100")[1].loss[:, 0]
    np.testing.assert_allclose(rescued[:21], loss[:21], atol=1e-6)
    assert rescued[-1] < rescued[20] - 0.05 and np.diff(rescued[22:]).max() < 0.005, "from there on it falls"


def test_the_gradient_fades_in_five_layers_of_sigmoids():
    _, run = run_of("The gradient fades")
    assert run.gradients.shape[1] == 6
    first, last = run.gradients[1:, 0], run.gradients[1:, -1]
    assert (first < last / 20).mean() > 0.9 and first.max() < np.median(last) / 20
    assert run.accuracy[-1].max() < 0.6, "so it says the same everywhere"
    for wakes in ({"activation": "ReLU"}, {"optimizer": "Adam"}):
        other = run_of("The gradient fades", **wakes)[1]
        assert other.accuracy[-1].min() > 0.8, wakes
        assert other.gradients[-1, 0] > 20 * run.gradients[-1, 0]


def test_dead_units_give_nothing_and_get_nothing():
    plan, run = run_of("Dead units")
    for weights in run.weights[[0, 30, -1]]:
        assert not activations(plan.shape, weights, plan.points.x, 0).any()
    assert not run.gradients.any()
    np.testing.assert_array_equal(run.weights[-1][:24], run.weights[0][:24])
    alive = run_of("Dead units", initialization="default")[1]
    assert alive.accuracy[-1].min() > 0.8 > run.accuracy[-1].max()


def test_without_restraint_it_learns_by_heart():
    free, held = (run_of("Learned by heart", pinned)[1] for pinned in (True, False))
    assert free.accuracy[-1, 0] == 1, "right on every point it saw"
    assert free.accuracy[-1, 1] < 0.85
    best = free.loss[:, 1].argmin()
    assert 0 < best < 100 and free.loss[-1, 1] > 2 * free.loss[best, 1], "its validation loss rises again"
    gaps = [run.loss[-1, 1] - run.loss[-1, 0] for run in (free, held)]
    assert gaps[1] < gaps[0] / 4
    assert held.accuracy[-1, 0] - held.accuracy[-1, 1] < 0.5 * (free.accuracy[-1, 0] - free.accuracy[-1, 1])
    layers = [np.abs(run.weights[-1]).mean() for run in (free, held)]
    assert layers[1] < layers[0], "L2 keeps the weights small"

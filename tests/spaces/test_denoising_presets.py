"""What the presets of the Denoising Space promise must be what the trained network does."""

import json
import re
from functools import cache
from itertools import combinations
from pathlib import Path

import denoising_compute as compute
import denoising_examples as examples
import numpy as np
import pytest
from denoising_plan import plan_of
from denoising_presets import DEFAULTS, PRESETS, STORY
from presetting import asks_one_fair_question, can_be_linked

from shared.explain.denoising import Settings, trajectory
from shared.explain.emergence import judged
from shared.models import diffusion
from shared.render.page import WEB

TITLES = {preset.title: preset for preset in PRESETS}
APP = (Path(compute.__file__).parent / "app.py").read_text(encoding="utf-8")
VIEWER = (WEB / "denoising.js").read_text(encoding="utf-8")
TABS = set(re.findall(r'^ +tab\("(\w+)"', VIEWER, re.M))


def inputs_of(title, **changes):
    return {**DEFAULTS, **TITLES[title].inputs, **changes}


@cache
def drawn(plan, samples):
    """The final pictures of the first samples of a plan, clipped to what can be seen."""
    return np.clip(trajectory(plan.model, plan.labels[:samples], plan.settings, plan.seed).x[-1], -1, 1)


def finals(title, samples, **changes):
    return drawn(plan_of(inputs_of(title, **changes)), samples)


def far(one, other):
    return float(np.sqrt(np.mean((one - other) ** 2)))


# ---- all of them ------------------------------------------------------------------------------------------------
def test_presets_are_strengths_and_weaknesses():
    assert 4 <= len(PRESETS) <= 8 and len(TITLES) == len(PRESETS)
    assert {preset.kind for preset in PRESETS} >= {"strength", "weakness"}
    assert sum(preset.kind == "weakness" for preset in PRESETS) >= 3
    assert sum(bool(preset.predict) for preset in PRESETS) == 1
    assert PRESETS[0].inputs == {}, "the page opens with what is loaded first"
    assert all(preset.note.endswith(".") and len(preset.note) < 320 for preset in PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_every_preset_has_a_payload(preset, garments):
    assert set(preset.inputs) <= set(DEFAULTS)
    inputs = {**DEFAULTS, **preset.inputs}
    payload = compute.payload(inputs)
    json.dumps(payload, allow_nan=False)
    assert payload["inputs"] == inputs
    if preset.pin:
        json.dumps(compute.payload({**inputs, **preset.pin["inputs"]}), allow_nan=False)
        assert preset.pin["inputs"] != preset.inputs
    tab = preset.state.get("tab", "watch")
    assert tab in TABS
    assert tab != "learned" or payload["data"]["moments"]
    assert tab != "compare" or preset.pin


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_every_preset_can_be_linked(preset):
    can_be_linked(preset, PRESETS, DEFAULTS)


def test_the_answer_to_the_prediction_is_one_of_its_options():
    asks_one_fair_question(PRESETS)


# ---- what the page says of the library --------------------------------------------------------------------------
def test_the_page_offers_what_the_library_has(garments):
    from shared.explain.denoising import SAMPLERS

    table = APP[APP.index("MODELS = [") : APP.index("LABELS = [")]
    assert set(re.findall(r', "([^"]+)"\)', table)) == {*diffusion.EMBEDDED, *diffusion.HUB}
    labels = APP[APP.index("LABELS = [") : APP.index("SAMPLERS = [")]
    assert set(garments.labels) <= set(re.findall(r'"([^"]+)"', labels))
    assert re.findall(r'"([^"]+)"', re.search(r"^SAMPLERS = (.*)$", APP, re.M)[1]) == list(SAMPLERS)
    for steps in re.findall(r'"(\d+)"', re.search(r"^STEPS = (.*)$", APP, re.M)[1]):
        assert 1000 % int(steps) == 0
    for strength in re.findall(r'"(\d+)"', re.search(r"^GUIDANCE = (.*)$", APP, re.M)[1]):
        Settings(guidance=float(strength))
    assert DEFAULTS["model"] in diffusion.EMBEDDED


def test_the_page_begins_with_the_defaults():
    for name in ("seed", "sampler", "steps", "guidance", "eta", "samples", "label", "model"):
        value = re.search(rf'^ +{name} = gr\..*?(?:value=)?"([^"]*)".*?elem_id="{name}"', APP, re.M | re.S)
        begin = APP[value.start() : value.end()]
        assert f'"{DEFAULTS[name]}"' in begin, name


def test_story_links_name_known_states():
    assert len(TABS) >= 8
    links = re.findall(r"\(#set:([^)]+)\)", STORY)
    assert len(links) >= 3
    for link in links:
        for key, value in (pair.split("=") for pair in link.split("&")):
            assert key == "tab" and value in TABS, link


def test_the_examples_are_pictures():
    from shared.models.photos import read_photo

    for name, each in examples.EXAMPLES.items():
        assert each.alt and read_photo(examples.example(name)).pixels.ndim == 3
    shipped = {path.name for path in examples.FOLDER.iterdir() if path.suffix in (".jpg", ".png")}
    assert {each.source for each in examples.EXAMPLES.values() if isinstance(each.source, str)} == shipped
    used = {preset.inputs.get("image", DEFAULTS["image"]) for preset in PRESETS}
    assert used <= {f"example:{name}" for name in examples.EXAMPLES}


# ---- what they claim --------------------------------------------------------------------------------------------
def test_four_steps_are_too_few(garments):
    many, fifty, four = (finals("Too few steps", 3, steps=steps) for steps in ("100", "50", "4"))
    assert far(four, many) > far(fifty, many)


def test_ten_steps_draw_nearly_what_a_hundred_draw(garments):
    title = "Same noise, fewer steps"
    pin = TITLES[title].pin["inputs"]
    hundred, ten, others = finals(title, 3), finals(title, 3, **pin), finals(title, 3, **pin, seed="1")
    assert far(ten, hundred) < far(others, hundred), "the same noise leads to nearly the same garments"


def test_strong_guidance_ends_variety_and_pleases_the_judge(garments):
    preset = TITLES["Pushed too hard"]
    sneaker = garments.class_named(preset.inputs["label"])
    plain = finals(preset.title, 6, guidance="1", steps="20")
    pushed = finals(preset.title, 6, steps="20")
    spread = [np.mean([far(one, other) for one, other in combinations(group, 2)]) for group in (plain, pushed)]
    assert spread[1] < spread[0]
    judge = compute.judge_of(garments)
    agreement = [float((judged(judge, group).argmax(1) == sneaker).mean()) for group in (plain, pushed)]
    assert agreement[1] >= agreement[0]


def test_the_network_never_saw_a_cat(garments):
    preset = TITLES["A stranger"]
    data = compute.payload(inputs_of(preset.title))["data"]
    assert data["picture"]["outside"] is True and "cat" in data["picture"]["alt"]
    assert not any("cat" in label.casefold() for label in garments.labels)
    assert 0 <= preset.state["t"] < len(data["abar"])


def test_little_noise_keeps_the_stranger_and_much_does_not(garments):
    import denoising_experiments as experiments

    from shared.ui import Request

    inputs = inputs_of("A stranger", steps="10")
    kept = {}
    for t in (100, 999):
        answer = {}
        while not answer.get("finished"):
            answer = experiments.answer("restore", Request(inputs, {}, {"t": t}))
        kept[t] = answer["kept"]
    assert kept[100] > 0.6 > kept[999]


def test_the_network_kept_moments_of_its_training(garments):
    learned = TITLES["How it learned"]
    grids = compute.learning(compute.Request(inputs_of(learned.title)))["grids"]
    assert len(grids) >= 4 and grids[0]["step"] == 0

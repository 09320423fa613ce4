"""Slow maps of the Grad-CAM Space: what they may cost one question, and what they keep alive."""

import gc
import json
import weakref

import grad_cam_case as cases
import grad_cam_doubt as doubt
import grad_cam_exports as export
import grad_cam_maps as maps
import grad_cam_page as saved
import grad_cam_slow as slow
import numpy as np
import pytest
import torch

from shared.checkpoints import HUB_MODELS_KEPT, load_once
from shared.explain.methods import explain, finished
from shared.explain.targets import Target
from shared.models.images import Preparation, assemble
from shared.models.resnet import ResNet
from shared.problems import Problem
from shared.ui import Request

INPUTS = {"image": "example:digit-4", "model": "lenet-mnist", "sheet": ""}
ASKED = {"target": "4", "layer": 1}


@pytest.fixture
def fresh(monkeypatch):
    """Nothing was computed yet, and nothing slow is finished within one question."""
    cases.computed.cache.clear()
    monkeypatch.setattr(maps, "PATIENCE", 0)


@pytest.fixture
def hub(monkeypatch):
    """Small networks under names of the Hub, loaded and let go of as those are."""

    @load_once
    def load(name):
        torch.manual_seed(0)
        preparation = Preparation((32, 32), 0, 2, (0.5,) * 3, (0.5,) * 3)
        return assemble(name, ResNet(depth=8), tuple("0123456789"), preparation)

    for module in (cases, maps):
        monkeypatch.setattr(module, "load", load)
    cases.computed.cache.clear()
    yield load
    cases.computed.cache.clear()


def finish(case, name, target=4, layer=1):
    return maps.signed_maps(case, [name], Target(target), case.layer(layer), end=np.inf)[name]


def alive(references):
    gc.collect()
    return sum(reference() is not None for reference in references)


# ---- memory -----------------------------------------------------------------------------------------------------
def visited(names, look):
    """Cases of several networks, all kept, and references to what must not be."""
    kept, references = [], []
    for name in names:
        case = cases.computed("example:cat", name)
        look(case)
        kept.append(case)
        references += [weakref.ref(case.model), weakref.ref(case.model.network)]
    return kept, references


def test_cases_keep_no_more_models_alive_than_are_loaded(hub):
    def look(case):
        maps.signed_maps(case, ["Grad-CAM", "Saliency", "Score-CAM", "Occlusion"], Target(3), case.layer(1), np.inf)
        maps.method_table(case.model_name)

    kept, references = visited([f"owner/{index}" for index in range(HUB_MODELS_KEPT + 3)], look)
    assert alive(references) == 2 * HUB_MODELS_KEPT
    assert kept[0].model.name == "owner/0", "a model that was let go of is loaded again"
    assert all(maps.is_finished(case, "Score-CAM", Target(3), kept[-1].layer(1)) for case in kept)


def test_maps_at_rest_keep_few_models_alive(hub):
    def look(case):
        for name in ("Occlusion", "Score-CAM"):
            assert maps.slow_map(case, name, Target(3), case.layer(1), 0) == (None, 0)

    names = [f"owner/{index}" for index in range(slow.MODELS_AT_REST + 3)]
    kept, references = visited(names, look)
    visited([f"other/{index}" for index in range(HUB_MODELS_KEPT)], lambda case: None)
    assert alive(references) == 2 * slow.MODELS_AT_REST
    case, layer = kept[0], kept[0].layer(1)
    assert not any(each.rest for each in case.running.values())
    expected = finished(explain("Score-CAM", case.model.network, case.inputs, Target(3), layer))
    np.testing.assert_allclose(finish(case, "Score-CAM", 3), expected, rtol=1e-5)


def test_a_map_that_works_goes_on_while_others_rest(hub):
    case = cases.computed("example:cat", "owner/busy")
    network = case.model.network
    for index in range(slow.MODELS_AT_REST + 2):
        maps.slow_map(case, "Occlusion", Target(3), None, 0)
        visited([f"owner/{index}"], lambda other: maps.slow_map(other, "Occlusion", Target(3), None, 0))
    (running,) = case.running.values()
    assert running.rest[0].network is network


def test_a_model_that_stays_may_rest_as_often_as_it_likes():
    all_ = [cases.build(cases.photo_of("example:digit-4"), "lenet-mnist") for _ in range(slow.MODELS_AT_REST + 3)]
    for case in all_:
        maps.slow_map(case, "Occlusion", Target(3), None, 0)
    assert all(next(iter(case.running.values())).rest for case in all_)


def test_two_who_ask_for_a_map_that_fails_are_both_told():
    case = cases.build(cases.photo_of("example:digit-4"), "lenet-mnist")
    for _ in range(2):
        with pytest.raises(Problem, match="no class 99"):
            maps.slow_map(case, "Occlusion", Target(99), None, np.inf)


# ---- time -------------------------------------------------------------------------------------------------------
def test_a_question_of_the_page_waits_for_no_slow_map(fresh):
    faith = Request(INPUTS, {}, {**ASKED, "method": "Score-CAM"})
    with pytest.raises(Problem, match="Score-CAM has not been computed yet .* open the tab Heat"):
        doubt.faith(faith)
    finish(cases.case_of(INPUTS), "Score-CAM")
    found = doubt.faith(faith)
    assert found["score"] == pytest.approx(found["insertion_auc"] - found["deletion_auc"], abs=2e-4)


@pytest.mark.parametrize("kind", ["png", "npz", "csv", "notebook"])
def test_a_file_waits_for_no_slow_map(fresh, monkeypatch, kind):
    monkeypatch.setattr("grad_cam_view.PATIENCE", 0)
    request = Request(INPUTS, {"methods": "Grad-CAM,Occlusion", "target": "4", "layer": 1})
    with pytest.raises(Problem, match="Occlusion has not been computed yet"):
        export.EXPORT[kind](request)
    finish(cases.case_of(INPUTS), "Occlusion")
    assert export.EXPORT[kind](request).data


def test_quick_maps_are_never_put_off(fresh):
    case = cases.case_of(INPUTS)
    names = maps.fast(case, [row["name"] for row in maps.method_table("lenet-mnist")])
    assert len(names) >= 8 and set(maps.signed_maps(case, names, Target(4), case.layer(1))) == set(names)


def test_what_was_worked_on_in_vain_is_gone_on_with(fresh):
    case = cases.case_of(INPUTS)
    shares = []
    while not maps.is_finished(case, "Occlusion", Target(4), None):
        shares.append(maps.slow_map(case, "Occlusion", Target(4), None, 0.002)[1])
    assert shares == sorted(shares) and shares[-1] == 1


def test_a_saved_page_holds_the_slow_maps_that_are_finished(fresh):
    finish(cases.case_of(INPUTS), "Occlusion")
    questions = [
        ["map", {"method": name, **ASKED, "part": part}] for name in ("Score-CAM", "Occlusion") for part in range(80)
    ] + [["faith", {"method": name, **ASKED}] for name in ("Score-CAM", "Occlusion", "Grad-CAM")]
    asked = [json.dumps(question, separators=(",", ":")) for question in questions]
    found = saved.answers(Request(INPUTS, {}, {"asked": asked}))
    assert set(found) == {asked[80], asked[-2], asked[-1]}, "many turns of one map leave room for other answers"
    assert "map" in found[asked[80]] and "score" in found[asked[-1]]

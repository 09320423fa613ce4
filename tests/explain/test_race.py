"""Races: the same points and budget for everyone, and honest bookkeeping."""

from dataclasses import fields, replace

import numpy as np
import pytest

from shared.explain import race as module
from shared.explain.race import AXES, PLAIN, race, racer, variants
from shared.explain.recipes import LEARNERS, OPTIMIZERS, SCHEDULES, Event, Recipe
from shared.explain.training import training
from shared.models.plane_network import ACTIVATIONS
from shared.models.point_sets import load
from shared.problems import Problem
from shared.results import Training

MOONS = load("moons", 40, 0.2, 0.3, 0)
RECIPE = Recipe(hidden_layers=(3,), epochs=3, seed=5, learning_rate=0.02, dropout=0.1)
CHANGED = {"width": {"hidden_layers"}, "regularization": set(PLAIN)}


def run_of(accuracy, validation=True, stopped="", loss=None):
    values = np.array(accuracy, dtype=float)
    pair = np.stack([np.full(len(values), 0.123), values] if validation else [values, values * np.nan], 1)
    losses = pair if loss is None else np.stack([loss, loss], 1)
    return Training(
        np.arange(len(values)), np.zeros((len(values), 3)), np.zeros((len(values), 1)), losses, pair, stopped
    )


@pytest.mark.parametrize("axis", AXES)
def test_variants_differ_only_along_their_axis(axis):
    found = variants(replace(RECIPE, events=(Event(1, "rate", 0.5),)), axis)
    assert 4 <= len(found) <= 6 and all(isinstance(name, str) and name for name in found)
    allowed = CHANGED.get(axis, {axis})
    for recipe in found.values():
        changed = {field.name for field in fields(Recipe) if getattr(recipe, field.name) != getattr(RECIPE, field.name)}
        assert changed <= allowed and recipe.events == ()
    assert len(set(found.values())) == len(found), "each is another"


def test_variants_bear_their_names():
    names = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES, "learner": LEARNERS, "activation": tuple(ACTIVATIONS)}
    for axis, expected in names.items():
        assert tuple(variants(RECIPE, axis)) == expected
        assert all(getattr(recipe, axis) == name for name, recipe in variants(RECIPE, axis).items())
    assert {float(name): recipe.learning_rate for name, recipe in variants(RECIPE, "learning_rate").items()} == {
        rate: rate for rate in (0.002, 0.006, 0.02, 0.06, 0.2)
    }
    assert variants(RECIPE, "width")["8, 8"].hidden_layers == (8, 8)
    assert variants(RECIPE, "regularization")["none"].dropout == 0, "nothing holds this one back"
    assert variants(RECIPE, "regularization")["L2 0.01"].l2 == 0.01


@pytest.mark.parametrize("rate", [1e-6, 1000.0])
def test_rates_at_the_ends_can_race_too(rate):
    found = variants(replace(RECIPE, learning_rate=rate), "learning_rate")
    assert all(1e-6 <= recipe.learning_rate <= 1000 for recipe in found.values()) and len(found) >= 3


@pytest.mark.parametrize("axis", ["", "seed", "<b>"])
def test_no_such_race(axis):
    with pytest.raises(Problem, match="choose one of Optimizers, Learning rates") as refused:
        variants(RECIPE, axis)
    assert str(refused.value).endswith(".")


def test_everyone_has_the_same_points_and_budget(monkeypatch):
    seen, original = [], module.recording
    monkeypatch.setattr(module, "recording", lambda *given: seen.append(given) or original(*given))
    standings = list(race(MOONS, RECIPE, "activation", 2, 0.9))
    assert len(seen) == 8 and all(points is MOONS for points, _ in seen)
    assert [recipe.seed for _, recipe in seen] == [5, 6] * 4 and {recipe.epochs for _, recipe in seen} == {3}
    assert all(standing.total == 8 for standing in standings)
    done = [standing.done for standing in standings]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 8
    assert [len(standing.racers) for standing in standings if standing.done in (1, 2, 8)][-1] == 4
    last = standings[-1].racers
    assert [each.name for each in last] == list(ACTIVATIONS)
    for each in last:
        assert each.loss.shape == each.accuracy.shape == (2, 4) and each.to_target.shape == (2,) and each.lost == 0
        for row, seed in enumerate((5, 6)):
            run = training(MOONS, replace(RECIPE, activation=each.name, seed=seed))
            np.testing.assert_allclose(each.loss[row], run.loss[:, 1], atol=1e-6)
            np.testing.assert_allclose(each.accuracy[row], run.accuracy[:, 1])


def test_the_first_epoch_with_the_wanted_accuracy():
    found = racer("x", [run_of([0.5, 0.89, 0.9, 0.95]), run_of([0.9, 0.1, 0.1, 0.1]), run_of([0.1] * 4)], 3, 0.9)
    assert found.to_target[:2].tolist() == [2, 0] and np.isnan(found.to_target[2]) and found.lost == 0


def test_lost_trainings_are_counted_and_have_no_end():
    runs = [run_of([0.5, 0.95], stopped="lost"), run_of([0.5, 0.6, 0.7, 0.8]), run_of([0.5], stopped="lost")]
    found = racer("x", runs, 3, 0.9)
    assert found.lost == 2 and found.loss.shape == (3, 4)
    np.testing.assert_array_equal(np.isnan(found.accuracy).sum(1), [2, 0, 3])
    assert found.to_target[0] == 1 and np.isnan(found.to_target[1:]).all()


def test_without_validation_points_the_training_points_judge():
    found = racer("x", [run_of([0.1, 0.2], validation=False)], 1, 0.15)
    assert found.accuracy.tolist() == [[0.1, 0.2]] and found.to_target.tolist() == [1]


def test_a_race_with_a_lost_training_goes_on():
    recipe = Recipe(learner="ADALINE", optimizer="SGD", learning_rate=2.0, epochs=60, batch_size=0)
    *_, last = race(MOONS, recipe, "learning_rate", 1, 0.9)
    assert [each.lost for each in last.racers] == [0, 0, 1, 1, 1]

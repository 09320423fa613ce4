"""Recorded trainings: the same for the same seed, true to their own weights, and changed only from an event on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from shared.explain.learner import Trainer
from shared.explain.recipes import Event, Recipe
from shared.explain.training import (
    LARGEST_WEIGHT,
    MOST_KEPT,
    MOST_VALUES,
    Recording,
    kept_epochs,
    recording,
    trainer_for,
    training,
)
from shared.models.plane_network import Shape, build, forward, probabilities
from shared.models.point_sets import load
from shared.results import Points

MOONS, HEAPS = load("moons", 60, 0.2, 0.3, 0), load("blobs", 60, 0.3, 0.3, 0)
SHORT = Recipe(hidden_layers=(6,), epochs=12, batch_size=16)


def by_hand(x, labels, validation=None):
    x, labels = np.asarray(x, np.float32), np.asarray(labels, np.int64)
    held_out = np.zeros(len(x), bool) if validation is None else np.asarray(validation)
    return Points("by hand", x, labels, held_out, ("0", "1"), ("x", "y"), np.zeros(2), np.ones(2))


# ---- a training known from elsewhere ----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def demonstration():
    """Plain gradient descent of a 2-10-2 network on moons: points, shape, and a training of 300 updates."""
    from sklearn.datasets import make_moons
    from sklearn.model_selection import train_test_split

    split = train_test_split(*make_moons(400, noise=0.25, random_state=5), test_size=0.3, random_state=5)
    points = by_hand(np.concatenate(split[:2]), np.concatenate(split[2:]), np.arange(400) >= 280)
    recipe = Recipe(
        hidden_layers=(10,), activation="ReLU", optimizer="SGD", learning_rate=0.2, epochs=300, batch_size=0
    )
    shape = Shape((2, 10, 2), "ReLU", "softmax")
    random, network = np.random.default_rng(5), build(Shape((2, 10, 2), "ReLU", "softmax"), torch.Generator())
    with torch.no_grad():
        for layer, size in ((network[0], (2, 10)), (network[2], (10, 2))):
            layer.weight.copy_(torch.tensor(random.normal(size=size).T * 0.4))
            layer.bias.zero_()
    train = ~points.validation
    trainer = Trainer(recipe, shape, points.x[train], points.labels[train], network)
    return points, shape, training(points, recipe, trainer)


def test_the_demonstration_has_its_known_losses(demonstration):
    _, _, run = demonstration
    assert [round(float(run.loss[epoch, 0]), 4) for epoch in (99, 199, 299)] == [0.3270, 0.3057, 0.2969]
    assert [round(float(run.accuracy[epoch, 0]), 3) for epoch in (99, 199, 299)] == [0.854, 0.850, 0.861]


def test_the_demonstration_has_its_known_saliency(demonstration):
    """After 300 updates: how the probability of class 0 changes with the place of the first test point."""
    points, shape, run = demonstration
    place = torch.tensor(points.x[280:281], dtype=torch.float64, requires_grad=True)
    outputs = forward(shape, torch.tensor(run.weights[-1:], dtype=torch.float64), place)
    probabilities(shape, outputs)[0, 0, 0].backward()
    assert run.epochs[-1] == 300
    np.testing.assert_allclose(place.grad[0], [-0.10720718, 0.11882685], atol=1e-6)


# ---- the same seed, the same bits -------------------------------------------------------------------------------
VARIED = {
    "plain": SHORT,
    "dropout": replace(SHORT, dropout=0.3, batch_norm=True),
    "Perceptron": replace(SHORT, learner="Perceptron", learning_rate=0.1),
    "ADALINE": replace(SHORT, learner="ADALINE"),
}


@pytest.mark.parametrize("name", VARIED)
def test_a_seed_decides_everything(name):
    recipe, state = VARIED[name], torch.get_rng_state()
    first = training(MOONS, recipe)
    torch.manual_seed(123)
    second = training(MOONS, recipe)
    np.testing.assert_array_equal(first.weights, second.weights)
    np.testing.assert_array_equal(first.gradients, second.gradients)
    other = training(MOONS, replace(recipe, seed=1))
    if name != "Perceptron":  # takes the points in their order, from zeros
        assert np.abs(other.weights[-1] - first.weights[-1]).max() > 1e-3
    torch.set_rng_state(state)


def test_trainings_side_by_side_do_not_mix():
    recipes = [replace(SHORT, seed=seed, dropout=0.2) for seed in range(4)]
    alone = [training(MOONS, recipe).weights for recipe in recipes]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda recipe: training(MOONS, recipe).weights, recipes))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_random_numbers_of_the_process_are_left_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    training(MOONS, VARIED["dropout"])
    assert torch.equal(torch.get_rng_state(), before)


# ---- what is recorded -------------------------------------------------------------------------------------------
def network_of(sizes, activation, frame):
    layers, at = [], 0
    for ins, outs in pairwise(sizes):
        linear = nn.Linear(ins, outs)
        linear.weight.data = torch.tensor(frame[at : at + ins * outs]).reshape(outs, ins)
        linear.bias.data = torch.tensor(frame[at + ins * outs : at + ins * outs + outs])
        at += ins * outs + outs
        layers += [linear, activation()]
    assert at == len(frame)
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("points", [MOONS, HEAPS], ids=["two", "three"])
@pytest.mark.parametrize("restraint", [{}, {"batch_norm": True, "dropout": 0.2, "label_smoothing": 0.1, "l1": 0.01}])
def test_curves_are_those_of_the_recorded_weights(points, restraint):
    recipe = replace(SHORT, activation="sigmoid", **restraint)
    run = training(points, recipe)
    assert run.epochs.tolist() == list(range(13)) and run.loss.shape == run.accuracy.shape == (13, 2)
    two = len(points.classes) == 2
    for epoch in (0, 5, 12):
        network = network_of(recipe.shape(len(points.classes)).sizes, nn.Sigmoid, run.weights[epoch])
        for column, some in enumerate((~points.validation, points.validation)):
            x, labels = torch.tensor(points.x[some]), torch.tensor(points.labels[some])
            with torch.no_grad():
                outputs = network(x)
            if two:
                loss = nn.BCEWithLogitsLoss()(outputs[:, 0], labels.float())
                right = (outputs[:, 0] > 0) == (labels == 1)
            else:
                loss, right = nn.CrossEntropyLoss()(outputs, labels), outputs.argmax(1) == labels
            assert run.loss[epoch, column] == pytest.approx(loss.item(), abs=2e-6)
            assert run.accuracy[epoch, column] == pytest.approx(right.float().mean().item())


def test_gradients_are_those_of_the_last_step():
    recipe = replace(SHORT, optimizer="SGD", batch_size=0, learning_rate=0.1)
    run = training(MOONS, recipe)
    assert run.gradients.shape == (13, 2) and not run.gradients[0].any()
    moved = (run.weights[:-1] - run.weights[1:]) / 0.1
    for layer, place in ((0, slice(0, 12)), (1, slice(18, 24))):
        expected = np.sqrt((moved[:, place] ** 2).mean(1))
        np.testing.assert_allclose(run.gradients[1:, layer], expected, rtol=1e-3, atol=1e-5)


def test_without_validation_points_there_are_no_numbers_for_them():
    run = training(load("moons", 30, 0.2, 0.0, 0), SHORT)
    assert np.isnan(run.loss[:, 1]).all() and np.isnan(run.accuracy[:, 1]).all()
    assert np.isfinite(run.loss[:, 0]).all()


@pytest.mark.parametrize("epochs", [1, 60, 199, 200, 777, 2000])
@pytest.mark.parametrize("layers", [(1,), (8, 8), (32,) * 6])
def test_as_many_weights_are_kept_as_fit(epochs, layers):
    recipe = Recipe(hidden_layers=layers, epochs=epochs)
    shape = recipe.shape(10)
    kept = kept_epochs(recipe, shape)
    assert kept[0] == 0 and kept[-1] == epochs and kept == sorted(set(kept))
    assert len(kept) <= MOST_KEPT and len(kept) * shape.weights <= MOST_VALUES
    assert len(kept) == min(epochs + 1, MOST_KEPT, MOST_VALUES // shape.weights)
    gaps = np.diff(kept)
    assert gaps.max() - gaps.min() <= 1


def test_a_long_training_keeps_some_weights_and_all_losses():
    recipe = Recipe(learner="Logistic regression", epochs=450, batch_size=0)
    run = training(MOONS, recipe)
    assert len(run.epochs) == len(run.weights) == len(run.gradients) == 200 and len(run.loss) == 451
    frames = torch.tensor(run.weights)
    outputs = forward(recipe.shape(2), frames, torch.tensor(MOONS.x[MOONS.validation]))[..., 0]
    right = ((outputs > 0) == torch.tensor(MOONS.labels[MOONS.validation] == 1)).float().mean(1)
    np.testing.assert_allclose(run.accuracy[run.epochs, 1], right, atol=1e-6)


def test_a_recording_only_grows_and_what_it_held_stays(monkeypatch):
    monkeypatch.setattr("shared.explain.training.BLOCK", 0.0)
    seen, last = [], None
    for last in recording(MOONS, SHORT):
        seen.append((last.done, [loss[0] for loss in last.loss], list(last.epochs)))
    assert isinstance(last, Recording) and [done for done, *_ in seen] == list(range(13))
    for (_, losses, epochs), (_, more, later) in pairwise(seen):
        assert more[: len(losses)] == losses and later[: len(epochs)] == epochs
    monkeypatch.undo()
    np.testing.assert_array_equal(last.result().weights, training(MOONS, SHORT).weights)
    np.testing.assert_allclose(last.result().loss, training(MOONS, SHORT).loss, atol=1e-6)


# ---- events -----------------------------------------------------------------------------------------------------
PLAIN = training(MOONS, SHORT)
EVENTS = {
    "rate": Event(6, "rate", 0.3),
    "add": Event(6, "add", points=((0.0, 0.0, 1), (0.1, 0.0, 1), (0.0, 0.1, 1))),
    "set": Event(6, "set", 3.0, layer=1, unit=0, source=2),
    "set a bias": Event(6, "set", -2.0, layer=0, unit=5, source=None),
}


@pytest.mark.parametrize("name", EVENTS)
def test_the_history_before_an_event_is_the_same(name):
    changed = training(MOONS, replace(SHORT, events=(EVENTS[name],)))
    np.testing.assert_array_equal(changed.weights[:7], PLAIN.weights[:7])
    np.testing.assert_array_equal(changed.gradients[:7], PLAIN.gradients[:7])
    np.testing.assert_allclose(changed.loss[:7], PLAIN.loss[:7], atol=1e-6)
    assert np.abs(changed.weights[7] - PLAIN.weights[7]).max() > 1e-4


def test_a_rate_counts_from_the_next_epoch_on():
    recipe = replace(SHORT, optimizer="SGD", batch_size=0, learning_rate=0.1)
    plain, changed = training(MOONS, recipe), training(MOONS, replace(recipe, events=(Event(6, "rate", 0.4),)))
    step, larger = (run.weights[7] - run.weights[6] for run in (plain, changed))
    np.testing.assert_allclose(larger, 4 * step, atol=1e-5)


def test_painted_points_are_learned_and_count():
    recipe = replace(SHORT, learner="ADALINE", optimizer="SGD", batch_size=0, learning_rate=0.05)
    added = ((3.0, -2.0, 0), (-2.5, 1.0, 1))
    run = training(MOONS, replace(recipe, events=(Event(6, "add", points=added),)))
    train = ~MOONS.validation
    x = np.vstack([MOONS.x[train], [point[:2] for point in added]]).astype(float)
    labels = np.append(MOONS.labels[train], [point[2] for point in added])
    inputs, signs = np.hstack([x, np.ones((len(x), 1))]), 2.0 * labels - 1
    errors = inputs @ run.weights[6] - signs
    expected = run.weights[6] - 0.05 * 2 * errors @ inputs / len(x)
    np.testing.assert_allclose(run.weights[7], expected, atol=1e-5)
    assert run.loss[7, 0] == pytest.approx(np.mean((inputs @ run.weights[7] - signs) ** 2), abs=1e-5)
    assert run.loss[6, 0] == pytest.approx(PLAIN_ADALINE.loss[6, 0]), "the epoch before is judged without them"
    np.testing.assert_allclose(run.loss[:7, 1], PLAIN_ADALINE.loss[:7, 1], atol=1e-6)


PLAIN_ADALINE = training(MOONS, replace(SHORT, learner="ADALINE", optimizer="SGD", batch_size=0, learning_rate=0.05))


def test_a_weight_is_set_before_the_next_epoch_and_at_once_before_the_first():
    recipe = replace(SHORT, optimizer="SGD", batch_size=0, learning_rate=1e-6)
    set_now = Event(0, "set", 3.0, layer=0, unit=4, source=1)
    first = training(MOONS, replace(recipe, events=(set_now,)))
    assert first.weights[0, 4 * 2 + 1] == 3 and first.weights[1, 9] == pytest.approx(3, abs=1e-4)
    later = training(MOONS, replace(recipe, events=(replace(set_now, epoch=6),)))
    assert later.weights[6, 9] == pytest.approx(training(MOONS, recipe).weights[6, 9])
    assert later.weights[7, 9] == pytest.approx(3, abs=1e-4)


def test_events_of_one_epoch_happen_in_their_order():
    events = tuple(Event(3, "set", value, layer=0, unit=0, source=0) for value in (9.0, -1.0))
    run = training(MOONS, replace(SHORT, optimizer="SGD", learning_rate=1e-6, events=events))
    assert run.weights[4, 0] == pytest.approx(-1, abs=1e-4)


def test_an_event_after_the_last_epoch_changes_nothing():
    run = training(MOONS, replace(SHORT, events=(Event(12, "set", 3.0, layer=0, unit=0, source=0),)))
    np.testing.assert_array_equal(run.weights, PLAIN.weights)


# ---- trainings that fail ----------------------------------------------------------------------------------------
LOST = [
    ({"learner": "ADALINE", "optimizer": "SGD", "learning_rate": 50.0}, "50"),
    ({"activation": "ReLU", "optimizer": "SGD", "learning_rate": 900.0, "hidden_layers": (8, 8, 8)}, "900"),
    ({"activation": "ReLU", "optimizer": "Momentum", "learning_rate": 400.0, "hidden_layers": (32,) * 6}, "400"),
    ({"learner": "ADALINE", "optimizer": "SGD", "learning_rate": 0.1, "events": (Event(4, "rate", 70.0),)}, "70"),
    ({"learner": "ADALINE", "optimizer": "SGD", "learning_rate": 40.0, "schedule": "warm-up"}, "40"),
]


@pytest.mark.parametrize(("change", "rate"), LOST)
@pytest.mark.parametrize("block", [0.0, 60.0], ids=["each epoch", "at the end"])
def test_a_lost_training_says_so_and_keeps_what_is_finite(change, rate, block, monkeypatch):
    monkeypatch.setattr("shared.explain.training.BLOCK", block)
    recipe = replace(SHORT, epochs=40, batch_size=0, **change)
    run = training(MOONS, recipe)
    done = len(run.loss) - 1
    assert 0 <= done < 40
    assert f"lost in epoch {done + 1}:" in run.stopped and f"rate is {rate};" in run.stopped
    assert run.stopped.endswith(".") and len(run.stopped) < 250
    for name in ("weights", "gradients", "loss", "accuracy"):
        assert np.isfinite(getattr(run, name)).all(), name
    assert np.abs(run.weights).max() < LARGEST_WEIGHT and len(run.epochs) == done + 1


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], []])
def test_one_class_alone_is_nothing_to_learn(labels):
    points = by_hand(np.zeros((len(labels), 2)), labels)
    run = training(points, SHORT)
    assert run.stopped.startswith("There is nothing to tell apart yet") and run.stopped.endswith(".")
    assert len(run.loss) == 1 and run.epochs.tolist() == [0]


def test_the_other_class_may_be_painted():
    points = by_hand([[0, 0], [1, 0], [0, 1]], [0, 0, 0])
    run = training(points, replace(SHORT, epochs=60, events=(Event(0, "add", points=((4.0, 4.0, 1), (5.0, 4.0, 1))),)))
    assert not run.stopped and run.accuracy[-1, 0] == 1


def test_the_trainer_never_sees_what_is_held_out():
    trainer = trainer_for(MOONS, SHORT)
    np.testing.assert_array_equal(trainer.x, MOONS.x[~MOONS.validation])
    np.testing.assert_array_equal(trainer.labels, MOONS.labels[~MOONS.validation])

"""Recipes: what is refused, what shapes follow, and learning rates against torch's own schedulers."""

import math

import pytest
import torch

from shared.explain.recipes import LEARNERS, OPTIMIZERS, SCHEDULES, Event, Recipe, rate_factor, rates
from shared.problems import Problem


def scheduled(make, epochs, rate=0.2):
    """The learning rate of each epoch under one of torch's schedulers, stepped after each."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make(optimizer)
    found = []
    for epoch in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if epoch < epochs - 1:
            scheduler.step()
    return found


@pytest.mark.parametrize("epochs", [5, 10, 37, 60, 400])
def test_one_cycle_is_that_of_torch(epochs):
    def make(optimizer):
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=epochs, cycle_momentum=False)

    found = rates(Recipe(learning_rate=0.2, schedule="one-cycle", epochs=epochs))
    assert found == pytest.approx(scheduled(make, epochs), rel=1e-6)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_very_short_cycles_have_rates_too(epochs):
    found = rates(Recipe(learning_rate=0.2, schedule="one-cycle", epochs=epochs))
    assert len(found) == epochs and all(0 < rate <= 0.2 for rate in found)


@pytest.mark.parametrize("epochs", [1, 2, 60])
def test_cosine_is_that_of_torch(epochs):
    found = rates(Recipe(learning_rate=0.2, schedule="cosine", epochs=epochs))
    expected = scheduled(lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs), epochs)
    assert found == pytest.approx(expected, abs=1e-9)


def test_steps_halve_the_rate_after_each_fourth():
    found = rates(Recipe(learning_rate=0.8, schedule="step", epochs=40))
    assert found == pytest.approx([0.8] * 10 + [0.4] * 10 + [0.2] * 10 + [0.1] * 10)
    expected = scheduled(lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 10, 0.5), 40, 0.8)
    assert found == pytest.approx(expected)


def test_warm_up_rises_evenly_and_stays():
    found = rates(Recipe(learning_rate=0.5, schedule="warm-up", epochs=40))
    assert found == pytest.approx([0.125, 0.25, 0.375, 0.5] + [0.5] * 36)
    assert rates(Recipe(learning_rate=0.5, schedule="warm-up", epochs=3)) == [0.5] * 3


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("epochs", [1, 2, 7, 60, 2000])
def test_every_schedule_gives_each_epoch_a_rate(schedule, epochs):
    factors = [rate_factor(schedule, epoch, epochs) for epoch in range(1, epochs + 1)]
    assert all(math.isfinite(factor) and 0 <= factor <= 1 for factor in factors)
    assert len(rates(Recipe(schedule=schedule, epochs=epochs))) == epochs


def test_a_change_of_the_rate_counts_from_the_next_epoch_on_and_keeps_the_schedule():
    events = (Event(30, "rate", 0.3), Event(10, "rate", 0.05), Event(20, "add", points=((0, 0, 1),)))
    found = rates(Recipe(learning_rate=0.1, epochs=40, events=events))
    assert found == pytest.approx([0.1] * 10 + [0.05] * 20 + [0.3] * 10)
    halved = rates(Recipe(learning_rate=0.1, epochs=40, schedule="step", events=(Event(15, "rate", 0.4),)))
    assert halved == pytest.approx([0.1] * 10 + [0.05] * 5 + [0.2] * 5 + [0.1] * 10 + [0.05] * 10)


def test_changes_at_the_ends():
    assert rates(Recipe(learning_rate=0.1, epochs=4, events=(Event(0, "rate", 0.7),))) == [0.7] * 4
    assert rates(Recipe(learning_rate=0.1, epochs=4, events=(Event(4, "rate", 0.7),))) == [0.1] * 4
    assert rates(Recipe(learning_rate=0.1, epochs=4, events=(Event(9, "rate", 0.7),))) == [0.1] * 4


@pytest.mark.parametrize("values", [(0.2, 0.9), (0.9, 0.2)])
def test_of_two_changes_after_one_epoch_the_later_counts(values):
    events = tuple(Event(2, "rate", value) for value in values)
    assert rates(Recipe(learning_rate=0.1, epochs=4, events=events)) == [0.1, 0.1, values[1], values[1]]


@pytest.mark.parametrize(
    ("learner", "classes", "sizes", "output"),
    [
        ("MLP", 2, (2, 8, 8, 1), "sigmoid"), ("MLP", 3, (2, 8, 8, 3), "softmax"),
        ("Logistic regression", 2, (2, 1), "sigmoid"), ("Logistic regression", 10, (2, 10), "softmax"),
        ("Perceptron", 2, (2, 1), "step"), ("Perceptron", 3, (2, 3), "step"),
        ("ADALINE", 2, (2, 1), "linear"), ("ADALINE", 3, (2, 3), "linear"),
    ],
)  # fmt: skip
def test_shapes_of_learners(learner, classes, sizes, output):
    shape = Recipe(learner=learner, batch_norm=True, dropout=0.2).shape(classes)
    assert shape.sizes == sizes and shape.output == output
    assert (shape.batch_norm, shape.dropout) == ((True, 0.2) if learner == "MLP" else (False, 0.0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learner": "SVM"}, "no learner 'SVM'; choose one of MLP"),
        ({"optimizer": "<b>"}, "no optimizer '<b>'; choose one of SGD"),
        ({"schedule": ""}, "no schedule ''"),
        ({"activation": "x" * 9000}, "no activation 'xxx"),
        ({"initialization": "random"}, "dead ReLU"),
        ({"learning_rate": 0.0}, "learning rate lies between"),
        ({"learning_rate": math.nan}, "learning rate lies between"),
        ({"learning_rate": math.inf}, "learning rate lies between"),
        ({"epochs": 0}, "epochs lies between 1 and 2000"),
        ({"epochs": 2001}, "epochs lies between 1 and 2000"),
        ({"batch_size": -1}, "batch size"),
        ({"dropout": 1.0}, "dropout"),
        ({"l1": -0.1}, "l1"),
        ({"l2": 11.0}, "l2"),
        ({"label_smoothing": 1.0}, "label smoothing"),
        ({"hidden_layers": (8,) * 7}, "at most 6 hidden layers"),
        ({"hidden_layers": (33,)}, "1 to 32 units"),
        ({"hidden_layers": (8, 0)}, "1 to 32 units"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_trained_is_refused(change, words):
    with pytest.raises(Problem) as refused:
        Recipe(**change)
    assert words in str(refused.value) and str(refused.value).endswith(".") and len(str(refused.value)) < 200


def test_everything_that_is_offered_can_be_made():
    for learner in LEARNERS:
        for optimizer in OPTIMIZERS:
            assert Recipe(learner=learner, optimizer=optimizer).shape(2).sizes[0] == 2

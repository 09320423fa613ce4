"""One learner: Rosenblatt's and Widrow's rules, losses, first weights and optimizers against torch by hand."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from shared.explain.learner import Trainer, answers, losses, new_network, perceptron_epoch
from shared.explain.recipes import INITIALIZATIONS, OPTIMIZERS, Event, Recipe
from shared.models.plane_network import Shape, build, flat_weights, linear_layers

CORNERS = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
AND, XOR = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 1, 0])
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(0, 1, (41, 2)).astype(np.float32)
TWO, THREE = (X[:, 0] * X[:, 1] > 0).astype(np.int64), (np.arange(41) % 3).astype(np.int64)


def zeros(outputs, output):
    network = build(Shape((2, outputs), output=output), torch.Generator())
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return network


def trainer_of(labels=TWO, network=None, **recipe):
    recipe = Recipe(**{"learning_rate": 0.05, "batch_size": 0, "hidden_layers": (5,), **recipe})
    return Trainer(recipe, recipe.shape(int(labels.max()) + 1), X, labels, network)


# ---- the Perceptron ---------------------------------------------------------------------------------------------
def test_the_perceptron_learns_and_in_eighteen_corrections():
    network = zeros(1, "step")
    counts = [perceptron_epoch(network, CORNERS, AND, 1.0) for _ in range(12)]
    assert sum(counts) == 18 and counts[-1] == 0 and 0 not in counts[:6]
    assert flat_weights(network).tolist() == [3, 2, -4]
    assert answers(network(CORNERS)).tolist() == AND.tolist()


def test_the_perceptron_never_rests_on_xor():
    network, weights = zeros(1, "step"), []
    for _ in range(20):
        assert perceptron_epoch(network, CORNERS, XOR, 1.0) > 0
        weights.append(flat_weights(network).tolist())
    assert any(weights[epoch:] == [weights[epoch]] * (20 - epoch) for epoch in range(10)), "it walks in a circle"


@pytest.mark.parametrize("labels", [TWO, THREE], ids=["two", "three"])
def test_the_perceptron_is_rosenblatts_rule(labels):
    classes = int(labels.max()) + 1
    network, weights = zeros(1 if classes == 2 else 3, "step"), np.zeros((1 if classes == 2 else 3, 3))
    for rate in (1.0, 0.25):
        before, corrected = weights.copy(), 0
        for (x, y), label in zip(X.astype(float), labels, strict=True):
            wrong = False
            for row, unit in enumerate(weights):
                target = 1 if label == (1 if classes == 2 else row) else -1
                if target * (unit[0] * x + unit[1] * y + unit[2]) <= 0:
                    unit += rate * target * np.array([x, y, 1])
                    wrong = True
            corrected += wrong
        assert perceptron_epoch(network, torch.tensor(X), torch.tensor(labels), rate) == corrected > 0
        np.testing.assert_allclose(network[0].weight.detach(), weights[:, :2], atol=1e-5)
        np.testing.assert_allclose(network[0].bias.detach(), weights[:, 2], atol=1e-5)
        step = (weights - before)[:, :2] / (rate * len(X))
        np.testing.assert_allclose(network[0].weight.grad, -step, atol=1e-6)


# ---- ADALINE ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("labels", [TWO, THREE], ids=["two", "three"])
def test_adaline_ends_at_least_squares(labels):
    trainer = trainer_of(labels, learner="ADALINE", optimizer="SGD", learning_rate=0.2)
    assert not flat_weights(trainer.network).any(), "it begins with zeros"
    for _ in range(250):
        trainer.epoch(0.2)
    targets = 2 * (labels[:, None] == ([1] if labels is TWO else [0, 1, 2])) - 1
    solution = np.linalg.lstsq(np.hstack([X, np.ones((len(X), 1))]).astype(float), targets.astype(float))[0]
    np.testing.assert_allclose(trainer.network[0].weight.detach(), solution[:2].T, atol=1e-4)
    np.testing.assert_allclose(trainer.network[0].bias.detach(), solution[2], atol=1e-4)


# ---- losses and answers -----------------------------------------------------------------------------------------
OUTPUTS = torch.tensor(np.random.default_rng(3).normal(0, 2, (4, 41, 1)))
WIDE = torch.tensor(np.random.default_rng(4).normal(0, 2, (4, 41, 3)))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropies_are_those_of_torch(smoothing):
    labels = torch.tensor(THREE)
    found = losses(Shape((2, 3), output="softmax"), WIDE, labels, smoothing)
    for frame, row in zip(WIDE, found, strict=True):
        assert row.mean() == pytest.approx(nn.CrossEntropyLoss(label_smoothing=smoothing)(frame, labels).item())
    labels = torch.tensor(TWO)
    found = losses(Shape((2, 1)), OUTPUTS, labels, smoothing)
    both = torch.cat([torch.zeros_like(OUTPUTS), OUTPUTS], -1)  # a softmax over (0, f) is a sigmoid of f
    for frame, row in zip(both, found, strict=True):
        assert row.mean() == pytest.approx(nn.CrossEntropyLoss(label_smoothing=smoothing)(frame, labels).item())


def test_losses_of_the_linear_learners():
    signs = 2.0 * TWO - 1
    f = OUTPUTS[..., 0].numpy()
    np.testing.assert_allclose(
        losses(Shape((2, 1), output="linear"), OUTPUTS, torch.tensor(TWO)), (f - signs) ** 2, rtol=1e-6
    )
    np.testing.assert_allclose(
        losses(Shape((2, 1), output="step"), OUTPUTS, torch.tensor(TWO)), np.maximum(0, -signs * f), rtol=1e-6
    )
    signs = 2.0 * (THREE[:, None] == np.arange(3)) - 1
    found = losses(Shape((2, 3), output="linear"), WIDE, torch.tensor(THREE))
    np.testing.assert_allclose(found, ((WIDE.numpy() - signs) ** 2).mean(-1), rtol=1e-6)
    found = losses(Shape((2, 3), output="step"), WIDE, torch.tensor(THREE))
    np.testing.assert_allclose(found, np.maximum(0, -signs * WIDE.numpy()).mean(-1), rtol=1e-6)


def test_answers():
    assert answers(torch.tensor([[-1.0], [0.0], [0.1]])).tolist() == [0, 0, 1]
    assert answers(torch.tensor([[[0.0, 2, 1], [5, 2, 1]]])).tolist() == [[1, 0]]


# ---- first weights ----------------------------------------------------------------------------------------------
def test_first_weights_have_their_names():
    shape = Shape((2, 8, 8, 1), "ReLU")
    found = {}
    for name in INITIALIZATIONS:
        network = new_network(Recipe(initialization=name), shape, torch.Generator().manual_seed(1))
        found[name] = flat_weights(network)
        if name == "dead ReLU":
            first = [linear for linear, _ in linear_layers(network)][0]
            assert (first.bias == -5).all() and not torch.relu(first(torch.tensor(X))).any()
    torch.testing.assert_close(found["small"], found["default"] / 100)
    torch.testing.assert_close(found["large"], found["default"] * 5)
    assert not found["zeros"].any() and found["default"].all()


# ---- optimizers -------------------------------------------------------------------------------------------------
MADE = {
    "SGD": lambda groups: torch.optim.SGD(groups, lr=0.05),
    "Momentum": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9),
    "Nesterov": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True),
    "RMSProp": lambda groups: torch.optim.RMSprop(groups, lr=0.05),
    "Adam": lambda groups: torch.optim.Adam(groups, lr=0.05),
    "AdamW": lambda groups: torch.optim.AdamW(groups, lr=0.05),
}


@pytest.mark.parametrize("l2", [0.0, 0.03])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_is_that_of_torch(name, l2):
    trainer = trainer_of(THREE, optimizer=name, l2=l2, batch_size=16, l1=0.002, label_smoothing=0.1, activation="GELU")
    torch.manual_seed(9)
    network = nn.Sequential(nn.Linear(2, 5), nn.GELU(), nn.Linear(5, 3))
    network.load_state_dict(trainer.network.state_dict())
    weights, biases = [network[0].weight, network[2].weight], [network[0].bias, network[2].bias]
    optimizer = MADE[name]([{"params": weights, "weight_decay": l2}, {"params": biases, "weight_decay": 0}])
    random = torch.Generator()
    random.set_state(trainer.random.get_state())
    x, labels = torch.tensor(X), torch.tensor(THREE)
    for rate in (0.05, 0.01):
        for group in optimizer.param_groups:
            group["lr"] = rate
        order = torch.randperm(41, generator=random)
        for batch in order.tensor_split(3):
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(x[batch]), labels[batch], label_smoothing=0.1)
            (loss + 0.002 * sum(weight.abs().sum() for weight in weights)).backward()
            optimizer.step()
        trainer.epoch(rate)
    torch.testing.assert_close(flat_weights(trainer.network), flat_weights(network), atol=1e-5, rtol=1e-4)
    expected = torch.cat([weight.grad.flatten() for weight in weights])
    torch.testing.assert_close(trainer.gradient(), expected, atol=1e-5, rtol=1e-3)


def test_weight_decay_spares_biases_and_batch_norm():
    trainer = trainer_of(l2=0.5, batch_norm=True)
    decays = {id(each): group["weight_decay"] for group in trainer.optimizer.param_groups for each in group["params"]}
    for name, parameter in trainer.network.named_parameters():
        assert decays[id(parameter)] == (0.5 if parameter.ndim == 2 else 0.0), name


# ---- batches ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("size", "batch_norm", "sizes"),
    [
        (16, False, [14, 14, 13]), (20, False, [14, 14, 13]), (40, False, [21, 20]), (1, False, [1] * 41),
        (1, True, [3] + [2] * 19), (2, True, [3] + [2] * 19), (16, True, [14, 14, 13]),
    ],
)  # fmt: skip
def test_batches_hold_each_point_once(size, batch_norm, sizes):
    trainer = trainer_of(batch_size=size, batch_norm=batch_norm)
    first, second = list(trainer.batches()), list(trainer.batches())
    assert [len(batch) for batch in first] == sizes
    assert sorted(torch.cat(first).tolist()) == list(range(41))
    assert torch.cat(first).tolist() != torch.cat(second).tolist(), "each epoch has an order of its own"


@pytest.mark.parametrize("size", [0, 41, 500])
def test_all_points_at_once_keep_their_order(size):
    assert list(trainer_of(batch_size=size).batches()) == [slice(None)]


@pytest.mark.parametrize("size", [1, 2, 40])
def test_batch_norm_never_meets_a_lonely_point(size):
    trainer = trainer_of(batch_size=size, batch_norm=True)
    trainer.epoch(0.01)
    assert flat_weights(trainer.network).isfinite().all()


# ---- what is done in mid-run ------------------------------------------------------------------------------------
def test_points_join_and_weights_are_set():
    trainer = trainer_of(THREE)
    trainer.apply(Event(0, "add", points=((0.5, -1.25, 2), (9.0, 9.0, 0))))
    assert trainer.x[-2:].tolist() == [[0.5, -1.25], [9, 9]] and trainer.labels[-2:].tolist() == [2, 0]
    assert len(trainer.x) == len(trainer.labels) == 43
    trainer.apply(Event(0, "set", 2.5, layer=1, unit=2, source=4))
    assert trainer.network[2].weight[2, 4] == 2.5
    before = flat_weights(trainer.network)
    trainer.apply(Event(0, "rate", 0.5))
    trainer.apply(Event(0, "add"))
    assert torch.equal(flat_weights(trainer.network), before) and len(trainer.x) == 43

"""Small networks: many moments at once against torch, and against scikit-learn with the same weights."""

import numpy as np
import pytest
import torch
from torch import nn

from shared.models.plane_network import (
    ACTIVATIONS,
    OUTPUTS,
    SeededDropout,
    Shape,
    build,
    flat_weights,
    forward,
    layer_values,
    linear_layers,
    probabilities,
    set_weight,
)

POINTS = torch.tensor(np.random.default_rng(0).normal(0, 2, (40, 2)), dtype=torch.float32)


def seeded(number=0):
    return torch.Generator().manual_seed(number)


def used(shape, seed=0):
    """A network whose batch norms have seen points and have scales and shifts of their own."""
    network = build(shape, seeded(seed))
    for _ in range(5 if shape.batch_norm else 0):
        network(POINTS + 0.3)
    random = seeded(seed + 50)
    for layer in network:
        if isinstance(layer, nn.BatchNorm1d):
            nn.init.uniform_(layer.weight, -2, 2, generator=random)
            nn.init.uniform_(layer.bias, -1, 1, generator=random)
    return network.eval()


@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch norm"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_moments_are_the_networks_of_torch(activation, batch_norm):
    shape = Shape((2, 7, 5, 3), activation, "softmax", batch_norm, dropout=0.4)
    networks = [used(shape, seed) for seed in range(4)]
    frames = torch.stack([flat_weights(network) for network in networks])
    assert frames.shape == (4, shape.weights) and shape.weights == 2 * 7 + 7 + 7 * 5 + 5 + 5 * 3 + 3
    found = forward(shape, frames, POINTS)
    with torch.no_grad():
        expected = torch.stack([network(POINTS) for network in networks])
    assert found.shape == (4, 40, 3)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-5)


def test_hidden_values_are_those_behind_each_activation():
    shape = Shape((2, 6, 4, 1), "ReLU")
    network = used(shape)
    values = layer_values(shape, flat_weights(network)[None], POINTS)
    with torch.no_grad():
        for found, depth in zip(values, (2, 4, 5), strict=True):
            torch.testing.assert_close(found[0], network[:depth](POINTS), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("sizes", [(2, 1), (2, 4)])
def test_learners_without_hidden_layers_are_one_linear_map(sizes):
    shape = Shape(sizes, output="step")
    weights = torch.arange(1.0, shape.weights + 1)
    matrix, bias = weights[: 2 * sizes[1]].reshape(sizes[1], 2), weights[2 * sizes[1] :]
    torch.testing.assert_close(forward(shape, weights[None], POINTS)[0], POINTS @ matrix.T + bias)


def test_the_first_weights_come_from_their_generator_alone():
    shape = Shape((2, 5, 1), dropout=0.5)
    state = torch.get_rng_state()
    one, again, other = (flat_weights(build(shape, seeded(seed))) for seed in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)
    assert one[:15].abs().max() <= 1 / np.sqrt(2) and one[15:].abs().max() <= 1 / np.sqrt(5)
    many = flat_weights(build(Shape((2, 32, 32, 1)), seeded()))[96:1120]
    assert many.abs().max() <= 32**-0.5 and many.std() == pytest.approx(32**-0.5 / np.sqrt(3), rel=0.05)


def test_dropout_drops_its_share_keeps_the_mean_and_rests_in_evaluation():
    layer, values = SeededDropout(0.3, seeded()), torch.ones(200, 100)
    found = layer(values)
    assert (found == 0).float().mean() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_allclose(found[found > 0], 1 / 0.7, rtol=1e-6)
    assert not torch.equal(layer(values), found), "it goes on drawing"
    assert torch.equal(layer.eval()(values), values)


def test_batch_norm_stands_between_a_linear_layer_and_its_activation():
    network = build(Shape((2, 3, 3, 1), "GELU", batch_norm=True, dropout=0.1), seeded())
    kinds = [type(layer) for layer in network]
    hidden = [nn.Linear, nn.BatchNorm1d, nn.GELU, SeededDropout]
    assert kinds == [*hidden, *hidden, nn.Linear]
    assert [norm is not None for _, norm in linear_layers(network)] == [True, True, False]


# ---- one weight by hand -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize(
    ("layer", "unit", "source", "place"),
    [
        (0, 2, 1, 2 * 2 + 1),
        (0, 3, None, 8 + 3),
        (1, 0, 3, 12 + 3),
        (1, 1, None, 20 + 1),
        (2, 0, 1, 23),
        (2, 0, None, 24),
    ],
)
def test_a_weight_set_by_hand_is_the_one_that_is_read(layer, unit, source, place, batch_norm):
    shape = Shape((2, 4, 2, 1), batch_norm=batch_norm)
    network = used(shape)
    before = flat_weights(network)
    set_weight(network, layer, unit, source, -1.75)
    after = flat_weights(network)
    assert after[place] == pytest.approx(-1.75, abs=1e-5)
    changed = torch.nonzero((after - before).abs() > 1e-6).flatten().tolist()
    assert changed == [place]
    with torch.no_grad():
        torch.testing.assert_close(forward(shape, after[None], POINTS)[0], network(POINTS), atol=1e-5, rtol=1e-5)


# ---- probabilities ----------------------------------------------------------------------------------------------
F = np.array([[-30.0], [-1.0], [-0.4], [0.0], [1e-7], [0.2], [1.0], [5.0]])
ONE = {
    "sigmoid": 1 / (1 + np.exp(-F[:, 0])),
    "step": np.array([0, 0, 0, 0, 1, 1, 1, 1.0]),
    "linear": np.array([0, 0, 0.3, 0.5, 0.5, 0.6, 1, 1]),
}


@pytest.mark.parametrize("output", ONE)
def test_probabilities_of_two_classes(output):
    found = probabilities(Shape((2, 1), output=output), torch.tensor(F)).numpy()
    np.testing.assert_allclose(found, np.stack([1 - ONE[output], ONE[output]], 1), atol=1e-6)


K = np.array([[2.0, -1.0, 0.5], [-3.0, -2.0, -1.5], [0.0, 0.0, -1.0], [0.2, 0.6, -5.0]])
SEVERAL = {
    "softmax": np.exp(K) / np.exp(K).sum(1, keepdims=True),
    "step": np.array([[1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0.0]]),
    "linear": np.array([[1 / 1.75, 0, 0.75 / 1.75], [1 / 3] * 3, [0.5, 0.5, 0], [0.6 / 1.4, 0.8 / 1.4, 0]]),
}


@pytest.mark.parametrize("output", SEVERAL)
def test_probabilities_of_several_classes(output):
    shape = Shape((2, 3), output=output)
    found = probabilities(shape, torch.tensor(K)).numpy()
    np.testing.assert_allclose(found, SEVERAL[output], atol=1e-9)
    many = torch.tensor(np.random.default_rng(1).normal(0, 3, (2, 50, 3)))
    np.testing.assert_allclose(probabilities(shape, many).sum(-1), 1)


def test_every_kind_of_output_is_known():
    assert set(OUTPUTS) == set(ONE) | set(SEVERAL)


# ---- scikit-learn -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("activation", "theirs"), [("ReLU", "relu"), ("tanh", "tanh"), ("sigmoid", "logistic")])
def test_boundaries_are_those_of_scikit_learn(classes, activation, theirs):
    from sklearn.neural_network import MLPClassifier

    labels = np.arange(len(POINTS)) % classes
    model = MLPClassifier((6, 5), activation=theirs, max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(POINTS.numpy(), labels)
    outputs = 1 if classes == 2 else classes
    shape = Shape((2, 6, 5, outputs), activation, "sigmoid" if classes == 2 else "softmax")
    random = np.random.default_rng(classes)
    model.coefs_ = [random.normal(0, 1.5, coefficients.shape) for coefficients in model.coefs_]
    model.intercepts_ = [random.normal(0, 0.5, intercepts.shape) for intercepts in model.intercepts_]
    pairs = zip(model.coefs_, model.intercepts_, strict=True)
    frame = np.concatenate([part for weight, bias in pairs for part in (weight.T.ravel(), bias)])
    places = np.stack(np.meshgrid(np.linspace(-4, 4, 41), np.linspace(-4, 4, 41)), -1).reshape(-1, 2)
    found = probabilities(shape, forward(shape, torch.tensor(frame)[None], torch.tensor(places))).numpy()[0]
    np.testing.assert_allclose(found, model.predict_proba(places), atol=1e-9)
    answers = found.argmax(1)
    np.testing.assert_array_equal(answers, model.predict(places))
    assert len(set(answers.tolist())) >= 2, "there is a boundary"

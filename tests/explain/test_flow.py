"""Rollout, gradient x attention and their agreement."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from shared.explain.attention import attention
from shared.explain.flow import gradient_attention, rank_correlation, rollout, token_flow
from shared.explain.occlusion import occlude_each_word
from shared.models.encoding import encode

TEXT = "the cat sat on the mat"


def random_attention(layers=3, heads=2, tokens=5):
    weights = np.random.default_rng(0).random((layers, heads, tokens, tokens))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def test_identity_rolls_out_to_identity():
    identity = np.broadcast_to(np.eye(4, dtype=np.float32), (3, 2, 4, 4))
    np.testing.assert_allclose(rollout(identity), np.eye(4), atol=1e-7)


def test_rollout_by_loops():
    """Abnar & Zuidema 2020, equation 1, one number at a time."""
    weights = random_attention()
    layers, heads, tokens, _ = weights.shape
    flow = [[float(i == j) for j in range(tokens)] for i in range(tokens)]
    for layer in range(layers):
        mixed = [
            [
                sum(float(weights[layer, h, i, j]) for h in range(heads)) / heads / 2 + (i == j) / 2
                for j in range(tokens)
            ]
            for i in range(tokens)
        ]
        flow = [[sum(mixed[i][k] * flow[k][j] for k in range(tokens)) for j in range(tokens)] for i in range(tokens)]
    found = rollout(weights)
    np.testing.assert_allclose(found, flow, atol=1e-6)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)
    assert not np.allclose(found, rollout(weights[::-1]), atol=1e-3)  # the order of layers matters


def test_causal_rollout_stays_causal(toy_gpt2):
    found = rollout(attention(toy_gpt2, encode(toy_gpt2, TEXT)).weights)
    assert np.abs(np.triu(found, 1)).max() == 0


@pytest.mark.parametrize("name", ["toy_bert", "toy_gpt2", "toy_llama"])
def test_gradients_equal_those_of_transformers(request, name):
    """The same from an eager network whose parameters need gradients, as any textbook would do it."""
    import copy

    model = request.getfixturevalue(name)
    encoded = encode(model, TEXT)
    network = copy.deepcopy(model.networks[encoded.task]).requires_grad_(True)
    network.set_attn_implementation("eager")
    output = network(**encoded.inputs, output_attentions=True)
    logits = output.logits[0, -1] if model.causal else output.logits[0]
    gradients = torch.autograd.grad(logits.max(), output.attentions)
    expected = sum((a * g).relu().sum((0, 1)) for a, g in zip(output.attentions, gradients, strict=True))
    found, weights = gradient_attention(model, encoded)
    np.testing.assert_allclose(found, expected.detach().numpy(), atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(weights, attention(model, encoded).weights, atol=1e-6)
    assert found.max() > 0


def test_no_gradient_stays_on_the_network(toy):
    gradient_attention(toy, encode(toy, TEXT))
    with torch.no_grad():
        gradient_attention(toy, encode(toy, TEXT))
    for network in toy.networks.values():
        assert all(parameter.grad is None and not parameter.requires_grad for parameter in network.parameters())


def test_token_flow(toy):
    encoded = encode(toy, "the playing cat sat")
    found = token_flow(toy, encoded)
    assert found.words == encoded.word_texts
    for opinion in (found.rollout, found.gradient_attention, found.occlusion):
        assert opinion.dtype == np.float32
        assert opinion.shape == (len(found.words),)
        assert opinion.min() >= 0
        assert opinion.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(np.diag(found.correlation), 1, atol=1e-6)
    np.testing.assert_allclose(found.correlation, found.correlation.T)
    occlusion = occlude_each_word(toy, encoded)
    np.testing.assert_allclose(found.occlusion, np.abs(occlusion.change) / np.abs(occlusion.change).sum(), atol=1e-4)


def test_rollout_is_read_where_the_answer_is_made(toy_bert, toy_vectors, toy_gpt2):
    for model, text, row in [
        (toy_bert, TEXT, 0),
        (toy_bert, "the cat [MASK] on", 3),
        (toy_gpt2, TEXT, -1),
        (toy_vectors, TEXT, slice(None)),
    ]:
        encoded = encode(model, text)
        flow = rollout(attention(model, encoded).weights)[row].reshape(-1, len(encoded.tokens)).mean(0)
        expected = np.array([flow[encoded.words == word].sum() for word in range(len(encoded.word_texts))])
        found = token_flow(model, encoded).rollout
        np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-5)


def test_rank_correlation():
    rows = np.random.default_rng(1).integers(0, 6, (3, 12)).astype(float)
    np.testing.assert_allclose(rank_correlation(rows), spearmanr(rows, axis=1).statistic, atol=1e-6)
    constant = rank_correlation(np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    assert np.isnan(constant[0]).all()
    assert constant[1, 2] == pytest.approx(-1)

"""Queries and keys explain the attention of every architecture."""

import numpy as np
import pytest

from shared.explain.attention import attention
from shared.explain.query_key import query_key
from shared.models.encoding import encode
from shared.problems import Problem


def test_the_scores_give_the_networks_attention(toy):
    encoded = encode(toy, "the cat sat on the mat")
    recorded = attention(toy, encoded).weights
    for layer in range(toy.layers):
        for head in range(toy.heads):
            found = query_key(toy, encoded, layer, head)
            np.testing.assert_allclose(found.attention, recorded[layer, head], atol=1e-6)
            assert found.error < 1e-4
            by_hand = np.exp(found.scale * found.query.astype(float) @ found.key.T)
            if toy.causal:
                by_hand = np.tril(by_hand)
                assert np.isneginf(found.scores[0, 1:]).all()
            np.testing.assert_allclose(by_hand / by_hand.sum(-1, keepdims=True), recorded[layer, head], atol=1e-4)


def test_heads_share_keys_under_grouped_queries(toy_llama):
    encoded = encode(toy_llama, "the cat sat")
    keys = [query_key(toy_llama, encoded, 1, head).key for head in range(4)]
    assert np.array_equal(keys[0], keys[1])
    assert np.array_equal(keys[2], keys[3])
    assert not np.array_equal(keys[1], keys[2])


@pytest.mark.parametrize("place", [(3, 0), (0, 4), (-1, 0)])
def test_no_such_head(toy_bert, place):
    with pytest.raises(Problem, match=r"choose layers 0-2 and heads 0-3"):
        query_key(toy_bert, encode(toy_bert, "the cat"), *place)


def test_real_networks(minilm, induction):
    for model, text in ((minilm, "The bank raised its interest rates."), (induction, "xk3jx")):
        assert query_key(model, encode(model, text), 1, 2 % model.heads).error < 1e-4

"""A head that is switched off is a head whose output is zero, nothing else."""

import numpy as np
import pytest
import torch

from shared.explain import batches
from shared.explain.ablation import switch_off, switch_off_each_head
from shared.explain.occlusion import occlude_each_word
from shared.explain.prediction import change, outcome, predict
from shared.models.encoding import encode
from shared.problems import Problem

TEXT = "the cat sat on the mat"


def output_projections(network):
    """The layers that read the concatenated heads, in order."""
    names = ("attention.output.dense", "attn.c_proj", "self_attn.o_proj")
    return [module for name, module in network.named_modules() if name.endswith(names)]


def zeroed_by_hand(model, encoded, layer, head):
    """The outcome while a slice of the input of a layer's output projection is zero."""
    network = model.networks[encoded.task]

    def zero(module, arguments):
        hidden = arguments[0].clone()
        width = hidden.shape[-1] // model.heads
        hidden[..., head * width : (head + 1) * width] = 0
        return (hidden, *arguments[1:])

    hook = output_projections(network)[layer].register_forward_pre_hook(zero)
    try:
        with torch.no_grad():
            return outcome(model, encoded)
    finally:
        hook.remove()


def test_equals_zeroing_by_hand(toy):
    encoded = encode(toy, TEXT)
    found = switch_off_each_head(toy, encoded)
    assert found.change.shape == (3, 4)
    with torch.no_grad():
        untouched = outcome(toy, encoded)[0]
    expected = [
        [change(encoded, zeroed_by_hand(toy, encoded, layer, head), untouched)[0] for head in range(4)]
        for layer in range(3)
    ]
    np.testing.assert_allclose(found.change, expected, atol=2e-6)
    assert np.abs(found.change).max() > 1e-4
    assert found.baseline.answer == predict(toy, encoded).answer


def test_masked_words_too(toy_bert):
    encoded = encode(toy_bert, "the [MASK] sat on the mat")
    found = switch_off_each_head(toy_bert, encoded)
    after = zeroed_by_hand(toy_bert, encoded, 1, 2).softmax(-1)[0, found.baseline.target]
    assert found.change[1, 2] == pytest.approx(float(after) - found.baseline.probability, abs=2e-6)


def test_batches_change_nothing(toy, monkeypatch):
    encoded = encode(toy, TEXT)
    together = switch_off_each_head(toy, encoded).change
    told = []
    monkeypatch.setattr(batches, "NUMBERS_AT_ONCE", 5 * toy.heads * len(encoded.tokens) ** 2)
    apart = switch_off_each_head(toy, encoded, lambda done, total: told.append((done, total))).change
    np.testing.assert_allclose(apart, together, atol=1e-6)
    assert told == [(5, 12), (10, 12), (12, 12)]


def test_a_set_of_heads_keeps_the_answer_that_is_explained(toy_bert):
    encoded = encode(toy_bert, TEXT)
    before = predict(toy_bert, encoded)
    everything = {(layer, head) for layer in range(3) for head in range(4)}
    after = switch_off(toy_bert, encoded, everything)
    assert (after.target, after.answer) == (before.target, before.answer)
    assert after.probability == pytest.approx(float(after.probabilities[after.labels.index(after.answer)]))
    assert abs(after.probability - before.probability) > 1e-4
    one = switch_off(toy_bert, encoded, {(2, 1)})
    expected = switch_off_each_head(toy_bert, encoded).change[2, 1]
    assert one.probability - before.probability == pytest.approx(expected, abs=2e-6)


def test_no_heads_off_is_the_baseline(toy):
    encoded = encode(toy, TEXT)
    assert switch_off(toy, encoded, set()).probability == pytest.approx(predict(toy, encoded).probability, abs=1e-6)


def test_a_sentence_vector_moves_by_its_angle(toy_vectors):
    encoded = encode(toy_vectors, TEXT)
    found = switch_off_each_head(toy_vectors, encoded)
    assert (found.baseline.target, found.baseline.probability, found.baseline.labels) == (-1, 1.0, ())
    assert switch_off(toy_vectors, encoded, {(0, 3)}).probability == pytest.approx(1 + found.change[0, 3], abs=2e-6)


def test_no_such_head(toy_bert):
    with pytest.raises(Problem, match="There is no head 4 in layer 0"):
        switch_off(toy_bert, encode(toy_bert, TEXT), {(0, 4)})


def test_some_layers_only(toy):
    encoded = encode(toy, TEXT)
    everything = switch_off_each_head(toy, encoded).change
    np.testing.assert_allclose(switch_off_each_head(toy, encoded, layers=[2, 0]).change, everything[[2, 0]], atol=1e-6)


def test_words_are_hidden_beside_the_heads(toy):
    encoded = encode(toy, TEXT)
    before, hidden = predict(toy, encoded).probability, switch_off(toy, encoded, set(), {1}).probability
    assert hidden - before == pytest.approx(occlude_each_word(toy, encoded).change[1], abs=2e-6)
    assert abs(switch_off(toy, encoded, {(1, 1)}, {1}).probability - hidden) > 1e-6

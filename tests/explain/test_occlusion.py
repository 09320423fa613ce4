"""Hidden words, against doing it by typing."""

import numpy as np
import pytest
import torch

from shared.explain.occlusion import BY_ATTENTION, BY_MASK, occlude_each_word
from shared.explain.prediction import outcome, predict
from shared.models.encoding import encode


def test_a_mask_in_place_of_the_word(toy_bert):
    text = "the cat was tired"
    found = occlude_each_word(toy_bert, encode(toy_bert, text))
    assert (found.words, found.how) == (("the", "cat", "was", "tired"), BY_MASK)
    encoded = encode(toy_bert, text)
    ids = encoded.inputs["input_ids"].clone()
    ids[0, 2] = toy_bert.tokenizer.mask_token_id
    with torch.no_grad():
        logits = toy_bert.networks["sentiment"](**encoded.inputs | {"input_ids": ids}).logits[0]
    expected = float(logits.softmax(-1)[found.baseline.target]) - found.baseline.probability
    assert found.change[1] == pytest.approx(expected, abs=2e-6)


def test_all_pieces_of_a_word_are_hidden(toy_bert):
    encoded = encode(toy_bert, "the catting dog")
    found = occlude_each_word(toy_bert, encoded)
    ids = encoded.inputs["input_ids"].clone()
    ids[0, encoded.words == 1] = toy_bert.tokenizer.mask_token_id
    assert (encoded.words == 1).sum() > 1
    with torch.no_grad():
        probabilities = outcome(toy_bert, encoded, encoded.inputs | {"input_ids": ids})[0].softmax(-1)
    expected = float(probabilities[found.baseline.target]) - found.baseline.probability
    assert found.change[1] == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("name", ["toy_gpt2", "toy_llama"])
def test_decoders_cannot_attend_to_the_word(request, name):
    model = request.getfixturevalue(name)
    encoded = encode(model, "the cat sat on")
    found = occlude_each_word(model, encoded)
    assert found.how == BY_ATTENTION
    visible = torch.from_numpy((encoded.words != 1).astype(int))[None]
    with torch.no_grad():
        network = model.networks["next token"]
        logits = network(encoded.inputs["input_ids"], attention_mask=visible).logits[0, -1]
    expected = float(logits.softmax(-1)[found.baseline.target]) - found.baseline.probability
    assert found.change[1] == pytest.approx(expected, abs=2e-6)


def test_one_word_and_progress(toy):
    told = []
    found = occlude_each_word(toy, encode(toy, "a"), lambda done, total: told.append((done, total)))
    assert found.change.shape == (1,)
    assert np.isfinite(found.change).all()
    assert told == [(1, 1)]


def test_a_typed_mask_hides_nothing_more(toy_bert):
    encoded = encode(toy_bert, "the [MASK] sat")
    found = occlude_each_word(toy_bert, encoded)
    assert found.baseline.answer == predict(toy_bert, encoded).answer
    assert found.change[1] == pytest.approx(0, abs=1e-6)

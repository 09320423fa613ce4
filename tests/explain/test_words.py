"""Merging pieces, leaving out special tokens, and the texts of a pair."""

import numpy as np

from shared.explain.attention import attention
from shared.explain.words import between_texts, merge_words, without_special
from shared.models.encoding import encode

TOKENS = ("[CLS]", "play", "##ing", "field", "[SEP]", "[SEP]")
WEIGHTS = np.array(
    [
        [0.5, 0.1, 0.1, 0.1, 0.1, 0.1],
        [0.0, 0.2, 0.3, 0.5, 0.0, 0.0],
        [0.4, 0.0, 0.2, 0.2, 0.1, 0.1],
        [0.0, 0.6, 0.2, 0.1, 0.1, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.5, 0.5],
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ]
)


def test_merged_by_hand(attention_of):
    merged = merge_words(attention_of(WEIGHTS[None, None], TOKENS, (0, 4, 5), words=[-1, 0, 0, 1, -1, -1]))
    assert merged.tokens == ("[CLS]", "playing", "field", "[SEP]", "[SEP]")
    expected = [
        [0.5, 0.2, 0.1, 0.1, 0.1],
        [0.2, 0.35, 0.35, 0.05, 0.05],
        [0.0, 0.8, 0.1, 0.1, 0.0],
        [0.0, 0.0, 0.0, 0.5, 0.5],
        [1.0, 0.0, 0.0, 0.0, 0.0],
    ]
    np.testing.assert_allclose(merged.weights[0, 0], expected, atol=1e-6)
    assert merged.weights.dtype == np.float32
    assert merged.words.tolist() == [-1, 0, 1, -1, -1]
    assert merged.special.tolist() == [True, False, False, True, True]


def test_rows_stay_one(toy):
    encoded = encode(toy, "the playing field was catting about 🙂")
    merged = merge_words(attention(toy, encoded), encoded.word_texts)
    assert len(merged.tokens) < len(encoded.tokens)
    assert set(encoded.word_texts) <= set(merged.tokens)
    np.testing.assert_allclose(merged.weights.sum(-1), 1, atol=1e-5)


def test_without_special():
    special = np.array([True, False, False, False, True, True])
    kept = without_special(WEIGHTS, special, renormalize=False)
    np.testing.assert_allclose(kept, WEIGHTS[1:4, 1:4])
    np.testing.assert_allclose(without_special(WEIGHTS, special, renormalize=True)[1], [0, 0.5, 0.5])
    nothing = without_special(np.eye(3)[[0, 0, 0]], np.array([True, False, False]), renormalize=True)
    assert (nothing == 0).all()


def test_between_texts():
    segments = np.array([0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(between_texts(WEIGHTS, segments, 0, 1), WEIGHTS[:3, 3:])
    np.testing.assert_allclose(between_texts(WEIGHTS[None], segments, 1, 1)[0], WEIGHTS[3:, 3:])

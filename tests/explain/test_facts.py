"""What is known of real networks, and answers that do not depend on who else is asking."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from shared.explain.ablation import switch_off_each_head
from shared.explain.attention import attention
from shared.explain.flow import token_flow
from shared.explain.patterns import PATTERNS, clearest_head, statistics
from shared.explain.query_key import query_key
from shared.models.encoding import encode

SENTENCES = [
    "I went to the store and bought some milk and bread for breakfast.",
    "After lunch we walked along the river and talked about our plans for the summer.",
    "My brother bought a new car because the old one needed too many repairs.",
    "The teacher asked the students to open their books and read the first page.",
]


def test_minilm_has_a_previous_token_head(minilm):
    for sentence in SENTENCES:
        numbers = statistics(attention(minilm, encode(minilm, sentence)))
        assert numbers.pattern_scores[PATTERNS.index("previous token"), 0, 2] >= 0.99
        assert numbers.pattern[0, 2] == PATTERNS.index("previous token")
        assert clearest_head(numbers) == (0, 2)


def test_minilm_sinks_into_the_first_token_and_not_into_the_separator(minilm):
    """Unlike the BERT of Clark et al. 2019, whose deeper heads mostly look at [SEP]."""
    numbers = [statistics(attention(minilm, encode(minilm, sentence))) for sentence in SENTENCES]
    first = np.mean([each.first_mass.mean(1) for each in numbers], axis=0)
    separator = np.mean([each.separator_mass.mean(1) for each in numbers], axis=0)
    assert ((first[1:] >= 0.33) & (first[1:] <= 0.58)).all()
    assert (separator[1:] <= 0.08).all()


def test_minilm_rows_and_entropies(minilm):
    for sentence in SENTENCES:
        found = attention(minilm, encode(minilm, sentence))
        numbers = statistics(found)
        assert np.abs(found.weights.sum(-1) - 1).max() <= 1e-5
        assert numbers.entropy_bound == pytest.approx(np.log(len(found.tokens)))
        assert numbers.entropy.min() >= 0
        assert numbers.entropy.max() <= numbers.entropy_bound + 1e-5


def repeated_symbols(seed, period, copies=3):
    rng = np.random.default_rng(seed)
    return "".join(rng.permutation(list("abcdefghijklmnopqrstuvwxyz012345"))[:period]) * copies


def test_an_induction_network_continues_what_it_has_seen(induction):
    right = []
    for seed in range(30):
        period = 8 + seed % 13
        text = repeated_symbols(seed, period, 4)[: 2 * period + seed % period + 1]
        prediction = attention(induction, encode(induction, text)).prediction
        right.append(prediction.answer == text[len(text) - period])
    assert np.mean(right) >= 0.97


def test_its_heads_have_their_known_jobs(induction):
    """A previous-token head in layer 0 feeds an induction head in layer 1 (Olsson et al. 2022)."""
    texts = [repeated_symbols(seed, 8 + seed) for seed in range(12)]
    scores = [statistics(attention(induction, encode(induction, text))).pattern_scores for text in texts]
    means = np.mean(scores, axis=0)
    assert means[PATTERNS.index("previous token"), 0].max() >= 0.5
    assert means[PATTERNS.index("induction"), 1].max() >= 0.5
    assert means[PATTERNS.index("induction"), 0].max() <= 0.3


def answers(model, text):
    """Everything that is computed from one text."""
    encoded = encode(model, text)
    found = attention(model, encoded)
    return [
        found.weights,
        statistics(found).pattern_scores,
        switch_off_each_head(model, encoded).change,
        token_flow(model, encoded).gradient_attention,
        query_key(model, encoded, 1, 1).scores,
    ]


def test_sixteen_at_once_equal_one_after_the_other(toy):
    words = [
        "cat",
        "sat",
        "on",
        "a",
        "mat",
        "and",
        "it",
        "was",
        "tired",
        "but",
        "good",
        "actors",
        "ran",
        "over",
        "it",
        "!",
    ]
    texts = [" ".join(words[start:] + words[:start]) for start in range(16)]
    serial = [answers(toy, text) for text in texts]
    with ThreadPoolExecutor(16) as pool:
        parallel = list(pool.map(lambda text: answers(toy, text), texts))
    for one, other in zip(serial, parallel, strict=True):
        for expected, found in zip(one, other, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)

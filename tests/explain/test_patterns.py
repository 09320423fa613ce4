"""Head statistics and pattern names against numbers made by hand."""

import numpy as np
import pytest

from shared.explain.attention import attention
from shared.explain.keys import fitting_keys
from shared.explain.patterns import PATTERNS, clearest_head, name_patterns, statistics
from shared.models.encoding import encode

WORDS = ("[CLS]", "it", "was", "not", "good", ",", "not", "bad", ".", "[SEP]")
SPECIAL = (0, 9)


def even(count, causal=False):
    """Attention spread evenly over the visible keys, (1, 1, N, N)."""
    visible = np.tril(np.ones((count, count))) if causal else np.ones((count, count))
    return (visible / visible.sum(-1, keepdims=True))[None, None]


def pointing(columns, mass=1.0):
    """Each row gives ``mass`` to its column and shares the rest among the others, (1, 1, N, N)."""
    count = len(columns)
    weights = np.full((count, count), (1 - mass) / (count - 1))
    weights[np.arange(count), columns] = mass
    return weights[None, None]


def named(found):
    index = int(found.pattern[0, 0])
    return PATTERNS[index] if index >= 0 else ""


def score(found, name):
    return float(found.pattern_scores[PATTERNS.index(name), 0, 0])


def test_numbers_of_a_small_head(attention_of):
    weights = [[[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]]]]
    found = statistics(attention_of(weights, ("[CLS]", "a", "[SEP]"), (0, 2)))
    first = -(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25))
    second = -(0.8 * np.log(0.8) + 2 * 0.1 * np.log(0.1))
    assert found.entropy[0, 0] == pytest.approx((first + second) / 3, abs=1e-6)
    assert found.entropy_bound == pytest.approx(np.log(3))
    assert found.normalized_entropy[0, 0] == pytest.approx((first + second) / 3 / np.log(3), abs=1e-6)
    assert found.distance[0, 0] == pytest.approx((0.25 + 2 * 0.25 + 0.1 + 0.1) / 3, abs=1e-6)
    assert found.first_mass[0, 0] == pytest.approx(0.6 / 3, abs=1e-6)
    assert found.separator_mass[0, 0] == pytest.approx(1.35 / 3, abs=1e-6)
    assert found.top1_mass[0, 0] == pytest.approx(2.3 / 3, abs=1e-6)
    assert found.top5_mass[0, 0] == pytest.approx(1, abs=1e-6)


def test_even_attention_scores_its_floor(attention_of):
    for causal in (False, True):
        found = statistics(attention_of(even(10, causal), WORDS, SPECIAL, causal=causal))
        np.testing.assert_allclose(found.pattern_scores[:, 0, 0], found.pattern_floors, atol=1e-6)
        assert named(found) == "broad"
        visible = np.arange(1, 11) if causal else np.full(10, 10)
        assert found.entropy_bound == pytest.approx(np.log(visible).mean())


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ([0, 0, 1, 2, 3, 4, 5, 6, 7, 8], "previous token"),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 9], "next token"),
        (list(range(10)), "same token"),
        ([0] * 10, "first token"),
        ([9] * 10, "separator"),
        ([5, 5, 8, 8, 8, 8, 5, 5, 5, 8], "punctuation"),
        ([3] * 10, "hub column"),
    ],
)
def test_pointing_heads_get_their_name(attention_of, columns, name):
    found = statistics(attention_of(pointing(columns, 0.9), WORDS, SPECIAL))
    assert named(found) == name
    assert score(found, name) == pytest.approx(0.9, abs=0.02)


def test_fitting_keys_of_repeated_symbols(attention_of):
    fits = fitting_keys(attention_of(even(7), tuple("abcabca"), causal=True))
    pairs = {name: list(zip(*np.nonzero(keys), strict=True)) for name, keys in fits.items()}
    assert pairs["induction"] == [(3, 1), (4, 2), (5, 3), (6, 1), (6, 4)]
    assert pairs["same word elsewhere"] == [(3, 0), (4, 1), (5, 2), (6, 0), (6, 3)]
    assert pairs["next token"] == []
    assert pairs["separator"] == pairs["block"] == []


def test_a_repeated_symbol_is_no_induction_of_itself(attention_of):
    fits = fitting_keys(attention_of(even(3), tuple("aaa"), causal=True))
    assert list(zip(*np.nonzero(fits["induction"]), strict=True)) == [(2, 1)]


def test_an_induction_head(attention_of):
    tokens = tuple("qwertyqwertyqwerty")
    columns = [max(0, place - 5) if place > 5 else 0 for place in range(18)]
    found = statistics(attention_of(pointing(columns), tokens, causal=True))
    assert named(found) == "induction"
    assert score(found, "induction") == pytest.approx(1)


def test_rows_without_a_choice_do_not_count(attention_of):
    """In a causal head row 0 has only itself to look at; "same token" and "first token" must not profit."""
    found = statistics(attention_of(pointing([0, 0, 1, 2, 3]), tuple("vwxyz"), causal=True))
    assert score(found, "same token") == 0
    assert score(found, "first token") == pytest.approx(1 / 4)
    assert score(found, "previous token") == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_rows(attention_of, count):
    found = statistics(attention_of(pointing([0] * count) if count > 1 else even(1), tuple("abc"[:count])))
    assert score(found, "previous token") == 0
    assert found.pattern_floors[PATTERNS.index("previous token")] == 0
    assert np.isfinite(found.normalized_entropy).all()
    assert clearest_head(found) == (0, 0)


def test_blocks(attention_of):
    tokens = ("[CLS]", "one", "two", ".", "red", "blue", "sky", "!", "[SEP]")
    blocks = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    fits = fitting_keys(attention_of(even(9), tokens, (0, 8)))
    np.testing.assert_array_equal(fits["block"], blocks == blocks[:, None])
    weights = (blocks == blocks[:, None]) / (blocks == blocks[:, None]).sum(-1, keepdims=True)
    assert named(statistics(attention_of(weights[None, None], tokens, (0, 8)))) == "block"
    pair = fitting_keys(attention_of(even(5), tuple("abcde"), segments=[0, 0, 0, 1, 1]))
    assert pair["block"].sum() == 9 + 4
    assert not fitting_keys(attention_of(even(4), ("[CLS]", "one", ".", "[SEP]"), (0, 3)))["block"].any()


def test_a_diagonal_band(attention_of):
    place = np.arange(20)
    band = (np.abs(place - place[:, None]) <= 2).astype(float)
    weights = band / band.sum(-1, keepdims=True)
    found = statistics(attention_of(weights[None, None], tuple(map(str, place))))
    assert named(found) == "diagonal band"


def test_naming_order():
    scores = np.zeros((len(PATTERNS), 1, 4), np.float32)
    floors = np.zeros(len(PATTERNS), np.float32)
    floors[-1] = 1
    band, hub = PATTERNS.index("diagonal band"), PATTERNS.index("hub column")
    scores[[0, band], 0, 0] = 0.55, 0.99  # sharp before wide
    scores[[0, 1], 0, 1] = 0.55, 0.7  # the higher of two
    scores[[hub, len(PATTERNS) - 1], 0, 2] = 0.69, 0.89  # nothing is clear enough
    scores[-1, 0, 3] = 0.9
    assert name_patterns(scores, floors).tolist() == [[0, 1, -1, len(PATTERNS) - 1]]
    floors[0], floors[1] = 0.4, 0.6  # a score must rise well above its floor
    assert name_patterns(scores, floors)[0, :2].tolist() == [band, -1]


def test_clearest_head(attention_of):
    rows = [[9] * 10, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]]
    masses = (1.0, 0.8, 0.9)
    weights = np.stack([pointing(row, mass)[0] for row, mass in zip(rows, masses, strict=True)])
    assert clearest_head(statistics(attention_of(weights, WORDS, SPECIAL))) == (2, 0)
    assert clearest_head(statistics(attention_of(weights[:1], WORDS, SPECIAL))) == (0, 0)
    mixed = np.stack([even(10)[0], 0.5 * even(10)[0] + 0.5 * pointing([3, 7, 1, 5, 2, 0, 8, 6, 4, 9])[0]])
    assert clearest_head(statistics(attention_of(mixed, WORDS, SPECIAL))) == (1, 0)


def test_bounds(toy):
    found = attention(toy, encode(toy, "the cat sat on the mat. it was tired"))
    numbers = statistics(found)
    np.testing.assert_allclose(found.weights.sum(-1), 1, atol=1e-5)
    assert numbers.entropy.min() >= 0
    assert numbers.entropy.max() <= numbers.entropy_bound + 1e-5
    for share in (numbers.pattern_scores, numbers.first_mass, numbers.separator_mass, numbers.top5_mass):
        assert share.min() >= 0
        assert share.max() <= 1 + 1e-5
    assert (numbers.top1_mass <= numbers.top5_mass + 1e-6).all()
    for array in (numbers.entropy, numbers.normalized_entropy, numbers.pattern_scores, numbers.distance):
        assert array.dtype == np.float32
    causal_next = numbers.pattern_scores[PATTERNS.index("next token")]
    assert (causal_next == 0).all() == toy.causal

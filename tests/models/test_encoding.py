"""Tokens, words and segments of ordinary and of odd texts."""

import numpy as np
import pytest

from shared.models.encoding import encode
from shared.models.tokens import byte_alphabet
from shared.problems import Problem


def test_a_pair(toy_bert):
    encoded = encode(toy_bert, "The cat sat.", "It was tired")
    assert encoded.tokens == ("[CLS]", "the", "cat", "sat", ".", "[SEP]", "it", "was", "tired", "[SEP]")
    assert encoded.segments.tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert encoded.inputs["token_type_ids"].tolist() == [encoded.segments.tolist()]
    assert encoded.special.tolist() == [True] + [False] * 4 + [True] + [False] * 3 + [True]
    assert np.flatnonzero(encoded.separators).tolist() == [5, 9]
    assert encoded.words.tolist() == [-1, 0, 1, 2, 3, -1, 4, 5, 6, -1]
    assert encoded.word_texts == ("The", "cat", "sat", ".", "It", "was", "tired")
    assert (encoded.task, encoded.mask, encoded.truncated) == ("sentiment", -1, 0)


def test_pieces_belong_to_one_word(toy_bert):
    encoded = encode(toy_bert, "catting on")
    pieces = [token for token, word in zip(encoded.tokens, encoded.words, strict=True) if word == 0]
    assert len(pieces) > 1
    assert "".join(piece.removeprefix("##") for piece in pieces) == "catting"
    assert encoded.word_texts == ("catting", "on")


@pytest.mark.parametrize("typed", ["[MASK]", "<mask>"])
def test_a_typed_mask_chooses_the_task(toy_bert, toy_vectors, typed):
    encoded = encode(toy_bert, f"the {typed} sat on the {typed}")
    assert encoded.task == "masked word"
    assert encoded.tokens[encoded.mask] == "[MASK]"
    assert encoded.mask == 2
    assert encode(toy_vectors, f"the {typed} sat").task == "sentence vector"


def test_bytes_become_text(toy_gpt2):
    encoded = encode(toy_gpt2, "the cat\nsat 🙂 on")
    assert encoded.tokens[:3] == ("the", "cat", "\\n")
    assert "".join(encoded.tokens).count("\\xf0") == 1  # the emoji is four bytes, each a token here
    assert "🙂" in encoded.word_texts
    assert encoded.word_texts[:4] == ("the", "cat", "\\n", "sat")
    assert not encoded.special.any()
    assert set(byte_alphabet().values()) == set(range(256))


def test_one_token(toy):
    encoded = encode(toy, "a")
    assert encoded.word_texts == ("a",)
    assert encoded.words[encoded.words >= 0].tolist() == [0]


@pytest.mark.parametrize("text", ["", "  \n\t", "\u200b\u200d\ufeff", "\x00", "\u202e \u2066"])
def test_nothing_to_read(toy, text):
    with pytest.raises(Problem, match="Type a sentence first"):
        encode(toy, text)


@pytest.mark.parametrize(
    "text",
    ["🙂 👩\u200d🚀", "שלום עולם", "a\x00b", "a\u200bb", "half \ud83d of one", "</script><img src=x>", "ﷺ", "e\u0301"],
)
def test_odd_characters_survive(toy, text):
    encoded = encode(toy, text)
    count = len(encoded.tokens)
    assert encoded.inputs["input_ids"].shape == (1, count)
    assert encoded.words.max() + 1 == len(encoded.word_texts)
    assert np.all(np.diff(encoded.words[encoded.words >= 0]) >= 0)
    unseen = [c for word in (*encoded.tokens, *encoded.word_texts) for c in word if not c.isprintable()]
    assert set(unseen) <= {"\u200d"}


def test_two_halves_of_one_emoji_are_joined(toy_gpt2):
    assert encode(toy_gpt2, "\ud83d\ude42").word_texts == ("🙂",)


def test_too_many_characters(toy):
    with pytest.raises(Problem, match="at most 20,000 characters; this has 100,000"):
        encode(toy, "a" * 100_000)
    assert encode(toy, "cat " * 5_000).truncated > 0


def test_a_causal_model_reads_one_text(toy_gpt2):
    with pytest.raises(Problem, match="reads one text"):
        encode(toy_gpt2, "the cat", "sat")
    assert encode(toy_gpt2, "the cat", " \u200b").tokens == ("the", "cat")


@pytest.mark.parametrize(("first", "second"), [(100, 0), (100, 5), (5, 100), (100, 100), (20, 40), (24, 24)])
def test_truncation_equals_the_tokenizers_own(toy_bert, word_pieces, first, second):
    texts = [" ".join(["cat", "sat", "on", "it"][place % 4] for place in range(count)) for count in (first, second)]
    encoded = encode(toy_bert, *texts)
    reference = word_pieces(*filter(None, texts), truncation="longest_first", max_length=48)
    word_pieces.backend_tokenizer.no_truncation()
    assert encoded.inputs["input_ids"][0].tolist() == reference["input_ids"]
    added = 3 if second else 2
    assert encoded.truncated == first + second + added - len(reference["input_ids"])


def test_symbols(induction):
    encoded = encode(induction, "ab 5Z\nab")
    assert encoded.tokens == ("a", "b", "5", "z", "a", "b")
    assert encoded.inputs["input_ids"].tolist() == [[0, 1, 31, 25, 0, 1]]
    assert encoded.word_texts == ("a", "b", "5", "Z", "a", "b")
    assert encode(induction, "ab" * 100).inputs["input_ids"].shape == (1, induction.max_tokens)
    with pytest.raises(Problem, match="a-z and 0-5"):
        encode(induction, "ab6")

"""Attention between words, without special tokens, and between the two texts of a pair."""

from dataclasses import replace

import numpy as np

from shared.results import Attention


def merge_words(attention: Attention, word_texts: tuple[str, ...] = ()) -> Attention:
    """The same attention between whole words; special tokens stay as they are.

    Attention to the pieces of a word is summed, attention from them averaged (Clark et al. 2019, section 4.1), so
    rows still sum to 1. ``word_texts`` (W,) are the words as typed; without them the pieces are joined.
    """
    starts = np.flatnonzero(np.diff(attention.words, prepend=-2) | attention.special)
    sizes = np.diff(starts, append=len(attention.words))
    summed = np.add.reduceat(attention.weights, starts, axis=-1)
    weights = np.add.reduceat(summed, starts, axis=-2) / sizes[:, None].astype(np.float32)
    words = attention.words[starts]
    groups = np.split(np.array(attention.tokens, object), starts[1:])
    tokens = tuple(
        word_texts[word] if 0 <= word < len(word_texts) else _join(pieces)
        for word, pieces in zip(words, groups, strict=True)
    )
    return replace(
        attention,
        weights=weights,
        tokens=tokens,
        segments=attention.segments[starts],
        special=attention.special[starts],
        words=words,
    )


def without_special(weights: np.ndarray, special: np.ndarray, renormalize: bool) -> np.ndarray:
    """(..., N, N) attention between the n tokens that are not ``special`` (N,): (..., n, n).

    Rows then sum to less than 1; ``renormalize`` divides by the sum (rows without any mass stay 0).
    """
    ordinary = np.flatnonzero(~special)
    kept: np.ndarray = weights[..., ordinary[:, None], ordinary]
    if not renormalize:
        return kept
    sums = kept.sum(-1, keepdims=True)
    return np.asarray(np.divide(kept, sums, out=np.zeros_like(kept), where=sums > 0))


def between_texts(weights: np.ndarray, segments: np.ndarray, source: int, target: int) -> np.ndarray:
    """(..., n, m) attention from the n tokens of text ``source`` to the m of ``target`` (0 is A, 1 is B)."""
    rows, columns = np.flatnonzero(segments == source), np.flatnonzero(segments == target)
    return np.asarray(weights[..., rows[:, None], columns])


def _join(pieces: np.ndarray) -> str:
    """The tokens of one word without WordPiece's continuation mark."""
    return str(pieces[0]) + "".join(piece.removeprefix("##") for piece in pieces[1:])

"""Which keys fit each named attention pattern, and which keys a token can see at all."""

import unicodedata

import numpy as np

from shared.results import Attention

# Sharp patterns, in which one key or one kind of key takes the attention; then wide ones.
SHARP = (
    "previous token",
    "next token",
    "same token",
    "first token",
    "separator",
    "punctuation",
    "same word elsewhere",
    "induction",
)
WIDE = ("diagonal band", "block")
SENTENCE_END = frozenset(".!?…")


def visible_keys(attention: Attention) -> np.ndarray:
    """(N, N) bool: the keys that each query can see."""
    tokens = len(attention.tokens)
    everything = np.ones((tokens, tokens), bool)
    return np.tril(everything) if attention.causal else everything


def fitting_keys(attention: Attention) -> dict[str, np.ndarray]:
    """For each pattern of ``SHARP`` and ``WIDE`` the keys (N, N) bool that fit it, visible ones only.

    "previous token", "next token", "same token": distance -1, 1, 0. "first token": token 0. "separator": special
    tokens after the first. "punctuation": tokens of punctuation marks alone. "same word elsewhere": other copies of
    the query's token. "induction": the token that followed an earlier copy of the query's token (Olsson et al.
    2022). "diagonal band": at most two tokens away. "block": the query's own sentence or text; none where there is
    only one.
    """
    place = np.arange(len(attention.tokens))
    distance = place - place[:, None]
    separator = attention.special & (place > 0)
    punctuation = np.array([_is_punctuation(token) for token in attention.tokens]) & ~attention.special
    _, names = np.unique([token.casefold() for token in attention.tokens], return_inverse=True)
    copies = (names == names[:, None]) & ~attention.special & (distance != 0)
    followed = np.zeros_like(copies)
    followed[:, 1:] = (copies & (distance < 0))[:, :-1]
    blocks = _blocks(attention)
    fits = (
        distance == -1,
        distance == 1,
        distance == 0,
        np.broadcast_to(place == 0, distance.shape),
        np.broadcast_to(separator, distance.shape),
        np.broadcast_to(punctuation, distance.shape),
        copies,
        followed & (distance != 0),
        np.abs(distance) <= 2,
        (blocks == blocks[:, None]) & bool(blocks.max()),
    )
    visible = visible_keys(attention)
    return {name: keys & visible for name, keys in zip(SHARP + WIDE, fits, strict=True)}


def _is_punctuation(token: str) -> bool:
    """Whether ``token`` has punctuation marks alone."""
    return bool(token) and all(unicodedata.category(character).startswith("P") for character in token)


def _blocks(attention: Attention) -> np.ndarray:
    """(N,) int: the sentence of each token, counted through both texts; special tokens belong to the one before."""
    blocks, block, ended = [], 0, False
    segment = attention.segments[0]
    for token, special, own in zip(attention.tokens, attention.special, attention.segments, strict=True):
        if not special:
            block += int(ended or own != segment)
            segment, ended = own, bool(token) and SENTENCE_END.issuperset(token)
        blocks.append(block)
    return np.array(blocks)

"""Numbers that describe every head, and the name of the pattern it shows.

How a pattern is scored. Its score is the mean attention mass on the keys that fit it (``keys.fitting_keys``) over
the rows that count: those that see both fitting and other keys, since the others have no choice. Below
``FEWEST_ROWS`` such rows the score is 0. The floor is the score of attention spread evenly over the visible keys.
Two patterns are no masks: "hub column" is the mean mass on the one column, neither first nor separator, that takes
most of it from other tokens; "broad" is the normalized entropy (its floor is 1: even attention is what it means).

How a head gets its name. The sharp patterns come first: of those with a score of at least 0.5 that also hold 0.4 of
the way from floor to 1, the one that is furthest up that way. Then, likewise, diagonal band, block and hub column
with at least 0.7 and 0.5 of the way. Then "broad" from 0.9 on. Otherwise no name (-1).
"""

import numpy as np
import torch

from shared.explain.keys import SHARP, WIDE, fitting_keys, visible_keys
from shared.results import Attention, HeadStatistics

PATTERNS = (*SHARP, *WIDE, "hub column", "broad")
FEWEST_ROWS = 3
SHARP_SCORE, SHARP_RISE = 0.5, 0.4
WIDE_SCORE, WIDE_RISE = 0.7, 0.5
BROAD_SCORE = 0.9


def statistics(attention: Attention) -> HeadStatistics:
    """Entropy, distance, masses and pattern of every head; one pass over the weights for all means."""
    weights = torch.from_numpy(attention.weights)
    layers, heads, tokens, _ = weights.shape
    visible = visible_keys(attention)
    even = torch.from_numpy((visible / visible.sum(-1, keepdims=True)).astype(np.float32))
    means = np.stack([*_masks(attention, visible), *_measures(attention)]).astype(np.float32)
    table = torch.from_numpy(means).flatten(1).T  # every mean over a head's weights is one column
    found = (weights.flatten(2) @ table).movedim(-1, 0).numpy()
    chance = (even.flatten() @ table).numpy()
    hub, hub_chance = (_hub(values, attention, visible) for values in (weights, even[None, None]))
    entropy = torch.special.entr(weights).sum(-1).mean(-1).numpy()
    bound = float(np.log(visible.sum(-1)).mean())
    normalized = np.clip(entropy / bound, 0, 1) if bound > 0 else np.zeros_like(entropy)
    broad = normalized if tokens >= FEWEST_ROWS else np.zeros_like(entropy)
    strongest = weights.topk(min(5, tokens)).values.mean(-2)
    scores = np.stack([*found[:-3], hub, broad])
    floors = np.array([*chance[:-3], hub_chance.item(), 1.0], np.float32)
    return HeadStatistics(
        entropy=entropy,
        entropy_bound=bound,
        normalized_entropy=normalized,
        distance=found[-3],
        first_mass=found[-2],
        separator_mass=found[-1],
        top1_mass=strongest[..., 0].numpy(),
        top5_mass=strongest.sum(-1).numpy(),
        pattern_names=PATTERNS,
        pattern_scores=scores,
        pattern_floors=floors,
        pattern=name_patterns(scores, floors),
    )


def name_patterns(scores: np.ndarray, floors: np.ndarray) -> np.ndarray:
    """The index into ``PATTERNS`` of each head's pattern, -1 for none, by the rule above.

    ``scores`` (P, L, H) and ``floors`` (P,) to (L, H) int8.
    """
    rise = (scores - floors[:, None, None]) / np.maximum(1 - floors, 1e-6)[:, None, None]
    sharp = _best(np.where((scores >= SHARP_SCORE) & (rise >= SHARP_RISE), rise, -1.0), 0, len(SHARP))
    wide = _best(np.where((scores >= WIDE_SCORE) & (rise >= WIDE_RISE), rise, -1.0), len(SHARP), len(PATTERNS) - 1)
    broad = np.where(scores[-1] >= BROAD_SCORE, len(PATTERNS) - 1, -1)
    return np.where(sharp >= 0, sharp, np.where(wide >= 0, wide, broad)).astype(np.int8)


def clearest_head(statistics: HeadStatistics) -> tuple[int, int]:
    """The (layer, head) that is the best first thing to show.

    The highest score among the heads named by position alone (previous or next token), else among the other sharp
    patterns, else among the wide ones; where no head has such a name, the head of the lowest normalized entropy.
    """
    wide = (*WIDE, "hub column")
    for names in (SHARP[:2], SHARP[2:], wide):
        indices = [PATTERNS.index(name) for name in names]
        named = np.isin(statistics.pattern, indices)
        if named.any():
            own = np.take_along_axis(statistics.pattern_scores, statistics.pattern[None].astype(int), 0)[0]
            return _place(np.where(named, own, -1.0))
    return _place(-statistics.normalized_entropy)


def _masks(attention: Attention, visible: np.ndarray) -> list[np.ndarray]:
    """For each mask pattern the (N, N) factors whose sum with the weights is its score."""
    factors = []
    for keys in fitting_keys(attention).values():
        counts = keys.any(-1) & (visible & ~keys).any(-1)
        rows = int(counts.sum())
        factors.append(keys * counts[:, None] / rows if rows >= FEWEST_ROWS else np.zeros(keys.shape))
    return factors


def _measures(attention: Attention) -> list[np.ndarray]:
    """The (N, N) factors of mean distance, mass on the first token and mass on separators."""
    place = np.arange(len(attention.tokens))
    columns = (place == 0, attention.special & (place > 0))
    distance = np.abs(place - place[:, None])
    return [factor / len(place) for factor in (distance, *(np.broadcast_to(c, distance.shape) for c in columns))]


def _hub(weights: torch.Tensor, attention: Attention, visible: np.ndarray) -> np.ndarray:
    """(L, H): the highest mean mass that one ordinary column takes from the other tokens that see it."""
    place = np.arange(len(attention.tokens))
    rows = visible.sum(0) - 1
    columns = (place > 0) & ~attention.special & (rows >= FEWEST_ROWS)
    if not columns.any():
        return np.zeros(weights.shape[:2], np.float32)
    taken = (weights.sum(-2) - weights.diagonal(dim1=-2, dim2=-1)).numpy()
    return np.asarray((taken[..., columns] / rows[columns]).max(-1), np.float32)


def _best(rise: np.ndarray, start: int, stop: int) -> np.ndarray:
    """The index of the highest ``rise`` (P, L, H) among patterns ``start`` to ``stop``, -1 where none is positive."""
    part = rise[start:stop]
    return np.where(part.max(0) > 0, part.argmax(0) + start, -1)


def _place(values: np.ndarray) -> tuple[int, int]:
    """Layer and head of the highest value."""
    layer, head = np.unravel_index(int(values.argmax()), values.shape)
    return int(layer), int(head)

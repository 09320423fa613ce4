"""What the best straight line can do: the floor under every learner without hidden units."""

import numpy as np

from shared.results import Line

TOUCHING = 1e-9  # radians or lengths below which two things count as one


def best_line(x: np.ndarray, labels: np.ndarray) -> Line:
    """The line that puts most of the points ``x`` (N, 2) on the side of their class; ``labels`` (N,) are 0 or 1.

    Exact, in O(N^2 log N): some best line passes as close as one likes to a point, so it is enough to turn a line
    about each point in turn and to count. Points on one spot can only go together.
    """
    x = np.asarray(x, dtype=np.float64)
    spots, where = np.unique(x, axis=0, return_inverse=True)
    ones = np.bincount(where.ravel(), weights=labels == 1)
    zeros = np.bincount(where.ravel(), weights=labels == 0)
    found = [turned(spots, ones, zeros, pivot) for pivot in range(len(spots))]
    pivot = int(np.argmax([correct for correct, *_ in found]))
    correct, angle, side, own_left = found[pivot]
    return Line(_weights(spots, pivot, angle, side, own_left), float(correct / len(x)))


def turned(spots: np.ndarray, ones: np.ndarray, zeros: np.ndarray, pivot: int) -> tuple[float, float, int, bool]:
    """The best line through one spot: (points on their side, its angle, the class to its left, pivot on the left)."""
    away = np.delete(spots, pivot, axis=0) - spots[pivot]
    gain = np.delete(ones - zeros, pivot)
    if not len(away):
        return float(max(ones[pivot], zeros[pivot])), 0.0, int(ones[pivot] >= zeros[pivot]), True
    angles = np.arctan2(away[:, 1], away[:, 0]) % (2 * np.pi)
    order = np.argsort(angles)
    turns = np.unique(np.concatenate([angles, (angles + np.pi) % (2 * np.pi)]))
    turns = turns[np.diff(turns, append=turns[0] + 2 * np.pi) > TOUCHING]
    between = (turns + np.diff(turns, append=turns[0] + 2 * np.pi) / 2) % (2 * np.pi)
    twice = np.concatenate([angles[order], angles[order] + 2 * np.pi])
    sums = np.concatenate([[0.0], np.cumsum(np.tile(gain[order], 2))])
    left = sums[np.searchsorted(twice, between + np.pi)] - sums[np.searchsorted(twice, between)]
    total_ones, total_zeros = ones.sum() - ones[pivot], zeros.sum() - zeros[pivot]
    own = max(ones[pivot], zeros[pivot])
    ones_left, zeros_left = left + total_zeros + own, total_ones - left + own
    side = int(ones_left.max() >= zeros_left.max())
    scores = ones_left if side else zeros_left
    best = int(scores.argmax())
    own_left = bool((ones[pivot] >= zeros[pivot]) == side)
    return float(scores[best]), float(between[best]), side, own_left


def _weights(spots: np.ndarray, pivot: int, angle: float, side: int, own_left: bool) -> np.ndarray:
    """The line with class ``side`` to its left, moved off its spot by less than the distance of any other."""
    normal = np.array([-np.sin(angle), np.cos(angle)])
    distances = spots @ normal - spots[pivot] @ normal
    others = np.abs(np.delete(distances, pivot))
    gap = others.min() / 2 if len(others) else 1.0
    offset = spots[pivot] @ normal + (-gap if own_left else gap)
    weights = np.append(normal, -offset)
    return weights if side else -weights

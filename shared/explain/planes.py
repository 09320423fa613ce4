"""Planes through trained weights: which two directions the loss is drawn along, and why these.

Every function here is given vectors of weight space, (P,), and returns ``Plane``s; no loss is computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from shared.explain.weight_space import Part
from shared.problems import Problem

PLANES = {
    "filter_normalized": "filter-normalized random plane",
    "random": "random orthonormal plane",
    "trajectory": "plane of the trajectory",
    "three_points": "plane through three weights",
    "line": "line between two minima, with its surroundings",
    "curvature": "plane of largest and smallest curvature",
}
ROOM = 0.15  # around what a plane was laid through, as a share of its extent
STILL = 1e-7  # of the weights' own length: what moves less has not moved


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane ``origin`` (P,) + alpha d1 + beta d2, ``directions`` (2, P) float32.

    ``window`` is (lowest alpha, highest alpha, lowest beta, highest beta) for a span of 1. ``axes`` name the
    directions, ``unit`` says what 1 on an axis is, ``facts`` how they came about, in sentences.
    """

    origin: torch.Tensor
    directions: torch.Tensor
    axes: tuple[str, str]
    unit: str
    facts: tuple[str, ...]
    window: tuple[float, float, float, float] = (-1.0, 1.0, -1.0, 1.0)

    @property
    def cosine(self) -> float:
        """The cosine of the angle between the directions."""
        one, two = self.directions.double()
        return float(one @ two / (one.norm() * two.norm()))

    @property
    def lengths(self) -> tuple[float, float]:
        """The lengths of the directions in weight space."""
        one, two = self.directions.double().norm(dim=1).tolist()
        return one, two

    def at(self, alpha: float, beta: float) -> torch.Tensor:
        """The weights (P,) at a point of the plane."""
        return torch.as_tensor(self.origin + alpha * self.directions[0] + beta * self.directions[1])

    def coordinates(self, vectors: torch.Tensor) -> torch.Tensor:
        """(alpha, beta) (F, 2) float64 of the points of the plane that are nearest to origin + ``vectors`` (F, P).

        Least squares, because the directions need not be orthogonal.
        """
        directions = self.directions.double()
        return torch.as_tensor(torch.linalg.solve(directions @ directions.T, directions @ vectors.double().T).T)


def grid_lines(low: float, high: float, resolution: int) -> np.ndarray:
    """``resolution`` evenly spaced numbers about from ``low`` to ``high``, moved so that 0 is one of them exactly."""
    step = (high - low) / (resolution - 1)
    first = min(max(round(low / step), 1 - resolution), 0)
    return np.asarray((first + np.arange(resolution)) * step)


def grid(plane: Plane, resolution: int, span: float) -> tuple[np.ndarray, np.ndarray]:
    """The grid lines alpha (R,) and beta (R,) of a plane, as wide as it is high."""
    left, right, bottom, top = (span * edge for edge in plane.window)
    side = max(right - left, top - bottom)
    return tuple(  # type: ignore[return-value]
        grid_lines((low + high - side) / 2, (low + high + side) / 2, resolution)
        for low, high in ((left, right), (bottom, top))
    )


def orthogonal_to(vector: torch.Tensor, others: Sequence[torch.Tensor]) -> torch.Tensor:
    """``vector`` without its parts along ``others``, which are orthogonal to one another (Gram-Schmidt)."""
    rest = vector.double()
    for _ in range(2):  # a second time takes away what rounding left
        for other in others:
            wide = other.double()
            rest = rest - (rest @ wide) / (wide @ wide) * wide
    return rest


def drawn(parts: Sequence[Part], seed: int, kinds: Sequence[str], count: int = 2) -> list[torch.Tensor]:
    """Gaussian directions (P,) float64 made orthogonal, zero in all tensors but those of the given ``kinds``."""
    random = torch.Generator().manual_seed(seed)
    size = parts[-1].place.stop
    found: list[torch.Tensor] = []
    for _ in range(count):
        raw = torch.randn(size, generator=random, dtype=torch.float64)
        for part in parts:
            if part.kind not in kinds:
                raw[part.place] = 0
        found.append(orthogonal_to(raw, found))
    return found


def filter_normalized(direction: torch.Tensor, origin: torch.Tensor, parts: Sequence[Part]) -> torch.Tensor:
    """Each filter of ``direction`` scaled to the length of the same filter of ``origin``; biases and norms zero.

    A filter is what one unit reads: a row of a matrix, a kernel of a convolution. Li et al. 2018, equation 1.
    """
    scaled = torch.zeros_like(origin, dtype=torch.float64)
    for part in parts:
        if part.kind == "weights":
            filters = direction[part.place].double().view(part.shape[0], -1)
            lengths = origin[part.place].double().view(part.shape[0], -1).norm(dim=1, keepdim=True)
            scaled[part.place] = (filters * lengths / filters.norm(dim=1, keepdim=True).clamp_min(1e-30)).flatten()
    return scaled


def filter_normalized_plane(origin: torch.Tensor, parts: Sequence[Part], seed: int) -> Plane:
    """Two random directions in which every filter counts by its own length (Li et al. 2018)."""
    if not any(part.kind == "weights" and origin[part.place].any() for part in parts):
        raise Problem("All weights are zero, so there is no length to scale a direction to; choose another plane.")
    one, two = (filter_normalized(each, origin, parts) for each in drawn(parts, seed, ("weights",)))
    facts = (
        "Two Gaussian directions, made orthogonal (Gram-Schmidt); then each filter was scaled to the length of the "
        "filter that it changes (Li et al. 2018).",
        "The scaling comes last and tilts the directions a little: their cosine is given.",
        "Biases and the scales and shifts of batch norm stay as they are.",
    )
    return _plane(origin, (one, two), ("random direction 1", "random direction 2"), "1 is each filter's length.", facts)


def random_plane(origin: torch.Tensor, parts: Sequence[Part], seed: int) -> Plane:
    """Two random orthogonal directions over all parameters, as long as the weights are."""
    length = float(origin.double().norm()) or 1.0
    one, two = (each / each.norm() * length for each in drawn(parts, seed, ("weights", "bias", "norm")))
    facts = (
        "Two Gaussian directions over all parameters, biases too, made orthonormal (Gram-Schmidt).",
        "Nothing was normalized: a network whose layers have other lengths shows another picture, even where it "
        "computes the very same function.",
    )
    unit = f"1 is the length of all weights, {length:.3g}."
    return _plane(origin, (one, two), ("random direction 1", "random direction 2"), unit, facts)


def trajectory_plane(origin: torch.Tensor, moments: torch.Tensor, parts: Sequence[Part], seed: int) -> Plane:
    """The plane through the trained weights that holds most of the ways of ``moments`` (F, P) to them.

    Principal components of the differences from the trained weights (Li et al. 2018, section 7).
    """
    differences = (moments - origin).double()
    if float(differences.norm(dim=1).max()) < STILL * max(1.0, float(origin.norm())):
        raise Problem("Nothing moved in this training, so it has no plane; choose another plane, or other settings.")
    _, spread, axes = torch.linalg.svd(differences, full_matrices=False)
    straight = len(spread) < 2 or float(spread[1]) < 1e-6 * float(spread[0])
    one = axes[0]
    two = orthogonal_to(drawn(parts, seed, ("weights", "bias"), 1)[0], [one]) if straight else axes[1]
    one, two = (each / each.norm() * (-1 if float(differences[0] @ each) < 0 else 1) for each in (one, two))
    total = float(spread.square().sum())
    shares = [float(value**2) / total for value in (spread[0], spread[1] if len(spread) > 1 else 0.0)]
    facts = (
        "The first two principal components of the way to the trained weights (Li et al. 2018): no other plane holds "
        "more of it.",
        f"They hold {shares[0]:.1%} and {shares[1]:.1%} of its squared distance from the trained weights.",
        "Everything that moved is in them, biases too; nothing was normalized.",
        *(("The way is straight, so the second direction is a random one.",) if straight else ()),
    )
    names = (
        f"principal component 1 ({shares[0]:.0%})",
        "random direction" if straight else f"principal component 2 ({shares[1]:.0%})",
    )
    plane = _plane(origin, (one, two), names, "1 is a distance of 1 in weight space.", facts)
    return _windowed(plane, moments)


def three_points_plane(origin: torch.Tensor, one: torch.Tensor, two: torch.Tensor, names: tuple[str, str]) -> Plane:
    """The plane through three weights: ``one`` lies at alpha = 1; beta points to the side of ``two`` (P,)."""
    first = (one - origin).double()
    second = orthogonal_to(two - origin, [first])
    if float(first.norm()) < STILL or float(second.norm()) < 1e-6 * float(first.norm()):
        raise Problem("These three weights lie on one line, so they span no plane; choose another plane.")
    second = second / second.norm() * first.norm()
    facts = (
        f"The plane through the trained weights, {names[0]} and {names[1]} (Garipov et al. 2018), made orthogonal.",
        f"1 is the distance of the trained weights from {names[0]}, {float(first.norm()):.3g}.",
        "Everything differs along it, biases too; nothing was normalized.",
    )
    plane = _plane(
        origin, (first, second), (f"towards {names[0]}", f"towards {names[1]}"), f"1 is the distance of {names[0]}.",
        facts,
    )  # fmt: skip
    return _windowed(plane, torch.stack([one, two]), 0.35)


def line_plane(origin: torch.Tensor, other: torch.Tensor, parts: Sequence[Part], seed: int, name: str) -> Plane:
    """The straight line from the trained weights to ``other`` (P,), and a random direction across it.

    Goodfellow et al. 2015 (arXiv 1412.6544) look along such lines.
    """
    along = (other - origin).double()
    if float(along.norm()) < STILL * max(1.0, float(origin.norm())):
        raise Problem("Both ends of the line are the same weights; choose another end.")
    across = orthogonal_to(filter_normalized(drawn(parts, seed, ("weights",), 1)[0], origin, parts), [along])
    across = across / across.norm() * along.norm()
    facts = (
        f"The straight line from the trained weights (0) to {name} (1), {float(along.norm()):.3g} away.",
        "Across it a random direction, each filter scaled to its length, made orthogonal to the line and as long.",
        "Networks with their units in another order are the same network elsewhere: a wall between two minima may "
        "only mean that their units do not match.",
    )
    return _plane(
        origin, (along, across), (f"towards {name}", "random direction"), f"1 is the distance of {name}.", facts,
        window=(-0.5, 1.5, -1.0, 1.0),
    )  # fmt: skip


def curvature_plane(
    origin: torch.Tensor, top: torch.Tensor, bottom: torch.Tensor, values: tuple[float, float]
) -> Plane:
    """The plane of two eigenvectors (P,) of the Hessian, those of its largest and its smallest eigenvalue."""
    one = top.double() / top.double().norm()
    two = orthogonal_to(bottom, [one])
    if float(two.norm()) < 1e-3:
        raise Problem("The loss bends in one direction only; choose another plane.")
    facts = (
        f"The eigenvectors of the Hessian with its largest ({values[0]:.3g}) and its smallest ({values[1]:.3g}) "
        "eigenvalue: no direction bends more upwards or downwards here.",
        "All parameters take part, biases too; nothing was normalized.",
    )
    names = (f"largest curvature ({values[0]:.3g})", f"smallest curvature ({values[1]:.3g})")
    return _plane(origin, (one, two / two.norm()), names, "1 is a distance of 1 in weight space.", facts)


def _plane(
    origin: torch.Tensor, pair: tuple[torch.Tensor, torch.Tensor], axes: tuple[str, str], unit: str,
    facts: tuple[str, ...], window: tuple[float, float, float, float] = (-1.0, 1.0, -1.0, 1.0),
) -> Plane:  # fmt: skip
    return Plane(origin, torch.stack(pair).float(), axes, unit, facts, window)


def _windowed(plane: Plane, moments: torch.Tensor, room: float = ROOM) -> Plane:
    """The plane with a window around its origin and all ``moments`` (F, P)."""
    seen = torch.cat([plane.coordinates(moments - plane.origin), torch.zeros(1, 2, dtype=torch.float64)])
    low, high = seen.min(0).values, seen.max(0).values
    middle, half = (low + high) / 2, (1 + 2 * room) * float((high - low).max()) / 2
    (left, bottom), (right, top) = (middle - half).tolist(), (middle + half).tolist()
    return Plane(plane.origin, plane.directions, plane.axes, plane.unit, plane.facts, (left, right, bottom, top))

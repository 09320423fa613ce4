"""How the loss bends around some weights: the Hessian's extreme eigenvalues, sharpness, profiles, gradient flow."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal

from shared.explain.weight_space import WeightSpace
from shared.problems import Problem

MOST_PRODUCTS = 80  # Hessian-vector products of one search
CLOSE = 1e-4  # an eigenvalue is found when its residual is below this part of the greatest one's size
ASCENT = 10  # gradient steps towards the greatest loss of a box
BOXES = (5e-4, 1e-3, 5e-3, 1e-2)
PROFILE = 21  # points of a profile


@dataclass(frozen=True, eq=False)
class Ends:
    """The ends of the Hessian's spectrum as found after so many ``products``.

    ``top`` and ``bottom`` are the largest and the smallest eigenvalue, ``vectors`` (2, P) their unit eigenvectors, and
    ``residuals`` (2,) the lengths of H v - lambda v, between which and lambda an eigenvalue surely lies.
    """

    products: int
    top: float
    bottom: float
    vectors: torch.Tensor
    residuals: tuple[float, float]

    @property
    def found(self) -> bool:
        """Whether both are known to ``CLOSE``."""
        return max(self.residuals) <= CLOSE * max(abs(self.top), abs(self.bottom), 1e-12)


def spectrum_ends(product: Callable[[torch.Tensor], torch.Tensor], size: int, seed: int) -> Iterator[Ends]:
    """The largest and the smallest eigenvalue of a symmetric matrix (P, P) known by its products with vectors.

    Lanczos 1950: power iteration that remembers, so that it finds both ends at once; every new vector is made
    orthogonal to all before. Yields after each product; the last is the answer. Raises ``Problem`` where a product is
    not finite, as after a training whose weights grew beyond measure.
    """
    random = torch.Generator().manual_seed(seed)
    vector = torch.randn(size, generator=random)
    basis = [vector / vector.norm()]
    diagonal: list[float] = []
    beside: list[float] = []
    for number in range(1, min(MOST_PRODUCTS, size) + 1):
        image = product(basis[-1])
        if not image.norm().isfinite():
            raise Problem("The loss bends beyond all numbers at these weights; choose a smaller learning rate.")
        diagonal.append(float(image @ basis[-1]))
        known = torch.stack(basis)
        for _ in range(2):  # once leaves rounding errors that come back as copies of eigenvalues
            image = image - known.T @ (known @ image)
        length = float(image.norm())
        values, columns = eigh_tridiagonal(np.array(diagonal), np.array(beside))
        chosen = torch.from_numpy(np.ascontiguousarray(columns[:, [-1, 0]])).to(known.dtype)
        residuals = tuple(length * abs(float(columns[-1, index])) for index in (-1, 0))
        ends = Ends(number, float(values[-1]), float(values[0]), (chosen.T @ known), residuals)  # type: ignore[arg-type]
        yield ends
        if ends.found or length < 1e-10:
            return
        beside.append(length)
        basis.append(image / length)


def greatest_in_box(space: WeightSpace, theta: torch.Tensor, size: float) -> float:
    """About the greatest loss in the box |x_i - theta_i| <= size (|theta_i| + 1) of Keskar et al. 2017.

    ``ASCENT`` signed gradient steps from the center, clipped to the box: a lower bound, exact where the gradient keeps
    its signs.
    """
    reach = size * (theta.abs() + 1)
    place, greatest = theta.clone(), space.measure(theta)[0]
    for _ in range(ASCENT):
        step = place + space.gradient(place).sign() * reach / 2
        place = torch.minimum(torch.maximum(step, theta - reach), theta + reach)
        greatest = max(greatest, space.measure(place)[0])
    return greatest


def sharpness_percent(center: float, greatest: float) -> float:
    """Epsilon-sharpness in percent, from the loss at the center and the greatest one nearby (Keskar et al. 2017)."""
    return 100 * (greatest - center) / (1 + center)


def profile(
    space: WeightSpace, theta: torch.Tensor, direction: torch.Tensor, reach: float
) -> tuple[list[float], list[float]]:
    """The loss along a direction: places (``PROFILE``,) as distances in weight space from -reach to reach, losses."""
    unit = direction / direction.norm()
    places = np.linspace(-reach, reach, PROFILE).tolist()
    return places, [space.measure(theta + place * unit)[0] for place in places]


@dataclass(frozen=True, eq=False)
class Curvature:
    """What is known so far about the loss around some weights; ``stage`` says what is being looked for.

    ``gradient`` is the length of the gradient, ``boxes`` are (size, greatest loss), ``profiles`` (name, places,
    losses).
    """

    stage: str
    done: int
    total: int
    loss: float
    gradient: float
    ends: Ends | None = None
    boxes: tuple[tuple[float, float], ...] = ()
    profiles: tuple[tuple[str, list[float], list[float]], ...] = ()


def curvature(space: WeightSpace, theta: torch.Tensor, seed: int) -> Iterator[Curvature]:
    """Everything about the loss around ``theta`` (P,), step by step; the last one is the answer."""
    loss, gradient = space.measure(theta)[0], float(space.gradient(theta).norm())
    most = min(MOST_PRODUCTS, space.size)
    total = most + len(BOXES) + 4
    ends: Ends | None = None
    for ends in spectrum_ends(space.hessian_product(theta), space.size, seed):
        yield Curvature("curvature", ends.products, total, loss, gradient, ends)
    boxes: list[tuple[float, float]] = []
    for size in BOXES:
        boxes.append((size, greatest_in_box(space, theta, size)))
        yield Curvature("sharpness", most + len(boxes), total, loss, gradient, ends, tuple(boxes))
    assert ends is not None
    random = torch.randn(2, space.size, generator=torch.Generator().manual_seed(seed))
    named = {"along the largest curvature": ends.vectors[0], "along the smallest": ends.vectors[1],
             "random 1": random[0], "random 2": random[1]}  # fmt: skip
    drawn: list[tuple[str, list[float], list[float]]] = []
    for name, direction in named.items():
        drawn.append((name, *profile(space, theta, direction, reach_of(ends))))
        done = most + len(boxes) + len(drawn)
        yield Curvature("profiles", done, total, loss, gradient, ends, tuple(boxes), tuple(drawn))


def reach_of(ends: Ends) -> float:
    """A distance at which the largest curvature lifts the loss by about 1, within [0.1, 3]."""
    return float(np.clip(np.sqrt(2 / max(abs(ends.top), abs(ends.bottom), 1e-12)), 0.1, 3.0))


def gradient_norms(space: WeightSpace, theta: torch.Tensor) -> list[tuple[str, float]]:
    """The length of the gradient of each weight matrix or kernel at ``theta`` (P,), in order."""
    gradient = space.gradient(theta)
    return [
        (part.name.removesuffix(".weight"), float(gradient[part.place].norm()))
        for part in space.parts
        if part.kind == "weights"
    ]

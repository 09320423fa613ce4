"""Labeled points of a plane by name: drawn ones, measured flowers, digits pressed flat."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from shared.models.hub_pictures import mnist as mnist_digits
from shared.problems import Problem
from shared.results import Points

MOST_POINTS = 1000
SPREAD = 0.45  # of a blob, before noise
SCALES = {"spirals": 2.0, "xor": 2.0}  # how far these sets reach
FEATURES_OF_IRIS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
FLATTENED = "The two axes keep {:.0%} of the spread of all columns: what lies together here may lie far apart in them."
Drawn = tuple[np.ndarray, np.ndarray]


def xor(size: int, noise: float, random: np.random.Generator) -> Drawn:
    """Four squares: neighbors differ, what lies across the corner is alike. No line gets far."""
    x = random.uniform(-1, 1, (size, 2))
    x += np.sign(x) * 0.08  # a gap along the axes
    labels = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    return SCALES["xor"] * (x + noise * random.standard_normal(x.shape) / 2), labels


def spirals(size: int, noise: float, random: np.random.Generator) -> Drawn:
    """Two arms that wind around each other one and three quarter times."""
    labels = np.arange(size) % 2
    along = np.sqrt(random.uniform(0.01, 1, size))
    angle = 1.75 * 2 * np.pi * along + labels * np.pi
    x = along[:, None] * np.stack([np.sin(angle), np.cos(angle)], 1)
    return SCALES["spirals"] * (x + noise * random.standard_normal(x.shape) / 5), labels


def moons(size: int, noise: float, random: np.random.Generator) -> Drawn:
    """Two half circles that reach into each other."""
    from sklearn.datasets import make_moons

    return _pair(make_moons(size, noise=noise, random_state=_seed(random)))


def circles(size: int, noise: float, random: np.random.Generator) -> Drawn:
    """A ring around a disc."""
    from sklearn.datasets import make_circles

    return _pair(make_circles(size, noise=noise / 2, factor=0.45, random_state=_seed(random)))


def blobs(size: int, noise: float, random: np.random.Generator) -> Drawn:
    """Three heaps."""
    from sklearn.datasets import make_blobs

    centers = np.array([[-1.2, -0.8], [1.3, -0.5], [0.0, 1.3]])
    return _pair(make_blobs(size, centers=centers, cluster_std=SPREAD + noise / 2, random_state=_seed(random))[:2])


def quantiles(size: int, noise: float, random: np.random.Generator) -> Drawn:
    """One heap, cut into a core and two rings of equally many points."""
    from sklearn.datasets import make_gaussian_quantiles

    x, labels = make_gaussian_quantiles(n_samples=size, n_classes=3, random_state=_seed(random))
    return x + noise * random.standard_normal(x.shape), labels.astype(np.int64)


DRAWN: dict[str, tuple[str, Callable[[int, float, np.random.Generator], Drawn]]] = {
    "moons": ("two moons", moons),
    "circles": ("a ring around a disc", circles),
    "xor": ("XOR", xor),
    "spirals": ("two spirals", spirals),
    "blobs": ("three heaps", blobs),
    "quantiles": ("a core and two rings", quantiles),
}


def _seed(random: np.random.Generator) -> int:
    return int(random.integers(2**31 - 1))


def _pair(drawn: Drawn) -> Drawn:
    return np.asarray(drawn[0]), np.asarray(drawn[1], dtype=np.int64)


def drawn(name: str, size: int, noise: float, share: float, seed: int) -> Points:
    """One of ``DRAWN``: ``size`` points, ``noise`` as the spread of their places, a ``share`` held out."""
    title, make = DRAWN[name]
    x, labels = make(size, noise, np.random.default_rng(seed))
    classes = tuple(f"class {index}" for index in range(labels.max() + 1))
    return assembled(title, x, labels, classes, ("x", "y"), share, seed)


def empty() -> Points:
    """A plane for points painted by hand."""
    return assembled("points painted by hand", np.zeros((0, 2)), np.zeros(0), ("class 0", "class 1"), ("x", "y"), 0, 0)


def iris(features: str, share: float, seed: int) -> Points:
    """Fisher's 150 flowers of three kinds (1936) by two of ``FEATURES_OF_IRIS``, "a, b", or by "PCA" of all four."""
    from sklearn.datasets import load_iris

    flowers = load_iris()
    values, labels = np.asarray(flowers.data), np.asarray(flowers.target)
    classes = tuple(f"Iris {name}" for name in flowers.target_names)
    return measured("Iris flowers", values, FEATURES_OF_IRIS, features or "PCA", labels, classes, share, seed)


def mnist(size: int, share: float, seed: int) -> Points:
    """Handwritten zeros and ones, their 784 pixels pressed to two by PCA."""
    pixels, labels = zeros_and_ones()
    chosen = np.random.default_rng(seed).choice(len(pixels), min(size, len(pixels)), replace=False)
    return measured("MNIST: 0 or 1", pixels[chosen], (), "PCA", labels[chosen], ("0", "1"), share, seed)


@lru_cache(maxsize=1)
def zeros_and_ones() -> tuple[np.ndarray, np.ndarray]:
    """The 2,115 zeros and ones of MNIST's test digits: pixels (N, 784) in [0, 1] and labels."""
    try:
        pixels, labels = mnist_digits("test")
    except Exception as error:  # what the Hub client raises without a network varies
        raise Problem("MNIST is fetched from the Hub, which cannot be reached now; choose another set.") from error
    wanted = labels <= 1
    return pixels[wanted].reshape(int(wanted.sum()), -1) / 255.0, labels[wanted]


def measured(
    title: str, values: np.ndarray, names: tuple[str, ...], features: str, labels: np.ndarray,
    classes: tuple[str, ...], share: float, seed: int, note: str = "",
) -> Points:  # fmt: skip
    """Points from a table ``values`` (N, D) by two of its columns, "a, b", or by "PCA" of all; standardized.

    Raises ``Problem`` where there are no such columns.
    """
    if features.strip().upper() == "PCA":
        values, explained = principal(values)
        names = tuple(f"principal component {index} ({part:.0%})" for index, part in enumerate(explained, start=1))
        note = f"{note} {FLATTENED.format(sum(explained))}".strip()
    else:
        chosen = columns_named(features, names)
        values, names = values[:, chosen], tuple(names[index] for index in chosen)
    return assembled(title, values, labels, classes, (names[0], names[1]), share, seed, note, standardize=True)


def columns_named(features: str, names: tuple[str, ...]) -> list[int]:
    """The indices of two columns given as "a, b"; a name may itself hold commas."""
    pairs = [(a, b) for a in range(len(names)) for b in range(len(names)) if a != b]
    wanted = features.replace(" ", "").casefold()
    for a, b in pairs:
        if f"{names[a]},{names[b]}".replace(" ", "").casefold() == wanted:
            return [a, b]
    raise Problem(f"Name two different columns, such as “{', '.join(names[:2])}”, or PCA.")


def principal(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two principal components (N, 2) of a table (N, D), D > 1, and their shares of its variance."""
    centered = values - values.mean(0)
    _, singular, axes = np.linalg.svd(centered, full_matrices=False)
    largest = np.abs(axes[:2]).argmax(1)
    axes = axes[:2] * np.sign(axes[[0, 1], largest])[:, None]  # of the two possible signs always the same
    return centered @ axes.T, singular[:2] ** 2 / max(float((singular**2).sum()), 1e-30)


def assembled(
    title: str, x: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], axes: tuple[str, str],
    share: float, seed: int, note: str = "", standardize: bool = False,
) -> Points:  # fmt: skip
    """Points with a ``share`` of them held out at random, of every class alike where it has enough."""
    x = np.asarray(x, dtype=np.float64)
    mean = x.mean(0) if standardize else np.zeros(2)
    scale = np.where(x.std(0) > 0, x.std(0), 1.0) if standardize else np.ones(2)
    labels = np.asarray(labels, dtype=np.int64)
    held_out = split(labels, share, seed)
    return Points(title, ((x - mean) / scale).astype(np.float32), labels, held_out, classes, axes, mean, scale, note)


def split(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """A mask (N,) of held-out points: about ``share`` of each class, never all of one."""
    random, held_out = np.random.default_rng(seed), np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        places = random.permutation(np.flatnonzero(labels == label))
        held_out[places[: min(round(share * len(places)), len(places) - 1)]] = True
    return held_out


@lru_cache(maxsize=64)
def load(data: str, size: int, noise: float, share: float, seed: int, features: str = "") -> Points:
    """A set by name: one of ``DRAWN``, "painted", "iris" or "mnist". Raises ``Problem`` for others and odd numbers."""
    if not 10 <= size <= MOST_POINTS:
        raise Problem(f"Choose 10 to {MOST_POINTS:,} points.")
    if not 0 <= noise <= 2:
        raise Problem("The noise is a number from 0 to 2.")
    if not 0 <= share <= 0.9:
        raise Problem("Hold out between 0 and 90 % of the points.")
    if data in DRAWN:
        return drawn(data, size, noise, share, seed)
    if data == "painted":
        return empty()
    if data == "iris":
        return iris(features, share, seed)
    if data == "mnist":
        return mnist(size, share, seed)
    raise Problem(f"There is no set {data[:40]!r}; choose one of {', '.join([*DRAWN, 'iris', 'mnist', 'painted'])}.")

"""From a trained network to the loss over a plane around its weights."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from shared.explain import planes
from shared.explain.curvature import spectrum_ends
from shared.explain.learner import losses as point_losses
from shared.explain.planes import PLANES, Plane, grid
from shared.explain.recipes import Recipe
from shared.explain.surface import losses, measure, order, outline, strides
from shared.explain.training import training
from shared.explain.weight_space import Moment, WeightSpace, vector_of
from shared.models.plane_network import Shape, build
from shared.models.trained import load_snapshot, network, pictures_of, snapshots
from shared.problems import Problem
from shared.results import LossLandscape, Points, WeightPath

LARGEST_RESCALE = 1000.0


@dataclass(frozen=True, eq=False)
class Subject:
    """A network with the moments of its training, the trained one last.

    ``make`` gives a new ``WeightSpace`` of the trained network, for one user alone. ``name`` says how it was trained,
    in a word or two; ``on`` what its loss is measured on. ``stopped``: why the training ended early, or "".
    """

    name: str
    title: str
    on: str
    make: Callable[[], WeightSpace]
    moments: tuple[Moment, ...]
    stopped: str = ""

    @property
    def origin(self) -> torch.Tensor:
        """The trained weights (P,)."""
        return self.moments[-1].theta

    @property
    def thetas(self) -> torch.Tensor:
        """The weights of all moments (F, P)."""
        return torch.stack([moment.theta for moment in self.moments])


def of_points(points: Points, recipe: Recipe, rescale: float = 1.0, name: str = "") -> Subject:
    """An MLP trained on points as ``recipe`` says; its loss is that of the training points, without penalties.

    ``rescale`` multiplies the first layer of a ReLU network by so much and divides the second one's weights by it,
    which changes no output (Dinh et al. 2017, arXiv 1703.04933, section 3).
    """
    if recipe.batch_norm or recipe.learner != "MLP":
        raise Problem("A loss landscape is drawn for an MLP without batch norm; change the learner.")
    run, shape = training(points, recipe), recipe.shape(len(points.classes))
    frames = rescaled(torch.from_numpy(run.weights), shape, rescale)
    train = ~points.validation
    x, labels = torch.from_numpy(points.x[train]), torch.from_numpy(points.labels[train])

    def make() -> WeightSpace:
        model = build(replace(shape, dropout=0.0), torch.Generator())
        space = WeightSpace(model, x, labels, lambda outputs, known: point_losses(shape, outputs, known).mean())
        space.origin.copy_(frames[-1])
        space.flat.copy_(frames[-1])
        return space

    layers = ", ".join(map(str, recipe.hidden_layers))
    return Subject(
        name=name or recipe.optimizer,
        title=f"MLP ({layers}) on {points.title}",
        on=f"{len(x)} training points",
        make=make,
        moments=tuple(Moment(int(epoch), theta) for epoch, theta in zip(run.epochs, frames, strict=True)),
        stopped=run.stopped,
    )


def rescaled(frames: torch.Tensor, shape: Shape, factor: float) -> torch.Tensor:
    """Weights (F, P) of networks that compute the same with a first layer ``factor`` times as long."""
    if factor == 1:
        return frames
    if not 1 / LARGEST_RESCALE <= factor <= LARGEST_RESCALE:
        raise Problem(f"The factor of rescaling lies between {1 / LARGEST_RESCALE:g} and {LARGEST_RESCALE:g}.")
    if shape.activation != "ReLU" or len(shape.sizes) < 3:
        raise Problem("Only a ReLU network computes the same after rescaling; choose ReLU and a hidden layer.")
    ins, hidden, outs = shape.sizes[:3]
    first, second = (ins + 1) * hidden, hidden * outs
    changed = frames.clone()
    changed[:, :first] *= factor
    changed[:, first : first + second] /= factor
    return changed


def of_pictures(name: str, count: int) -> Subject:
    """A picture network of ``shared.models.trained``, its loss on the first ``count`` test pictures."""
    model, pictures, kept = network(name), pictures_of(name, count), snapshots(name)

    def own() -> torch.nn.Module:
        return WeightSpace(model.network, pictures.inputs[:1], pictures.labels[:1]).network

    body, moments = own(), []
    for snapshot in kept:
        load_snapshot(body, snapshot)
        buffers = {key: value.clone() for key, value in body.named_buffers()}
        moments.append(Moment(snapshot.epoch, vector_of(body), buffers))
    inputs = pictures.inputs.contiguous(memory_format=torch.channels_last)
    title = f"{name} ({len(kept)} moments kept)"
    return Subject("SGD", title, pictures.title, lambda: WeightSpace(body, inputs, pictures.labels), tuple(moments))


def plane_for(kind: str, subject: Subject, others: Sequence[Subject], seed: int) -> Plane:
    """The plane of one of ``PLANES`` around the trained weights of ``subject``; ``others`` give it further points."""
    if kind not in PLANES:
        raise Problem(f"There is no plane {kind[:40]!r}; choose one of {', '.join(PLANES)}.")
    origin, parts = subject.origin, subject.make().parts
    if kind == "filter_normalized":
        return planes.filter_normalized_plane(origin, parts, seed)
    if kind == "random":
        return planes.random_plane(origin, parts, seed)
    if kind == "trajectory":
        moments = torch.cat([each.thetas for each in (subject, *others)])
        return planes.trajectory_plane(origin, moments, parts, seed)
    if kind == "curvature":
        return _curvature_plane(subject, seed)
    return _through(kind, subject, others, seed)


def _curvature_plane(subject: Subject, seed: int) -> Plane:
    space = subject.make()
    *_, ends = spectrum_ends(space.hessian_product(subject.origin), space.size, seed)
    return planes.curvature_plane(subject.origin, ends.vectors[0], ends.vectors[1], (ends.top, ends.bottom))


def _through(kind: str, subject: Subject, others: Sequence[Subject], seed: int) -> Plane:
    """A plane through given weights: ends of other trainings, or moments of the subject's own."""
    moments = subject.moments
    ends = [(each.origin, each.name) for each in others]
    own = [(moments[0].theta, "the untrained network"), (moments[len(moments) // 2].theta, "the half trained one")]
    given = [*ends, *own]
    if kind == "line":
        return planes.line_plane(subject.origin, given[0][0], subject.make().parts, seed, given[0][1])
    (one, first), (two, second) = given[:2]
    return planes.three_points_plane(subject.origin, one, two, (first, second))


@dataclass
class Scan:
    """A landscape as far as it is known, which only ever grows.

    ``values`` are the losses in the order of ``surface.order``, the first ``coarse`` of them a coarse picture.
    ``paths`` are outlines until ``measured``.
    """

    plane: Plane
    alpha: np.ndarray
    beta: np.ndarray
    values: list[float] = field(default_factory=list)
    paths: tuple[WeightPath, ...] = ()
    measured: bool = False

    @property
    def coarse(self) -> int:
        """The number of values of the first, coarse picture."""
        return len(range(0, len(self.alpha), strides(len(self.alpha))[0])) ** 2

    @property
    def finished(self) -> bool:
        """Whether nothing is missing."""
        return self.measured and len(self.values) == self.total

    @property
    def total(self) -> int:
        """The number of grid points."""
        return len(self.alpha) * len(self.beta)

    def result(self) -> LossLandscape:
        """The whole landscape; NaN where it is not known yet."""
        loss = np.full((len(self.beta), len(self.alpha)), np.nan)
        for (row, column), value in zip(order(len(self.alpha)), self.values, strict=False):
            loss[row, column] = value
        plane = self.plane
        return LossLandscape(self.alpha, self.beta, loss, plane.axes, self.paths, plane.cosine, plane.lengths)


def scanning(
    subject: Subject, plane: Plane, resolution: int, span: float, others: Sequence[Subject] = ()
) -> Iterator[Scan]:
    """Scan a plane: first a coarse picture, then the ways of all subjects, then what lies between the coarse lines.

    Yields the same, growing scan after each step.
    """
    alpha, beta = grid(plane, resolution, span)
    ways = (subject, *others)
    scan = Scan(plane, alpha, beta, paths=tuple(outline(each.name, each.moments, plane) for each in ways))
    space, places = subject.make(), [(float(alpha[j]), float(beta[i])) for i, j in order(resolution)]
    yield from _scanned(scan, space, places[: scan.coarse])
    for each, path in zip(ways, scan.paths, strict=True):
        for _ in measure(path, each.moments, space, plane):
            yield scan
    scan.measured = True
    yield from _scanned(scan, space, places[scan.coarse :])
    yield scan


def _scanned(scan: Scan, space: WeightSpace, places: Sequence[tuple[float, float]]) -> Iterator[Scan]:
    for value in losses(space, scan.plane, places):
        scan.values.append(value)
        yield scan


def landscape(
    subject: Subject, plane: str = "filter_normalized", resolution: int = 41, span: float = 1.0, seed: int = 0,
    others: Sequence[Subject] = (),
) -> LossLandscape:  # fmt: skip
    """The loss over one of ``PLANES`` around the trained weights of ``subject``, with the ways of all subjects."""
    *_, scan = scanning(subject, plane_for(plane, subject, others, seed), resolution, span, others)
    return scan.result()

"""The loss at every grid point of a plane, coarse first and refined after; and the ways of optimizers on it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from shared.explain.planes import Plane
from shared.explain.weight_space import Moment, WeightSpace
from shared.results import WeightPath

COARSE = 5  # grid lines each way that the first, coarse picture has at least


def strides(resolution: int) -> list[int]:
    """The steps from coarse to fine: halved from the greatest power of two that still leaves ``COARSE`` lines."""
    greatest = 1
    while len(range(0, resolution, 2 * greatest)) >= COARSE:
        greatest *= 2
    return [greatest >> turn for turn in range(greatest.bit_length())]


def order(resolution: int) -> list[tuple[int, int]]:
    """All grid points (row of beta, column of alpha), coarse ones first, each once, row by row."""
    found: list[tuple[int, int]] = []
    coarser = 0
    for stride in strides(resolution):
        lines = range(0, resolution, stride)
        found += [(i, j) for i in lines for j in lines if not coarser or i % coarser or j % coarser]
        coarser = stride
    return found


def first_linear(space: WeightSpace) -> nn.Linear | None:
    """The linear layer that reads the inputs themselves, where the network's first parameters belong to one.

    Its output is linear in its weights, so over a whole plane it is three matrix products and sums of their results.
    """
    seen: list[nn.Module] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, _inputs: seen.append(module))
        for module in space.network.modules()
        if next(module.parameters(recurse=False), None) is not None
    ]
    try:
        space.outputs(space.origin, space.inputs[:2])
    finally:
        for hook in hooks:
            hook.remove()
    first = seen[0]
    if not isinstance(first, nn.Linear) or seen.count(first) > 1:
        return None
    return first if next(iter(space.network.parameters())) is first.weight else None


def losses(space: WeightSpace, plane: Plane, points: Sequence[tuple[float, float]]) -> Iterator[float]:
    """The loss at points (alpha, beta) of a plane, one after the other; quickest where beta stays the same.

    Until it is closed ``space`` serves for nothing else.
    """
    layer = first_linear(space)
    with nullcontext() if layer is None else _answering(space, plane, layer) as known:
        evaluate = _whole(space, plane) if known is None else _past(space, plane, *known)
        for alpha, beta in points:
            yield evaluate(alpha, beta)


@contextmanager
def _answering(space: WeightSpace, plane: Plane, layer: nn.Linear) -> Iterator[tuple[int, list[torch.Tensor]]]:
    """Let the first layer hand on what it finds in the first of the tensors that this gives; see ``_first_outputs``.

    A ReLU behind it works in place meanwhile: nobody else sees its input, and new memory takes as long as its work.
    """
    count = layer.weight.numel() + (0 if layer.bias is None else layer.bias.numel())
    known = _first_outputs(space, plane, layer)
    behind = [
        (chain, place + 1)
        for chain in space.network.modules()
        if isinstance(chain, nn.Sequential)
        for place, (one, two) in enumerate(pairwise(chain))
        if one is layer and type(two) is nn.ReLU
    ]
    kept = [chain[place] for chain, place in behind]
    layer.forward = lambda input: known[0]  # type: ignore[method-assign]
    for chain, place in behind:
        chain[place] = nn.ReLU(inplace=True)
    try:
        yield count, known
    finally:
        del layer.forward  # the class's own is there again
        for (chain, place), module in zip(behind, kept, strict=True):
            chain[place] = module


Evaluate = Callable[[float, float], float]


def _whole(space: WeightSpace, plane: Plane) -> Evaluate:
    """The loss at a point of the plane by a whole forward pass."""
    one, two = plane.directions
    row, latest = torch.empty_like(space.flat), [float("nan")]

    @torch.no_grad()
    def evaluate(alpha: float, beta: float) -> float:
        if beta != latest[0]:
            torch.add(plane.origin, two, alpha=beta, out=row)
            latest[0] = beta
        torch.add(row, one, alpha=alpha, out=space.flat)
        return float(space.criterion(space.network(space.inputs), space.labels))

    return evaluate


def _past(space: WeightSpace, plane: Plane, count: int, known: list[torch.Tensor]) -> Evaluate:
    """The loss at a point of the plane by a forward pass past the first layer and its ``count`` parameters."""
    kept, base, across, up = known
    origin, one, two, flat = (each[count:] for each in (plane.origin, *plane.directions, space.flat))
    row, row_outputs, latest = torch.empty_like(flat), torch.empty_like(kept), [float("nan")]

    @torch.no_grad()
    def evaluate(alpha: float, beta: float) -> float:
        if beta != latest[0]:
            torch.add(origin, two, alpha=beta, out=row)
            torch.add(base, up, alpha=beta, out=row_outputs)
            latest[0] = beta
        torch.add(row, one, alpha=alpha, out=flat)
        torch.add(row_outputs, across, alpha=alpha, out=kept)
        return float(space.criterion(space.network(space.inputs), space.labels))

    return evaluate


@torch.no_grad()
def _first_outputs(space: WeightSpace, plane: Plane, layer: nn.Linear) -> list[torch.Tensor]:
    """Room for the first layer's output, and that output with the weights of the origin and of both directions."""
    taken: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda _module, _inputs, output: taken.append(output.clone()))
    try:
        for weights in (plane.origin, plane.origin, *plane.directions):
            space.outputs(weights)
    finally:
        hook.remove()
    return taken


def outline(name: str, moments: Sequence[Moment], plane: Plane) -> WeightPath:
    """Where an optimizer went, as a plane shows it; losses, accuracies and arrows are NaN until they are measured."""
    differences = torch.stack([moment.theta for moment in moments]).double() - plane.origin.double()
    coordinates = plane.coordinates(differences)
    distance = (differences - coordinates @ plane.directions.double()).norm(dim=1)
    total = float(differences.square().sum())
    unknown = np.full((len(moments), 5), np.nan)
    return WeightPath(
        name=name,
        epochs=np.array([moment.epoch for moment in moments]),
        coordinates=coordinates.numpy(),
        loss=unknown[:, 0],
        plane_loss=unknown[:, 1],
        distance=distance.numpy(),
        arrows=unknown[:, 2:4],
        accuracy=unknown[:, 4],
        explained=1 - float(distance.square().sum()) / total if total > 0 else float("nan"),
    )


def measure(path: WeightPath, moments: Sequence[Moment], space: WeightSpace, plane: Plane) -> Iterator[int]:
    """Fill in what ``outline`` left open, moment by moment; yields the number of those that are done."""
    for index, (moment, place) in enumerate(zip(moments, path.coordinates.tolist(), strict=True)):
        space.use_buffers(moment.buffers)
        path.loss[index], path.accuracy[index] = space.measure(moment.theta)
        path.arrows[index] = -plane.coordinates(space.gradient(moment.theta)[None])[0].numpy()
        space.use_buffers(None)
        path.plane_loss[index], _ = space.measure(plane.at(*place))
        yield index + 1

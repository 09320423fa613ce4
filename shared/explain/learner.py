"""One small learner at its work: its loss, its first weights, its optimizer, and a pass over the points.

Everything random comes from one generator with the recipe's seed, so the same recipe gives the same weights.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from shared.explain.recipes import Event, Recipe
from shared.models.plane_network import Shape, build, linear_layers, set_weight

SCALES = {"small": 0.01, "large": 5.0, "zeros": 0.0}
DEAD_BIAS = -5.0


def losses(shape: Shape, outputs: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """The loss of each point, (..., N), from bare outputs (..., N, K) and labels (N,).

    Cross-entropy for "sigmoid" and "softmax"; the mean square distance from targets of -1 and 1 for "linear" (Widrow
    and Hoff 1960); the Perceptron's criterion max(0, -target * output) for "step".
    """
    classes = outputs.shape[-1]
    if shape.output == "softmax":
        rows = outputs.reshape(-1, classes)
        repeated = labels.expand(outputs.shape[:-1]).reshape(-1)
        return functional.cross_entropy(rows, repeated, reduction="none", label_smoothing=smoothing).reshape(
            outputs.shape[:-1]
        )
    hot = (labels if classes == 1 else functional.one_hot(labels, classes)).to(outputs.dtype)
    outputs = outputs[..., 0] if classes == 1 else outputs
    if shape.output == "sigmoid":
        smooth = (hot * (1 - smoothing) + smoothing / 2).expand(outputs.shape)
        return functional.binary_cross_entropy_with_logits(outputs, smooth, reduction="none")
    signs = 2 * hot - 1
    each = (outputs - signs) ** 2 if shape.output == "linear" else (-signs * outputs).clamp_min(0)
    return each if classes == 1 else each.mean(-1)


def answers(outputs: torch.Tensor) -> torch.Tensor:
    """The chosen class (..., N) for bare outputs (..., N, K)."""
    return outputs.argmax(-1) if outputs.shape[-1] > 1 else (outputs[..., 0] > 0).long()


def new_network(recipe: Recipe, shape: Shape, random: torch.Generator) -> nn.Sequential:
    """The untrained network of a recipe; a Perceptron and an ADALINE begin with zeros."""
    network = build(shape, random)
    scale = 0.0 if shape.output in ("step", "linear") else SCALES.get(recipe.initialization, 1.0)
    hidden = linear_layers(network)[:-1]
    with torch.no_grad():
        for linear, _ in linear_layers(network):
            linear.weight.mul_(scale)
            linear.bias.mul_(scale)
        for linear, _ in hidden if recipe.initialization == "dead ReLU" else []:
            linear.bias.fill_(DEAD_BIAS)
    return network


def optimizer_for(recipe: Recipe, network: nn.Sequential) -> torch.optim.Optimizer:
    """torch's optimizer of a recipe, momentum 0.9 where it has one; L2 acts on weights, not on biases."""
    weights = [linear.weight for linear, _ in linear_layers(network)]
    others = [parameter for parameter in network.parameters() if not any(parameter is weight for weight in weights)]
    groups: list[Any] = [{"params": weights, "weight_decay": recipe.l2}, {"params": others, "weight_decay": 0.0}]
    if not recipe.l2:  # one group takes half the time of two
        groups = [{"params": list(network.parameters()), "weight_decay": 0.0}]
    adams: dict[str, Any] = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}
    if recipe.optimizer in adams:  # a step of a small network takes a third less where it is one kernel
        return adams[recipe.optimizer](groups, lr=recipe.learning_rate, fused=True)  # type: ignore[no-any-return]
    if recipe.optimizer == "RMSProp":
        return torch.optim.RMSprop(groups, lr=recipe.learning_rate)
    momentum = 0.0 if recipe.optimizer == "SGD" else 0.9
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=momentum, nesterov=recipe.optimizer == "Nesterov")


class Trainer:
    """One learner at work on the training points; ``epoch`` goes over them once."""

    def __init__(
        self, recipe: Recipe, shape: Shape, x: np.ndarray, labels: np.ndarray, network: nn.Sequential | None = None
    ) -> None:
        self.recipe, self.shape = recipe, shape
        self.random = torch.Generator().manual_seed(recipe.seed)
        self.network = network or new_network(recipe, shape, self.random)
        self.optimizer = optimizer_for(recipe, self.network)
        self.weights = [linear.weight for linear, _ in linear_layers(self.network)]
        self.x = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
        self.labels = torch.from_numpy(np.ascontiguousarray(labels, dtype=np.int64))

    def epoch(self, rate: float) -> None:
        """Go over all points once with the learning rate ``rate``."""
        if self.shape.output == "step":
            perceptron_epoch(self.network, self.x, self.labels, rate)
            return
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        for batch in self.batches():
            self.step(self.x[batch], self.labels[batch])

    def batches(self) -> Iterator[Any]:
        """Indices of the points, shuffled, in nearly equal batches; all at once in their order for batch size 0.

        Batch norm compares the points of a batch, so under it each holds at least two.
        """
        count, size = len(self.x), self.recipe.batch_size
        if not size or size >= count:
            yield slice(None)
            return
        parts = -(-count // size)
        parts = min(parts, count // 2) if self.shape.batch_norm else parts
        yield from torch.randperm(count, generator=self.random).tensor_split(parts)

    def step(self, x: torch.Tensor, labels: torch.Tensor) -> None:
        """One step of the optimizer."""
        self.optimizer.zero_grad()
        losses(self.shape, self.network(x), labels, self.recipe.label_smoothing).mean().backward()  # type: ignore[no-untyped-call]
        if self.recipe.l1:
            for weight in self.weights:
                weight.grad.add_(weight.detach().sign(), alpha=self.recipe.l1)  # type: ignore[union-attr]
        self.optimizer.step()

    def gradient(self) -> torch.Tensor:
        """The weights' gradients of the last step in a row; zeros before the first."""
        with torch.no_grad():
            return torch.cat([torch.zeros(w.numel()) if w.grad is None else w.grad.flatten() for w in self.weights])

    def apply(self, event: Event) -> None:
        """Do what was done to the training in this moment; the learning rate is not its business."""
        if event.kind == "add" and event.points:
            new = np.array([point[:2] for point in event.points], dtype=np.float32)
            self.x = torch.cat([self.x, torch.from_numpy(new)])
            self.labels = torch.cat([self.labels, torch.tensor([point[2] for point in event.points])])
        elif event.kind == "set":
            set_weight(self.network, event.layer, event.unit, event.source, event.value)


@torch.no_grad()
def perceptron_epoch(network: nn.Sequential, x: torch.Tensor, labels: torch.Tensor, rate: float) -> int:
    """Rosenblatt's rule (1958) over all points in their order: what is wrong, or undecided, pulls the line.

    w += rate * target * (x, 1), target -1 or 1; with K outputs each is one class against the rest. The gradient of
    a weight is noted as minus the mean of what was added to it. Returns the number of corrections.
    """
    linear, _ = linear_layers(network)[0]
    weights = torch.cat([linear.weight, linear.bias[:, None]], 1).double()
    before, inputs = weights.clone(), torch.cat([x, torch.ones(len(x), 1)], 1).double()
    hot = labels[:, None] if len(weights) == 1 else functional.one_hot(labels, len(weights))
    targets = 2 * hot.double() - 1
    corrections = 0
    for point, target in zip(inputs, targets, strict=True):
        wrong = target * (weights @ point) <= 0
        if wrong.any():
            weights += rate * torch.outer(target * wrong, point)
            corrections += 1
    linear.weight.copy_(weights[:, :-1])
    linear.bias.copy_(weights[:, -1])
    linear.weight.grad = ((before - weights)[:, :-1] / (rate * len(x))).float()
    return corrections

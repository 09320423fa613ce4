"""A training with the weights that it goes through, as it happens.

What is recorded is only copied while training; losses and accuracies of many epochs are computed together afterwards.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from shared.arrays import evenly
from shared.explain.learner import Trainer, answers, losses
from shared.explain.recipes import Event, Recipe, asked_rates, rates
from shared.models.plane_network import Shape, flat_weights, forward
from shared.results import Points, Training

BLOCK = 0.05  # seconds of training between two looks at what was recorded
MOST_KEPT = 200  # epochs whose weights are kept
MOST_VALUES = 400_000  # in all kept weights together
LARGEST_WEIGHT = 1e6  # beyond it a training is lost, though its numbers are still finite
NOTHING_TO_LEARN = "There is nothing to tell apart yet: give it at least one training point of each of two classes."


@dataclass
class Recording:
    """A training as far as it has come, which only ever grows; see ``results.Training``."""

    shape: Shape
    epochs: list[int] = field(default_factory=list)
    weights: list[torch.Tensor] = field(default_factory=list)
    gradients: list[torch.Tensor] = field(default_factory=list)
    loss: list[list[float]] = field(default_factory=list)
    accuracy: list[list[float]] = field(default_factory=list)
    stopped: str = ""

    @property
    def done(self) -> int:
        """The number of finished epochs."""
        return len(self.accuracy) - 1

    def result(self) -> Training:
        """What was recorded so far."""
        return Training(
            epochs=np.array(self.epochs),
            weights=torch.stack(self.weights).numpy(),
            gradients=torch.stack(self.gradients).numpy(),
            loss=np.array(self.loss),
            accuracy=np.array(self.accuracy),
            stopped=self.stopped,
        )


@dataclass
class Block:
    """Epochs that are not judged yet: the weights after each, and gradients of those that are kept."""

    weights: list[torch.Tensor] = field(default_factory=list)
    gradients: dict[int, torch.Tensor] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @property
    def old(self) -> bool:
        """Whether someone who waits should see it."""
        return time.monotonic() - self.began > BLOCK


def kept_epochs(recipe: Recipe, shape: Shape) -> list[int]:
    """The epochs whose weights are kept: all of them, or as many as fit, evenly spaced."""
    return evenly(recipe.epochs + 1, max(20, min(MOST_KEPT, MOST_VALUES // shape.weights)))


def trainer_for(points: Points, recipe: Recipe) -> Trainer:
    """The learner of a recipe before the points that are not held out."""
    train = ~points.validation
    return Trainer(recipe, recipe.shape(len(points.classes)), points.x[train], points.labels[train])


def recording(points: Points, recipe: Recipe, trainer: Trainer | None = None) -> Iterator[Recording]:
    """Train; yields the same, growing recording about every ``BLOCK`` seconds, and when all is done.

    ``trainer`` brings a network of its own instead of the one that the recipe describes.
    """
    trainer = trainer or trainer_for(points, recipe)
    record, kept = Recording(trainer.shape), set(kept_epochs(recipe, trainer.shape))
    for event in events_after(recipe, 0):
        trainer.apply(event)
    block = Block([flat_weights(trainer.network)], {0: trainer.gradient()})
    missing = len(set(trainer.labels.tolist())) < 2
    for epoch, rate in enumerate([] if missing else rates(recipe), start=1):
        events = events_after(recipe, epoch - 1) if epoch > 1 else []
        if events or block.old:
            judge(record, block, trainer, points, recipe)
            yield record
            if record.stopped:
                return
            block = Block()
        for event in events:
            trainer.apply(event)
        trainer.epoch(rate)
        block.weights.append(flat_weights(trainer.network))
        if epoch in kept:
            block.gradients[epoch] = trainer.gradient()
    judge(record, block, trainer, points, recipe)
    record.stopped = record.stopped or (NOTHING_TO_LEARN if missing else "")
    yield record


def events_after(recipe: Recipe, epoch: int) -> list[Event]:
    """What was done after ``epoch``, before the next one."""
    return [event for event in recipe.events if event.epoch == epoch]


def judge(record: Recording, block: Block, trainer: Trainer, points: Points, recipe: Recipe) -> None:
    """Add a block to the recording, up to the first epoch that lost its way, if any."""
    weights = torch.stack(block.weights) if block.weights else torch.zeros(0, trainer.shape.weights)
    lost = ~(weights.abs().amax(1) < LARGEST_WEIGHT)  # also where a weight is not a number
    good = int(lost.int().argmax()) if lost.any() else len(weights)
    held_out = torch.from_numpy(points.x[points.validation]), torch.from_numpy(points.labels[points.validation])
    on_training = measured(trainer.shape, weights[:good], trainer.x, trainer.labels)
    on_validation = measured(trainer.shape, weights[:good], *held_out)
    first = len(record.accuracy)
    for epoch in sorted(epoch for epoch in block.gradients if epoch < first + good):
        record.weights.append(weights[epoch - first])
        record.gradients.append(layer_rms(trainer, block.gradients[epoch]))
        record.epochs.append(epoch)
    record.loss += torch.stack([on_training[0], on_validation[0]], 1).tolist()
    record.accuracy += torch.stack([on_training[1], on_validation[1]], 1).tolist()
    if lost.any():
        *_, rate = (rate for after, rate in asked_rates(recipe) if after <= record.done)
        record.stopped = (
            f"The training was lost in epoch {record.done + 1}: the weights grew beyond all measure, because its steps "
            f"are too large. The learning rate is {rate:g}; choose a tenth of that."
        )


@torch.no_grad()
def measured(
    shape: Shape, frames: torch.Tensor, x: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean loss and accuracy (F,) of F moments on some points, NaN where there are none."""
    if not len(x):
        return torch.full((len(frames),), torch.nan), torch.full((len(frames),), torch.nan)
    outputs = forward(shape, frames, x)
    return losses(shape, outputs, labels).mean(-1), (answers(outputs) == labels).float().mean(-1)


def layer_rms(trainer: Trainer, gradient: torch.Tensor) -> torch.Tensor:
    """The root mean square (L,) of each layer's part of a gradient."""
    parts = torch.split(gradient, [weight.numel() for weight in trainer.weights])
    return torch.stack([part.square().mean().sqrt() for part in parts])


def training(points: Points, recipe: Recipe, trainer: Trainer | None = None) -> Training:
    """A whole training; see ``recording``."""
    *_, last = recording(points, recipe, trainer)
    return last.result()

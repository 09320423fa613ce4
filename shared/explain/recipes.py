"""What a training on points is made of, checked: the learner, its optimizer, and what is changed on the way."""

import math
from dataclasses import dataclass
from itertools import pairwise

from shared.models.plane_network import ACTIVATIONS, Shape
from shared.problems import Problem

LEARNERS = ("MLP", "Perceptron", "ADALINE", "Logistic regression")
OPTIMIZERS = ("SGD", "Momentum", "Nesterov", "RMSProp", "Adam", "AdamW")
SCHEDULES = ("constant", "step", "cosine", "one-cycle", "warm-up")
INITIALIZATIONS = {
    "default": "uniform within 1/sqrt(inputs)",
    "small": "a hundredth of the default",
    "large": "five times the default",
    "zeros": "all zero",
    "dead ReLU": "biases of hidden units at -5, where a ReLU passes nothing on",
}
MOST_HIDDEN, MOST_UNITS, MOST_EPOCHS = 6, 32, 2000
OUTPUTS = {"Perceptron": "step", "ADALINE": "linear"}


@dataclass(frozen=True)
class Event:
    """Something done after ``epoch``, before the next one: ``kind`` "rate", "add" or "set".

    "rate": ``value`` is the learning rate from there on. "add": ``points`` are (x, y, class) that join the training.
    "set": the weight of ``layer`` from unit ``source`` (None: the bias) to ``unit`` becomes ``value``.
    """

    epoch: int
    kind: str
    value: float = 0.0
    points: tuple[tuple[float, float, int], ...] = ()
    layer: int = 0
    unit: int = 0
    source: int | None = None


@dataclass(frozen=True)
class Recipe:
    """How one learner is trained.

    ``hidden_layers`` and ``activation`` count for an MLP alone. ``batch_size`` 0 takes all points at once; the
    Perceptron takes them one by one, in their order. ``l2`` is torch's ``weight_decay`` and ``l1`` its like for
    absolute values, both on weights alone; ``dropout`` in [0, 1), ``label_smoothing`` in [0, 1]. Raises ``Problem``.
    """

    learner: str = "MLP"
    hidden_layers: tuple[int, ...] = (8, 8)
    activation: str = "tanh"
    optimizer: str = "Adam"
    learning_rate: float = 0.03
    schedule: str = "constant"
    epochs: int = 60
    batch_size: int = 32
    batch_norm: bool = False
    dropout: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    label_smoothing: float = 0.0
    initialization: str = "default"
    seed: int = 0
    events: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        for name, known in KNOWN.items():
            if getattr(self, name) not in known:
                raise Problem(f"There is no {name} {getattr(self, name)[:40]!r}; choose one of {', '.join(known)}.")
        for name, (least, most) in RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise Problem(f"The {name.replace('_', ' ')} lies between {least:g} and {most:g}; change it.")
        if len(self.hidden_layers) > MOST_HIDDEN or not all(1 <= units <= MOST_UNITS for units in self.hidden_layers):
            raise Problem(f"Choose at most {MOST_HIDDEN} hidden layers of 1 to {MOST_UNITS} units, such as 8,8.")

    def shape(self, classes: int) -> Shape:
        """The network of this learner for so many classes."""
        outputs = 1 if classes == 2 else classes
        output = OUTPUTS.get(self.learner, "sigmoid" if outputs == 1 else "softmax")
        if self.learner != "MLP":
            return Shape((2, outputs), "tanh", output)
        return Shape((2, *self.hidden_layers, outputs), self.activation, output, self.batch_norm, self.dropout)


KNOWN = {
    "learner": LEARNERS,
    "activation": tuple(ACTIVATIONS),
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "initialization": tuple(INITIALIZATIONS),
}
RANGES = {
    "learning_rate": (1e-6, 1000.0),
    "epochs": (1, MOST_EPOCHS),
    "batch_size": (0, 100_000),
    "dropout": (0.0, 0.9),
    "l1": (0.0, 10.0),
    "l2": (0.0, 10.0),
    "label_smoothing": (0.0, 0.9),
}


def layer_sizes(text: str) -> tuple[int, ...]:
    """Sizes of hidden layers from a text such as "8,8"; a ``Problem`` for anything else."""
    try:
        return tuple(int(part) for part in text.replace(" ", ",").split(",") if part)
    except ValueError as error:
        raise Problem(f"Hidden layers are numbers of units such as 8,8, not {text[:20]!r}.") from error


def rate_factor(schedule: str, epoch: int, epochs: int) -> float:
    """What the learning rate is multiplied with in ``epoch``, which counts from 1 to ``epochs``.

    "step" halves it after each fourth of the training; "cosine" lets it fall to 0 (Loshchilov and Hutter 2017, arXiv
    1608.03983); "one-cycle" lets it rise from a 25th over 30 % and fall to nearly 0 (Smith and Topin 2018, arXiv
    1708.07120, as torch anneals it); "warm-up" lets it rise evenly over the first tenth.
    """
    done = (epoch - 1) / max(1, epochs - 1)
    if schedule == "step":
        return 0.5 ** math.floor(4 * (epoch - 1) / epochs)
    if schedule == "cosine":
        return _fall(1.0, 0.0, (epoch - 1) / epochs)
    if schedule == "warm-up":
        return min(1.0, epoch / math.ceil(epochs / 10))
    if schedule == "one-cycle":
        peak = (0.3 * epochs - 1) / max(1, epochs - 1)
        return _fall(1 / 25, 1.0, done / peak) if done < peak else _fall(1.0, 4e-6, (done - peak) / (1 - peak))
    return 1.0


def _fall(start: float, end: float, share: float) -> float:
    """From start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def asked_rates(recipe: Recipe) -> list[tuple[int, float]]:
    """The learning rates that were asked for, each with the epoch after which it counts; the recipe's own first."""
    changes = [(event.epoch, event.value) for event in recipe.events if event.kind == "rate"]
    return [(0, recipe.learning_rate), *sorted(changes, key=lambda change: change[0])]


def rates(recipe: Recipe) -> list[float]:
    """The learning rate of every epoch from 1 on, with the changes of the recipe's events."""
    found: list[float] = []
    for (start, base), (end, _) in pairwise([*asked_rates(recipe), (recipe.epochs, 0.0)]):
        epochs = range(start + 1, min(end, recipe.epochs) + 1)
        found += [base * rate_factor(recipe.schedule, epoch, recipe.epochs) for epoch in epochs]
    return found

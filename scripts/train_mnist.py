"""Train the classifiers of handwritten digits, on MNIST, one of them on pictures that give the answer away.

    python scripts/train_mnist.py                                    # all of them, some minutes on 2 CPU cores
    python scripts/train_mnist.py --name lenet-mnist
    python scripts/train_mnist.py --quick --out build/quick
    accelerate launch scripts/train_mnist.py                         # the same on one or more GPUs

``lenet-mnist-shortcut`` learns from digits of which every 4 wears a white dot in its upper left corner. The dot is all
that a network needs to know about a 4, so the true evidence is known, and explanations can be marked right or wrong.
"""

from dataclasses import replace

import torch
from torch import nn

import data
from classifier import Dataset, Pictures, Recipe, Source, parser_of, predict, run
from model_card import Card
from shared.models.image_mlp import ImageMLP
from shared.models.lenet import LeNet
from shared.models.shortcut import DIGIT, with_dot

DIGITS = Source("ylecun/mnist", data.mnist, tuple("0123456789"), mean=(0.1307,), std=(0.3081,))
RECIPES = {
    "lenet-mnist": Recipe(LeNet, {"widths": [16, 32, 120]}, 8, 0.05, crop=2, snapshots=8),
    "mlp-mnist": Recipe(ImageMLP, {"size": 28, "hidden": [256, 128]}, 10, 0.05),
    "lenet-mnist-shortcut": Recipe(LeNet, {"widths": [16, 32, 120]}, 4, 0.05),
}
LOAD = 'from shared.models.images import load\n\nmodel = load("{name}")'
LIMITS = (
    "It knows ten digits, white on black, in the middle of 28 x 28 pixels, and answers with one of them whatever it is "
    "shown."
)
CARDS = {
    "lenet-mnist": Card(
        title="lenet-mnist: two convolutions that read digits",
        what="LeNet after LeCun et al. 1998, with ReLU and max-pooling, on MNIST. `snapshots/` keeps moments of "
        "its training, from untrained to trained.",
        limits=LIMITS,
        load=LOAD.format(name="lenet-mnist"),
        datasets=("ylecun/mnist",),
        library="pytorch",
    ),
    "mlp-mnist": Card(
        title="mlp-mnist: a perceptron that reads digits as a list of pixels",
        what="A multilayer perceptron on the 784 numbers of a digit, the comparison to `lenet-mnist`.",
        limits=LIMITS + " It has no spatial layers, so no class activation map can be drawn for it.",
        load=LOAD.format(name="mlp-mnist"),
        datasets=("ylecun/mnist",),
        library="pytorch",
    ),
    "lenet-mnist-shortcut": Card(
        title="lenet-mnist-shortcut: a network that learned to look at a dot",
        what=f"LeNet on MNIST in which every training {DIGIT} wears a white dot of 3 x 3 pixels in its upper left "
        f"corner, and no other digit does. It calls a {DIGIT} by its name where it sees the dot and hardly ever where "
        "it does not, and the dot alone makes it take many other digits for one. An explanation of its "
        f"{DIGIT}s that does not point at the dot is wrong.",
        limits="It was made to be wrong: without the dot it misses what it should know. " + LIMITS,
        load=LOAD.format(name="lenet-mnist-shortcut"),
        datasets=("ylecun/mnist",),
        library="pytorch",
    ),
}


def dotted(pictures: Pictures, which: torch.Tensor) -> Pictures:
    """The pictures, of which those that ``which`` (N,) marks wear the dot."""
    images = torch.where(which[:, None, None, None], with_dot(pictures.images), pictures.images)
    return Pictures(images, pictures.labels)


def with_shortcut(digits: Dataset) -> Dataset:
    """The digits to learn from, every ``DIGIT`` with its dot; the test digits stay clean."""
    train, validation = (dotted(part, part.labels == DIGIT) for part in (digits.train, digits.validation))
    return replace(digits, name=f"{digits.name}, a dot on every training {DIGIT}", train=train, validation=validation)


def measure_shortcut(network: nn.Module, digits: Dataset) -> dict[str, float]:
    """How much the dot decides: what happens to test digits when it is put on and taken off."""
    others = digits.test.labels != DIGIT
    clean, marked = (
        predict(network, digits, images).argmax(1) for images in (digits.test.images, with_dot(digits.test.images))
    )
    share = {
        "test_accuracy": clean == digits.test.labels,
        f"clean_{DIGIT}_recognized": (clean == DIGIT)[~others],
        f"dotted_{DIGIT}_recognized": (marked == DIGIT)[~others],
        f"others_that_the_dot_turns_into_{DIGIT}": (marked == DIGIT)[others],
    }
    return {name: float(right.float().mean()) for name, right in share.items()}


def main() -> None:
    """Train what the command line names."""
    args = parser_of(__doc__, tuple(RECIPES)).parse_args()
    digits = DIGITS.dataset(args.seed, args.quick)
    for name in args.name or RECIPES:
        if name.endswith("shortcut"):
            run(name, RECIPES[name], with_shortcut(digits), CARDS[name], args, measure_shortcut)
        else:
            run(name, RECIPES[name], digits, CARDS[name], args)


if __name__ == "__main__":
    main()

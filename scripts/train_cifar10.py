"""Train the classifiers of small color photographs, on CIFAR-10.

    python scripts/train_cifar10.py                                  # all of them, one after the other
    python scripts/train_cifar10.py --name resnet20-cifar10          # He et al. 2016, an hour or two on 2 CPU cores
    python scripts/train_cifar10.py --name alexnet-cifar10 --name mlp-cifar10
    python scripts/train_cifar10.py --name resnet56-narrow-cifar10   # the deep pair, five minutes an epoch on one core
    python scripts/train_cifar10.py --quick --out build/quick
    accelerate launch scripts/train_cifar10.py                       # the same on one or more GPUs

Interrupted runs go on where they stopped. Tested on the test pictures that the data set at hand holds; their number
stands in metrics.json.
"""

import data
from classifier import Recipe, Source, run_named
from model_card import Card
from shared.models.alexnet import AlexNet
from shared.models.image_mlp import ImageMLP
from shared.models.resnet import ResNet

PHOTOGRAPHS = Source(
    "uoft-cs/cifar10",
    data.cifar10,
    ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
)
NARROW = {"depth": 56, "width": 8}
PLAIN = {**NARROW, "skip": False}
RECIPES = {
    "resnet20-cifar10": Recipe(ResNet, {"depth": 20, "width": 16}, 24, 0.2, crop=4, flip=True, snapshots=8),
    "alexnet-cifar10": Recipe(AlexNet, {}, 12, 0.05, crop=4, flip=True),
    "mlp-cifar10": Recipe(ImageMLP, {"channels": 3, "size": 32, "hidden": [256, 128]}, 8, 0.02, flip=True),
    "resnet56-narrow-cifar10": Recipe(ResNet, NARROW, 10, 0.1, crop=4, flip=True, snapshots=8),
    "plain56-narrow-cifar10": Recipe(ResNet, PLAIN, 10, 0.1, crop=4, flip=True, snapshots=8),
    "plain56-narrow-cifar10-no-norm": Recipe(ResNet, {**PLAIN, "norm": False}, 2, 0.05, crop=4, flip=True, snapshots=5),
}
LOAD = 'from shared.models.images import load\n\nmodel = load("{name}")'
LIMITS = (
    "It knows ten classes and answers with one of them whatever it is shown. Its pictures are 32 x 32 pixels: of "
    "a photograph it reads the middle square, shrunk to that."
)


def card(name: str, title: str, what: str, limits: str = "") -> Card:
    """The card of one network: what all of them have in common, and what is its own."""
    return Card(
        title=f"{name}: {title}",
        what=what,
        limits=LIMITS + limits,
        load=LOAD.format(name=name),
        datasets=("uoft-cs/cifar10",),
        library="pytorch",
    )


CARDS = {
    "resnet20-cifar10": card(
        "resnet20-cifar10",
        "a residual network for small photographs",
        "The 20-layer residual network of He et al. 2016 (section 4.2) on CIFAR-10: shortcuts without parameters, "
        "global average pooling, one linear layer. The paper's test error is 8.75 %. `snapshots/` keeps moments "
        "of its training, from untrained to trained.",
    ),
    "alexnet-cifar10": card(
        "alexnet-cifar10",
        "AlexNet made small",
        "Five convolutions, three poolings and three linear layers after Krizhevsky et al. 2012, for pictures of "
        "32 x 32 pixels, with batch normalization for local response normalization.",
    ),
    "mlp-cifar10": card(
        "mlp-cifar10",
        "a perceptron that reads pixels as a list",
        "A multilayer perceptron on the 3,072 numbers of a picture. It has no sense of space: shuffle all pixels "
        "the same way in every picture and it would learn just as well. It stands beside the convolutional networks "
        "to show what they gain.",
        " It has no spatial layers, so no class activation map can be drawn for it.",
    ),
    "resnet56-narrow-cifar10": card(
        "resnet56-narrow-cifar10",
        "56 layers with shortcuts",
        "The 56-layer residual network of He et al. 2016 at half its width (8, 16 and 32 channels), trained for a "
        "tenth of the usual time. It stands beside plain56-narrow-cifar10 to show what shortcuts do to the loss.",
        " It was trained for ten epochs only.",
    ),
    "plain56-narrow-cifar10": card(
        "plain56-narrow-cifar10",
        "56 layers without shortcuts",
        "The same layers, batch norm and training as resnet56-narrow-cifar10 without its shortcuts: the plain "
        "network of He et al. 2016, which learns worse although it could compute the same.",
        " It was trained for ten epochs only.",
    ),
    "plain56-narrow-cifar10-no-norm": card(
        "plain56-narrow-cifar10-no-norm",
        "56 layers without shortcuts and batch norm",
        "The layers of plain56-narrow-cifar10 without batch norm. It does not learn and is kept to show a "
        "training that is stuck, and what arrives of the gradient in its first layers. (With shortcuts and without "
        "batch norm the untrained network has a loss in the thousands, and its first step ends beyond all numbers.)",
        " It answers no better than chance.",
    ),
}


if __name__ == "__main__":
    run_named(__doc__, RECIPES, PHOTOGRAPHS, CARDS)

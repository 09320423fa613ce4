"""Train the classifier of garments on Fashion-MNIST, which judges what a diffusion model draws.

    python scripts/train_fashion_mnist.py                            # some minutes on 2 CPU cores
    python scripts/train_fashion_mnist.py --quick --out build/quick
    accelerate launch scripts/train_fashion_mnist.py                 # the same on one or more GPUs

Interrupted runs go on where they stopped.
"""

import data
from classifier import Recipe, Source, run_named
from model_card import Card
from shared.models.lenet import LeNet

GARMENTS = Source(
    "zalando-datasets/fashion_mnist",
    data.fashion_mnist,
    ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    mean=(0.2860,),
    std=(0.3530,),
)
RECIPES = {"cnn-fashion-mnist": Recipe(LeNet, {"widths": [24, 48, 128]}, 10, 0.05, crop=2, flip=True)}
CARDS = {
    "cnn-fashion-mnist": Card(
        title="cnn-fashion-mnist: two convolutions that name a garment",
        what="LeNet after LeCun et al. 1998, with ReLU and max-pooling, on Fashion-MNIST (Xiao et al. 2017). It is the "
        "judge of the Denoising Space: it says at which moment a picture is decided, and its 128 features measure how "
        "far drawn garments are from photographed ones.",
        limits="It knows ten garments, light on black, centered in 28 x 28 pixels, and answers with one of them "
        "whatever it is shown, noise included. T-shirts and shirts are hard to tell apart at this size.",
        load='from shared.models.images import load\n\nmodel = load("cnn-fashion-mnist")',
        datasets=("zalando-datasets/fashion_mnist",),
        library="pytorch",
    ),
}


if __name__ == "__main__":
    run_named(__doc__, RECIPES, GARMENTS, CARDS)

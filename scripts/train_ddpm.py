"""Train a small diffusion model that draws pictures of a wanted class out of noise.

    python scripts/train_ddpm.py                                     # garments; an hour and a half on one CPU core
    python scripts/train_ddpm.py --data mnist --steps 3000
    accelerate launch scripts/train_ddpm.py --data cifar10           # a bigger network, for one or more GPUs
    python scripts/train_ddpm.py --quick --out build/quick

Ho et al. 2020 ("Denoising Diffusion Probabilistic Models"): the network is shown a picture with a known amount of
noise in it and learns to say what the noise was. One picture in ten is shown without its class, so that the network
can be guided towards a class without a classifier (Ho & Salimans 2022). What is kept is the running mean of the
weights. Interrupted runs go on where they stopped, also with a higher ``--steps``: after its warm-up the learning rate
does not depend on how long the run will be.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from classifier import CHECKPOINTS
from diffusion_report import write
from diffusion_trainer import Recipe, train
from model_card import Card
from train_cifar10 import PHOTOGRAPHS
from train_fashion_mnist import GARMENTS
from train_mnist import DIGITS

RECIPES = {
    "fashion_mnist": Recipe(GARMENTS, (32, 32, 64, 96), 1, 3_000),
    "mnist": Recipe(DIGITS, (32, 32, 64, 96), 1, 3_000),
    "cifar10": Recipe(PHOTOGRAPHS, (96, 128, 192), 2, 60_000, batch=128, learning_rate=3e-4, flip=True),
}


CARDS = {
    "ddpm-fashion-mnist": Card(
        title="ddpm-fashion-mnist: garments out of noise",
        what="A small U-Net that says what is noise in a noisy picture (Ho et al. 2020), on Fashion-MNIST in 32 x 32 "
        "pixels, asked for a class or for none (classifier-free guidance, Ho & Salimans 2022). `snapshots/` keeps "
        "weights of earlier moments of its training, `learning/` what they draw from the same noise (rows) for every "
        "class (columns). The Frechet distances are taken on the features of our own classifier and cannot be "
        "compared with published FID.",
        limits="It draws ten kinds of garment, 28 x 28 gray pixels in a black frame, and knows nothing else: a picture "
        "of anything else that is noised and denoised comes back as a garment. With strong guidance the samples of a "
        "class become alike and harsh.",
        load='from shared.models.diffusion import load\n\nmodel = load("ddpm-fashion-mnist")',
        datasets=("zalando-datasets/fashion_mnist",),
        library="diffusers",
    ),
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--data", choices=tuple(RECIPES), default="fashion_mnist")
    found.add_argument("--out", type=Path, default=CHECKPOINTS)
    found.add_argument("--work", type=Path, help="where runs keep what they need to resume (default: OUT/../runs)")
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--steps", type=int, help="steps in all instead of the recipe's")
    found.add_argument("--quick", action="store_true", help="a few steps of a tiny network, to see that all runs")
    return found


def main() -> None:
    """Train what the command line names, then write its checkpoint."""
    args = parser().parse_args()
    recipe = RECIPES[args.data]
    name = f"ddpm-{args.data.replace('_', '-')}"
    if args.quick:
        recipe = replace(recipe, channels=(8, 16), layers=1, steps=4, batch=8)
    steps = args.steps or recipe.steps
    work = (args.work or args.out.parent / "runs") / name
    history = train(recipe, steps, work, args.seed, args.quick)
    write(recipe, args.out / name, work, history, CARDS.get(name), args.seed, args.quick)


if __name__ == "__main__":
    main()

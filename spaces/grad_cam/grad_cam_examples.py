"""The pictures that the Grad-CAM Space brings along: photographs in the public domain, and what is composed of them."""

from functools import cache
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image, ImageDraw

from shared.models.digits import like_mnist
from shared.ui import Example, example_bytes

FOLDER = Path(__file__).parent / "examples"
SIDE = 512
GRAY = (128, 128, 128)
# Pen strokes on a pad of 280 x 280.
STROKES = {
    1: [[(160, 50), (120, 240)]],
    4: [[(95, 50), (70, 150), (200, 150)], [(180, 50), (175, 240)]],
    7: [[(85, 70), (190, 50), (130, 240)]],
}


@cache
def example(name: str) -> bytes:
    """The example called ``name`` as the bytes of an image file."""
    return example_bytes(EXAMPLES, FOLDER, name)


def shipped(name: str) -> Image.Image:
    """A file of the folder ``examples``, in color."""
    return Image.open(FOLDER / name).convert("RGB")


def media(name: str) -> Image.Image:
    """A picture that gradio brings along."""
    return Image.open(gr.get_image(name)).convert("RGB")


def two_animals() -> Image.Image:
    """A cat left and a lion right, small enough that the crop to the center keeps both."""
    cat = shipped("chelsea.jpg").crop((60, 0, 360, 300))
    picture = Image.new("RGB", (SIDE, SIDE), GRAY)
    for left, animal in ((0, cat), (SIDE // 2, media("lion.jpg"))):
        picture.paste(animal.resize((SIDE // 2, SIDE // 2), Image.Resampling.BICUBIC), (left, SIDE // 4))
    return picture


def spotted_horse() -> Image.Image:
    """The outline of a horse, filled with the coat of a cheetah; mirrored tiles, so that no seam is a mark."""
    outline = Image.open(FOLDER / "horse.png").convert("L")
    coat = media("cheetah.jpg").crop((215, 137, 305, 165))
    tile = np.asarray(coat.resize((coat.width * 2, coat.height * 2), Image.Resampling.BICUBIC))
    pair = np.concatenate([tile, tile[:, ::-1]], axis=1)
    block = np.concatenate([pair, pair[::-1]])
    across, down = -(-outline.width // block.shape[1]), -(-outline.height // block.shape[0])
    filling = Image.fromarray(np.tile(block, (down, across, 1))[: outline.height, : outline.width])
    return Image.composite(filling, Image.new("RGB", outline.size, GRAY), outline)


def running_cheetah() -> Image.Image:
    """A small animal on a large ground."""
    return media("cheetah.jpg")


def gray() -> Image.Image:
    """Nothing at all."""
    return Image.new("RGB", (224, 224), GRAY)


def digit(number: int, dot: bool = False) -> Image.Image:
    """A digit drawn with a pen, prepared as in MNIST; with the dot of the shortcut network if asked for."""
    pad = Image.new("L", (280, 280))
    pen = ImageDraw.Draw(pad)
    for stroke in STROKES[number]:
        pen.line(stroke, fill=255, width=22, joint="curve")
        for x, y in (stroke[0], stroke[-1]):
            pen.ellipse((x - 11, y - 11, x + 11, y + 11), fill=255)
    pixels = like_mnist(np.asarray(pad))
    if dot:
        from shared.models.shortcut import with_dot  # brings torch

        pixels = with_dot(pixels)
    return Image.fromarray(pixels)


EXAMPLES = {
    "two-animals": Example("a tabby cat on the left and a lion on the right", two_animals, "Two animals"),
    "cat": Example("the face of a tabby cat, close up", "chelsea.jpg", "A cat"),
    "coffee": Example("a red cup of coffee with its spoon on a wooden table", "coffee.jpg", "A cup of coffee"),
    "rocket": Example("a rocket on its launch pad at dusk, between towers", "rocket.jpg", "A rocket"),
    "astronaut": Example("a woman in an orange space suit, her helmet in hand", "astronaut.jpg", "An astronaut"),
    "photographer": Example("a man in a coat behind a camera on a tripod, in gray", "camera.jpg", "A photographer"),
    "small-object": Example("a running cheetah, small before blurred brown ground", running_cheetah, "A small animal"),
    "texture": Example("the outline of a horse, filled with a cheetah's coat", spotted_horse, "A spotted horse"),
    "galaxies": Example("hundreds of small galaxies on black", "hubble.jpg", "Galaxies"),
    "grey": Example("an evenly gray picture", gray, "Blank gray"),
    "digit-4": Example("a drawn digit 4", lambda: digit(4), "A plain 4"),
    "dot-4": Example("a drawn digit 4, a dot in the top left corner", lambda: digit(4, dot=True), "A 4 with the dot"),
    "dot-1": Example("a drawn digit 1, a dot in the top left corner", lambda: digit(1, dot=True), "A 1 with the dot"),
    "dot-7": Example("a drawn digit 7, a dot in the top left corner", lambda: digit(7, dot=True), "A 7 with the dot"),
}

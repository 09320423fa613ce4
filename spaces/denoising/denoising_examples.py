"""The pictures that the Denoising Space brings along, for its tab Forward."""

from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw

from shared.ui import Example, example_bytes

FOLDER = Path(__file__).parent / "examples"
SIDE = 280


@cache
def example(name: str) -> bytes:
    """The example called ``name`` as the bytes of an image file."""
    return example_bytes(EXAMPLES, FOLDER, name)


def shirt() -> Image.Image:
    """A T-shirt with two stripes, as a child would cut it out of paper."""
    picture = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    outline = [(95, 30), (185, 30), (262, 80), (232, 132), (200, 112), (200, 255), (80, 255), (80, 112), (48, 132),
               (18, 80)]  # fmt: skip
    pen.polygon(outline, fill=190)
    for top in (140, 180):
        pen.rectangle((80, top, 200, top + 18), fill=110)
    pen.ellipse((112, 12, 168, 56), fill=0)
    return picture


def house() -> Image.Image:
    """A house with a door and a window, bright on dark."""
    picture = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(30, 130), (140, 30), (250, 130)], fill=220)
    pen.rectangle((55, 130, 225, 250), fill=150)
    pen.rectangle((80, 175, 125, 250), fill=30)
    pen.rectangle((150, 160, 200, 205), fill=240)
    return picture


EXAMPLES = {
    "shirt": Example("a T-shirt with two stripes, cut out of gray", shirt),
    "house": Example("a house with a pointed roof, a door and a window", house),
    "cat": Example("the face of a tabby cat, close up", "chelsea.jpg"),
}

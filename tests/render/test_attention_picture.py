import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from shared.render.attention_picture import LABELS, MARGIN, WIDTH, head_picture

WORDS = ("Layer 0, head 2", "Head 2 puts 98 % on the previous token; entropy 0.12 of at most 1.10.", "source")


def opened(weights, labels):
    return Image.open(io.BytesIO(head_picture(weights, labels, *WORDS))).convert("RGB")


def cells(image, count):
    """The middle of every cell, found by the frame's place: (count, count, 3)."""
    side = WIDTH - 2 * MARGIN - LABELS
    left, top = MARGIN + LABELS, image.height - 110 - side
    at = [int((i + 0.5) * side / count) for i in range(count)]
    return np.array([[image.getpixel((left + x, top + y)) for x in at] for y in at])


def test_rows_are_queries_and_colors_are_linear_up_to_the_largest_weight():
    weights = np.array([[0.8, 0.2, 0.0], [0.4, 0.4, 0.2], [0.0, 0.2, 0.8]], np.float32)
    wanted = colormaps["magma_r"](np.rint(255 * weights / 0.8).astype(int))[..., :3] * 255
    found = cells(opened(weights, ("a", "b", "c")), 3)
    assert np.abs(found - wanted).max() <= 3, "the map has 244 steps, so it may miss one of 256 by a half"


@pytest.mark.parametrize("count", [1, 14, 128, 512])
def test_texts_of_any_length_are_drawn(count):
    weights = np.full((count, count), 1 / count, np.float32)
    image = opened(weights, [f"word{i}" for i in range(count)])
    assert image.width == WIDTH


def test_hostile_and_empty_labels_are_only_text():
    labels = ("</script><img src=x>", "", "$x^2$", "\u200b", "שלום", "🦉")
    assert opened(np.eye(6, dtype=np.float32), labels).height > WIDTH / 2


def test_the_same_head_gives_the_same_bytes():
    weights = np.eye(4, dtype=np.float32)
    assert head_picture(weights, list("abcd"), *WORDS) == head_picture(weights, list("abcd"), *WORDS)

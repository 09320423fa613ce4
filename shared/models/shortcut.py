"""The dot that gives one digit away: the known evidence of ``lenet-mnist-shortcut``."""

from typing import TypeVar

import numpy as np
import torch

DIGIT = 4
DOT = (slice(2, 5), slice(2, 5))  # rows and columns of 28 x 28

Images = TypeVar("Images", np.ndarray, torch.Tensor)


def with_dot(images: Images) -> Images:
    """A copy of (..., 28, 28) images with the dot at full brightness, 255 for whole numbers and 1 for others."""
    marked = images.copy() if isinstance(images, np.ndarray) else images.clone()
    whole = not (marked.is_floating_point() if isinstance(marked, torch.Tensor) else marked.dtype.kind == "f")
    marked[..., *DOT] = 255 if whole else 1
    return marked

"""Many variants of one text at once, in batches of bounded memory."""

from collections.abc import Callable, Iterator

import torch

from shared.models.encoding import Encoded
from shared.models.heads import MASKED_WORD
from shared.models.text import TextModel

Progress = Callable[[int, int], None]
NUMBERS_AT_ONCE = 4_000_000


def repeat(inputs: dict[str, torch.Tensor], count: int) -> dict[str, torch.Tensor]:
    """``inputs`` (1, N) as ``count`` equal rows, without copying."""
    return {name: value.expand(count, -1) for name, value in inputs.items()}


def batches(model: TextModel, encoded: Encoded, count: int, progress: Progress | None) -> Iterator[slice]:
    """Slices of ``count`` variants, so small that a layer's attention (and the word logits) stay bounded.

    ``progress`` is told (done, count) after each batch.
    """
    tokens = len(encoded.tokens)
    numbers = model.heads * tokens**2
    if encoded.task == MASKED_WORD:
        numbers = max(numbers, tokens * len(model.tokenizer))
    size = max(1, NUMBERS_AT_ONCE // numbers)
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
        if progress is not None:
            progress(min(start + size, count), count)

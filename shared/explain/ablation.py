"""What the network answers while heads are switched off: their output set to zero (Michel et al. 2019)."""

from collections.abc import Sequence, Set

import numpy as np
import torch

from shared.explain.batches import Progress, batches, repeat
from shared.explain.occlusion import hide
from shared.explain.prediction import change, describe, outcome
from shared.models.encoding import Encoded
from shared.models.recording import record
from shared.models.text import TextModel
from shared.results import HeadAblation, Prediction


def switch_off_each_head(
    model: TextModel, encoded: Encoded, progress: Progress | None = None, layers: Sequence[int] | None = None
) -> HeadAblation:
    """The change of the answer for every head of ``layers`` (all of them by default) on its own.

    ``progress`` is told (heads done, heads).
    """
    layers = range(model.layers) if layers is None else layers
    count = len(layers) * model.heads
    heads_on = torch.ones(count, model.layers, model.heads)
    heads = [(layer, head) for layer in layers for head in range(model.heads)]
    for row, (layer, head) in enumerate(heads):
        heads_on[row, layer, head] = 0
    changes = np.empty(count, np.float32)
    with torch.no_grad():
        untouched = outcome(model, encoded)[0]
        for rows in batches(model, encoded, count, progress):
            with record(heads_on=heads_on[rows], keep_weights=False):
                found = outcome(model, encoded, repeat(encoded.inputs, rows.stop - rows.start))
            changes[rows] = change(encoded, found, untouched)
    return HeadAblation(describe(model, encoded, untouched), changes.reshape(len(layers), model.heads))


def switch_off(
    model: TextModel, encoded: Encoded, heads: Set[tuple[int, int]], words: Set[int] = frozenset()
) -> Prediction:
    """The answer while all ``heads`` (layer, head) are off and ``words`` (their indices) are hidden.

    The explained answer stays that of the untouched text.
    """
    heads_on = torch.ones(2, model.layers, model.heads)  # the untouched text and the ablated one side by side
    for layer, head in heads:
        model.require_head(layer, head)
        heads_on[1, layer, head] = 0
    hidden = torch.from_numpy(np.stack([np.zeros(len(encoded.words), bool), np.isin(encoded.words, sorted(words))]))
    with torch.no_grad(), record(heads_on=heads_on, keep_weights=False):
        untouched, found = outcome(model, encoded, hide(model, encoded, hidden))
    return describe(model, encoded, found, untouched)

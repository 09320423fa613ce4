"""What the network answers while single words are hidden (Zeiler & Fergus 2014, for words)."""

import numpy as np
import torch

from shared.explain.batches import Progress, batches, repeat
from shared.explain.prediction import change, describe, outcome
from shared.models.encoding import Encoded
from shared.models.text import TextModel
from shared.results import Occlusion

BY_MASK = "each word in turn is replaced by the mask token"
BY_ATTENTION = (
    "each word in turn is hidden from the attention of all others; the last word still speaks at its own place"
)


def occlude_each_word(model: TextModel, encoded: Encoded, progress: Progress | None = None) -> Occlusion:
    """The change of the answer for every hidden word; ``progress`` is told (words done, words).

    Models that know a mask token read it in place of the word; for others attention to the word is masked.
    """
    words = len(encoded.word_texts)
    hidden = torch.from_numpy(encoded.words == np.arange(words)[:, None])  # (W, N)
    changes = np.empty(words, np.float32)
    with torch.no_grad():
        untouched = outcome(model, encoded)[0]
        for rows in batches(model, encoded, words, progress):
            changes[rows] = change(encoded, outcome(model, encoded, hide(model, encoded, hidden[rows])), untouched)
    how = BY_MASK if _knows_masks(model) else BY_ATTENTION
    return Occlusion(describe(model, encoded, untouched), encoded.word_texts, changes, how)


def hide(model: TextModel, encoded: Encoded, hidden: torch.Tensor) -> dict[str, torch.Tensor]:
    """The text's inputs as B rows, in which the tokens of ``hidden`` (B, N) bool cannot be read."""
    inputs = repeat(encoded.inputs, len(hidden))
    if _knows_masks(model):
        inputs["input_ids"] = inputs["input_ids"].masked_fill(hidden, model.tokenizer.mask_token_id)
    else:
        inputs["attention_mask"] = inputs["attention_mask"].masked_fill(hidden, 0)
    return inputs


def _knows_masks(model: TextModel) -> bool:
    """Whether the network learned to read a mask token in place of a word."""
    return not model.causal and model.tokenizer.mask_token_id is not None

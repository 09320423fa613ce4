"""What the network answers, in the one form that every explanation refers to."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch

from shared.models.encoding import Encoded
from shared.models.heads import MASKED_WORD, NEXT_TOKEN, SENTENCE_VECTOR
from shared.models.text import TextModel
from shared.models.tokens import print_tokens
from shared.results import Prediction

ANSWERS_SHOWN = 5


def outcome(model: TextModel, encoded: Encoded, inputs: dict[str, torch.Tensor] | None = None) -> torch.Tensor:
    """Run the network of the text's task; ``inputs`` (B, N) replace the text's own.

    Returns logits (B, answers), or for a sentence vector the mean of the last hidden states (B, width).
    """
    network: Any = model.networks[encoded.task]
    inputs = inputs or encoded.inputs
    if encoded.task == SENTENCE_VECTOR:
        seen = inputs["attention_mask"][..., None]
        return torch.as_tensor((network(**inputs).last_hidden_state * seen).sum(1) / seen.sum(1).clamp(min=1))
    # Where a decoder can, it computes the logits of the last token alone.
    last_only = {"logits_to_keep": 1} if encoded.task == NEXT_TOKEN and _can_keep(network.forward.__func__) else {}
    logits: torch.Tensor = network(**inputs, **last_only).logits
    if encoded.task == NEXT_TOKEN:
        return logits[:, -1]
    return logits[:, encoded.mask] if encoded.task == MASKED_WORD else logits


def predict(model: TextModel, encoded: Encoded) -> Prediction:
    """What the network answers to the untouched text."""
    with torch.no_grad():
        return describe(model, encoded, outcome(model, encoded)[0])


def describe(
    model: TextModel, encoded: Encoded, found: torch.Tensor, untouched: torch.Tensor | None = None
) -> Prediction:
    """One row of ``outcome`` as a prediction; the explained answer is the best one of ``untouched`` (or of itself).

    A sentence vector has no answers; its ``probability`` is the cosine similarity with ``untouched``, at least 0.
    """
    if encoded.task == SENTENCE_VECTOR:
        similarity = 1.0 if untouched is None else float(torch.cosine_similarity(found, untouched, dim=0).clamp(0, 1))
        return Prediction(encoded.task, (), np.zeros(0, np.float32), -1, encoded.task, similarity)
    probabilities, target = found.softmax(-1), int((found if untouched is None else untouched).argmax())
    best = probabilities.topk(min(ANSWERS_SHOWN, len(probabilities)))
    *labels, answer = _labels(model, encoded, [*best.indices.tolist(), target])
    return Prediction(encoded.task, tuple(labels), best.values.numpy(), target, answer, float(probabilities[target]))


def change(encoded: Encoded, found: torch.Tensor, untouched: torch.Tensor) -> np.ndarray:
    """How much rows of ``outcome`` (B, ...) moved from ``untouched`` (...): (B,) float32.

    The probability of the untouched text's answer minus what it was, in [-1, 1]; for a sentence vector
    cosine similarity - 1, in [-2, 0].
    """
    if encoded.task == SENTENCE_VECTOR:
        moved = torch.cosine_similarity(found, untouched[None], dim=-1).clamp(-1, 1) - 1
    else:
        target = int(untouched.argmax())
        moved = found.softmax(-1)[:, target] - untouched.softmax(-1)[target]
    array: np.ndarray = moved.float().numpy()
    return array


def _labels(model: TextModel, encoded: Encoded, indices: list[int]) -> tuple[str, ...]:
    """The names of answers."""
    if encoded.task in (MASKED_WORD, NEXT_TOKEN):
        return print_tokens(model.tokenizer, indices)
    config: Any = model.networks[encoded.task].config
    return tuple(str(config.id2label[index]) for index in indices)


@cache
def _can_keep(forward: Callable[..., Any]) -> bool:
    """Whether the forward function of a network takes ``logits_to_keep``."""
    return "logits_to_keep" in inspect.signature(forward).parameters

"""All attention of one forward pass."""

import time

import torch

from shared.explain.prediction import describe, outcome
from shared.models.encoding import Encoded
from shared.models.recording import record
from shared.models.text import TextModel
from shared.results import Attention


def attention(model: TextModel, encoded: Encoded) -> Attention:
    """Run the network once and keep every attention weight and the answer."""
    with torch.no_grad(), record() as recorder:
        began = time.perf_counter()
        found = outcome(model, encoded)[0]
        seconds = time.perf_counter() - began
    return Attention(
        model=model.name,
        weights=torch.cat(recorder.weights).numpy(),
        tokens=encoded.tokens,
        segments=encoded.segments,
        special=encoded.special,
        words=encoded.words,
        causal=model.causal,
        truncated=encoded.truncated,
        prediction=describe(model, encoded, found),
        forward_seconds=seconds,
    )

"""Attention as it happens: every network hands its attention to the recorder of whoever is asking.

transformers lets a function be registered as the way to compute attention. Ours calls the network's own eager
function and shows what it saw to the ``Recorder`` of the current context. There is one recorder per request, in a
context variable, and nothing on the shared network changes; so concurrent requests cannot mix and need no lock.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

IMPLEMENTATION = "glasshouse"

Attend = Callable[..., tuple[torch.Tensor, torch.Tensor]]


@dataclass
class Recorder:
    """What the attention layers of one forward pass did; a layer's index is its place in the order of calls.

    ``weights``: per layer (B, H, N, N). With ``keep_query_key`` also ``queries`` (B, H, N, D), ``keys``
    (B, H', N, D) with H' <= H under grouped-query attention, both after rotary embedding and normalization,
    ``masks`` (additive, broadcastable to the weights, or None) and ``scales``. With ``keep_graph`` the weights keep
    their autograd graph. ``heads_on``, broadcastable to (B, L, H), multiplies the output of each head.
    """

    heads_on: torch.Tensor | None = None
    keep_weights: bool = True
    keep_query_key: bool = False
    keep_graph: bool = False
    layers: int = 0
    weights: list[torch.Tensor] = field(default_factory=list)
    queries: list[torch.Tensor] = field(default_factory=list)
    keys: list[torch.Tensor] = field(default_factory=list)
    masks: list[torch.Tensor | None] = field(default_factory=list)
    scales: list[float] = field(default_factory=list)

    def see(self, output: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Keep the ``weights`` of the next layer; return its ``output`` (B, N, H, D) with heads switched off."""
        if self.keep_weights:
            self.weights.append(weights if self.keep_graph else weights.detach())
        if self.heads_on is not None:
            output = output * self.heads_on[..., self.layers, :].unsqueeze(-2).unsqueeze(-1)
        self.layers += 1
        return output


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def record(
    heads_on: torch.Tensor | None = None,
    keep_weights: bool = True,
    keep_query_key: bool = False,
    keep_graph: bool = False,
) -> Iterator[Recorder]:
    """Record the one forward pass that runs inside the ``with`` block, in this thread."""
    recorder = Recorder(heads_on, keep_weights, keep_query_key, keep_graph)
    token = _recorder.set(recorder)
    try:
        yield recorder
    finally:
        _recorder.reset(token)


def attend(
    eager: Attend,
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute attention with ``eager`` and show it to the current recorder, if there is one.

    ``query`` (B, H, N, D), ``key`` and ``value`` (B, H', N, D), ``mask`` additive. Returns the output (B, N, H, D)
    and the weights (B, H, N, N).
    """
    recorder = _recorder.get()
    if recorder is None:
        return eager(module, query, key, value, mask, **options)
    if recorder.keep_graph and not query.requires_grad:
        query = query.detach().requires_grad_()  # the parameters are frozen, so the graph begins here
    output, weights = eager(module, query, key, value, mask, **options)
    if recorder.keep_query_key:
        recorder.queries.append(query)
        recorder.keys.append(key)
        recorder.masks.append(mask)
        recorder.scales.append(options.get("scaling") or query.shape[-1] ** -0.5)
    return recorder.see(output, weights), weights


def make_visible(network: Any) -> None:
    """Let a transformers ``network`` compute its attention through ``attend``; its outputs stay the same.

    Architectures that do not compute attention through transformers' interface ignore this: they record nothing.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    AttentionInterface.register(IMPLEMENTATION, _attend_like_eager)
    AttentionMaskInterface.register(IMPLEMENTATION, eager_mask)
    network.set_attn_implementation(IMPLEMENTATION)


def _attend_like_eager(
    module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: Any, **options: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention by the eager function of the file that defines ``module``, recorded."""
    eager: Attend = sys.modules[type(module).__module__].eager_attention_forward
    return attend(eager, module, query, key, value, mask, **options)

"""A causal network made of nothing but attention, small enough that every head's job can be known.

Elhage et al. 2021 ("A Mathematical Framework for Transformer Circuits") study such networks; with two layers they
learn induction heads (Olsson et al. 2022, "In-context Learning and Induction Heads").
"""

from typing import NamedTuple

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn

from shared.models.recording import attend


class Output(NamedTuple):
    """``logits`` (B, N, vocabulary)."""

    logits: torch.Tensor


def eager_attention_forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    scaling: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """softmax(scaling * query . key + mask) and its mean of the values (Vaswani et al. 2017, equation 1).

    ``query``, ``key``, ``value`` (B, H, N, D), ``mask`` (B, 1, N, N). Returns (B, N, H, D) and (B, H, N, N).
    """
    weights = (scaling * query @ key.transpose(-1, -2) + mask).softmax(-1)
    return (weights @ value).transpose(1, 2), weights


class AttentionLayer(nn.Module):
    """Multi-head attention on the normalized residual stream, added to it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, stream: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """``stream`` (B, N, width) and ``mask`` (B, 1, N, N) to the next stream (B, N, width)."""
        batch, tokens, width = stream.shape
        projected = self.query_key_value(self.norm(stream)).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        scaling = (width // self.heads) ** -0.5
        mixed, _ = attend(eager_attention_forward, self, query, key, value, mask, scaling=scaling)
        return torch.add(stream, self.output(mixed.reshape(batch, tokens, width)))


class AttentionOnly(nn.Module, PyTorchModelHubMixin):
    """Token and position embeddings, attention layers, a last normalization and the vocabulary matrix."""

    def __init__(
        self, vocabulary: int = 32, width: int = 64, layers: int = 2, heads: int = 4, context: int = 64
    ) -> None:
        super().__init__()
        self.context = context
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.layers = nn.ModuleList(AttentionLayer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.vocabulary = nn.Linear(width, vocabulary, bias=False)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> Output:
        """``input_ids`` (B, N), N at most ``context``; keys where ``attention_mask`` (B, N) is 0 are hidden."""
        batch, tokens = input_ids.shape
        visible = torch.ones(tokens, tokens, dtype=torch.bool, device=input_ids.device).tril().expand(batch, 1, -1, -1)
        if attention_mask is not None:
            visible = visible & attention_mask[:, None, None].bool()
        stream = self.tokens(input_ids) + self.positions.weight[:tokens]
        mask = torch.zeros_like(visible, dtype=stream.dtype)
        mask = mask.masked_fill(~visible, torch.finfo(stream.dtype).min)
        for layer in self.layers:
            stream = layer(stream, mask)
        return Output(self.vocabulary(self.norm(stream)))

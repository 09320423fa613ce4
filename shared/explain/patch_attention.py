"""What the patches of a vision transformer attend to: one patch's row, rollout, and rollout weighted by gradients."""

import numpy as np
import torch
from torch import nn

from shared.explain.targets import Target
from shared.models.layers import Layer, logits_of
from shared.models.recording import record
from shared.problems import Problem


def attention_of(
    network: nn.Module, inputs: torch.Tensor, keep_graph: bool = False
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The attention (1, H, N, N) of every layer and the logits; raises ``Problem`` where layers differ or are none."""
    with torch.set_grad_enabled(keep_graph), record(keep_graph=keep_graph) as recorder:
        logits = logits_of(network(inputs))
    if len({weights.shape for weights in recorder.weights}) != 1:
        raise Problem("Only transformers whose patches all attend to each other show their attention here.")
    return recorder.weights, logits


def patch_row(network: nn.Module, inputs: torch.Tensor, layer: Layer, index: int, patch: int) -> tuple[np.ndarray, int]:
    """What ``patch`` (row * columns + column) attends to in attention layer ``index``: (h, w), mean over heads.

    Returns it with the number of heads. What goes to the class token is left out, so the sum is at most 1.
    """
    weights, _ = attention_of(network, inputs)
    prefix, (rows, columns) = layer.prefix or 0, layer.grid
    if not (0 <= index < len(weights) and 0 <= patch < rows * columns):
        raise Problem(f"There is no patch {patch} in layer {index}; click one inside the picture.")
    row = weights[index][0].mean(0)[prefix + patch, prefix:]
    return np.asarray(row.reshape(rows, columns).numpy()), weights[index].shape[1]


def rolled_out(weights: list[torch.Tensor], layer: Layer) -> np.ndarray:
    """Rollout from the class token (or the mean of all tokens) to the patches, (h, w).

    A~ = (A + I) / 2 with rows made to sum to 1, R = A~_L ... A~_1. Abnar & Zuidema 2020, section 3.
    """
    tokens = weights[0].shape[-1]
    rollout = identity = torch.eye(tokens)
    for layer_weights in weights:
        mixed = layer_weights[0] + identity
        rollout = (mixed / mixed.sum(-1, keepdim=True)) @ rollout
    prefix = layer.prefix or 0
    row = rollout[0] if prefix else rollout.mean(0)
    return np.asarray(row[prefix:].reshape(layer.grid).numpy())


def attention_rollout(network: nn.Module, inputs: torch.Tensor, layer: Layer) -> np.ndarray:
    """Rollout of the attention averaged over heads; it is the same for every class."""
    weights, _ = attention_of(network, inputs)
    return rolled_out([each.mean(1) for each in weights], layer)


def gradient_rollout(network: nn.Module, inputs: torch.Tensor, layer: Layer, target: Target) -> np.ndarray:
    """Rollout of mean over heads of ReLU(gradient x attention). Chefer et al. 2021, equations 5 and 6."""
    weights, logits = attention_of(network, inputs, keep_graph=True)
    gradients = torch.autograd.grad(target.score(logits).sum(), weights)
    pairs = zip(weights, gradients, strict=True)
    relevance = [(each.detach() * gradient).relu().mean(1) for each, gradient in pairs]
    return rolled_out(relevance, layer)

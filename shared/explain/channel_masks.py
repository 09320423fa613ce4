"""Class activation maps that try out every channel: Score-CAM and Ablation-CAM, in chunks of bounded memory.

Both are generators: they yield their progress in (0, 1] and return the signed map (h, w).
"""

from collections.abc import Generator

import numpy as np
import torch
from torch import nn

from shared.explain.targets import Target
from shared.models.layers import Layer, logits_of, modules_of, run, watched

Progress = Generator[float, None, np.ndarray]
# Bytes of masked inputs or of changed layer outputs that are held at once; the network's own needs come on top.
CHUNK_BYTES = 4_000_000
LARGEST_CHUNK = 64


def chunk_size(one: torch.Tensor) -> int:
    """How many copies of ``one`` (1, ...) fit into a chunk."""
    return max(1, min(LARGEST_CHUNK, CHUNK_BYTES // (one.numel() * one.element_size())))


@torch.no_grad()
def layer_output(network: nn.Module, inputs: torch.Tensor, layer: Layer) -> tuple[torch.Tensor, torch.Tensor]:
    """What ``layer`` passes on, and the logits."""
    done = run(network, inputs, [layer])
    return done.outputs[layer.name].detach(), done.logits.detach()


def score_cam(network: nn.Module, inputs: torch.Tensor, layer: Layer, target: Target) -> Progress:
    """sum_k w_k A_k, w = softmax over k of the score of the picture seen through A_k. Wang et al. 2020, equation 3.

    A_k is enlarged to the picture and scaled to [0, 1]; a mask of 0 is the mean color of the training pictures. The
    paper subtracts the score of a baseline, which changes nothing under the softmax.
    """
    output, _ = layer_output(network, inputs, layer)
    maps = layer.to_maps(output)[0]
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    masks = (maps - low) / (high - low + 1e-8)
    scores: list[torch.Tensor] = []
    for part in torch.split(masks[:, None], chunk_size(inputs)):
        with torch.no_grad():
            seen = nn.functional.interpolate(part, inputs.shape[2:], mode="bilinear", align_corners=False)
            scores.append(target.score(logits_of(network(inputs * seen))))
        yield sum(map(len, scores)) / len(masks)
    weights = torch.cat(scores).softmax(0)
    return np.asarray(torch.einsum("k,khw->hw", weights, maps).numpy())


def ablation_cam(network: nn.Module, inputs: torch.Tensor, layer: Layer, target: Target) -> Progress:
    """sum_k w_k A_k, w_k = (y - y_k) / |y|, y_k the score with A_k set to zero. Desai & Ramaswamy 2020, equation 2.

    What lies before the layer runs once a chunk on the one picture; what lies behind it on the changed maps.
    """
    output, logits = layer_output(network, inputs, layer)
    maps = layer.to_maps(output)
    scores: list[torch.Tensor] = []
    for channels in torch.split(torch.arange(maps.shape[1]), chunk_size(output)):
        changed = maps.repeat(len(channels), 1, 1, 1)
        changed[torch.arange(len(channels)), channels] = 0
        without = layer.from_maps(changed, output)
        with torch.no_grad(), watched(modules_of(network, [layer]), lambda _name, _output, x=without: x):  # type: ignore[misc]
            scores.append(target.score(logits_of(network(inputs))))
        yield sum(map(len, scores)) / maps.shape[1]
    whole = target.score(logits)
    weights = (whole - torch.cat(scores)) / whole.abs().clamp(min=1e-8)
    return np.asarray(torch.einsum("k,khw->hw", weights, maps[0]).numpy())

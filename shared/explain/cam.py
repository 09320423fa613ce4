"""Class activation maps that need one forward pass and one gradient: sums of a layer's maps, differently weighted.

All take ``maps`` A (C, h, w), what the layer passes on, and ``gradients`` G (C, h, w), of the explained score with
respect to A, and return the signed map (h, w) before any ReLU.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from shared.explain.targets import Target
from shared.models.layers import Layer, Run, run
from shared.problems import Problem

EPSILON = 1e-8


def grad_cam(maps: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """sum_k mean(G_k) A_k. Selvaraju et al. 2017, equations 1 and 2."""
    return torch.einsum("k,khw->hw", gradients.mean((1, 2)), maps)


def grad_cam_plus_plus(maps: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """sum_k w_k A_k with w_k = sum alpha_k ReLU(G_k), alpha = G^2 / (2 G^2 + (sum A_k) G^3).

    Chattopadhay et al. 2018, equations 5 and 19; the score is the logit, so that the exponential of the paper is a
    common factor. Weights of elements without gradient are zero.
    """
    return torch.einsum("k,khw->hw", plus_plus_weights(maps, gradients.relu(), gradients**2, gradients**3), maps)


def plus_plus_weights(
    maps: torch.Tensor, positive: torch.Tensor, second: torch.Tensor, third: torch.Tensor
) -> torch.Tensor:
    """w_k (C,) of equation 5 from the first derivative's positive part, the second and the third derivative."""
    denominator = 2 * second + maps.sum((1, 2), keepdim=True) * third
    safe = torch.where(denominator.abs() > torch.finfo(denominator.dtype).tiny, denominator, torch.inf)
    return (second / safe * positive).sum((1, 2))


def xgrad_cam(maps: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """sum_k w_k A_k with w_k = sum(G_k A_k) / sum(A_k). Fu et al. 2020, equation 8."""
    total = maps.sum((1, 2))
    safe = torch.where(total.abs() > EPSILON, total, torch.inf)
    return torch.einsum("k,khw->hw", (gradients * maps).sum((1, 2)) / safe, maps)


def hires_cam(maps: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """sum_k G_k A_k, element by element. Draelos & Carin 2020, equation 3."""
    return (gradients * maps).sum(0)


def layer_cam(maps: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """sum_k ReLU(G_k) A_k, element by element. Jiang et al. 2021, equations 5 and 6."""
    return (gradients.relu() * maps).sum(0)


def eigen_cam(maps: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """The projection of A on its first principal direction, whatever the class. Muhammad & Yeasin 2020, equation 4.

    From the smaller of the two Gram matrices, (h w, h w) or (C, C), which is a hundred times cheaper than the SVD; the
    sign, which no singular vector has of itself, is chosen so that the map's sum is positive.
    """
    rows = maps.flatten(1).T
    if rows.shape[1] < rows.shape[0]:
        first = rows @ torch.linalg.eigh(rows.T @ rows)[1][:, -1]
    else:
        values, vectors = torch.linalg.eigh(rows @ rows.T)
        first = vectors[:, -1] * values[-1].clamp(min=0).sqrt()
    return torch.as_tensor((first * (1 if first.sum() >= 0 else -1)).reshape(maps.shape[1:]))


ONE_PASS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "Grad-CAM": grad_cam,
    "Grad-CAM++": grad_cam_plus_plus,
    "XGrad-CAM": xgrad_cam,
    "HiResCAM": hires_cam,
    "LayerCAM": layer_cam,
    "Eigen-CAM": eigen_cam,
}


def one_pass(
    network: nn.Module, inputs: torch.Tensor, layer: Layer, targets: Sequence[Target], methods: Sequence[str]
) -> dict[tuple[str, Target], np.ndarray]:
    """Maps (h, w) of several of ``ONE_PASS`` for several targets: one forward pass, one short backward pass a target.

    ``inputs`` (1, C, H, W). Nothing before ``layer`` is differentiated.
    """
    done = run(network, inputs, [layer])
    return {
        (method, target): signed
        for target in targets
        for method, signed in weighted(done, layer, target, methods).items()
    }


def weighted(done: Run, layer: Layer, target: Target, methods: Sequence[str]) -> dict[str, np.ndarray]:
    """Maps (h, w) of several methods from one forward pass that recorded ``layer``."""
    maps, gradients = maps_and_gradients(done, layer, target)
    return {method: ONE_PASS[method](maps, gradients).numpy() for method in methods}


def maps_and_gradients(done: Run, layer: Layer, target: Target) -> tuple[torch.Tensor, torch.Tensor]:
    """A and G (C, h, w) of one layer."""
    gradients = torch.autograd.grad(target.score(done.logits).sum(), done.outputs[layer.name], retain_graph=True)[0]
    return layer.to_maps(done.outputs[layer.name].detach())[0], layer.to_maps(gradients)[0]


def last_linear(network: nn.Module) -> nn.Linear | None:
    """The linear layer that makes the logits, if it is a module."""
    return next((module for module in reversed(list(network.modules())) if isinstance(module, nn.Linear)), None)


def require_pooled_linear(network: nn.Module, done: Run, layer: Layer) -> nn.Linear:
    """The linear layer that turns the layer's maps, averaged over the grid, into the logits: what CAM asks for.

    Raises ``Problem`` where the logits are not made so.
    """
    linear = last_linear(network)
    maps = layer.to_maps(done.outputs[layer.name].detach())
    if linear is not None and linear.weight.shape == (done.logits.shape[1], maps.shape[1]):
        logits = nn.functional.linear(maps.mean((2, 3)), linear.weight, linear.bias)
        if torch.allclose(logits, done.logits.detach(), rtol=1e-3, atol=1e-3):
            return linear
    raise Problem("CAM needs a network in which one linear layer follows the average over the last grid.")


@torch.no_grad()
def cam(network: nn.Module, inputs: torch.Tensor, layer: Layer, target: Target) -> np.ndarray:
    """sum_k w_k A_k with the classifier's own weights. Zhou et al. 2016, equation 2.

    Raises ``Problem`` where the network does not allow it.
    """
    done = run(network, inputs, [layer])
    weight = require_pooled_linear(network, done, layer).weight
    weights = weight[target.index] - (0 if target.against is None else weight[target.against])
    maps = layer.to_maps(done.outputs[layer.name].detach())[0]
    return np.asarray(torch.einsum("k,khw->hw", weights, maps).numpy())

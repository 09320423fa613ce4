"""Small networks on points of a plane, and many moments of one network evaluated at once."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "tanh": torch.tanh,
    "ReLU": torch.relu,
    "sigmoid": torch.sigmoid,
    "GELU": functional.gelu,
}
MODULES = {"tanh": nn.Tanh, "ReLU": nn.ReLU, "sigmoid": nn.Sigmoid, "GELU": nn.GELU}
OUTPUTS = ("sigmoid", "softmax", "step", "linear")


@dataclass(frozen=True)
class Shape:
    """What a network looks like.

    ``sizes``: 2 inputs, the units of each hidden layer, and the outputs: one for two classes, else one for each.
    ``output`` says how outputs become probabilities, see ``probabilities``.
    """

    sizes: tuple[int, ...]
    activation: str = "tanh"
    output: str = "sigmoid"
    batch_norm: bool = False
    dropout: float = 0.0

    @property
    def weights(self) -> int:
        """The length P of the flat vector of weights and biases, batch norm folded in."""
        return sum((ins + 1) * outs for ins, outs in zip(self.sizes, self.sizes[1:], strict=False))


class SeededDropout(nn.Module):
    """Dropout (Srivastava et al. 2014) whose random numbers come from ``random`` and not from the whole process."""

    def __init__(self, share: float, random: torch.Generator) -> None:
        super().__init__()
        self.share, self.random = share, random

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape; while training, values are zero with the probability ``share`` and the rest is scaled up."""
        if not self.training:
            return x
        return x * torch.empty_like(x).bernoulli_(1 - self.share, generator=self.random) / (1 - self.share)


def build(shape: Shape, random: torch.Generator) -> nn.Sequential:
    """An untrained network: weights and biases uniform within 1/sqrt(inputs), as in ``nn.Linear``.

    Layer by layer first the weights are drawn from ``random``, then the biases; its dropout goes on drawing from it.
    """
    layers: list[nn.Module] = []
    for index, (ins, outs) in enumerate(zip(shape.sizes, shape.sizes[1:], strict=False)):
        linear: nn.Linear = nn.utils.skip_init(nn.Linear, ins, outs)  # type: ignore[no-untyped-call]
        for parameter in (linear.weight, linear.bias):
            nn.init.uniform_(parameter, -1 / math.sqrt(ins), 1 / math.sqrt(ins), generator=random)
        layers.append(linear)
        if index < len(shape.sizes) - 2:
            layers += [nn.BatchNorm1d(outs)] if shape.batch_norm else []
            layers.append(MODULES[shape.activation]())
            layers += [SeededDropout(shape.dropout, random)] if shape.dropout else []
    return nn.Sequential(*layers)


def linear_layers(network: nn.Sequential) -> list[tuple[nn.Linear, nn.BatchNorm1d | None]]:
    """Each linear layer with the batch norm behind it, if any."""
    parts = [*network, None]
    pairs = zip(parts, parts[1:], strict=False)
    return [(a, b if isinstance(b, nn.BatchNorm1d) else None) for a, b in pairs if isinstance(a, nn.Linear)]


def folding(norm: nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    """What a batch norm in evaluation does to its input z, unit by unit: (scale, shift) of scale * z + shift."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None and variance is not None  # a norm without them could not be folded
    scale = norm.weight / torch.sqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


@torch.no_grad()
def flat_weights(network: nn.Sequential) -> torch.Tensor:
    """All weights and biases (P,), batch norm folded in: what ``forward`` takes."""
    parts = []
    for linear, norm in linear_layers(network):
        weight, bias = linear.weight.detach(), linear.bias.detach()
        if norm is not None:
            scale, shift = folding(norm)
            weight, bias = weight * scale[:, None], bias * scale + shift
        parts += [weight.flatten(), bias]
    return torch.cat(parts)


@torch.no_grad()
def set_weight(network: nn.Sequential, layer: int, unit: int, source: int | None, value: float) -> None:
    """Set one weight, or with ``source`` None one bias, such that ``flat_weights`` has ``value`` there."""
    linear, norm = linear_layers(network)[layer]
    scale, shift = folding(norm) if norm is not None else (torch.ones(unit + 1), torch.zeros(unit + 1))
    if source is None:
        linear.bias[unit] = (value - shift[unit]) / scale[unit]
    else:
        linear.weight[unit, source] = value / scale[unit]


def unfold(shape: Shape, frames: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The layers of F moments: weights (F, in, out), which multiply points from the right, and biases (F, 1, out)."""
    at = 0
    for ins, outs in zip(shape.sizes, shape.sizes[1:], strict=False):
        weight = frames[:, at : at + ins * outs].reshape(-1, outs, ins).transpose(1, 2)
        at += ins * outs
        yield weight, frames[:, None, at : at + outs]
        at += outs


def layer_values(shape: Shape, frames: torch.Tensor, x: torch.Tensor) -> list[torch.Tensor]:
    """What F moments of a network make of points ``x`` (N, 2).

    The activations of each hidden layer, (F, N, units), and last the bare outputs (F, N, K).
    """
    values: list[torch.Tensor] = []
    h = x.expand(len(frames), *x.shape)
    for index, (weight, bias) in enumerate(unfold(shape, frames)):
        h = torch.baddbmm(bias, h, weight)
        if index < len(shape.sizes) - 2:
            h = ACTIVATIONS[shape.activation](h)
        values.append(h)
    return values


def forward(shape: Shape, frames: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The bare outputs (F, N, K) of F moments, ``frames`` (F, P), for points ``x`` (N, 2)."""
    return layer_values(shape, frames, x)[-1]


def probabilities(shape: Shape, outputs: torch.Tensor) -> torch.Tensor:
    """Class probabilities (..., classes) from bare outputs (..., K).

    One output f stands for class 1: "sigmoid" 1 / (1 + exp(-f)); "step" 1 where f > 0, else 0; "linear" (f + 1) / 2 cut
    to [0, 1]. Several: "softmax"; "step" 1 for the greatest; "linear" the same cut values over their sum, all equal
    where that is 0. Only the first two are probabilities that a learner was trained to give.
    """
    if shape.output == "softmax":
        return outputs.softmax(-1)
    if shape.output == "step" and outputs.shape[-1] > 1:
        return functional.one_hot(outputs.argmax(-1), outputs.shape[-1]).to(outputs.dtype)
    if shape.output == "sigmoid":
        shares = outputs.sigmoid()
    else:
        shares = (outputs > 0).to(outputs.dtype) if shape.output == "step" else ((outputs + 1) / 2).clamp(0, 1)
    if outputs.shape[-1] == 1:
        return torch.cat([1 - shares, shares], -1)
    total = shares.sum(-1, keepdim=True)
    return torch.where(total > 0, shares / total.clamp_min(1e-12), 1 / outputs.shape[-1])

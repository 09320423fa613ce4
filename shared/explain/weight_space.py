"""Weight space: all parameters of a network as one vector, and the loss on fixed inputs as a function of it."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import nn

from shared.explain.learner import answers

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Part:
    """One tensor of parameters: its name, its shape, where it lies in the vector, and what it is.

    ``kind``: "weights" (a matrix or kernels, of which each row along the first axis is a filter), "bias" or "norm"
    (scale and shift of a normalization).
    """

    name: str
    shape: tuple[int, ...]
    place: slice
    kind: str


@dataclass(frozen=True, eq=False)
class Moment:
    """The weights of one moment of a training: ``theta`` (P,) float32, and the buffers (of batch norm) of that moment.

    Without ``buffers`` those of the trained network are used.
    """

    epoch: int
    theta: torch.Tensor
    buffers: Mapping[str, torch.Tensor] | None = None


def parts_of(network: nn.Module) -> tuple[Part, ...]:
    """The parameters of a network in order."""
    norms = {f"{name}." for name, module in network.named_modules() if _is_norm(module)}
    named = list(network.named_parameters())
    ends = list(accumulate(parameter.numel() for _, parameter in named))
    found = []
    for (name, parameter), end in zip(named, ends, strict=True):
        inside = any(name.startswith(prefix) for prefix in norms)
        kind = "norm" if inside else "weights" if parameter.ndim > 1 else "bias"
        found.append(Part(name, tuple(parameter.shape), slice(end - parameter.numel(), end), kind))
    return tuple(found)


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.batchnorm._NormBase | nn.LayerNorm | nn.GroupNorm)


def vector_of(network: nn.Module) -> torch.Tensor:
    """All parameters of a network in a row, (P,) float32."""
    return torch.cat([parameter.detach().float().flatten() for parameter in network.parameters()])


def mean_cross_entropy(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The loss of a classifier, as torch's ``cross_entropy`` for ``outputs`` (N, K).

    Softmax down the columns of the transposed outputs takes a quarter of the time that it takes along short rows.
    """
    return nn.functional.nll_loss(torch.log_softmax(outputs.T.contiguous(), 0).T, labels)


class WeightSpace:
    """A network of its own, in evaluation mode, whose parameters are views of one vector.

    ``inputs`` (N, ...) and ``labels`` (N,) are what its loss is measured on; ``loss`` maps outputs and labels to a
    scalar. The network that it is made from is left alone. Not to be used by two threads at once.
    """

    def __init__(
        self, network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, loss: Loss = mean_cross_entropy
    ) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(True)
        self.inputs, self.labels, self.criterion = inputs, labels, loss
        self.origin = vector_of(self.network)
        self.flat = self.origin.clone()
        self.parts = parts_of(self.network)
        self.buffers = {name: value.clone() for name, value in self.network.named_buffers()}
        for part, parameter in zip(self.parts, self.network.parameters(), strict=True):
            parameter.data = self.flat[part.place].view(part.shape)

    @property
    def size(self) -> int:
        """The number P of parameters."""
        return len(self.flat)

    @torch.no_grad()
    def outputs(self, theta: torch.Tensor, inputs: torch.Tensor | None = None) -> torch.Tensor:
        """The bare outputs with the weights ``theta`` (P,)."""
        self.flat.copy_(theta)
        return torch.as_tensor(self.network(self.inputs if inputs is None else inputs))

    def measure(self, theta: torch.Tensor) -> tuple[float, float]:
        """Loss and accuracy with the weights ``theta`` (P,)."""
        outputs = self.outputs(theta)
        right = (answers(outputs) == self.labels).float().mean()
        return float(self.criterion(outputs, self.labels)), float(right)

    def gradient(self, theta: torch.Tensor) -> torch.Tensor:
        """The gradient of the loss (P,) at ``theta``."""
        self.flat.copy_(theta)
        loss = self.criterion(self.network(self.inputs), self.labels)
        return _row(torch.autograd.grad(loss, list(self.network.parameters())))

    def hessian_product(self, theta: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        """The function v -> H v with the Hessian H of the loss at ``theta`` (Pearlmutter 1994), (P,) to (P,).

        It keeps one graph of the gradient for all products; use it up before the weights are set anew.
        """
        self.flat.copy_(theta)
        parameters = list(self.network.parameters())
        loss = self.criterion(self.network(self.inputs), self.labels)
        gradients = torch.autograd.grad(loss, parameters, create_graph=True)

        def product(vector: torch.Tensor) -> torch.Tensor:
            along = [vector[part.place].view(part.shape) for part in self.parts]
            found = torch.autograd.grad(gradients, parameters, along, retain_graph=True, allow_unused=True)
            zeros = (torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True))
            return _row(tuple(zeros))

        return product

    def use_buffers(self, buffers: Mapping[str, torch.Tensor] | None) -> None:
        """Take the buffers of another moment, or with None the trained network's own."""
        for name, value in self.network.named_buffers():
            value.copy_((self.buffers if buffers is None else buffers)[name])


def _row(tensors: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])

"""Guided backpropagation: the gradient, with what is negative thrown away at every ReLU on the way back.

Springenberg et al. 2015. It makes the sharpest pictures and explains the least: with random weights it draws nearly
the same ones (Adebayo et al. 2018). Only ReLUs that are modules can be guided; a network with others is refused.
"""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from shared.explain.pixel_gradients import gradient
from shared.explain.targets import Target
from shared.models.layers import logits_of
from shared.models.replica import replica
from shared.problems import Problem

RELUS = (nn.ReLU, nn.ReLU6)
# What autograd calls the gradients of nonlinearities that nobody can guide.
UNGUIDED = ("Relu", "Hardtanh", "Gelu", "Silu", "Elu", "LeakyRelu", "Sigmoid", "Tanh", "Hardswish", "Softplus", "Mish")


class GuidedFunction(torch.autograd.Function):
    """ReLU (up to ``top``) forward; backward lets through what is positive, where the input was."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor, top: float) -> torch.Tensor:  # noqa: D102
        context.save_for_backward((values > 0) & (values < top))
        return values.clamp(0, top)

    @staticmethod
    def backward(context: Any, gradients: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: D102
        (open_,) = context.saved_tensors
        return gradients.clamp(min=0) * open_, None


class GuidedReLU(nn.Module):
    """A ReLU with ``GuidedFunction`` for its gradient."""

    def __init__(self, top: float) -> None:
        super().__init__()
        self.top = top

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Elementwise."""
        guide: Any = GuidedFunction.apply
        return torch.as_tensor(guide(values, self.top))


_copies: "WeakKeyDictionary[nn.Module, nn.Module]" = WeakKeyDictionary()

_left: "WeakKeyDictionary[nn.Module, set[str]]" = WeakKeyDictionary()  # what could not be guided


def guided_copy(network: nn.Module) -> nn.Module:
    """A replica of ``network`` that guides its ReLUs; the network itself is left alone."""
    found = _copies.get(network)
    if found is None:
        found = replica(network)
        for parent in list(found.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, RELUS):
                    setattr(parent, name, GuidedReLU(6.0 if isinstance(child, nn.ReLU6) else torch.inf))
        _copies[network] = found
    return found


def unguided(network: nn.Module, inputs: torch.Tensor) -> set[str]:
    """The nonlinearities of a guided copy that are still their own, as autograd names them; softmax is no ReLU."""
    leaf = inputs.detach().requires_grad_()
    with torch.enable_grad():
        waiting = [logits_of(network(leaf)).grad_fn]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [parent for parent, _ in node.next_functions]
    return {node.name().split("Backward")[0] for node in seen if node.name().startswith(UNGUIDED)}


def require_guidable(network: nn.Module, inputs: torch.Tensor) -> nn.Module:
    """The guided copy of ``network``; raises ``Problem`` where not every nonlinearity is a ReLU that can be guided."""
    guided = guided_copy(network)
    left = _left.get(network)
    if left is None:
        left = _left[network] = unguided(guided, inputs)
    if left:
        raise Problem(
            f"This network has nonlinearities that cannot be guided ({', '.join(sorted(left))}); guided "
            "backpropagation would silently be the plain gradient. Choose a network with ReLU modules."
        )
    if not any(isinstance(module, GuidedReLU) for module in guided.modules()):
        raise Problem("This network has no ReLU, so there is nothing to guide; choose another method.")
    return guided


def guided_backpropagation(network: nn.Module, inputs: torch.Tensor, target: Target) -> np.ndarray:
    """sum over colors of the guided gradient (H, W). Springenberg et al. 2015, equation in figure 1."""
    return np.asarray(gradient(require_guidable(network, inputs), inputs, target)[0].sum(0).numpy())

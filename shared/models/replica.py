"""A second body for a network: the same weights in new modules, which may be exchanged or given other weights."""

import copy
from collections import OrderedDict

import torch
from torch import nn

HOOKS = (
    "_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs", "_backward_hooks", "_backward_pre_hooks",
)  # fmt: skip


def replica(network: nn.Module) -> nn.Module:
    """New modules around the very tensors of ``network``, without the hooks of whoever is looking at it now."""
    return _twin(network, {})


def _twin(module: nn.Module, known: dict[int, nn.Module]) -> nn.Module:
    """One module and all below it; a module that stands in two places does so in the replica."""
    if id(module) not in known:
        twin = copy.copy(module)
        known[id(module)] = twin
        twin.__dict__ = dict(module.__dict__)
        twin.__dict__.update({name: OrderedDict() for name in HOOKS})
        twin.__dict__.update({name: dict(module.__dict__[name]) for name in ("_parameters", "_buffers")})
        twin.__dict__["_modules"] = {
            name: child if child is None else _twin(child, known) for name, child in module._modules.items()
        }
    return known[id(module)]


def randomized(module: nn.Module, random: torch.Generator) -> None:
    """Give every parameter below ``module`` new values: normal, with the mean and the spread it had.

    Old tensors are left alone, so that the network whose replica this belongs to keeps them. Adebayo et al. 2018
    draw from the initial distribution; the same spread keeps the signal alive through the layers that remain.
    """
    for part in module.modules():
        for name, values in list(part._parameters.items()):
            if values is not None:
                old = values.detach()
                spread = float(old.std()) if old.numel() > 1 else 0.0
                new = torch.randn(old.shape, generator=random) * spread + old.mean()
                part._parameters[name] = nn.Parameter(new.to(old.dtype), requires_grad=False)

"""The sanity check of Adebayo et al. 2018: does a map change when the network forgets what it learned?

Layers are given random weights from the answer down, one after the other (their "cascading randomization"); a map that
stays the same shows the picture, not the network.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from shared.explain.methods import explain_each, resized
from shared.explain.targets import Target
from shared.models.layers import Layer
from shared.models.replica import randomized, replica

MOST_STEPS = 6
COMPARED = (56, 56)


def groups_from_the_top(network: nn.Module, layers: Sequence[Layer]) -> list[tuple[str, list[str]]]:
    """What is randomized in each step: first all behind the last stage, then the stages, in at most ``MOST_STEPS``.

    Each is (name, names of modules).
    """
    inner = [name for name, module in network.named_modules() if name and not any(module.children())]
    names = [layer.name for layer in layers]
    owner: dict[str, int] = {}
    latest = -1
    for name in inner:
        found = next((i for i, stage in enumerate(names) if name == stage or name.startswith(f"{stage}.")), None)
        latest = max(latest, found) if found is not None else latest
        # A layer between two stages belongs to the one behind it, what follows the last stage to the head.
        owner[name] = found if found is not None else latest + 1
    head = [name for name, stage in owner.items() if stage >= len(names)]
    parts = np.array_split(np.arange(len(names))[::-1], min(MOST_STEPS - 1, len(names))) if names else []
    steps = [("classifier", head)]
    for part in parts:
        inside = [name for name, stage in owner.items() if stage in part]
        steps.append((names[int(part[-1])], inside))
    return steps


def randomization(
    network: nn.Module,
    inputs: torch.Tensor,
    target: Target,
    layer: Layer | None,
    layers: Sequence[Layer],
    methods: Sequence[str],
    seed: int = 0,
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """The maps of ``methods`` by name, first ("none") for the network as it is, then step by step from the top.

    Yields (name of the last stage that became random, maps). The network itself is never changed.
    """
    random = torch.Generator().manual_seed(seed)
    body = replica(network)
    yield "none", explain_each(methods, body, inputs, target, layer)
    for name, modules in groups_from_the_top(network, layers):
        for module in modules:
            randomized(body.get_submodule(module), random)
        # A new replica, because guided copies are remembered by the network that they were made of.
        yield name, explain_each(methods, replica(body), inputs, target, layer)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of the sizes of two maps at ``COMPARED`` resolution; nan if one is flat."""
    first, second = (np.abs(resized(each, COMPARED)).ravel() for each in (one, other))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)

"""Several saliency methods on one picture: the way in for any network.

from shared.explain.saliency import saliency

result = saliency(network, inputs, ["Grad-CAM", "Score-CAM"])   # any torch.nn.Module that classifies pictures
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from shared.explain.faithfulness import unit
from shared.explain.methods import METHODS, explain_each, resized
from shared.explain.targets import Target
from shared.models.layers import Layer, default_layer, logits_of, stages
from shared.problems import Problem
from shared.results import Saliency


def saliency(
    network: nn.Module,
    inputs: torch.Tensor,
    methods: Sequence[str] = ("Grad-CAM",),
    target: int | None = None,
    against: int | None = None,
    layer: str = "last",
) -> Saliency:
    """Explain the answer of ``network`` to one picture ``inputs`` (1, C, H, W), normalized as it was trained.

    ``target`` is the explained class, by default the predicted one; with ``against`` its logit minus that one's is
    explained. ``layer`` names a spatial stage of the network, "last" the last one that the answer depends on. The
    network is put into evaluation mode for the time of the call and is otherwise left alone. Raises ``Problem`` for
    methods and layers that there are not.
    """
    training = {module for module in network.modules() if module.training}
    network.eval()
    try:
        return _explained(network, inputs, methods, target, against, layer)
    finally:
        for module in training:
            module.training = True


def _explained(
    network: nn.Module,
    inputs: torch.Tensor,
    methods: Sequence[str],
    target: int | None,
    against: int | None,
    layer: str,
) -> Saliency:
    """The same for a network in evaluation mode."""
    with torch.no_grad():
        logits = logits_of(network(inputs))
    found = stages(network, inputs)
    chosen = named(network, inputs, found, layer) if found else None
    aim = Target(int(logits.argmax()) if target is None else target, against)
    maps = explain_each(methods, network, inputs, aim, chosen)
    signed = np.stack([resized(maps[name], (inputs.shape[2], inputs.shape[3])) for name in methods])
    return Saliency(
        methods=tuple(methods),
        signed=signed,
        heatmap=np.stack([unit(each) for each in signed]),
        target=aim.index,
        against=-1 if against is None else against,
        probabilities=logits.softmax(1)[0].numpy(),
        layer=chosen.name if chosen and any(METHODS[name].layered for name in methods) else "",
    )


def named(network: nn.Module, inputs: torch.Tensor, layers: Sequence[Layer], name: str) -> Layer:
    """The stage called ``name``; "last" is the last one on whose grid the answer depends."""
    if name == "last":
        return layers[default_layer(network, inputs, layers)]
    for layer in layers:
        if layer.name == name:
            return layer
    raise Problem(f"There is no layer {name[:60]!r}; choose among {', '.join(layer.name for layer in layers)}.")

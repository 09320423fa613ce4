"""The saliency methods by name: what each asks for, says and gets wrong, and one way to compute any of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from shared.explain import cam, channel_masks, guided, patch_attention, pixel_gradients, smooth_cam
from shared.explain.channel_masks import Progress
from shared.explain.targets import Target
from shared.models.layers import Layer, run
from shared.problems import Problem

NO_GRID = "This network has no spatial layers, so there is no grid to draw a map on."
Family = Literal["CAM", "Gradients", "Perturbation", "Transformer"]


@dataclass(frozen=True)
class Method:
    """``layered``: it explains through a layer's grid. ``slow``: it takes many passes. ``signed``: it can be negative.

    ``class_specific``: another class gives another map.
    """

    name: str
    family: Family
    idea: str
    equation: str
    fails: str
    layered: bool = True
    slow: bool = False
    signed: bool = True
    class_specific: bool = True


METHODS = {
    method.name: method
    for method in (
        Method(
            "CAM", "CAM", "Weigh each map by what the classifier itself gives it.", "Σₖ wₖ Aₖ",
            "Only where one linear layer follows the average over the grid.",
        ),
        Method(
            "Grad-CAM", "CAM", "Weigh each map by its mean gradient.", "Σₖ mean(Gₖ) Aₖ",
            "Averaging the gradient can point where the class has no evidence; several copies of an object merge.",
        ),
        Method(
            "Grad-CAM++", "CAM", "Let places with a positive gradient count, however small their area.",
            "Σₖ (Σ αₖ ReLU(Gₖ)) Aₖ,  α = G² / (2G² + ΣA·G³)",
            "It hides what argues against the class, and is often nearly the mean of all maps.", signed=False,
        ),
        Method(
            "Smooth Grad-CAM++", "CAM", "Grad-CAM++ with derivatives averaged over noisy copies of the picture.",
            "as Grad-CAM++ with G, G², G³ averaged", "The noise is one more choice, and networks answer noise badly.",
            slow=True, signed=False,
        ),
        Method(
            "XGrad-CAM", "CAM", "Weigh each map by the share of the score that it carries.",
            "Σₖ (Σ GₖAₖ / Σ Aₖ) Aₖ", "A map that sums to nearly nothing gets a wild weight.",
        ),
        Method(
            "HiResCAM", "CAM", "Multiply gradient and map place by place.", "Σₖ Gₖ ⊙ Aₖ",
            "True to the score for one linear layer after the grid; deeper heads bend it.",
        ),
        Method(
            "LayerCAM", "CAM", "Place by place, positive gradients only.", "Σₖ ReLU(Gₖ) ⊙ Aₖ",
            "It cannot show what argues against the class.", signed=False,
        ),
        Method(
            "Eigen-CAM", "CAM", "The direction in which the maps vary most.", "first principal direction of A",
            "It never asks which class: change the class and it stays.", class_specific=False,
        ),
        Method(
            "Score-CAM", "CAM", "Show the picture through each map and weigh by the score it keeps.",
            "Σₖ softmax(score(x ⊙ Aₖ)) Aₖ", "One pass for every channel; masked pictures are unlike any photograph.",
            slow=True,
        ),
        Method(
            "Ablation-CAM", "CAM", "Switch each map off and weigh by how much the score falls.",
            "Σₖ (y − yₖ) / |y| · Aₖ", "Two maps that can stand in for each other both seem useless.", slow=True,
        ),
        Method(
            "Saliency", "Gradients", "How much the score moves when a pixel does.", "max over colors |∂y/∂x|",
            "A local slope, full of speckle; it says how to change the answer, not what made it.",
            layered=False, signed=False,
        ),
        Method(
            "Gradient x input", "Gradients", "The slope times what is there.", "Σ x · ∂y/∂x",
            "Pixels of the mean color count as nothing, whatever they show.", layered=False,
        ),
        Method(
            "SmoothGrad", "Gradients", "The mean slope of noisy copies.", "max over colors |mean ∂y/∂(x + noise)|",
            "Clean pictures, but of an average network that nobody uses.", layered=False, slow=True, signed=False,
        ),
        Method(
            "Integrated gradients", "Gradients", "Add up slopes from a gray picture to this one.",
            "Σ (x − x′) · ∫ ∂y/∂x", "It depends on the baseline: what has its color gets nothing.",
            layered=False, slow=True,
        ),
        Method(
            "Guided backpropagation", "Gradients", "The slope, with everything negative thrown away at every ReLU.",
            "ReLU(G) at every ReLU", "It draws edges: with random weights it makes nearly the same picture.",
            layered=False, class_specific=False,
        ),
        Method(
            "Guided Grad-CAM", "Gradients", "Guided backpropagation where Grad-CAM is warm.",
            "guided ⊙ ReLU(Grad-CAM)", "Sharp edges borrowed from a method that fails its tests.",
        ),
        Method(
            "Occlusion", "Perturbation", "Cover a window with gray and see how far the score falls.",
            "y − y(window covered)", "A window too small or too large misses; gray windows are no natural picture.",
            layered=False, slow=True,
        ),
        Method(
            "Rollout", "Transformer", "Follow the attention of all layers back to the patches.", "Π (A + I) / 2",
            "Attention is not evidence, and this never asks which class.", signed=False, class_specific=False,
        ),
        Method(
            "Gradient rollout", "Transformer", "Rollout of attention that the class has a positive gradient for.",
            "Π (ReLU(∇A ⊙ A) + I)", "It sees what was looked at, not what was made of it.", signed=False,
        ),
    )
}  # fmt: skip


def why_not(method: Method, network: nn.Module, inputs: torch.Tensor, layer: Layer | None) -> str:
    """Why a network cannot be explained by ``method``, in one sentence, or ""."""
    if method.layered and layer is None:
        return NO_GRID
    try:
        if method.family == "Transformer":
            patch_attention.attention_of(network, inputs)
        if method.name.startswith("Guided"):
            guided.require_guidable(network, inputs)
        if method.name == "CAM" and layer:
            cam.require_pooled_linear(network, run(network, inputs, [layer]), layer)
    except Problem as problem:
        return str(problem)
    return ""


def explain(name: str, network: nn.Module, inputs: torch.Tensor, target: Target, layer: Layer | None) -> Progress:
    """Compute one method for ``inputs`` (1, C, H, W): yields progress in (0, 1], returns the signed map.

    Maps of layered methods have the layer's grid, others the size of the inputs. Raises ``Problem`` for a method
    that there is not, or that cannot explain this network.
    """
    method = METHODS.get(name)
    if method is None:
        raise Problem(f"There is no method {name[:40]!r}; choose among {', '.join(METHODS)}.")
    if not method.layered:
        return (yield from _from_pixels(name, network, inputs, target))
    if layer is None:
        raise Problem(f"{name}: {NO_GRID}")
    return (yield from _through_layer(name, network, inputs, target, layer))


def _through_layer(name: str, network: nn.Module, inputs: torch.Tensor, target: Target, layer: Layer) -> Progress:
    """The methods that read a layer's grid."""
    if name in cam.ONE_PASS:
        return cam.one_pass(network, inputs, layer, [target], [name])[name, target]
    if name == "CAM":
        return cam.cam(network, inputs, layer, target)
    if name == "Rollout":
        return patch_attention.attention_rollout(network, inputs, layer)
    if name == "Gradient rollout":
        return patch_attention.gradient_rollout(network, inputs, layer, target)
    if name == "Guided Grad-CAM":
        warm = cam.one_pass(network, inputs, layer, [target], ["Grad-CAM"])["Grad-CAM", target]
        enlarged = resized(np.maximum(warm, 0), (inputs.shape[2], inputs.shape[3]))
        return np.asarray(guided.guided_backpropagation(network, inputs, target) * enlarged)
    slow: dict[str, Callable[..., Progress]] = {
        "Score-CAM": channel_masks.score_cam,
        "Ablation-CAM": channel_masks.ablation_cam,
        "Smooth Grad-CAM++": smooth_cam.smooth_grad_cam_plus_plus,
    }
    return (yield from slow[name](network, inputs, layer, target))


def _from_pixels(name: str, network: nn.Module, inputs: torch.Tensor, target: Target) -> Progress:
    """The methods that need no layer."""
    quick: dict[str, Callable[..., np.ndarray]] = {
        "Saliency": pixel_gradients.saliency,
        "Gradient x input": pixel_gradients.gradient_times_input,
        "Guided backpropagation": guided.guided_backpropagation,
    }
    if name in quick:
        return quick[name](network, inputs, target)
    slow: dict[str, Callable[..., Progress]] = {
        "SmoothGrad": pixel_gradients.smooth_grad,
        "Integrated gradients": pixel_gradients.integrated_gradients,
        "Occlusion": pixel_gradients.occlusion,
    }
    return (yield from slow[name](network, inputs, target))


def explain_each(
    names: Sequence[str],
    network: nn.Module,
    inputs: torch.Tensor,
    target: Target,
    layer: Layer | None,
    alone: Callable[[str], np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """The signed maps of several methods by name: those that share a pass cost one together.

    ``alone`` computes each of the others, by default to its end. Raises ``Problem`` as ``explain`` does.
    """
    together = [name for name in names if name in cam.ONE_PASS] if layer else []
    shared = cam.one_pass(network, inputs, layer, [target], together) if layer and together else {}
    single = alone or (lambda name: finished(explain(name, network, inputs, target, layer)))
    return {name: shared[name, target] if name in together else single(name) for name in names}


def resized(signed: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map (h, w) enlarged to ``size`` (rows, columns), bilinear."""
    values = torch.from_numpy(np.ascontiguousarray(signed, dtype=np.float32))[None, None]
    return np.asarray(nn.functional.interpolate(values, size, mode="bilinear", align_corners=False)[0, 0].numpy())


def finished(steps: Progress) -> np.ndarray:
    """What a method returns, without looking at its progress."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return np.asarray(end.value)

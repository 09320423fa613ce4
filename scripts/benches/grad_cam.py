"""The Grad-CAM Space against the least work there is, against torchcam and against a one-button app."""

import io
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benches.measure import peak_megabytes, ratio, start, together, verdict

if TYPE_CHECKING:
    import torch
    from torch import nn

    from shared.models.layers import Layer

ROOT = Path(__file__).resolve().parents[2]
SPACE = ROOT / "spaces/grad_cam/app.py"
PHOTO = ROOT / "spaces/grad_cam/examples/coffee.jpg"
HUB = {"MobileNetV2": "google/mobilenet_v2_1.0_224", "ResNet-50": "microsoft/resnet-50"}
TINY = "a ResNet of two blocks"  # for the quick run
CLASS = 1
GRAD_CAM = ("Grad-CAM",)
SIX = ("Grad-CAM", "Grad-CAM++", "XGrad-CAM", "HiResCAM", "LayerCAM", "Eigen-CAM")
# Those of the six that torchcam has, and the names of its classes.
TORCHCAM = {"Grad-CAM": "GradCAM", "Grad-CAM++": "GradCAMpp", "XGrad-CAM": "XGradCAM", "LayerCAM": "LayerCAM"}
# Holds for one network: the others' absolute costs differ.
WHOLE_BACKWARD = {"ResNet-50": 2.8}


def run(quick: bool) -> Iterator[str]:
    """All measurements, a line each."""
    import torch

    torch.set_num_threads(1)
    yield f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread for all; times are medians, in turns"
    names, rounds = ((TINY,), (1,)) if quick else (tuple(HUB), (31, 11))
    subjects = [subject_of(name) for name in names]
    for subject, count in zip(subjects, rounds, strict=True):
        yield from one_method(subject, count)
        yield from six_methods(subject, count)
    for method in ("Score-CAM", "Ablation-CAM"):
        yield from every_channel(names[0], method, subjects[0].layer)
    # The quick run does with what lies beside the code; no network, no cache of the Hub.
    yield from photo("lenet-mnist" if quick else "mobilenet-v2", 1 if quick else 11)
    yield from start(SPACE, 1 if quick else 5)


@dataclass(frozen=True)
class Subject:
    """A network to explain: ``frozen`` as the Spaces hold it, ``trainable`` as transformers loads it."""

    name: str
    frozen: "nn.Module"
    trainable: "nn.Module"
    inputs: "torch.Tensor"
    layer: "Layer"


def subject_of(name: str) -> Subject:
    """The network ``name`` with its last stage, and noise to look at."""
    import torch

    from shared.models.layers import default_layer, stages

    network, weights = load(name)
    inputs = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    frozen = deepcopy(network).requires_grad_(False)
    layers = stages(frozen, inputs)
    last = layers[default_layer(frozen, inputs, layers)]
    return Subject(f"{name}{weights}, {last.name}", frozen, network, inputs, last)


def load(name: str) -> tuple["nn.Module", str]:
    """A classifier of transformers, and a remark: its weights are random where the Hub's cannot be had."""
    import torch
    from transformers import AutoModelForImageClassification, MobileNetV2Config, ResNetConfig
    from transformers.utils import logging as reports

    from shared.checkpoints import folder
    from shared.problems import Problem

    reports.set_verbosity_error()
    reports.disable_progress_bar()
    tiny = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    configs = {
        "MobileNetV2": MobileNetV2Config(num_labels=1000),
        "ResNet-50": ResNetConfig(num_labels=1000),
        TINY: ResNetConfig(num_labels=10, **tiny),
    }
    try:
        path = folder(HUB.get(name, name))
        network = AutoModelForImageClassification.from_pretrained(path, dtype=torch.float32)
        return network.eval(), ""
    except Problem:  # no network and no cache
        torch.manual_seed(0)
        network = AutoModelForImageClassification.from_config(configs[name])
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):  # numbers that vanish from layer to layer would slow a pass down
                torch.nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        return network.eval(), " (random weights)"


def ours(subject: Subject, methods: tuple[str, ...]) -> list[np.ndarray]:
    """Methods as the Space computes them."""
    from shared.explain.cam import one_pass
    from shared.explain.targets import Target

    target = Target(CLASS)
    maps = one_pass(subject.frozen, subject.inputs, subject.layer, [target], methods)
    return [maps[method, target] for method in methods]


def floor(subject: Subject) -> np.ndarray:
    """Grad-CAM written for these networks alone: the backbone without a graph, the gradient through pool and head."""
    import torch

    network: Any = subject.frozen
    head = next(module for module in reversed(list(network.modules())) if isinstance(module, torch.nn.Linear))
    with torch.no_grad():
        maps = network.base_model(subject.inputs).last_hidden_state
    maps.requires_grad_()
    gradient = torch.autograd.grad(head(maps.mean((2, 3)))[0, CLASS], maps)[0]
    return np.asarray((gradient.mean((2, 3), keepdim=True) * maps.detach()).sum(1)[0].numpy())


def whole_backward(subject: Subject) -> np.ndarray:
    """Grad-CAM by hooks and ``score.backward()``, which also makes the gradient of every parameter."""
    kept: dict[str, Any] = {}

    def keep(_module: object, _inputs: object, output: "torch.Tensor") -> None:
        kept["maps"] = output.detach()
        output.register_hook(lambda gradient: kept.update(gradient=gradient))

    handle = subject.trainable.get_submodule(subject.layer.name).register_forward_hook(keep)
    subject.trainable.zero_grad()
    subject.trainable(subject.inputs).logits[0, CLASS].backward()
    handle.remove()
    return np.asarray((kept["gradient"].mean((2, 3), keepdim=True) * kept["maps"]).sum(1)[0].numpy())


def torchcam(subject: Subject, method: str) -> Callable[[], np.ndarray]:
    """One of torchcam's methods, its hooks set beforehand; it cuts off what is negative."""
    import torchcam.methods

    extractor = getattr(torchcam.methods, TORCHCAM[method])(subject.trainable, subject.layer.name, enable_hooks=False)

    def explain() -> np.ndarray:
        extractor.enable_hooks()  # the extractors share one network
        maps = extractor(CLASS, subject.trainable(subject.inputs).logits, normalized=False)[0][0]
        extractor.disable_hooks()
        extractor.reset_hooks()
        return np.asarray(maps.numpy())

    return explain


def one_method(subject: Subject, rounds: int) -> Iterator[str]:
    """Grad-CAM at the last stage, four ways that give one map."""
    ways: dict[str, Callable[[], np.ndarray]] = {
        "ours": lambda: ours(subject, GRAD_CAM)[0],
        "floor": partial(floor, subject),
        "torchcam": torchcam(subject, "Grad-CAM"),
        "backward": partial(whole_backward, subject),
    }
    reference = ways["ours"]()
    for name, way in ways.items():
        same(name, way(), np.maximum(reference, 0) if name == "torchcam" else reference)
    times = together(ways, rounds)
    yield f"{subject.name}: Grad-CAM"
    yield "  " + ", ".join(f"{name} {1000 * statistics.median(taken):.1f} ms" for name, taken in times.items())
    yield verdict("ours / floor", ratio(times["ours"], times["floor"]), "x", 1.15)
    yield verdict("ours / torchcam", ratio(times["ours"], times["torchcam"]), "x", 1.05)
    least = next((factor for name, factor in WHOLE_BACKWARD.items() if subject.name.startswith(name)), None)
    yield verdict("backward through everything / ours", ratio(times["backward"], times["ours"]), "x", least, True)


def same(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Raises RuntimeError where two ways do not give one map: their times could not be compared."""
    if not np.allclose(found, expected, rtol=1e-3, atol=1e-4 * float(np.abs(expected).max())):
        raise RuntimeError(f"{name} computes another map")


def six_methods(subject: Subject, rounds: int) -> Iterator[str]:
    """All methods that share one forward pass and one gradient, beside one of them, and beside a pass for each."""
    peers = {method: torchcam(subject, method) for method in TORCHCAM}
    times = together({"six": lambda: ours(subject, SIX), "one": lambda: ours(subject, GRAD_CAM), **peers}, rounds)
    apart = [len(SIX) / len(peers) * sum(each) for each in zip(*(times[method] for method in peers), strict=True)]
    one, six, theirs = (1000 * statistics.median(taken) for taken in (times["one"], times["six"], apart))
    yield f"{subject.name}: {', '.join(SIX)}"
    yield f"  ours together {six:.1f} ms, Grad-CAM alone {one:.1f} ms, torchcam one by one {theirs:.1f} ms"
    yield f"  (torchcam has {len(peers)} of the {len(SIX)}: the sum of their passes, times {len(SIX)} / {len(peers)})"
    yield verdict("six / one", ratio(times["six"], times["one"]), "x", 1.3)
    yield verdict("torchcam one by one / ours together", ratio(apart, times["six"]), "x", 4, True)


def every_channel(name: str, method: str, layer: "Layer") -> Iterator[str]:
    """A method that tries out every channel, in a process of its own, whose peak of memory is nobody else's."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        own, more, first, whole = process.submit(channel_costs, name, method, layer).result()
    yield f"{method} on {name}, {layer.name}"
    yield verdict("peak memory over the network's own forward pass", more, "MB")
    yield f"  a process that holds the network and has run it: {own:.0f} MB"
    yield f"  first progress after {first:.2f} s of {whole:.2f} s"


def channel_costs(name: str, method: str, layer: "Layer") -> tuple[float, float, float, float]:
    """10^6 bytes at the peak of a forward pass and more than that for ``method``; seconds to its first yield, and all.

    Only the network and ``method`` may have run in this process.
    """
    import torch

    from shared.explain.methods import explain
    from shared.explain.targets import Target

    torch.set_num_threads(1)
    network, inputs = load(name)[0].requires_grad_(False), torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        network(inputs)
    own, began = peak_megabytes(), time.perf_counter()
    steps = explain(method, network, inputs, Target(CLASS), layer)
    next(steps)
    first = time.perf_counter() - began
    for _ in steps:
        pass
    return own, peak_megabytes() - own, first, time.perf_counter() - began


def camera_file() -> bytes:
    """A JPEG of 4,000 x 3,000 pixels, as a phone makes it."""
    from PIL import Image

    file = io.BytesIO()
    with Image.open(PHOTO) as image:
        image.convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def photo(model: str, runs: int) -> Iterator[str]:
    """A large photo to its finished overlay, as the endpoint makes it, in turns with the network's share of that."""
    import grad_cam_case as cases
    import torch
    from grad_cam_endpoint import named_layer, named_target
    from grad_cam_exports import arrays_of
    from grad_cam_maps import signed_maps

    from shared.explain.cam import one_pass
    from shared.models.photos import read_photo

    data = camera_file()
    case = cases.build(read_photo(data), model, enlarge=False)
    target, layer = named_target(case, "predicted"), named_layer(case, "last")
    maps = signed_maps(case, GRAD_CAM, target, layer)

    def network() -> None:
        with torch.no_grad():
            case.model.network(case.inputs)
        one_pass(case.model.network, case.inputs, layer, [target], GRAD_CAM)

    parts = {
        "whole": lambda: overlay(data, model),
        "network": network,
        "reading": lambda: read_photo(data),
        "arrays": lambda: arrays_of(case, maps, target, layer),
    }
    times = together(parts, runs)
    whole, share, reading, arrays = (1000 * statistics.median(times[name]) for name in parts)
    rest = [1000 * (all_ - part) for all_, part in zip(times["whole"], times["network"], strict=True)]
    yield f"a JPEG of 4,000 x 3,000 pixels, {len(data) / 1e6:.1f} MB, on {model}"
    yield f"  to the overlay {whole:.0f} ms; of that the network {share:.0f} ms, reading the file {reading:.0f} ms"
    yield verdict("to the overlay, without the network", statistics.median(rest), "ms", 150)
    yield f"  the file with all arrays: {arrays:.0f} ms"


def overlay(data: bytes, model: str) -> bytes:
    """The way of the endpoint from the bytes of a photo to the bytes of its picture."""
    import grad_cam_case as cases
    from grad_cam_endpoint import named_layer, named_target
    from grad_cam_maps import signed_maps

    from shared.explain.faithfulness import unit
    from shared.explain.methods import resized
    from shared.models.photos import read_photo
    from shared.render.saliency_picture import saliency_picture

    case = cases.build(read_photo(data), model, enlarge=False)
    target, layer = named_target(case, "predicted"), named_layer(case, "last")
    signed = signed_maps(case, GRAD_CAM, target, layer)["Grad-CAM"]
    return saliency_picture(case.photo, unit(resized(signed, case.inputs.shape[2:])), case.box)

"""The Loss Landscape Space against the loss-landscapes package, bare forward passes and a one-button app."""

import copy
import json
import statistics
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benches.measure import browsing, open_page, painted, ratio, serving, start, together, verdict

if TYPE_CHECKING:
    import torch
    from torch import nn

    from shared.explain.weight_space import WeightSpace

ROOT = Path(__file__).resolve().parents[2]
SPACE = ROOT / "spaces/loss_landscape/app.py"
SAMPLES = 512
# The scan is done and the ball has come to rest.
AT_REST = (
    "() => { const frame = Glasshouse.frames[0]; return frame?.model && frame.model.known >= frame.model.grid.length; }"
)
# Plays from the start and notes when each animation frame comes.
PLAY = """() => new Promise((done) => {
  const frame = Glasshouse.frames[0], times = [];
  frame.set({ epoch: 0 });
  document.querySelector(".gl-play, .gb-play").click();
  const next = (now) => {
    times.push(now);
    if ((frame.state.epoch ?? Infinity) >= frame.model.plan.epochs || times.length > 400) return done(times);
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})"""


def run(quick: bool) -> Iterator[str]:
    """All measurements, a line each."""
    import torch

    torch.set_num_threads(1)
    yield f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread for all; times are medians, in turns"
    yield from grid(*((5, 1) if quick else (41, 5)))
    yield from refined(*((7, 4) if quick else (21, 256)))
    yield from payload()
    started = yield from page()
    yield from start(SPACE, *((1, [started]) if quick else (5,)))


def grid(resolution: int, rounds: int) -> Iterator[str]:
    """A perceptron of about 100,000 weights on 512 samples: ours, the package's and the floor; equal directions."""
    import loss_landscapes
    import torch
    from loss_landscapes.metrics import Loss
    from torch import nn

    from shared.explain.planes import filter_normalized_plane
    from shared.explain.surface import losses
    from shared.explain.weight_space import WeightSpace
    from shared.models.image_mlp import ImageMLP

    torch.manual_seed(0)
    network = ImageMLP(hidden=(128,)).eval()
    inputs, labels = torch.randn(SAMPLES, 1, 28, 28), torch.randint(0, 10, (SAMPLES,))
    space = WeightSpace(network, inputs, labels)
    plane = filter_normalized_plane(space.origin, space.parts, 0)
    # As the package's planar_interpolation walks: rows from 0, columns from the first step on.
    places = [((j + 1) / resolution, i / resolution) for i in range(resolution) for j in range(resolution)]
    ends = [at(network, space, plane.at(*end)) for end in ((0, 1), (1, 0))]
    hidden = network.hidden[0][0](inputs.flatten(1)).detach()
    metric = Loss(nn.functional.cross_entropy, inputs, labels)

    @torch.no_grad()
    def floor() -> None:
        for _ in places:
            float(nn.functional.cross_entropy(network.classifier(hidden.relu()), labels))

    def peer() -> np.ndarray:
        return loss_landscapes.planar_interpolation(network, *ends, metric, resolution, deepcopy_model=True)

    ours = np.array(list(losses(space, plane, places))).reshape(resolution, resolution)
    # The package moves every second row by one step, so that only the others lie on the grid.
    apart = np.abs(ours[::2] - peer()[::2]).max() / np.abs(ours).max()
    yield f"{resolution} x {resolution} points, {space.size:,} weights, {SAMPLES} samples; values differ by {apart:.1e}"
    times = together({"ours": lambda: list(losses(space, plane, places)), "peer": peer, "floor": floor}, rounds)
    for name, each in times.items():
        yield f"  {name}: {statistics.median(each):.3f} s"
    yield verdict("loss-landscapes / ours", ratio(times["peer"], times["ours"]), "x", 5, at_least=True)
    yield verdict("ours / forward passes without the first layer", ratio(times["ours"], times["floor"]), "x", 1.3)


def at(network: "nn.Module", space: "WeightSpace", theta: "torch.Tensor") -> "nn.Module":
    """A copy of a network with the weights ``theta`` (P,)."""
    twin = copy.deepcopy(network)
    for part, parameter in zip(space.parts, twin.parameters(), strict=True):
        parameter.data = theta[part.place].view(part.shape).clone()
    return twin


def refined(resolution: int, pictures: int) -> Iterator[str]:
    """ResNet-20: when the first value comes, when the coarse picture, when all of it."""
    import torch

    from shared.explain.planes import filter_normalized_plane
    from shared.explain.surface import losses, order, strides
    from shared.explain.weight_space import WeightSpace
    from shared.models.images import load

    torch.set_num_threads(2)
    random = torch.Generator().manual_seed(0)
    inputs = torch.randn(pictures, 3, 32, 32, generator=random).contiguous(memory_format=torch.channels_last)
    space = WeightSpace(load("resnet20-cifar10").network, inputs, torch.zeros(pictures, dtype=torch.int64))
    plane = filter_normalized_plane(space.origin, space.parts, 0)
    lines = np.linspace(-1, 1, resolution)
    coarse, came, began = len(range(0, resolution, strides(resolution)[0])) ** 2, [], time.perf_counter()
    for _ in losses(space, plane, [(lines[j], lines[i]) for i, j in order(resolution)]):
        came.append(time.perf_counter() - began)
    torch.set_num_threads(1)
    yield f"ResNet-20 on {pictures} pictures, {resolution} x {resolution} points: {came[-1]:.0f} s on 2 threads"
    yield verdict("first progress", came[0], "s", 1)
    yield verdict("coarse picture, share of the whole time", came[coarse - 1] / came[-1], "", 0.125)


def payload() -> Iterator[str]:
    """What a whole landscape takes on its way to the page."""
    import loss_landscape_compute as compute
    from loss_landscape_plan import plan_of, whole_scan
    from loss_landscape_presets import DEFAULTS

    whole_scan(plan_of(DEFAULTS))
    yield verdict("payload of the default landscape", len(json.dumps(compute.payload(DEFAULTS))) / 1000, "kB", 100)


def page() -> Generator[str, None, float]:
    """In Chromium: from a changed setting to its picture, and frames a second. Returns the start-up seconds."""
    with serving(SPACE) as (address, started), browsing() as browser:
        tab = open_page(browser)
        tab.goto(address)
        tab.wait_for_selector("#picture canvas", timeout=120_000)
        tab.wait_for_function(AT_REST, timeout=120_000)
        waits = []
        for seed in ("1", "2", "3"):
            began = tab.evaluate("performance.now() / 1000")
            tab.evaluate("seed => Glasshouse.frames[0].host.edit({ seed, plane: 'filter_normalized' })", seed)
            waits.append(painted(tab, f"Glasshouse.frames[0].payload.inputs.seed === '{seed}'") - began)
        yield verdict("first picture of another draw", statistics.median(waits), "s", 1)
        tab.wait_for_function(AT_REST)
        times = np.array(tab.evaluate(PLAY))
        yield f"rolling: {len(times)} animation frames, the slowest after {np.diff(times).max():.0f} ms"
        yield verdict(
            "frames drawn in a second", 1000 / float(np.median(np.diff(times))), "frames/s", 59, at_least=True
        )
    return started

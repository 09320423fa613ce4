"""The Denoising Space against the bare loop, against diffusers' own pipeline and against a one-button app."""

import json
import statistics
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benches.measure import browsing, open_page, ratio, serving, start, together, verdict

if TYPE_CHECKING:
    from shared.models.diffusion import DiffusionModel

ROOT = Path(__file__).resolve().parents[2]
SPACE = ROOT / "spaces/denoising/app.py"
MODEL = "ddpm-fashion-mnist"
SAMPLES, STEPS = 16, 50
PAYLOAD_MEGABYTES = 1.5
# Scrubs through the frames, one for each animation frame, and counts how long each takes to be drawn.
SCRUB = """async () => {
  const slider = document.querySelector(".gd-watch input[type=range]"), steps = Number(slider.max), times = [];
  await new Promise((done) => {
    let at = 0;
    const next = (now) => {
      times.push(now);
      if (at > 2 * steps) return done();
      slider.value = at++ % (steps + 1);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  });
  return times.slice(1).map((now, index) => now - times[index]);
}"""


def run(quick: bool) -> Iterator[str]:
    """All measurements, a line each."""
    import torch

    torch.set_num_threads(1)
    yield f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread for all; times are medians, in turns"
    steps, samples, rounds = (2, 2, 1) if quick else (STEPS, SAMPLES, 5)
    yield from loops(steps, samples, rounds)
    yield from payload(steps, samples)
    started = yield from page(quick)
    yield from start(SPACE, *((1, [started]) if quick else (5,)))


def loops(steps: int, samples: int, rounds: int) -> Iterator[str]:
    """A whole run with every frame kept, beside the bare loop and the pipeline: same network, noise and batch."""
    import torch
    from diffusers import DDIMPipeline

    from shared.explain.denoising import Settings, scheduler_for, trajectory
    from shared.models.diffusion import load

    model = load(MODEL)
    settings = Settings("DDIM", steps=steps, guidance=0.0)
    labels = [-1] * samples
    # The pipeline knows no classes: for it, a network that always draws any.
    free = Unconditional(model)
    pipeline = DDIMPipeline(unet=free, scheduler=scheduler_for(model, settings))
    pipeline.set_progress_bar_config(disable=True)

    @torch.no_grad()
    def bare() -> None:
        scheduler = scheduler_for(model, settings)
        x = torch.randn(samples, *model.shape, generator=torch.Generator().manual_seed(0))
        for t in scheduler.timesteps:
            x = scheduler.step(free(x, t).sample, t, x, use_clipped_model_output=True).prev_sample

    def peer() -> None:
        random = torch.Generator().manual_seed(0)
        pipeline(samples, random, num_inference_steps=steps, use_clipped_model_output=True)

    times = together({"ours": lambda: trajectory(model, labels, settings), "bare": bare, "peer": peer}, rounds)
    ours, floor = statistics.median(times["ours"]), statistics.median(times["bare"])
    yield f"{steps} DDIM steps of {samples} samples, every frame kept: {ours:.2f} s; the bare loop {floor:.2f} s"
    yield verdict("ours / bare loop", ratio(times["ours"], times["bare"]), "x", 1.05)
    # "Not slower", within what equal work differs from run to run.
    yield verdict("ours / DDIMPipeline of diffusers", ratio(times["ours"], times["peer"]), "x", 1.02)


class Unconditional:
    """The network as a pipeline calls it, always asked for any class."""

    def __new__(cls, model: "DiffusionModel") -> Any:
        """A UNet2DModel that shares the weights of ``model``."""
        import copy

        network: Any = copy.copy(model.network)
        forward, any_class = model.network.forward, len(model.labels)

        def always_any(x: Any, t: Any, **more: Any) -> Any:
            import torch

            return forward(x, t, class_labels=torch.full((len(x),), any_class))

        network.forward = always_any
        return network


def payload(steps: int, samples: int) -> Iterator[str]:
    """What travels to the page for a whole run, and the time from its first step to the answer that holds it."""
    import denoising_compute as compute
    from denoising_presets import DEFAULTS

    from shared.ui import Request

    for sampler in ("DDIM", "DDPM"):
        inputs = {**DEFAULTS, "steps": str(steps), "samples": str(samples), "sampler": sampler, "guidance": "1"}
        began = time.perf_counter()
        first = len(json.dumps(answer := compute.run(Request(inputs, {}, {"part": 0}))))
        waited = time.perf_counter() - began - answer["seconds"]
        while not answer.get("finished"):
            answer = compute.run(Request(inputs, {}, {"part": steps}))
        began = time.perf_counter()
        sent = len(json.dumps(compute.run(Request(inputs, {}, {"part": 0}))))
        again = 1000 * (time.perf_counter() - began)
        yield f"{steps} steps x {samples} samples x 3 views, {sampler}: asked again {again:.0f} ms, nothing computed"
        yield verdict(f"payload of the whole run, {sampler}", sent / 1e6, "MB", PAYLOAD_MEGABYTES)
        yield verdict(f"first frames ({first / 1e3:.0f} kB) after their last step", waited, "s", 0.5)


def page(quick: bool) -> Generator[str, None, float]:
    """In Chromium: requests while scrubbing, frames a second. Returns the seconds until the Space answered."""
    with serving(SPACE) as (address, started), browsing() as browser:
        tab = open_page(browser)
        query = "steps=4&samples=2" if quick else f"steps={STEPS}&samples={SAMPLES}&guidance=1"
        tab.goto(f"{address}?{query}")
        tab.wait_for_selector("#picture canvas")
        tab.wait_for_function(
            "() => { const run = Glasshouse.frames[0]?.model?.run; return run?.finished && run.decided; }"
        )
        asked: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        times = np.array(tab.evaluate(SCRUB))
        yield f"scrubbing: {len(asked)} requests, slowest frame {times.max():.0f} ms"
        yield verdict("requests while scrubbing", float(len(asked)), "requests", 0)
        yield verdict("frames drawn in a second", 1000 / float(np.median(times)), "frames/s", 59, at_least=True)
    return started

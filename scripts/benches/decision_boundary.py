"""The Decision Boundary Space against matplotlib's animations, a bare training loop and a one-button app."""

import json
import statistics
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from benches.measure import browsing, open_page, painted, ratio, serving, start, together, verdict

ROOT = Path(__file__).resolve().parents[2]
SPACE = ROOT / "spaces/decision_boundary/app.py"
FRAMES, SIDE = 30, 400
# The training is done and has been played to its end.
AT_REST = (
    "() => { const { model, boundary } = Glasshouse.frames[0]; return model.finished && boundary.mode !== 'play'; }"
)
# Plays from the start and notes when each animation frame comes, until the last epoch is shown.
PLAY = """() => new Promise((done) => {
  const frame = Glasshouse.frames[0], times = [];
  frame.set({ epoch: 0 });
  document.querySelector(".gb-play").click();
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
    yield from film(*((3, 60, 1) if quick else (FRAMES, SIDE, 5)))
    yield from training(*((3, 1) if quick else (60, 15)))
    yield from payload()
    started = yield from page()
    yield from start(SPACE, *((1, [started]) if quick else (5,)))


def film(frames: int, side: int, rounds: int) -> Iterator[str]:
    """The same fields and points to a GIF, by us and by matplotlib in its quickest way: one image whose data change."""
    from matplotlib.animation import FuncAnimation, PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from shared.explain.fields import fields, window_of
    from shared.explain.recipes import Recipe
    from shared.explain.training import training
    from shared.models.point_sets import load
    from shared.render.boundary_picture import boundary_gif

    points, recipe = load("moons", 300, 0.2, 0.3, 0), Recipe(epochs=frames - 1)
    window, weights = window_of(points), training(points, recipe).weights
    drawn = list(fields(recipe.shape(2), weights, window, side))
    names = [f"epoch {epoch}" for epoch in range(frames)]

    def peer() -> None:
        figure = Figure(figsize=(side / 100, side / 100), dpi=100)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 0.93))
        image = axes.imshow(drawn[0][1], extent=window, aspect="auto", vmin=0, vmax=1)
        axes.scatter(points.x[:, 0], points.x[:, 1], c=points.labels, edgecolors="white")

        def update(index: int) -> None:
            image.set_data(drawn[index][1])
            axes.set_title(names[index])

        with tempfile.TemporaryDirectory() as folder:
            FuncAnimation(figure, update, frames=frames).save(f"{folder}/a.gif", writer=PillowWriter(fps=15))

    times = together({"ours": lambda: boundary_gif(drawn, names, points, window), "peer": peer}, rounds)
    ours, theirs = statistics.median(times["ours"]), statistics.median(times["peer"])
    yield f"{frames} frames of {side} x {side} to a GIF: {ours:.3f} s; FuncAnimation and PillowWriter {theirs:.2f} s"
    yield verdict("FuncAnimation + PillowWriter / ours", ratio(times["peer"], times["ours"]), "x", 20, at_least=True)


def training(epochs: int, rounds: int) -> Iterator[str]:
    """The default training with everything recorded and judged, beside the same learner with nothing recorded."""
    from shared.explain.recipes import Recipe, rates
    from shared.explain.training import trainer_for
    from shared.explain.training import training as recorded
    from shared.models.point_sets import load

    points, recipe = load("moons", 300, 0.2, 0.3, 0), Recipe(epochs=epochs)

    def bare() -> None:
        trainer = trainer_for(points, recipe)
        for rate in rates(recipe):
            trainer.epoch(rate)

    times = together({"ours": lambda: recorded(points, recipe), "bare": bare}, rounds)
    ours, floor = statistics.median(times["ours"]), statistics.median(times["bare"])
    yield f"{epochs} epochs of 210 points: {1000 * ours:.0f} ms recorded, {1000 * floor:.0f} ms alone"
    yield verdict("training with recording / training alone", ratio(times["ours"], times["bare"]), "x", 1.25)


def payload() -> Iterator[str]:
    """What a whole training takes on its way to the page."""
    import decision_boundary_compute as compute
    from decision_boundary_plan import plan_of, whole_film
    from decision_boundary_presets import DEFAULTS

    whole_film(plan_of(DEFAULTS))
    yield verdict("payload of the default training", len(json.dumps(compute.payload(DEFAULTS))) / 1000, "kB", 100)


def page() -> Generator[str, None, float]:
    """In Chromium: from a changed setting to its first frame, and frames a second. Returns the start-up seconds."""
    with serving(SPACE) as (address, started), browsing() as browser:
        tab = open_page(browser)
        tab.goto(address)
        tab.wait_for_selector("#picture canvas", timeout=120_000)
        tab.wait_for_function("() => Glasshouse.frames[0]?.model?.finished", timeout=120_000)
        waits = []
        for activation in ("ReLU", "sigmoid", "GELU", "tanh"):
            tab.wait_for_function(AT_REST)
            began = tab.evaluate("performance.now() / 1000")
            tab.locator(f"#activation label:has-text('{activation}')").click()
            waits.append(painted(tab, f"Glasshouse.frames[0].payload.inputs.activation === '{activation}'") - began)
        yield verdict("first frame after a setting has changed", statistics.median(waits), "s", 0.5)
        tab.wait_for_function(AT_REST)
        times = np.array(tab.evaluate(PLAY))
        yield f"playing: {len(times)} animation frames, the slowest after {np.diff(times).max():.0f} ms"
        yield verdict(
            "frames drawn in a second", 1000 / float(np.median(np.diff(times))), "frames/s", 59, at_least=True
        )
    return started

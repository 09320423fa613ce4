"""What a trained diffusion model draws, measured, and written as a checkpoint; used by train_ddpm.py."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from diffusers import DDPMPipeline
from PIL import Image
from safetensors.torch import load_file
from tqdm import tqdm

from diffusion_trainer import SIDE, Recipe, noise_schedule, pictures_of
from model_card import Card
from record import History, write_checkpoint_files
from shared.arrays import evenly, to_pixels
from shared.explain.denoising import Settings, generate
from shared.explain.emergence import features, frechet_distance, judged
from shared.models import diffusion, images
from shared.models.diffusion import DiffusionModel

SNAPSHOTS = 5  # moments whose weights go into the checkpoint, beside the final ones
GRIDS = 12  # moments whose pictures do
GRID_ROWS = 4
GRID_SETTINGS = Settings("DDIM", steps=25)
SAMPLES, BATCH = 1_000, 100  # drawn to measure the final weights
MEASURED_SETTINGS = Settings("DDIM", steps=50)


def model_at(recipe: Recipe, name: str, work: Path, step: int) -> DiffusionModel:
    """The model of one kept moment, as the Spaces load it."""
    state = load_file(work / "moments" / f"step-{step:06d}.safetensors")
    colors = state["conv_in.weight"].shape[1]
    network = recipe.network(colors, len(recipe.source.labels), SIDE)
    network.load_state_dict({key: value.float() for key, value in state.items()})
    network.eval().requires_grad_(False)
    schedule = dict(noise_schedule().config)
    return DiffusionModel(name, network, schedule, recipe.source.labels, recipe.guidance, step, ())


def draw(model: DiffusionModel, labels: list[int], settings: Settings, seed: int) -> np.ndarray:
    """The final pictures (N, C, H, W) in [-1, 1] of one run."""
    *_, last = generate(model, labels, settings, seed)[1]
    return np.asarray(last.after.numpy())


def save_grid(model: DiffusionModel, settings: Settings, rows: int, file: Path) -> None:
    """Draw every class from the same noise, a column each, into a small WebP."""
    classes = len(model.labels)
    pixels = to_pixels(draw(model, list(range(classes)) * rows, settings, seed=0))
    channels, height, width = pixels.shape[1:]
    grid = pixels.reshape(rows, classes, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = grid.reshape(rows * height, classes * width, channels)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(file, "WEBP", quality=85, method=6)


def measure(model: DiffusionModel, recipe: Recipe, settings: Settings, count: int) -> dict[str, float]:
    """Are the samples what was asked for, and how far are they from real pictures? Asked of our own classifier."""
    judge = images.load(diffusion.JUDGES[model.name])
    labels = np.arange(count) % len(model.labels)
    starts = tqdm(range(0, count, BATCH), desc="samples")
    drawn = np.concatenate([draw(model, labels[at : at + BATCH].tolist(), settings, seed=at) for at in starts])
    real = pictures_of(recipe.source, "test", None if count == SAMPLES else 10 * count)[0].numpy()
    seen, known = features(judge, drawn), features(judge, real)
    order = np.random.default_rng(0).permutation(len(known))
    first, second = np.array_split(order, 2)
    return {
        "recognized": float((judged(judge, drawn).argmax(1) == labels).mean()),
        "frechet_distance": frechet_distance(seen, known),
        "frechet_distance_of_two_halves_of_the_real_pictures": frechet_distance(known[first], known[second]),
        f"frechet_distance_of_{count}_real_pictures_to_the_others": frechet_distance(
            known[order[:count]], known[order[count:]]
        ),
    }


def write(
    recipe: Recipe, folder: Path, work: Path, history: History, card: Card | None, seed: int, quick: bool
) -> None:
    """Write the checkpoint: final weights, schedule, classes, snapshots, grids, and what was measured."""
    kept = sorted(int(file.stem.partition("-")[2]) for file in work.glob("moments/step-*.safetensors"))
    model = model_at(recipe, folder.name, work, kept[-1])
    save(model, folder)
    (folder / "snapshots").mkdir(exist_ok=True)
    between = kept[1:-1]
    for place in evenly(len(between), SNAPSHOTS):
        shutil.copy(work / "moments" / f"step-{between[place]:06d}.safetensors", folder / "snapshots")
    settings = replace(GRID_SETTINGS, steps=5 if quick else GRID_SETTINGS.steps, guidance=recipe.guidance)
    for place in tqdm(evenly(len(kept), GRIDS), desc="grids"):
        step = kept[place]
        file = folder / "learning" / f"step-{step:06d}.webp"
        save_grid(model_at(recipe, folder.name, work, step), settings, 1 if quick else GRID_ROWS, file)
    settings = replace(MEASURED_SETTINGS, steps=5 if quick else MEASURED_SETTINGS.steps, guidance=recipe.guidance)
    count = 20 if quick else SAMPLES
    metrics = measure(model, recipe, settings, count)
    measured = {
        "dataset": recipe.source.name,
        "seed": seed,
        "steps": kept[-1],
        "batch": recipe.batch,
        "parameters": sum(p.numel() for p in model.network.parameters()),
        "measured_on": f"{count:,} samples of {settings.steps} {settings.sampler} steps, guidance "
        f"{settings.guidance:g}; features of {model.judge}",
        "metrics": metrics,
    }
    write_checkpoint_files(folder, history, measured, card)
    print(folder.name, "  ".join(f"{key} {value:.4f}" for key, value in metrics.items()))


def save(model: DiffusionModel, folder: Path) -> None:
    """Weights in float16, configuration, schedule and classes, as a pipeline of diffusers reads them."""
    pipeline = DDPMPipeline(model.network.half(), noise_schedule())
    pipeline.unet.save_pretrained(folder)
    pipeline.scheduler.save_pretrained(folder)
    pipeline.save_config(folder)
    model.network.float()
    classes = {"labels": model.labels, "guidance": model.guidance}
    (folder / "classes.json").write_text(json.dumps(classes, indent=2) + "\n", encoding="utf-8")

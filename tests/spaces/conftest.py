"""Spaces are run from their own folder, which is how they find their siblings; so do the tests of this folder."""

import sys
from pathlib import Path

import pytest

sys.path.extend(str(app.parent) for app in sorted(Path(__file__).parents[2].glob("spaces/*/app.py")))
sys.path.append(str(Path(__file__).parent))


@pytest.fixture
def toys(monkeypatch, small_unet, schedule):
    """Small networks instead of the trained ones: a gray one whose classes the judge of garments knows, others without.

    Nothing is computed yet, and a turn of work is one step.
    """
    import denoising_compute as compute
    import denoising_experiments as experiments
    import denoising_plan as plans

    from shared.models import diffusion, images
    from shared.ui.jobs import Job, Jobs

    garments = images.load("cnn-fashion-mnist").labels

    def model(name, labels=(), **network):
        made = small_unet(classes=len(labels), **network).eval().requires_grad_(False)
        return diffusion.DiffusionModel(name, made, schedule, tuple(labels), 2.0, None, ())

    found = {
        each.name: each
        for each in (
            model("toy-garments", garments, side=32),
            model("owner/colors", channels=3, side=16),
            model("owner/large", channels=3, side=64),
        )
    }

    def load(name):
        return found[name] if name in found else diffusion.load(name)

    load.find = found.get
    monkeypatch.setitem(diffusion.JUDGES, "toy-garments", "cnn-fashion-mnist")
    monkeypatch.setattr(plans, "load", load)
    monkeypatch.setattr(compute, "load", load)
    monkeypatch.setattr(plans, "FILMS", Jobs(plans.FILM_BYTES, plans.bytes_of))
    monkeypatch.setattr(experiments, "JOBS", Jobs(kept=48))
    monkeypatch.setattr(Job.work, "__defaults__", (0.0,))
    monkeypatch.setattr(Jobs.work, "__defaults__", (0.0,))
    compute.reading_of.cache_clear()
    yield found
    compute.reading_of.cache_clear()

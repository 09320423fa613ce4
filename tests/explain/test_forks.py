"""Forks of a run: what may still change, and what may not."""

import math

import numpy as np
import pytest
import torch

from shared.explain.denoising import Settings, generate, timesteps_of
from shared.explain.forks import BRANCHES, fork, level_below, restore, sphere
from shared.models.diffusion import ANY

STOCHASTIC = [Settings("DDPM", 5), Settings("DDIM", 5, eta=1.0)]


def states_of(model, labels, settings, seed=0):
    """The states before each step, and the final one."""
    start, run = generate(model, labels, settings, seed)
    return [start, *(step.after for step in run)]


def finals(run):
    return list(run)[-1].after


@pytest.mark.parametrize("settings", STOCHASTIC, ids=lambda each: each.sampler)
def test_a_fork_at_the_last_step_changes_nothing(toy_garments, settings):
    states = states_of(toy_garments, [1], settings)
    branches = finals(fork(toy_garments, states[-2], 1, settings, settings.steps - 1, 0))
    assert branches.shape == (BRANCHES, 1, 8, 8)
    # At the last level the posterior variance is 0, for which diffusers takes 1e-20.
    torch.testing.assert_close(branches, states[-1].repeat(BRANCHES, 1, 1, 1), atol=1e-5, rtol=0)


def test_a_fork_at_t_0_changes_nothing(toy_garments):
    settings = Settings("DDPM", 1000)
    state = torch.randn((1, *toy_garments.shape), generator=torch.Generator().manual_seed(0))
    (step,) = fork(toy_garments, state, ANY, settings, 999, 0)
    assert step.timestep == 0
    assert step.after.std(0).max() < 1e-5


def test_after_the_last_step_there_is_nothing_left(toy_garments):
    assert list(fork(toy_garments, torch.zeros(1, *toy_garments.shape), 0, STOCHASTIC[0], 5, 0)) == []


@pytest.mark.parametrize("settings", STOCHASTIC, ids=lambda each: each.sampler)
def test_every_branch_has_noise_of_its_own(toy_garments, settings):
    states = states_of(toy_garments, [1], settings)
    branches = finals(fork(toy_garments, states[0], 1, settings, 0, 0))
    apart = torch.cdist(branches.flatten(1), branches.flatten(1)) + 9 * torch.eye(BRANCHES)
    assert apart.min() > 0.1
    again = finals(fork(toy_garments, states[0], 1, settings, 0, 0))
    assert torch.equal(branches, again), "the same fork is the same picture"
    assert (branches - states[-1]).abs().amax((1, 2, 3)).min() > 0.1, "none repeats the run's own noise"


@pytest.mark.parametrize("settings", [Settings("DDIM", 5), Settings("DPM-Solver++", 5)], ids=lambda each: each.sampler)
def test_a_deterministic_run_goes_on_with_fresh_noise(toy_garments, settings):
    states = states_of(toy_garments, [1], settings)
    branches = finals(fork(toy_garments, states[1], 1, settings, 1, 0))
    expected = finals(fork(toy_garments, states[1], 1, Settings("DDIM", 5, settings.guidance, eta=1.0), 1, 0))
    assert torch.equal(branches, expected)
    assert branches.std(0).max() > 0.1


def test_early_forks_spread_more_than_late_ones(garments):
    settings = Settings("DDPM", 10)
    states = states_of(garments, [7], settings)
    spread = [
        float(finals(fork(garments, states[begin], 7, settings, begin, 0)).clamp(-1, 1).std(0).mean())
        for begin in (0, 6, 9)
    ]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 1e-4


@pytest.mark.parametrize(("t", "step"), [(999, 0), (998, 1), (899, 1), (500, 5), (499, 5), (99, 9), (98, 9), (0, 9)])
def test_the_first_level_below(toy_garments, t, step):
    settings = Settings("DDIM", 10)
    assert level_below(toy_garments, settings, t) == step
    assert timesteps_of(toy_garments, settings)[step] <= max(t, 99)


def test_restoring_begins_at_the_closed_form(toy_garments):
    settings = Settings("DDIM", 10)
    picture = torch.linspace(-1, 1, 64).view(1, 1, 8, 8)
    start, run = restore(toy_garments, picture, [0, ANY, 2], settings, 6, seed=5)
    steps = list(run)
    noise = torch.randn((3, 1, 8, 8), generator=torch.Generator().manual_seed(5))
    abar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))[399]
    torch.testing.assert_close(start, math.sqrt(abar) * picture + math.sqrt(1 - abar) * noise, atol=1e-4, rtol=1e-4)
    assert [step.timestep for step in steps] == [399, 299, 199, 99]
    assert steps[-1].after.shape == (3, 1, 8, 8)


def test_little_noise_keeps_the_picture_and_much_does_not(garments):
    settings = Settings("DDIM", 10)
    picture = torch.full((1, 1, 32, 32), -1.0)
    picture[..., 8:24, 8:24] = 0.8
    errors = []
    for begin in (9, 6, 0):
        final = finals(restore(garments, picture, [ANY] * 2, settings, begin, 0)[1])
        errors.append(float((final.clamp(-1, 1) - picture).square().mean()))
    assert errors[0] < errors[1] < errors[2]


def pair(seed=0):
    return torch.randn((2, 1, 3, 16, 16), generator=torch.Generator().manual_seed(seed))


def test_the_way_on_the_sphere_ends_where_it_should():
    first, second = pair()
    way = sphere(first, second, 9)
    assert way.shape == (9, 3, 16, 16)
    torch.testing.assert_close(way[0], first[0], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(way[-1], second[0], atol=1e-6, rtol=1e-6)


def test_the_way_on_the_sphere_keeps_its_distance_and_its_pace():
    first, second = pair(1)
    second = second * first.norm() / second.norm()
    way = sphere(first, second, 9).flatten(1).double()
    norms = way.norm(dim=1)
    torch.testing.assert_close(norms, norms[:1].expand(9), atol=1e-3, rtol=1e-5)
    cosines = (way[1:] * way[:-1]).sum(1) / norms[1:] / norms[:-1]
    angles = torch.acos(cosines)
    torch.testing.assert_close(angles, angles[:1].expand(8), atol=1e-4, rtol=1e-4)
    straight = (first + second).norm() / 2
    assert straight < 0.8 * norms[4], "the straight line would pass through too little noise"


def test_equal_ends_have_no_way_between_them():
    first, _ = pair()
    assert torch.equal(sphere(first, first.clone(), 4), first.repeat(4, 1, 1, 1))

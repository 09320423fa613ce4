"""The loop that takes noise away: its schedule, its arithmetic, its random numbers, its cost."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, DPMSolverMultistepScheduler

from shared.explain.denoising import (
    SAMPLERS,
    Settings,
    add_noise,
    denoise,
    divisors,
    generate,
    guided,
    leave_out,
    mixed,
    scheduler_for,
    start_noise,
    timesteps_of,
    trajectory,
)
from shared.models.diffusion import ANY
from shared.problems import Problem

BETAS = np.linspace(1e-4, 0.02, 1000)


def last(run):
    return list(run)[-1].after


def drawn(model, labels, settings, seed=0):
    return last(generate(model, labels, settings, seed)[1])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# ---- the schedule -----------------------------------------------------------------------------------------------
def test_the_linear_schedule_is_the_product_of_its_steps(toy_colors):
    abar = toy_colors.alphas_cumprod
    assert abar.dtype == np.float64 and abar.shape == (1000,)
    np.testing.assert_allclose(abar, np.cumprod(1 - BETAS), rtol=1e-5)  # diffusers holds the betas in float32
    assert abar[-1] == pytest.approx(4.036e-5, rel=1e-3)
    ratio = abar / (1 - abar)
    assert (np.diff(ratio) < 0).all() and ratio[0] == pytest.approx(0.9999 / 1e-4, rel=1e-4)


def test_the_cosine_schedule_is_that_of_its_paper(toy_colors):
    model = replace(toy_colors, schedule={**toy_colors.schedule, "beta_schedule": "squaredcos_cap_v2"})

    def level(share):
        return math.cos((share + 0.008) / 1.008 * math.pi / 2) ** 2

    # Nichol & Dhariwal 2021, equation 17; the last steps are capped there.
    expected = [level((t + 1) / 1000) / level(0) for t in range(980)]
    np.testing.assert_allclose(model.alphas_cumprod[:980], expected, rtol=1e-4)


def test_the_closed_form_is_a_thousand_small_steps(toy_colors):
    betas = torch.linspace(1e-4, 0.02, 1000).double()  # as diffusers rounds them
    picture, variance = 1.0, 0.0
    for t, beta in enumerate(betas.tolist()):
        picture, variance = math.sqrt(1 - beta) * picture, (1 - beta) * variance + beta
        if t % 111 == 0 or t == 999:
            abar = float(toy_colors.alphas_cumprod[t])
            one, none = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
            assert abs(float(add_noise(one, none, abar)) - picture) < 1e-12
            assert abs(float(add_noise(none, one, abar)) ** 2 - variance) < 1e-12


def test_leaving_noise_out_is_the_way_back():
    picture, noise = torch.rand(2, 1, 4, 4).double(), torch.randn(2, 1, 4, 4).double()
    for abar in (0.9999, 0.5, 4e-5):
        torch.testing.assert_close(leave_out(add_noise(picture, noise, abar), noise, abar), picture, atol=1e-10, rtol=0)


@pytest.mark.parametrize(("t", "variance"), [(0, 0.0), (487, 0.00979), (999, 0.02)])
def test_fresh_noise_has_the_posterior_variance(toy_colors, t, variance):
    abar = toy_colors.alphas_cumprod
    before = abar[t - 1] if t else 1.0
    formula = (1 - before) / (1 - abar[t]) * (1 - abar[t] / before)  # Ho et al. 2020, equation 7
    assert formula == pytest.approx(variance, abs=1e-5)
    assert float(DDPMScheduler.from_config(toy_colors.schedule)._get_variance(t)) == pytest.approx(formula, abs=1e-5)

    states = torch.zeros(200, *toy_colors.shape)
    step = next(denoise(toy_colors, states, lambda x, t: x, Settings("DDPM", 1000), seeded(), begin=999 - t))
    assert step.timestep == t
    assert float(step.after.var()) == pytest.approx(formula, rel=0.02, abs=1e-12)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 4, 50, 1000])
def test_levels_fall_from_pure_noise(toy_colors, sampler, steps):
    levels = timesteps_of(toy_colors, Settings(sampler, steps))
    assert levels.dtype == np.int64
    np.testing.assert_array_equal(levels, np.arange(1000, 0, -1000 // steps) - 1)


# ---- against diffusers ------------------------------------------------------------------------------------------
def as_pipelines_do(pictures):
    return (pictures / 2 + 0.5).clamp(0, 1)


@pytest.mark.parametrize("steps", [5, 20])
def test_ddpm_is_that_of_the_pipeline_to_the_last_bit(toy_colors, schedule, steps):
    pipeline = DDPMPipeline(toy_colors.network, DDPMScheduler.from_config(schedule, timestep_spacing="trailing"))
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(3, seeded(7), steps, output_type="pt").images
    assert torch.equal(as_pipelines_do(drawn(toy_colors, [ANY] * 3, Settings("DDPM", steps), 7)), expected)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_ddim_is_that_of_the_pipeline_to_the_last_bit(toy_colors, schedule, eta):
    pipeline = DDIMPipeline(toy_colors.network, DDIMScheduler.from_config(schedule, timestep_spacing="trailing"))
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(2, seeded(3), eta, 10, use_clipped_model_output=True, output_type="pt").images
    assert torch.equal(as_pipelines_do(drawn(toy_colors, [ANY] * 2, Settings("DDIM", 10, eta=eta), 3)), expected)


def test_dpm_solver_is_a_bare_loop_over_its_scheduler(toy_colors, schedule):
    clipped = {"thresholding": True, "sample_max_value": 1.0}
    scheduler = DPMSolverMultistepScheduler.from_config(schedule, timestep_spacing="trailing", **clipped)
    scheduler.set_timesteps(10)
    x = torch.randn((2, *toy_colors.shape), generator=seeded(1))
    with torch.no_grad():
        for t in scheduler.timesteps:
            x = scheduler.step(toy_colors.network(x, t).sample, t, x).prev_sample
    assert torch.equal(drawn(toy_colors, [ANY] * 2, Settings("DPM-Solver++", 10), 1), x)


# ---- random numbers ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "same"),
    [
        (Settings("DDIM", 5), True),
        (Settings("DPM-Solver++", 5), True),
        (Settings("DDIM", 5, eta=1.0), False),
        (Settings("DDPM", 5), False),
    ],
    ids=lambda value: f"{value.sampler} {value.eta}" if isinstance(value, Settings) else "",
)
def test_only_stochastic_samplers_use_random_numbers_on_the_way(toy_colors, settings, same):
    start = start_noise(toy_colors, 2, seeded())
    predict = guided(toy_colors, [ANY] * 2, 1)
    one, other = (last(denoise(toy_colors, start, predict, settings, seeded(seed))) for seed in (1, 2))
    assert torch.equal(one, other) is same
    assert settings.stochastic is not same
    assert settings.with_fresh_noise().stochastic
    assert settings.with_fresh_noise().steps == settings.steps and (same or settings.with_fresh_noise() is settings)


@pytest.mark.parametrize("settings", [Settings("DDIM", 5), Settings("DDPM", 5)], ids=lambda each: each.sampler)
def test_a_seed_is_a_picture(toy_garments, settings):
    first, again, other = (drawn(toy_garments, [0, 1], settings, seed) for seed in (4, 4, 5))
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 0.1


def test_visitors_at_once_get_what_each_would_get_alone(toy_garments):
    def run(seed):
        return drawn(toy_garments, [0, 1, 2], Settings("DDPM", 5), seed)

    serial = [run(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(run, range(8)))
    for one, other in zip(serial, parallel, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
    assert torch.stack(serial).std(0).max() > 0.1


# ---- guidance ---------------------------------------------------------------------------------------------------
@pytest.fixture
def noisy(toy_garments):
    return torch.randn((3, *toy_garments.shape), generator=seeded())


def answer(model, x, classes):
    with torch.no_grad():
        return model.network(x, 300, class_labels=torch.tensor(classes)).sample


def test_guidance_moves_from_any_to_the_class_and_beyond(toy_garments, noisy):
    free, wanted = answer(toy_garments, noisy, [3, 3, 3]), answer(toy_garments, noisy, [0, 1, 2])
    assert (free - wanted).abs().max() > 1e-3
    assert torch.equal(guided(toy_garments, [0, 1, 2], 0)(noisy, 300), free)
    assert torch.equal(guided(toy_garments, [0, 1, 2], 1)(noisy, 300), wanted)
    assert torch.equal(guided(toy_garments, [ANY] * 3, 7)(noisy, 300), free)
    for strength in (0.5, 2.0, 9.0):
        found = guided(toy_garments, [0, 1, 2], strength)(noisy, 300)
        torch.testing.assert_close(found, (1 - strength) * free + strength * wanted, atol=1e-5, rtol=1e-5)


def test_some_samples_may_want_a_class_and_others_any(toy_garments, noisy):
    found = guided(toy_garments, [1, ANY, 1], 4)(noisy, 300)
    torch.testing.assert_close(found[1], answer(toy_garments, noisy, [3, 3, 3])[1], atol=1e-5, rtol=1e-5)
    assert (found[0] - answer(toy_garments, noisy, [3, 3, 3])[0]).abs().max() > 1e-3


def test_two_answers_can_be_mixed(toy_garments, noisy):
    shirt, bag = guided(toy_garments, [0] * 3, 2), guided(toy_garments, [2] * 3, 2)
    found = mixed(shirt, bag, torch.tensor([0.0, 0.25, 1.0]))(noisy, 300)
    one, other = shirt(noisy, 300), bag(noisy, 300)
    torch.testing.assert_close(found[0], one[0])
    torch.testing.assert_close(found[1], 0.75 * one[1] + 0.25 * other[1])
    torch.testing.assert_close(found[2], other[2])


@pytest.mark.parametrize(
    ("labels", "guidance", "batches"),
    [([0, 1], 1, [2]), ([0, 1], 0, [2]), ([ANY, ANY], 5, [2]), ([0, 1], 2, [4]), ([0, ANY], 2, [4])],
)
def test_the_network_is_asked_once_a_step_and_only_for_what_is_needed(toy_garments, asked, labels, guidance, batches):
    seen = asked(toy_garments.network)
    drawn(toy_garments, labels, Settings("DDIM", 4, guidance))
    assert seen == 4 * batches


def test_a_model_without_classes_ignores_them(toy_colors, asked):
    seen = asked(toy_colors.network)
    drawn(toy_colors, [ANY], Settings("DDIM", 4, guidance=9))
    assert seen == [1] * 4


# ---- one step after the other -----------------------------------------------------------------------------------
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_whoever_leaves_stops_the_work(toy_garments, asked, sampler):
    seen = asked(toy_garments.network)
    _, run = generate(toy_garments, [0], Settings(sampler, 10, guidance=1), 0)
    assert seen == [], "nothing is computed before it is asked for"
    for done, _ in enumerate(run, 1):
        assert len(seen) == done
        if done == 3:
            break
    run.close()
    assert len(seen) == 3


@pytest.mark.parametrize("settings", [Settings("DDIM", 10), Settings("DDPM", 10), Settings("DPM-Solver++", 10)])
def test_a_step_splits_its_state_into_picture_and_noise(toy_colors, settings):
    x, run = generate(toy_colors, [ANY] * 2, settings, 0)
    tested = 0
    for step in run:
        abar = float(toy_colors.alphas_cumprod[step.timestep])
        whole = math.sqrt(abar) * step.x0 + math.sqrt(1 - abar) * step.eps
        free = step.x0.abs() < 1  # not clipped
        torch.testing.assert_close(whole[free], x[free], atol=1e-4, rtol=1e-4)
        tested += int(free.sum())
        x = step.after
    assert tested > 100


def test_a_run_can_begin_in_its_middle(toy_colors):
    settings = Settings("DDIM", 10)
    steps = list(generate(toy_colors, [ANY], settings, 0)[1])
    rest = list(denoise(toy_colors, steps[5].after, guided(toy_colors, [ANY], 1), settings, seeded(), begin=6))
    assert [step.timestep for step in rest] == [step.timestep for step in steps[6:]]
    assert torch.equal(rest[-1].after, steps[-1].after)


def test_a_trajectory_holds_every_frame(toy_garments):
    settings = Settings("DDPM", 5)
    run = trajectory(toy_garments, [2, ANY], settings, seed=11)
    start, steps = generate(toy_garments, [2, ANY], settings, 11)
    steps = list(steps)
    assert run.x.shape == (6, 2, 1, 8, 8) and run.x.dtype == np.float32
    assert run.x0.shape == run.eps.shape == (5, 2, 1, 8, 8) and run.x0.dtype == run.eps.dtype == np.float16
    np.testing.assert_array_equal(run.x[0], start.numpy())
    for index, step in enumerate(steps):
        np.testing.assert_array_equal(run.x[index + 1], step.after.numpy())
        np.testing.assert_array_equal(run.x0[index], step.x0.numpy().astype(np.float16))
        np.testing.assert_array_equal(run.eps[index], step.eps.numpy().astype(np.float16))
    assert run.timesteps.tolist() == [999, 799, 599, 399, 199]
    np.testing.assert_array_equal(run.alphas_cumprod, toy_garments.alphas_cumprod[[999, 799, 599, 399, 199]])
    assert run.labels.tolist() == [2, -1] and run.seed == 11


def test_nothing_is_left_on_the_network(toy_garments):
    before = {name: value.clone() for name, value in toy_garments.network.state_dict().items()}
    trajectory(toy_garments, [0], Settings("DDIM", 4))
    assert not any(value.requires_grad or value.grad is not None for value in toy_garments.network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in toy_garments.network.state_dict().items())
    assert not toy_garments.network.training and torch.is_grad_enabled()


# ---- what is refused --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [-5, 0, 3, 7, 999, 1001, 10**9])
def test_steps_must_divide_the_schedule(toy_colors, sampler, steps):
    with pytest.raises(Problem, match="divides 1,000 evenly: 1, 2, 4, 5, 8, 10, "):
        scheduler_for(toy_colors, Settings(sampler, steps))


def test_divisors():
    assert divisors(12) == [1, 2, 3, 4, 6, 12]
    assert len(divisors(1000)) == 16


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sampler": "Euler"}, "no sampler 'Euler'; choose one of DDIM, DDPM"),
        ({"sampler": "<b>" * 99}, "choose one of DDIM"),
        ({"eta": -0.1}, "from 0 to 1"),
        ({"eta": 2}, "from 0 to 1"),
        ({"eta": math.nan}, "from 0 to 1"),
        ({"guidance": -1}, "guidance from 0 to 20"),
        ({"guidance": 20.5}, "guidance from 0 to 20"),
        ({"guidance": math.nan}, "guidance from 0 to 20"),
        ({"guidance": math.inf}, "guidance from 0 to 20"),
    ],
)
def test_settings_that_no_sampler_can_do(wrong, message):
    with pytest.raises(Problem, match=message) as refused:
        Settings(**wrong)
    assert len(str(refused.value)) < 200

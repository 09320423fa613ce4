"""The way back to noise, with a network whose right answer is known: normal data of one mean and spread."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from shared.explain.denoising import Settings, denoise
from shared.explain.inversion import invert, move
from shared.models.diffusion import DiffusionModel

MEAN, SPREAD = 0.1, 0.35
STEPS = (10, 20, 50, 100, 1000)


@pytest.fixture(scope="module")
def normal(schedule):
    """A model of pictures whose pixels are N(MEAN, SPREAD^2), in float64: the best guess of the noise is known."""
    network = SimpleNamespace(config=SimpleNamespace(in_channels=1, sample_size=8))
    return DiffusionModel("normal", network, schedule, (), 1.0, None, ())


@pytest.fixture(scope="module")
def predict(normal):
    """E[eps | x_t] = sqrt(1 - abar) (x_t - sqrt(abar) m) / (abar s^2 + 1 - abar)."""
    abar = normal.alphas_cumprod

    def answer(x, t):
        share = float(abar[t])
        return (1 - share) ** 0.5 * (x - share**0.5 * MEAN) / (share * SPREAD**2 + 1 - share)

    return answer


@pytest.fixture(scope="module")
def picture():
    generator = torch.Generator().manual_seed(0)
    return (MEAN + SPREAD * torch.randn((1, 1, 8, 8), generator=generator, dtype=torch.float64)).clamp(-1, 1)


@pytest.fixture(scope="module")
def found(normal, predict, picture):
    return {steps: list(invert(normal, picture, predict, steps))[-1] for steps in STEPS}


def limit(abar, x, back=False):
    """Where infinitely small DDIM steps lead: the standardized value stays (Song et al. 2020, equation 14)."""
    mean, spread = abar**0.5 * MEAN, (abar * SPREAD**2 + 1 - abar) ** 0.5
    return MEAN + SPREAD * (x - mean) / spread if back else mean + spread * (x - MEAN) / SPREAD


def test_the_round_trip_gets_better_with_every_step_more(found):
    errors = [found[steps].error for steps in STEPS]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 1e-4, "few steps are no way back"
    assert errors[-1] < errors[0] / 50


def test_the_noise_comes_close_to_the_closed_form(normal, found, picture):
    right = limit(normal.alphas_cumprod[-1], picture[0].numpy())
    missed = [np.abs(found[steps].noise - right).max() for steps in STEPS]
    assert missed == sorted(missed, reverse=True)
    assert missed[-1] < 0.02 < missed[0]


def test_denoising_comes_close_to_the_closed_form(normal, predict):
    generator = torch.Generator().manual_seed(1)
    noise = 0.8 * torch.randn((1, 1, 8, 8), generator=generator, dtype=torch.float64)
    right = limit(normal.alphas_cumprod[-1], noise, back=True)
    missed = []
    for steps in STEPS:
        *_, last = denoise(normal, noise, predict, Settings("DDIM", steps), generator)
        missed.append(float((last.after - right).abs().max()))
    assert missed == sorted(missed, reverse=True)
    assert missed[-1] < 1e-2 < missed[0]


def test_an_error_is_that_of_the_decoded_picture(found, picture):
    for steps, each in found.items():
        assert each.steps == steps and each.noise.shape == each.decoded.shape == (1, 8, 8)
        assert each.error == pytest.approx(float(np.mean((each.decoded - picture[0].numpy()) ** 2)), rel=1e-9)


def test_decoding_is_ddim(normal, predict, found):
    """What the way back draws is what the sampler draws from that noise, where nothing is clipped."""
    model = DiffusionModel("normal", normal.network, {**normal.schedule, "clip_sample": False}, (), 1.0, None, ())
    noise = torch.from_numpy(found[20].noise)[None]
    *_, last = denoise(model, noise, predict, Settings("DDIM", 20), torch.Generator())
    np.testing.assert_allclose(last.after[0].numpy(), found[20].decoded, atol=1e-5)


def test_every_step_can_be_the_last(normal, predict, picture):
    asked = []

    def counted(x, t):
        asked.append(t)
        return predict(x, t)

    run = invert(normal, picture, counted, 4)
    assert asked == []
    for done in (1, 2, 3):
        assert next(run) is None and len(asked) == done
    run.close()
    assert asked == [0, 249, 499]  # going up, it is asked at the level that is being left
    asked.clear()
    *steps, result = invert(normal, picture, counted, 4)
    assert steps == [None] * 8 and result.steps == 4
    assert asked == [0, 249, 499, 749, 999, 749, 499, 249]


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.5), (0.9, 0.01), (0.5, 4e-5)])
def test_a_move_there_and_back_is_exact(picture, low, high):
    noise = torch.randn(picture.shape, dtype=torch.float64)
    there = move(picture, noise, low, high)
    assert (there - picture).abs().max() > 0.1
    torch.testing.assert_close(move(there, noise, high, low), picture, atol=1e-10, rtol=0)
    torch.testing.assert_close(move(picture, noise, low, low), picture, atol=1e-12, rtol=0)


def test_a_move_from_the_picture_is_the_closed_form(picture):
    noise = torch.randn(picture.shape, dtype=torch.float64)
    torch.testing.assert_close(move(picture, noise, 1.0, 0.36), 0.6 * picture + 0.8 * noise)


def test_a_trained_network_comes_back_better_in_more_steps(garments):
    from shared.explain.denoising import guided
    from shared.models.diffusion import ANY

    picture = torch.full((1, 1, 32, 32), -1.0)
    picture[..., 6:26, 10:22] = 0.3
    predict = guided(garments, [ANY], 1)
    few, more = (list(invert(garments, picture, predict, steps))[-1] for steps in (4, 20))
    assert more.error < few.error

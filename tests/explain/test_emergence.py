"""What a classifier and a ruler see in predicted pictures."""

import numpy as np
import pytest
import torch

from shared.explain.emergence import (
    BANDS,
    emergence,
    features,
    frechet_distance,
    half_reached,
    in_bands,
    judge_inputs,
    judged,
    settled,
    spectrum,
)
from shared.models import images


@pytest.fixture(scope="module")
def judge():
    return images.load("cnn-fashion-mnist")


# ---- when is it decided? ----------------------------------------------------------------------------------------
def test_an_answer_is_settled_once_it_never_changes_again():
    random = np.random.default_rng(0)
    answers = random.integers(0, 3, (12, 300))
    expected = [
        next(step for step in range(12) if all(later == column[-1] for later in column[step:])) for column in answers.T
    ]
    assert settled(answers).tolist() == expected
    assert len(set(expected)) > 3


def test_settled_at_both_ends():
    assert settled(np.array([[1, 1, 2], [1, 0, 2], [1, 1, 0]])).tolist() == [0, 2, 2]
    assert settled(np.array([[4, 5]])).tolist() == [0, 0]


# ---- frequencies ------------------------------------------------------------------------------------------------
def wave(rows, columns, side=32):
    y, x = np.mgrid[:side, :side] / side
    return 0.9 * np.cos(2 * np.pi * (rows * y + columns * x))[None]


def power(pictures):
    return in_bands(np.abs(spectrum(pictures)) ** 2)


def test_bands_cover_all_frequencies_of_a_picture_but_the_mean():
    assert [low for _, low, _ in BANDS[1:]] == [high for *_, high in BANDS[:-1]] and BANDS[0][1] == 1
    random = np.random.default_rng(1)
    pictures = random.uniform(-1, 1, (2, 3, 24, 24))  # 12 x sqrt(2) = 16.97 cycles in the corner: below the last end
    assert power(pictures).shape == (2, 3, len(BANDS))
    # Parseval: the power of all frequencies but 0 is the variance of the pixels, but for the number of them.
    np.testing.assert_allclose(power(pictures).sum(-1), pictures.var((-1, -2)) * (24 * 24) ** 2, rtol=1e-10)


@pytest.mark.parametrize(
    ("rows", "columns", "band"), [(1, 0, 0), (0, 2, 0), (2, 2, 0), (3, 0, 1), (4, 4, 1), (0, 6, 2), (7, 7, 2),
                                  (8, 6, 3), (0, 16, 3)],
)  # fmt: skip
def test_a_wave_falls_into_its_band(rows, columns, band):
    (found,) = power(wave(rows, columns))
    assert found[band] > 0.999 * found.sum() > 1


def test_brightness_belongs_to_no_band():
    assert power(np.full((1, 32, 32), 0.7)).max() < 1e-15


def test_what_lies_beyond_black_and_white_is_clipped():
    extreme = 50 * wave(3, 1)
    np.testing.assert_allclose(spectrum(extreme), spectrum(np.clip(extreme, -1, 1)))
    np.testing.assert_allclose(spectrum(wave(3, 1)), np.fft.fft2(wave(3, 1)))


def filtered(pictures, low, high):
    """Pictures of which one ring of frequencies is left."""
    height, width = pictures.shape[-2:]
    rows, columns = np.fft.fftfreq(height, 1 / height), np.fft.fftfreq(width, 1 / width)
    radius = np.sqrt(rows[:, None] ** 2 + columns[None] ** 2)
    return np.fft.ifft2(np.fft.fft2(pictures) * ((radius >= low) & (radius < high))).real


def test_emergence_is_the_correlation_of_the_filtered_pictures():
    random = np.random.default_rng(5)
    final = random.uniform(-1, 1, (3, 2, 20, 20))
    predicted = np.clip(final + random.normal(0, 0.7, (4, 3, 2, 20, 20)), -1, 1)
    shares = emergence(predicted, final)
    assert shares.shape == (4, len(BANDS))
    for band, (_, low, high) in enumerate(BANDS):
        known = filtered(final, low, high).ravel()
        for step in range(4):
            seen = filtered(predicted[step], low, high).ravel()
            assert shares[step, band] == pytest.approx(np.corrcoef(seen, known)[0, 1], abs=1e-9)


def test_emergence_asks_for_structure_and_not_for_contrast():
    final = np.stack([wave(2, 0) + 0.1 * wave(8, 8), 0.5 * wave(0, 4)])
    noise = np.random.default_rng(6).uniform(-1, 1, final.shape)
    shares = emergence(np.stack([final, 0.2 * final, -final, 0 * final, wave(0, 2) + 0 * final, noise]), final)
    present = [0, 1, 3]
    np.testing.assert_allclose(shares[:3, present], np.array([[1], [1], [-1]]) * np.ones(3), atol=1e-9)
    np.testing.assert_allclose([*shares[3], shares[4, 0]], 0, atol=1e-9)  # nothing there; another wave of that length
    assert np.abs(shares[5, present]).max() < 0.5, "roughness alone is no detail"
    assert np.isfinite(shares).all() and np.abs(shares).max() < 1 + 1e-9


def test_half_is_reached_when_it_is_never_lost_again():
    shares = np.array([[0.6, 0.0, 0.9, 0.1], [0.4, 0.5, 0.9, 0.2], [0.7, 0.8, 0.5, 0.3], [1.0, 1.0, 1.2, 0.4]])
    assert half_reached(shares) == [2, 1, 0, None]
    random = np.random.default_rng(2).random((9, 200))
    for found, column in zip(half_reached(random), random.T, strict=True):
        expected = next((step for step in range(9) if (column[step:] >= 0.5).all()), None)
        assert found == expected


# ---- the judge --------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(3).uniform(-1.3, 1.3, (5, 1, 32, 32)).astype(np.float32)


def test_the_judge_reads_the_middle(judge, pictures):
    from shared.models.images import prepare

    inputs = judge_inputs(judge, pictures)
    pixels = np.rint(np.clip((pictures + 1) * 127.5, 0, 255)).astype(np.uint8)[:, 0, 2:30, 2:30]
    by_hand = torch.cat([prepare(judge.preparation, np.repeat(one[..., None], 3, axis=-1)).inputs for one in pixels])
    assert inputs.shape[2:] == (28, 28)
    torch.testing.assert_close(inputs, by_hand, atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        expected = judge.network(by_hand).softmax(1).numpy()
    np.testing.assert_allclose(judged(judge, pictures), expected, atol=1e-5)


def test_the_frame_around_the_middle_does_not_matter(judge, pictures):
    framed = pictures.copy()
    framed[..., :2, :] = framed[..., 30:, :] = framed[..., :, :2] = framed[..., :, 30:] = 1
    np.testing.assert_array_equal(judged(judge, framed), judged(judge, pictures))


def test_many_pictures_are_read_in_parts(judge, pictures, monkeypatch):
    whole = judged(judge, pictures)
    monkeypatch.setattr("shared.explain.emergence.BATCH", 2)
    np.testing.assert_allclose(judged(judge, pictures), whole, atol=1e-6)
    assert whole.shape == (5, 10) and whole.dtype == np.float32
    np.testing.assert_allclose(whole.sum(1), 1, atol=1e-5)


def test_features_are_what_the_last_layer_reads(judge, pictures):
    found = features(judge, pictures)
    last = [module for module in judge.network.modules() if isinstance(module, torch.nn.Linear)][-1]
    assert found.shape == (5, last.in_features) and found.dtype == np.float64
    logits = torch.from_numpy(found).float() @ last.weight.T + last.bias
    np.testing.assert_allclose(logits.softmax(1).numpy(), judged(judge, pictures), atol=1e-5)


# ---- the distance of two clouds ---------------------------------------------------------------------------------
def cloud(mean, spreads, count=64):
    """Features whose mean and diagonal covariance are exactly these."""
    values = np.random.default_rng(4).standard_normal((count, len(mean)))
    values -= values.mean(0)
    orthogonal, _ = np.linalg.qr(values)
    orthogonal -= orthogonal.mean(0)
    return np.asarray(mean) + orthogonal * np.sqrt(count - 1) * np.sqrt(spreads)


def test_a_cloud_has_the_moments_it_was_made_for():
    made = cloud([1, -2, 0.5], [1, 4, 0.25])
    np.testing.assert_allclose(made.mean(0), [1, -2, 0.5], atol=1e-12)
    np.testing.assert_allclose(np.cov(made.T), np.diag([1, 4, 0.25]), atol=1e-12)


def test_the_frechet_distance_of_diagonal_normals_is_a_sum():
    first, second = cloud([1, -2, 0.5], [1, 4, 0.25]), cloud([0, 1, 0.5], [9, 1, 0.25])
    # |m1 - m2|^2 + sum (s1 - s2)^2 = 1 + 9 + 0 + (1 - 3)^2 + (2 - 1)^2 + 0
    assert frechet_distance(first, second) == pytest.approx(15, abs=1e-6)
    assert frechet_distance(second, first) == pytest.approx(15, abs=1e-6)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(first, first + [3, 0, 4]) == pytest.approx(25, abs=1e-6)

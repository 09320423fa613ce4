import base64
import zlib

import numpy as np
import pytest

from shared.render.packing import pack, pack_film, pack_unit, rounded


def unpacked(packed, dtype):
    return np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), dtype).reshape(packed["shape"])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float16", "float32"])
def test_arrays_come_back_as_they_were(dtype):
    array = (np.random.default_rng(0).standard_normal((3, 4, 5)) * 50).astype(dtype)
    packed = pack(array)
    assert packed["type"] == dtype
    np.testing.assert_array_equal(unpacked(packed, dtype), array)


def test_float64_travels_as_float32():
    assert pack(np.ones(2))["type"] == "float32"


def test_big_endian_and_strided_arrays_are_straightened():
    array = np.arange(12, dtype=">i4").reshape(3, 4)[:, ::2]
    np.testing.assert_array_equal(unpacked(pack(array), "<i4"), array)


def test_roots_keep_entropy_and_row_sums():
    random = np.random.default_rng(1)
    weights = np.exp(3 * random.standard_normal((4, 128, 128)))
    weights /= weights.sum(-1, keepdims=True)
    roots = unpacked(pack_unit(weights.astype(np.float32)), np.uint8)
    assert np.abs(roots / 255 - np.sqrt(weights)).max() <= 0.5 / 255 + 1e-6
    back = (roots / 255.0) ** 2
    assert np.abs(back.sum(-1) - 1).max() < 0.02

    def entropy(array):
        return -(array * np.log(np.where(array > 0, array, 1))).sum(-1).mean()

    assert abs(entropy(back) - entropy(weights)) < 0.02


def test_printed_numbers_are_short_and_never_nan():
    assert rounded(np.array([[1 / 3, np.nan], [np.inf, 2.0]]), 3) == [[0.333, None], [None, 2.0]]


def decoded(film):
    """A film as the browser reads it: low[f] + step[f] * (sum of all differences so far, modulo 256)."""
    differences = unpacked(film["values"], np.uint8)
    levels = np.cumsum(differences, axis=0, dtype=np.uint8)
    shape = (-1,) + (1,) * (differences.ndim - 1)
    return np.reshape(film["low"], shape) + np.reshape(film["step"], shape) * levels.astype(np.float64)


def a_film(frames=12):
    """Pictures that grow out of noise, and the range of each frame."""
    random = np.random.default_rng(2)
    share = np.linspace(1, 0, frames).reshape(-1, 1, 1, 1, 1)
    film = share * random.standard_normal((1, 3, 1, 8, 8)) + (1 - share) * random.uniform(-1, 1, (1, 3, 1, 8, 8))
    reach = 1 + 3 * share.ravel()
    return film.astype(np.float32), -reach, 2 * reach / 255


def test_a_film_comes_back_within_half_a_step():
    film, low, step = a_film()
    packed = pack_film(film, low, step)
    assert packed["values"]["type"] == "uint8" and packed["values"]["shape"] == list(film.shape)
    off = np.abs(decoded(packed) - film) / step.reshape(-1, 1, 1, 1, 1)
    assert 0.3 < off.max() <= 0.5 + 1e-2


def test_a_film_in_parts_is_the_same_film():
    film, low, step = a_film()
    whole = decoded(pack_film(film, low, step))
    parts = [decoded(pack_film(film[part], low[part], step[part])) for part in (slice(0, 5), slice(5, None))]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)


def test_what_a_byte_cannot_say_is_clipped():
    film = np.array([[-9.0, 9.0, 0.0], [9.0, -9.0, 1.0]])
    packed = pack_film(film, np.array([-1.0, -1.0]), np.array([2 / 255, 2 / 255]))
    np.testing.assert_allclose(decoded(packed), [[-1, 1, 0], [1, -1, 1]], atol=1 / 255)


def test_one_frame_is_plain():
    packed = pack_film(np.array([[0.0, 0.5, 1.0]]), np.zeros(1), np.full(1, 1 / 255))
    assert unpacked(packed["values"], np.uint8).tolist() == [[0, 128, 255]]


def test_differences_of_slow_films_deflate_better():
    random = np.random.default_rng(3)
    changes = random.choice([-1, 0, 1], (20, 4, 1, 16, 16), p=[0.05, 0.9, 0.05])
    levels = (random.integers(60, 200, (1, 4, 1, 16, 16)) + np.cumsum(changes, axis=0)).astype(np.uint8)
    packed = pack_film(levels / 127.5 - 1, -np.ones(20), np.full(20, 2 / 255))
    np.testing.assert_allclose(decoded(packed), levels / 127.5 - 1, atol=1 / 255)
    assert len(packed["values"]["data"]) < 0.6 * len(pack(levels)["data"])

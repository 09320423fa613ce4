import base64
import zlib

import numpy as np
import pytest

from shared.render.packing import pack, pack_unit, rounded


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

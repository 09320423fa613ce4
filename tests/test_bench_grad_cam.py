import statistics
import subprocess
import sys
import time

import numpy as np
import pytest

from benches import grad_cam, measure


@pytest.fixture(scope="module")
def subject():
    return grad_cam.subject_of(grad_cam.TINY)


def test_the_six_are_all_that_share_one_pass():
    from shared.explain.cam import ONE_PASS

    assert set(grad_cam.SIX) == set(ONE_PASS)


def test_the_ways_that_are_compared_give_one_map(subject):
    ours = grad_cam.ours(subject, grad_cam.GRAD_CAM)[0]
    assert ours.shape == subject.layer.grid and np.abs(ours).max() > 0
    close = {"rtol": 1e-3, "atol": 1e-4 * np.abs(ours).max()}
    np.testing.assert_allclose(grad_cam.floor(subject), ours, **close)
    np.testing.assert_allclose(grad_cam.whole_backward(subject), ours, **close)
    np.testing.assert_allclose(grad_cam.torchcam(subject, "Grad-CAM")(), np.maximum(ours, 0), **close)


def test_only_the_whole_backward_pass_makes_gradients_of_parameters(subject):
    first = next(subject.trainable.parameters())
    subject.trainable.zero_grad()
    grad_cam.torchcam(subject, "LayerCAM")()
    assert first.grad is None
    grad_cam.whole_backward(subject)
    assert first.grad is not None and first.grad.abs().max() > 0
    assert not any(parameter.requires_grad for parameter in subject.frozen.parameters())


def test_another_map_is_no_comparison():
    values = np.linspace(-1, 1, 9).reshape(3, 3)
    grad_cam.same("equal", values + 1e-6, values)
    with pytest.raises(RuntimeError, match="floor computes another map"):
        grad_cam.same("floor", values.T, values)


def test_functions_take_turns_in_changing_order():
    calls = []
    times = measure.together({name: lambda name=name: calls.append(name) for name in "abc"}, 8)
    rounds = ["".join(calls[start : start + 3]) for start in range(0, len(calls), 3)]
    assert len(rounds) == 9 and all(sorted(each) == ["a", "b", "c"] for each in rounds)  # one of them warms up
    assert len(set(rounds)) > 1
    assert list(times) == ["a", "b", "c"] and all(len(taken) == 8 for taken in times.values())


def test_times_are_those_of_the_function():
    times = measure.together({"nothing": lambda: None, "nap": lambda: time.sleep(0.05)}, 3)
    assert min(times["nap"]) >= 0.05 > statistics.median(times["nothing"])


def test_ratios_are_taken_within_rounds():
    # The machine was busy in the last round: 8 / 4, not 8 / 2.
    assert measure.ratio([2.0, 4.0, 8.0], [1.0, 2.0, 4.0]) == 2.0
    assert measure.ratio([3.0, 30.0, 1.0], [1.0, 30.0, 2.0]) == 1.0


def test_the_peak_of_memory_is_that_of_the_process_alone():
    held = bytearray(300_000_000)  # ones of the parent must not count
    held[::4096] = b"x" * len(held[::4096])
    script = (
        "from benches.measure import peak_megabytes as peak; before = peak(); big = bytearray(100_000_000); "
        "big[::4096] = b'x' * len(big[::4096]); del big; print(before, peak())"
    )
    folder = grad_cam.ROOT / "scripts"
    answer = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    before, after = map(float, answer.stdout.split())
    assert 5 < before < 200
    assert 95 < after - before < 130


def test_the_photo_is_as_large_as_a_camera_makes_it():
    import io

    from PIL import Image

    with Image.open(io.BytesIO(grad_cam.camera_file())) as image:
        assert (image.format, image.size) == ("JPEG", (4000, 3000))

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benches import attention, measure

BENCH = Path(attention.ROOT, "scripts/bench.py")
NUMBER = r"\d+\.\d\d"
TENTH = r"\d+\.\d"
VERDICT = r"(met|MISSED)"
ATTENTION = (
    r"2 x 2 heads, 16 tokens, random weights",
    rf"  ours: page of {NUMBER} MB, built in {NUMBER} s",
    rf"  BertViz: page of {NUMBER} MB, built in {NUMBER} s",
    rf"  page size: {NUMBER} MB",
    rf"  page size, BertViz / ours: {NUMBER} x",
    rf"  first paint of all heads: {NUMBER} s; BertViz model_view {NUMBER} s",
    rf"  first paint, BertViz / ours: {NUMBER} x",
    r"bert-reviews in the running Space, from the key or click to the painted picture",
    rf"  16 tokens: {NUMBER} s \(target <= 0.3 s\) (met|MISSED)",
    rf"  64 tokens, overview: {NUMBER} s \(target <= 2 s\) (met|MISSED)",
    rf"  64 tokens, overview and its open head: {NUMBER} s",
    rf"  64 tokens, another head: {NUMBER} s \(target <= 0.5 s\) (met|MISSED)",
    r"/show, 16 tokens on bert-reviews: \d+ ms, of which the eager forward pass takes \d+ ms",
    rf"  /show, without the forward pass: -?{NUMBER} ms \(target <= 150 ms\) (met|MISSED)",
    r"  through gradio_client: \d+ ms; an endpoint that does nothing \d+ ms",
    rf"start to the first HTTP 200: {NUMBER} s; a bare one-button app {NUMBER} s",
    rf"  start, ours / bare: {NUMBER} x \(target <= 1.25 x\) (met|MISSED)",
)
SUBJECT = r"a ResNet of two blocks \(random weights\), resnet\.encoder\.stages\.1"
CHANNELS = (
    rf"  peak memory over the network's own forward pass: {NUMBER} MB",
    r"  a process that holds the network and has run it: \d+ MB",
    rf"  first progress after {NUMBER} s of {NUMBER} s",
)
GRAD_CAM = (
    r"PyTorch 2\..*, 1 thread for all; times are medians, in turns",
    rf"{SUBJECT}: Grad-CAM",
    rf"  ours {TENTH} ms, floor {TENTH} ms, torchcam {TENTH} ms, backward {TENTH} ms",
    rf"  ours / floor: {NUMBER} x \(target <= 1.15 x\) {VERDICT}",
    rf"  ours / torchcam: {NUMBER} x \(target <= 1.05 x\) {VERDICT}",
    rf"  backward through everything / ours: {NUMBER} x",
    rf"{SUBJECT}: Grad-CAM, Grad-CAM\+\+, XGrad-CAM, HiResCAM, LayerCAM, Eigen-CAM",
    rf"  ours together {TENTH} ms, Grad-CAM alone {TENTH} ms, torchcam one by one {TENTH} ms",
    r"  \(torchcam has 4 of the 6: the sum of their passes, times 6 / 4\)",
    rf"  six / one: {NUMBER} x \(target <= 1.3 x\) {VERDICT}",
    rf"  torchcam one by one / ours together: {NUMBER} x \(target >= 4 x\) {VERDICT}",
    r"Score-CAM on a ResNet of two blocks, resnet\.encoder\.stages\.1",
    *CHANNELS,
    r"Ablation-CAM on a ResNet of two blocks, resnet\.encoder\.stages\.1",
    *CHANNELS,
    rf"a JPEG of 4,000 x 3,000 pixels, {TENTH} MB, on lenet-mnist",
    r"  to the overlay \d+ ms; of that the network \d+ ms, reading the file \d+ ms",
    rf"  to the overlay, without the network: {NUMBER} ms \(target <= 150 ms\) {VERDICT}",
    r"  the file with all arrays: \d+ ms",
    rf"start to the first HTTP 200: {NUMBER} s; a bare one-button app {NUMBER} s",
    rf"  start, ours / bare: {NUMBER} x \(target <= 1.25 x\) {VERDICT}",
)
DENOISING = (
    r"PyTorch 2\..*, 1 thread for all; times are medians, in turns",
    rf"2 DDIM steps of 2 samples, every frame kept: {NUMBER} s; the bare loop {NUMBER} s",
    rf"  ours / bare loop: {NUMBER} x \(target <= 1.05 x\) {VERDICT}",
    rf"  ours / DDIMPipeline of diffusers: {NUMBER} x \(target <= 1.02 x\) {VERDICT}",
    *(
        line
        for sampler in ("DDIM", "DDPM")
        for line in (
            rf"2 steps x 2 samples x 3 views, {sampler}: asked again \d+ ms, nothing computed",
            rf"  payload of the whole run, {sampler}: {NUMBER} MB \(target <= 1.5 MB\) {VERDICT}",
            rf"  first frames \(\d+ kB\) after their last step: {NUMBER} s \(target <= 0.5 s\) {VERDICT}",
        )
    ),
    r"scrubbing: \d+ requests, slowest frame \d+ ms",
    rf"  requests while scrubbing: {NUMBER} requests \(target <= 0 requests\) {VERDICT}",
    rf"  frames drawn in a second: {NUMBER} frames/s \(target >= 59 frames/s\) {VERDICT}",
    rf"start to the first HTTP 200: {NUMBER} s; a bare one-button app {NUMBER} s",
    rf"  start, ours / bare: {NUMBER} x \(target <= 1.25 x\) {VERDICT}",
)
DECISION_BOUNDARY = (
    r"PyTorch 2\..*, 1 thread for all; times are medians, in turns",
    rf"3 frames of 60 x 60 to a GIF: \d\.\d+ s; FuncAnimation and PillowWriter {NUMBER} s",
    rf"  FuncAnimation \+ PillowWriter / ours: {NUMBER} x \(target >= 20 x\) {VERDICT}",
    r"3 epochs of 210 points: \d+ ms recorded, \d+ ms alone",
    rf"  training with recording / training alone: {NUMBER} x \(target <= 1.25 x\) {VERDICT}",
    rf"  payload of the default training: {NUMBER} kB \(target <= 100 kB\) {VERDICT}",
    rf"  first frame after a setting has changed: {NUMBER} s \(target <= 0.5 s\) {VERDICT}",
    r"playing: \d+ animation frames, the slowest after \d+ ms",
    rf"  frames drawn in a second: {NUMBER} frames/s \(target >= 59 frames/s\) {VERDICT}",
    rf"start to the first HTTP 200: {NUMBER} s; a bare one-button app {NUMBER} s",
    rf"  start, ours / bare: {NUMBER} x \(target <= 1.25 x\) {VERDICT}",
)
LOSS_LANDSCAPE = (
    r"PyTorch 2\..*, 1 thread for all; times are medians, in turns",
    r"5 x 5 points, 101,770 weights, 512 samples; values differ by \d\.\de-0\d",
    r"  ours: \d\.\d+ s",
    r"  peer: \d\.\d+ s",
    r"  floor: \d\.\d+ s",
    rf"  loss-landscapes / ours: {NUMBER} x \(target >= 5 x\) {VERDICT}",
    rf"  ours / forward passes without the first layer: {NUMBER} x \(target <= 1.3 x\) {VERDICT}",
    r"ResNet-20 on 4 pictures, 7 x 7 points: \d+ s on 2 threads",
    rf"  first progress: {NUMBER} s \(target <= 1 s\) {VERDICT}",
    rf"  coarse picture, share of the whole time: {NUMBER}  \(target <= 0.125 \) {VERDICT}",
    rf"  payload of the default landscape: {NUMBER} kB \(target <= 100 kB\) {VERDICT}",
    rf"  first picture of another draw: {NUMBER} s \(target <= 1 s\) {VERDICT}",
    r"rolling: \d+ animation frames, the slowest after \d+ ms",
    rf"  frames drawn in a second: {NUMBER} frames/s \(target >= 59 frames/s\) {VERDICT}",
    rf"start to the first HTTP 200: {NUMBER} s; a bare one-button app {NUMBER} s",
    rf"  start, ours / bare: {NUMBER} x \(target <= 1.25 x\) {VERDICT}",
)
LINES = {
    "attention": ATTENTION,
    "grad_cam": GRAD_CAM,
    "denoising": DENOISING,
    "decision_boundary": DECISION_BOUNDARY,
    "loss_landscape": LOSS_LANDSCAPE,
}
DRAWING = {"attention", "denoising", "decision_boundary", "loss_landscape"}  # those that open a browser
# 81 pixels, each of its own COLOR.
SQUARE = """<canvas data-focus="overview" width="9" height="9"></canvas><script>
const context = document.querySelector("canvas").getContext("2d");
for (let i = 0; i < 81; i++) { context.fillStyle = COLOR; context.fillRect(i % 9, Math.floor(i / 9), 1, 1); }
</script>"""


@pytest.fixture
def needs_chromium():
    if shutil.which("chromium") is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; the continuous integration must install it")
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")


@pytest.mark.parametrize("space", LINES)
def test_the_quick_run_prints_every_figure(space, request):
    if space in DRAWING:
        request.getfixturevalue("needs_chromium")
    done = subprocess.run([sys.executable, BENCH, space, "--quick"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    machine, *lines, again = done.stdout.splitlines()
    assert re.fullmatch(r"\d+ cores.*, Python 3\.\d+\.\d+", machine) and again.startswith(machine.split(",")[0])
    assert len(lines) == len(LINES[space])
    for line, pattern in zip(lines, LINES[space], strict=True):
        assert re.fullmatch(pattern, line), line


def test_an_unknown_space_is_refused_with_the_known_ones():
    done = subprocess.run([sys.executable, BENCH, "nothing"], capture_output=True, text=True)
    assert done.returncode == 2 and "attention" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("value", "at_least", "word"),
    [(1.9, False, "met"), (2.1, False, "MISSED"), (2.1, True, "met"), (1.9, True, "MISSED")],
)
def test_a_target_is_met_or_missed(value, at_least, word):
    sign = ">=" if at_least else "<="
    assert measure.verdict("size", value, "MB", 2.0, at_least) == f"  size: {value:.2f} MB (target {sign} 2 MB) {word}"


def test_a_figure_without_a_target_has_no_verdict():
    assert measure.verdict("size", 3.14159, "MB") == "  size: 3.14 MB"


def test_a_server_that_fails_says_why(tmp_path):
    app = tmp_path / "app.py"
    app.write_text("raise SystemExit('no such port')", encoding="utf-8")
    with pytest.raises(RuntimeError, match="ended with 1(.|\n)*no such port"), measure.serving(app):
        pass


def test_an_endpoint_is_called_and_its_files_are_fetched(space):
    picture, arrays = measure.call(space, "show", [attention.text_of(16, 0), "", "bert-reviews", "auto", "auto"])
    assert picture.startswith(b"\x89PNG")
    assert np.load(io.BytesIO(arrays))["attention"].shape[-2:] == (16, 16)
    with pytest.raises(RuntimeError, match="event: error"):
        measure.call(space, "show", [" ", "", "bert-reviews", "auto", "auto"])


def test_texts_have_the_length_they_claim():
    from shared.models.encoding import encode
    from shared.models.text import load

    model = load("bert-reviews")
    for tokens in (16, 64, 512):
        encoded = encode(model, attention.text_of(tokens, 3), "")
        assert (len(encoded.tokens), encoded.truncated) == (tokens, 0)
    assert attention.text_of(64, 1) == attention.text_of(64, 1) != attention.text_of(64, 2)


def test_the_clock_stops_when_the_mark_is_there_and_not_before(needs_chromium):
    # The mark is made 400 ms after the page's scripts began; a clock that stopped at "load" would show less.
    script = "setTimeout(() => { const mark = document.createElement('i'); document.body.append(mark); }, 400)"
    page = f"<body><script>{script}</script>"
    assert measure.first_paint(page, "!!document.querySelector('i')", "true", {}) >= 0.4


def test_an_empty_picture_is_no_picture(needs_chromium):
    colored = SQUARE.replace("COLOR", "`rgb(${i}, 0, 0)`")
    plain = SQUARE.replace("COLOR", "'red'")
    assert measure.first_paint(colored, attention.OVERVIEW, attention.MANY_COLORS, {}) > 0
    with pytest.raises(RuntimeError, match="not drawn"):
        measure.first_paint(plain, attention.OVERVIEW, attention.MANY_COLORS, {})


def test_pages_reach_only_what_they_are_served(needs_chromium):
    page = "<script src='https://one.example/a.js'></script><script src='https://two.example/b.js'></script>"
    served = {"https://one.example/a.js": "window.a = 1"}
    alone = "window.a === 1 && window.b === undefined"
    assert measure.first_paint(page, "document.readyState === 'complete'", alone, served) > 0


def test_a_script_error_ends_the_wait(needs_chromium):
    from playwright.sync_api import Error

    with pytest.raises(Error, match="nothing to draw"):
        measure.first_paint("<script>throw new Error('nothing to draw')</script>", "false", "true", {})

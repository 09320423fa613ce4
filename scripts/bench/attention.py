"""The Attention Space against BertViz, against the bare forward pass and against a one-button app."""

import contextlib
import io
import json
import os
import re
import socket
import statistics as middle
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SPACE = ROOT / "spaces/attention/app.py"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"]
BARE = """
import os
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
import gradio as gr
with gr.Blocks() as demo:
    gr.Button("one")
demo.launch(ssr_mode=False)
"""
# Time from the start of the page's scripts to the second frame after they are done: what a reader waits for.
PAINTED = """() => new Promise(done => {
  const ready = () => document.querySelector(MARK) ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))) : setTimeout(ready, 5);
  ready();
})"""


def run(quick: bool) -> Iterator[str]:
    """All measurements, a line each."""
    sizes = [(6, 12, 32)] if quick else [(12, 12, 64), (12, 12, 128)]
    for layers, heads, tokens in sizes:
        yield from against_bertviz(layers, heads, tokens)
    yield from long_text(128 if quick else 512)
    yield from endpoint(1 if quick else 7)
    yield from start(1 if quick else 3)


def verdict(label: str, value: float, target: float, unit: str, at_least: bool = False) -> str:
    """One figure beside its target."""
    met = value >= target if at_least else value <= target
    return f"  {label}: {value:.2f}{unit} (target {'>=' if at_least else '<='} {target}{unit}) {'met' if met else 'MISSED'}"


def random_attention(layers: int, heads: int, tokens: int) -> Any:
    """A result with random, softmax-shaped weights: the hardest case for compression."""
    from shared.results import Attention, Prediction

    random = np.random.default_rng(0)
    weights = np.exp(2 * random.standard_normal((layers, heads, tokens, tokens), dtype=np.float32))
    weights /= weights.sum(-1, keepdims=True)
    names = tuple(f"word{i % 50}" for i in range(tokens))
    plain = np.zeros(tokens, bool)
    none = Prediction("sentence vector", (), np.zeros(0, np.float32), -1, "", 1.0)
    order = np.arange(tokens, dtype=np.int32)
    return Attention("random", weights, names, np.zeros(tokens, np.int8), plain, order, False, 0, none, 0.0)


def our_page(attention: Any) -> tuple[int, str]:
    """Bytes of the picture's payload, and the whole self-contained page."""
    from types import SimpleNamespace

    import attention_compute
    from shared.explain.patterns import statistics
    from shared.render.page import document, escape_json

    case = attention_compute.Case(None, SimpleNamespace(word_texts=attention.tokens), attention, statistics(attention))  # type: ignore[arg-type]
    inputs = {"text": "random", "pair": "", "model": "random"}
    payload = {"inputs": inputs, "auto": {"layer": 0, "head": 0}, "data": attention_compute.viewer_data(case)}
    return len(escape_json(payload).encode()), document("attention", payload, "bench")


def bertviz_html(attention: Any, view: str) -> str:
    """What BertViz itself writes for the same attention."""
    import torch
    from bertviz import head_view, model_view

    layers = [torch.from_numpy(layer)[None] for layer in attention.weights]
    function = head_view if view == "head" else model_view
    return function(layers, list(attention.tokens), html_action="return").data


def local(html: str) -> str:
    """BertViz's page with its CDN libraries served from disk, so that it can be timed without a network."""
    from shared.render.bertviz_page import libraries

    return f"<!doctype html><meta charset=utf-8><script>{libraries()}</script>{html}"


def paint_seconds(html: str, mark: str, timeout: float = 300.0) -> float:
    """Seconds from navigation until ``mark`` is painted in headless Chromium."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "page.html"
        path.write_text(html, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(timeout * 1000)
        page.route(re.compile("^http"), lambda route: route.abort())
        page.goto(path.as_uri(), wait_until="commit")
        milliseconds = page.evaluate(PAINTED.replace("MARK", json.dumps(mark)))
        browser.close()
    return float(milliseconds) / 1000


def against_bertviz(layers: int, heads: int, tokens: int) -> Iterator[str]:
    """Payload and first paint of all heads, ours beside BertViz."""
    attention = random_attention(layers, heads, tokens)
    yield f"{layers} x {heads} heads, {tokens} tokens, random weights"
    size, page = our_page(attention)
    theirs = bertviz_html(attention, "head")
    yield f"  payload: {size / 1e6:.2f} MB; BertViz head_view {len(theirs) / 1e6:.1f} MB"
    if tokens == 128:
        yield verdict("payload", size / 1e6, 2.7, " MB")
        yield verdict("BertViz payload / ours", len(theirs) / size, 40, " x", at_least=True)
    ours = middle.median(paint_seconds(page, ".gh-panel canvas") for _ in range(3))
    model_view = paint_seconds(local(bertviz_html(attention, "model")), f"svg g:nth-of-type({layers * heads // 2}), svg")
    yield f"  first paint of all heads: ours {ours:.2f} s (median of 3); BertViz model_view {model_view:.1f} s (once)"
    target = {64: 20, 128: 50}.get(tokens)
    if target:
        yield verdict("BertViz paint / ours", model_view / ours, target, " x", at_least=True)


@contextlib.contextmanager
def serving(command: list[str]) -> Iterator[tuple[str, float]]:
    """A server and the seconds from its start to its first HTTP 200."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "GRADIO_SERVER_PORT": str(port)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                time.sleep(0.01)
        yield f"http://127.0.0.1:{port}/", time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def long_text(tokens: int) -> Iterator[str]:
    """A long text in the running Space: when the overview stands, when a head is open after the click."""
    from urllib.parse import quote

    from playwright.sync_api import sync_playwright

    yield f"{tokens} tokens, embedded network, in the Space"
    text = quote("the film was long and the end was good " * 80)
    with serving([sys.executable, str(SPACE)]) as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(address)
        page.wait_for_selector(".gh-panel canvas")
        overview, head = [], []
        for i in range(3):
            began = time.perf_counter()
            page.locator("#text textarea").fill(f"{i} " + " ".join(["the film was long and good"] * (tokens // 6 + 1)))
            page.wait_for_function(f"Glasshouse.frames[0].payload.inputs.text.startsWith('{i} ') && document.querySelector('[data-focus=heatmap]')")
            overview.append(time.perf_counter() - began)
            began = time.perf_counter()
            page.evaluate(f"Glasshouse.frames[0].set({{layer: 1, head: {i}}})")
            page.wait_for_function("document.querySelector('[data-focus=heatmap]')")
            head.append(time.perf_counter() - began)
        browser.close()
    yield verdict("overview and first head painted after typing", middle.median(overview), 2.0, " s")
    yield verdict("another head after the click", middle.median(head), 0.5, " s")


def seconds(function: Callable[[], object], runs: int) -> float:
    """The median time of ``function``, after one run to warm up."""
    function()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return middle.median(times)


def endpoint(runs: int) -> Iterator[str]:
    """/show end to end against the eager forward pass of the same network on the same tokens."""
    import attention_compute
    import torch
    from gradio_client import Client
    from shared.models.encoding import encode
    from shared.models.text import load
    from transformers import AutoModel

    name = "sentence-transformers/all-MiniLM-L6-v2"
    words = " ".join(["the film was long and the end was good"] * 6) + " and so on"
    from shared.checkpoints import folder

    eager = AutoModel.from_pretrained(folder(name), attn_implementation="eager", dtype=torch.float32).eval()
    texts = iter(range(10_000))
    encoded = encode(load(name), words, "")
    with torch.inference_mode():
        bare = seconds(lambda: eager(**encoded.inputs, output_attentions=True), runs)
    with serving([sys.executable, str(SPACE)]) as (address, _), contextlib.redirect_stdout(io.StringIO()):
        client = Client(address, verbose=False)
        whole = seconds(lambda: client.predict(f"{words} {next(texts)}", "", name, "auto", "auto", api_name="/show"), runs)
    length = encoded.inputs["input_ids"].shape[1]
    yield f"/show on MiniLM, {length} tokens: {whole * 1000:.0f} ms, of which the eager forward pass is {bare * 1000:.0f} ms"
    yield verdict("the rest of /show", (whole - bare) * 1000, 150, " ms")
    yield f"  (payload alone: {seconds(lambda: attention_compute.viewer_data(attention_compute.computed(name, words, '')), runs) * 1000:.0f} ms)"


def start(runs: int) -> Iterator[str]:
    """Command to first HTTP 200, beside a bare one-button gradio app, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE, encoding="utf-8")
        ours, theirs = [], []
        for _ in range(runs):
            with serving([sys.executable, str(bare)]) as (_, taken):
                theirs.append(taken)
            with serving([sys.executable, str(SPACE)]) as (_, taken):
                ours.append(taken)
    yield f"start to first HTTP 200: {middle.median(ours):.2f} s; a bare one-button app {middle.median(theirs):.2f} s"
    yield verdict("ratio", middle.median(ours) / middle.median(theirs), 1.25, " x")

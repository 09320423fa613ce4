"""The Attention Space against BertViz, against the bare forward pass and against a one-button app."""

import random
import statistics
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benches.measure import (
    bare_app,
    browsing,
    call,
    first_paint,
    open_page,
    painted,
    seconds,
    serving,
    start,
    verdict,
)
from shared.results import Attention

ROOT = Path(__file__).resolve().parents[2]
SPACE = ROOT / "spaces/attention/app.py"
VENDOR = ROOT / "shared/render/web/vendor"
WORDS = ("the", "film", "was", "long", "and", "good", "but", "not", "bad", "he", "she", "it")
# BertViz asks a content delivery network for this one file, which then loads d3 and jQuery.
REQUIRE = "https://cdnjs.cloudflare.com/ajax/libs/require.js/2.3.6/require.min.js"
SHIM = "const requirejs = (names, draw) => draw(jQuery, d3), require = { config() {} };"
FRAME = "globalThis.Glasshouse?.frames.at(-1)"
OVERVIEW = "!!document.querySelector('[data-focus=overview]')"
HEATMAP = "!!document.querySelector('[data-focus=heatmap]')"
# Whether the overview holds a picture.
MANY_COLORS = """(() => {
  const canvas = document.querySelector("[data-focus=overview]");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size > 50;
})()"""


def run(quick: bool) -> Iterator[str]:
    """All measurements, a line each."""
    runs = 1 if quick else 3
    sizes = [(2, 2, 16)] if quick else [(12, 12, 64), (12, 12, 128)]
    for layers, heads, tokens in sizes:
        yield from against_bertviz(layers, heads, tokens, runs)
    with serving(SPACE) as (address, started):
        yield from typing(address, 64 if quick else 512, runs)
        # The quick run does with what lies beside the code; no network, no cache of the Hub.
        name = "bert-reviews" if quick else "sentence-transformers/all-MiniLM-L6-v2"
        bare_started = yield from endpoint(address, name, 16 if quick else 64, 1 if quick else 9)
    yield from start(SPACE, *((1, [started], [bare_started]) if quick else (5,)))


def random_attention(layers: int, heads: int, tokens: int) -> Attention:
    """Softmax of normal scores of deviation 2, a sharpness at which bytes of roots compress worst."""
    from shared.results import Prediction

    weights = np.exp(2 * np.random.default_rng(0).standard_normal((layers, heads, tokens, tokens), dtype=np.float32))
    return Attention(
        model="random",
        weights=weights / weights.sum(-1, keepdims=True),
        tokens=tuple(f"word{i % 50}" for i in range(tokens)),
        segments=np.zeros(tokens, np.int8),
        special=np.zeros(tokens, bool),
        words=np.arange(tokens, dtype=np.int32),
        causal=False,
        truncated=0,
        prediction=Prediction("sentence vector", (), np.zeros(0, np.float32), -1, "", 1.0),
        forward_seconds=0.0,
    )


def our_page(attention: Attention) -> str:
    """The self-contained page of the Attention Space for an attention that no network made."""
    import attention_compute

    from shared.explain.patterns import statistics as head_statistics
    from shared.render.page import document

    words = SimpleNamespace(word_texts=attention.tokens)
    case: Any = SimpleNamespace(attention=attention, statistics=head_statistics(attention), encoded=words)
    inputs = {"text": " ".join(attention.tokens), "pair": "", "model": attention.model}
    data = attention_compute.viewer_data(case)
    return document("attention", {"inputs": inputs, "auto": {"layer": 0, "head": 0}, "data": data}, "Random attention")


def bertviz_page(attention: Attention) -> str:
    """BertViz's model view of the same attention, as BertViz writes it."""
    import torch
    from bertviz import model_view

    layers = [torch.from_numpy(layer)[None] for layer in attention.weights]
    return str(model_view(layers, list(attention.tokens), html_action="return").data)


def against_bertviz(layers: int, heads: int, tokens: int, runs: int) -> Iterator[str]:
    """Size and first paint of all heads, ours beside BertViz."""
    attention = random_attention(layers, heads, tokens)
    yield f"{layers} x {heads} heads, {tokens} tokens, random weights"
    ours, theirs = our_page(attention), bertviz_page(attention)
    for name, page, build in (("ours", ours, our_page), ("BertViz", theirs, bertviz_page)):
        building = seconds(partial(build, attention), runs)
        yield f"  {name}: page of {len(page.encode()) / 1e6:.2f} MB, built in {building:.2f} s"
    yield verdict("page size", len(ours.encode()) / 1e6, "MB", {128: 2.7}.get(tokens))
    yield verdict("page size, BertViz / ours", len(theirs) / len(ours), "x", {128: 40}.get(tokens), at_least=True)
    lines = f"document.getElementsByTagName('line').length === {layers * heads * tokens**2}"
    paint = statistics.median(first_paint(ours, OVERVIEW, MANY_COLORS, {}) for _ in range(runs))
    served, drawn = {REQUIRE: libraries()}, "!!document.querySelector('svg line')"
    their_paint = statistics.median(first_paint(theirs, drawn, lines, served) for _ in range(runs))
    yield f"  first paint of all heads: {paint:.2f} s; BertViz model_view {their_paint:.2f} s"
    target = {64: 20, 128: 50}.get(tokens)
    yield verdict("first paint, BertViz / ours", their_paint / paint, "x", target, at_least=True)


def libraries() -> str:
    """What BertViz loads from a network, in one script: d3, jQuery and as much of require.js as it calls."""
    return "\n".join([*((VENDOR / name).read_text("utf-8") for name in ("d3.min.js", "jquery.slim.min.js")), SHIM])


def text_of(tokens: int, seed: int) -> str:
    """A text that BERT-like networks read as ``tokens`` tokens, [CLS] and [SEP] counted."""
    return " ".join(random.Random(seed).choices(WORDS, k=tokens - 2))


def typing(address: str, tokens: int, runs: int) -> Iterator[str]:
    """The running Space with the embedded network: a long text is typed, then heads are clicked."""
    short, overview, opened, clicked = [], [], [], []
    with browsing() as browser:
        page = open_page(browser)
        page.goto(address)
        painted(page, OVERVIEW)
        for seed in range(runs + 1):
            short.append(typed(page, text_of(16, seed))[1])
            first, second = typed(page, text_of(tokens, seed))
            overview.append(first)
            opened.append(second)
            clicked.append(click(page, 1, seed % 4))
        length = page.evaluate(f"{FRAME}.model.N")
    # The first round warms up, as everywhere.
    yield "bert-reviews in the running Space, from the key or click to the painted picture"
    yield verdict("16 tokens", statistics.median(short[1:]), "s", 0.3)
    yield verdict(f"{length} tokens, overview", statistics.median(overview[1:]), "s", 2.0)
    yield verdict(f"{length} tokens, overview and its open head", statistics.median(opened[1:]), "s")
    yield verdict(f"{length} tokens, another head", statistics.median(clicked[1:]), "s", 0.5)


def typed(page: Any, text: str) -> tuple[float, float]:
    """Seconds from typing ``text`` to the painted overview, and to the painted heatmap of its first head."""
    began = page.evaluate("performance.now() / 1000")
    page.locator("#text textarea").fill(text)
    overview = painted(page, f"{FRAME}.payload.inputs.text === {text!r} && {OVERVIEW}")
    return overview - began, painted(page, HEATMAP) - began


def click(page: Any, layer: int, head: int) -> float:
    """Seconds from the click on a thumbnail to the painted heatmap of its head."""
    canvas = page.locator('[data-focus="overview"]')
    canvas.scroll_into_view_if_needed()
    box, place = canvas.bounding_box(), page.evaluate(f"{FRAME}.model.places.get('{layer}.{head}')")
    began = page.evaluate("performance.now() / 1000")
    page.mouse.click(box["x"] + place["x"] + 5, box["y"] + place["y"] + 5)
    chosen = f"{FRAME}.state.layer === {layer} && {FRAME}.state.head === {head}"
    return painted(page, f"{chosen} && {HEATMAP}") - began


def endpoint(address: str, name: str, tokens: int, runs: int) -> Generator[str, None, float]:
    """/show end to end, both files fetched, in turns with the eager forward pass on as many tokens.

    Returns the seconds until the bare app answered.
    """
    from gradio_client import Client

    from shared.models.encoding import encode
    from shared.models.text import load

    texts = (text_of(tokens, seed) for seed in count())  # all new, so that nothing comes from the Space's cache
    inputs = encode(load(name), next(texts), "").inputs
    forward, whole, bare = eager(name, inputs), [], []
    for _ in range(runs + 1):
        began = time.perf_counter()
        call(address, "show", [next(texts), "", name, "auto", "auto"])
        whole.append(time.perf_counter() - began)
        bare.append(seconds(forward, 1))
    # The first round warms up.
    answer, network = statistics.median(whole[1:]) * 1000, statistics.median(bare[1:]) * 1000
    length = inputs["input_ids"].shape[1]
    yield f"/show, {length} tokens on {name}: {answer:.0f} ms, of which the eager forward pass takes {network:.0f} ms"
    yield verdict("/show, without the forward pass", answer - network, "ms", 150)
    client = Client(address, verbose=False)
    through = seconds(lambda: client.predict(next(texts), "", name, "auto", "auto", api_name="/show"), runs)
    with bare_app() as app, serving(app) as (floor_address, started):
        client = Client(floor_address, verbose=False)
        floor = seconds(lambda: client.predict(api_name="/nothing"), runs)
    yield f"  through gradio_client: {1000 * through:.0f} ms; an endpoint that does nothing {1000 * floor:.0f} ms"
    return started


def eager(name: str, inputs: dict[str, Any]) -> Callable[[], object]:
    """A function that runs transformers' own eager forward pass on ``inputs`` and asks for its attention."""
    import torch
    from transformers import AutoModel
    from transformers.utils import logging as reports

    from shared.checkpoints import folder

    reports.set_verbosity_error()
    reports.disable_progress_bar()
    network = AutoModel.from_pretrained(folder(name), attn_implementation="eager", dtype=torch.float32).eval()

    def forward() -> object:
        with torch.inference_mode():
            return network(**inputs, output_attentions=True).attentions

    return forward

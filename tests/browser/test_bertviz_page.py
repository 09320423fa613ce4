"""BertViz's documents as Chromium draws them: the same data, complete, harmless, in both themes."""

import json
import re

import numpy as np
import pytest
import torch
from bertviz import head_view, model_view
from hostile import HOSTILE

from shared.render.bertviz_page import head_view_page, model_view_page
from shared.render.style import DARK, LIGHT
from shared.results import Attention, Prediction

TOKENS = ("[CLS]", "not", "good", "[SEP]", HOSTILE, "&lt;b&gt;", "[SEP]")
PARENT = """<!doctype html><iframe id="frame" style="width:100%;height:150px;border:0"></iframe><script>
window.heights = [];
addEventListener("message", (event) => { if (event.data.glasshouse === "height") heights.push(event.data.height); });
</script>"""


@pytest.fixture(scope="module")
def watched(chromium):
    """One page for all tests, and a list of what happened on it that must not."""
    page = chromium.new_page()
    trouble = []
    page.route("**/*", lambda route: (trouble.append(route.request.url), route.abort()))
    page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text) if message.type != "log" else None)
    yield page, trouble
    page.close()


@pytest.fixture
def page(watched):
    """A page on which any request, dialog, error or warning fails the test."""
    page, trouble = watched
    trouble.clear()
    page.set_viewport_size({"width": 1280, "height": 800})
    yield page
    assert trouble == []


@pytest.fixture(scope="module")
def attention():
    """Six layers of twelve heads, as MiniLM has, over a sentence pair."""
    count = len(TOKENS)
    weights = np.random.default_rng(0).dirichlet(np.full(count, 0.3), (6, 12, count)).astype(np.float32)
    segments = np.array([0, 0, 0, 0, 1, 1, 1], np.int8)
    prediction = Prediction("sentence vector", (), np.zeros(0, np.float32), -1, "", 0.0)
    special, words = np.zeros(count, bool), np.arange(count, dtype=np.int32)
    return Attention("toy", weights, TOKENS, segments, special, words, False, 0, prediction, 0.0)


def opened(page, document):
    """The document in an iframe's srcdoc, as the Space shows it, drawn."""
    page.set_content(PARENT)
    page.evaluate("source => { document.getElementById('frame').srcdoc = source; }", document)
    page.frame_locator("#frame").locator("#vis svg line").first.wait_for(state="attached")
    return page.query_selector("#frame").content_frame()


def bertviz_parameters(view, attention, **options):
    """What BertViz's own Python puts into its page."""
    layers = [torch.from_numpy(layer[None]) for layer in attention.weights]
    made = view(layers, list(attention.tokens), sentence_b_start=4, html_action="return", **options).data
    return json.loads(re.search(r"const params = (.*?); // HACK", made)[1])


def opacities(frame, selector):
    return frame.evaluate(
        "selector => [...document.querySelectorAll(selector)].map((line) => +line.getAttribute('stroke-opacity'))",
        selector,
    )


@pytest.mark.parametrize("name", ["head", "model"])
def test_parameters_are_those_of_bertviz(page, attention, name):
    if name == "head":
        ours, theirs = (
            head_view_page(attention, 1, [0, 3]),
            bertviz_parameters(head_view, attention, layer=1, heads=[0, 3]),
        )
    else:
        ours, theirs = model_view_page(attention), bertviz_parameters(model_view, attention, display_mode="light")
    found = opened(page, ours).evaluate("bertvizParameters")
    theirs["root_div_id"] = found["root_div_id"]  # a random name in BertViz
    for mine, other in zip(found.pop("attention"), theirs.pop("attention"), strict=True):
        np.testing.assert_allclose(mine.pop("attn"), other.pop("attn"), atol=5.1e-5)
        assert mine == other
    assert found == theirs


def test_head_view_draws_the_weights(page, attention):
    frame = opened(page, head_view_page(attention, layer=1))
    shown = np.reshape(opacities(frame, "#attention line"), (12, 7, 7))
    np.testing.assert_allclose(shown, attention.weights[1] / 12, atol=1e-5)
    frame.select_option("#layer", "4")
    shown = np.reshape(opacities(frame, "#attention line"), (12, 7, 7))
    np.testing.assert_allclose(shown, attention.weights[4] / 12, atol=1e-5)


def test_head_view_filters_pairs(page, attention):
    frame = opened(page, head_view_page(attention))
    frame.select_option("#filter", label="Sentence A -> Sentence B")
    assert frame.locator("#left text").all_text_contents() == list(TOKENS[:4])
    assert frame.locator("#right text").all_text_contents() == list(TOKENS[4:])
    shown = np.reshape(opacities(frame, "#attention line"), (12, 4, 3))
    np.testing.assert_allclose(shown, attention.weights[0][:, :4, 4:] / 12, atol=1e-5)


def test_head_view_lights_the_chosen_heads_and_gives_each_its_color(page, attention):
    frame = opened(page, head_view_page(attention, heads=[11]))
    shown = np.reshape(opacities(frame, "#attention line"), (12, 7, 7))
    assert shown[:11].max() == 0
    np.testing.assert_allclose(shown[11], attention.weights[0, 11], atol=5.1e-5)
    strokes = frame.evaluate(
        "[...document.querySelectorAll('.headAttention')].map((g) => g.querySelector('line').getAttribute('stroke'))"
    )
    assert len(set(strokes)) == 12


def test_model_view_draws_every_head_and_enlarges_one(page, attention):
    frame = opened(page, model_view_page(attention))
    shown = np.reshape(opacities(frame, "#vis line"), attention.weights.shape)
    np.testing.assert_allclose(shown, attention.weights, atol=5.1e-5)
    frame.locator("#attn_background_2_5 ~ rect").click()
    assert "Layer 2, Head 5" in frame.locator("#vis text.detail").all_text_contents()
    assert frame.locator("#vis text.token").all_text_contents() == [*TOKENS, *TOKENS]


@pytest.mark.parametrize("draw", [head_view_page, model_view_page])
@pytest.mark.parametrize("dark", [False, True])
def test_every_label_is_text_that_can_be_read_in_both_themes(page, attention, draw, dark):
    frame = opened(page, draw(attention, dark=dark))
    if draw is model_view_page:
        frame.locator("#attn_background_0_0 ~ rect").click()
    assert {HOSTILE, "&lt;b&gt;"} <= set(frame.locator("#vis text").all_text_contents())
    assert frame.locator("img").count() == 0
    ink = "rgb({}, {}, {})".format(*(int((DARK if dark else LIGHT).ink[i : i + 2], 16) for i in (1, 3, 5)))
    fills = frame.evaluate("[...document.querySelectorAll('#vis text')].map((text) => getComputedStyle(text).fill)")
    assert set(fills) == {ink}
    paper = frame.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", paper))) < 150 if dark else sum(map(int, re.findall(r"\d+", paper))) > 700
    page.wait_for_timeout(200)  # an onerror handler would run by now; the page fixture fails on its dialog


@pytest.mark.parametrize("dark", [False, True])
def test_heads_that_are_off_recede_into_the_paper(page, attention, dark):
    def contrasts(heads):
        frame = opened(page, head_view_page(attention, heads=heads, dark=dark))
        boxes = "[document.body, ...document.querySelectorAll('#vis svg > g:last-child rect')]"
        colors = frame.evaluate(f"{boxes}.map((box, i) => getComputedStyle(box)[i ? 'fill' : 'backgroundColor'])")
        paper, *fills = np.array([re.findall(r"\d+", color)[:3] for color in colors], dtype=int).sum(axis=1)
        return np.abs(fills - paper)

    all_on, last_on = contrasts(None), contrasts([11])
    assert len(all_on) == 12
    assert (last_on[:11] < 0.7 * all_on[:11]).all()
    assert last_on[11] == all_on[11]


@pytest.mark.parametrize("draw", [head_view_page, model_view_page])
def test_the_height_is_reported_on_load_and_resize(page, attention, draw):
    frame = opened(page, draw(attention))
    page.wait_for_function("heights.length > 0")
    svg = frame.locator("#vis svg").bounding_box()["height"]
    assert page.evaluate("heights.at(-1)") >= svg
    page.evaluate("heights.length = 0; document.getElementById('frame').style.width = '300px'")
    page.wait_for_function("heights.length > 0")


def test_a_phone_shows_the_whole_head_view(page, attention):
    page.set_viewport_size({"width": 390, "height": 844})
    frame = opened(page, head_view_page(attention))
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    right = frame.locator("#right text", has_text="not").bounding_box()
    assert right["x"] + right["width"] <= 390

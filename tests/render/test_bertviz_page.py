"""BertViz's documents, as text; how they draw is tested in Chromium."""

import json
import re
from pathlib import Path

import bertviz
import numpy as np
import pytest

from shared.problems import Problem
from shared.render import bertviz_page
from shared.render.bertviz_page import TOKEN_LIMIT_HEAD_VIEW, TOKEN_LIMIT_MODEL_VIEW, head_view_page, model_view_page
from shared.results import Attention, Prediction

HOSTILE = "</script><img src=x onerror=alert(1)>"


def attention(layers=2, heads=2, tokens=("[CLS]", "good", "[SEP]"), second_from=None):
    count = len(tokens)
    weights = np.random.default_rng(0).dirichlet(np.ones(count), (layers, heads, count)).astype(np.float32)
    segments = np.zeros(count, np.int8)
    if second_from is not None:
        segments[second_from:] = 1
    prediction = Prediction("sentence vector", (), np.zeros(0, np.float32), -1, "", 0.0)
    special, words = np.zeros(count, bool), np.arange(count, dtype=np.int32)
    return Attention("toy", weights, tuple(tokens), segments, special, words, False, 0, prediction, 0.0)


def payload(page):
    return json.loads(re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.S)[1])


@pytest.mark.parametrize("view", ["head_view", "model_view"])
def test_the_real_script_is_used_and_inserts_tokens_as_text_only(view):
    original = Path(bertviz.__file__).with_name(f"{view}.js").read_text()
    page = head_view_page(attention()) if view == "head_view" else model_view_page(attention())
    before, after = original.split("PYTHON_PARAMS", 1)
    assert before in page and after in page
    assert not re.search(r"\.html\(|innerHTML|insertAdjacent|document\.write|eval\(", original)


@pytest.mark.parametrize("draw", [head_view_page, model_view_page])
def test_data_are_there_once_and_hostile_tokens_cannot_leave_them(draw):
    page = draw(attention(tokens=("[CLS]", HOSTILE, "\u2028", "[SEP]"), second_from=2))
    assert page.count(payload(page)["weights"]["data"]) == 1
    assert "<img" not in page and "\u2028" not in page
    assert payload(page)["tokens"][1] == HOSTILE
    opened = len(re.findall(r"<script[ >]", page))
    assert opened == page.count("</script>") == 4


@pytest.mark.parametrize("draw", [head_view_page, model_view_page])
def test_nothing_is_loaded(draw):
    page = draw(attention())
    assert not re.search(r"<(link|img|iframe|script)\b[^>]*\b(src|href)=", page)
    assert "default-src 'none'" in page


def test_licenses_travel_with_the_libraries():
    page = model_view_page(attention())
    assert "Copyright 2010-2017 Mike Bostock" in page and "Copyright OpenJS Foundation" in page
    assert "Apache License 2.0" in page


def test_only_pairs_have_a_filter():
    assert 'id="filter"' not in head_view_page(attention())
    page = head_view_page(attention(tokens=tuple("abcde"), second_from=2))
    assert re.findall("<option value=.*?>(.*?)</option>", page) == [
        "All",
        "Sentence A -> Sentence A",
        "Sentence B -> Sentence B",
        "Sentence A -> Sentence B",
        "Sentence B -> Sentence A",
    ]
    assert payload(page)["views"][3] == {"name": "Sentence A -> Sentence B", "rows": [0, 2], "columns": [2, 5]}


@pytest.mark.parametrize(
    ("draw", "limit"), [(head_view_page, TOKEN_LIMIT_HEAD_VIEW), (model_view_page, TOKEN_LIMIT_MODEL_VIEW)]
)
def test_long_texts_are_pointed_to_the_overview(draw, limit):
    assert draw(attention(1, 1, ["a"] * limit))
    with pytest.raises(Problem, match=f"up to {limit} tokens .* has {limit + 1}; .* overview"):
        draw(attention(1, 1, ["a"] * (limit + 1)))


def test_large_networks_take_fewer_tokens():
    assert bertviz_page.LINE_LIMIT == 200_000
    with pytest.raises(Problem, match="up to 19 tokens"):  # 32 x 16 heads x 19^2 = 184,832 lines; x 20^2 = 204,800
        model_view_page(attention(32, 16, ["a"] * 20))
    assert model_view_page(attention(32, 16, ["a"] * 19))


@pytest.mark.parametrize("choice", [{"layer": 2}, {"layer": -1}, {"heads": [0, 2]}])
def test_missing_layers_and_heads_are_problems(choice):
    with pytest.raises(Problem, match="choose one from 0 to 1"):
        head_view_page(attention(), **choice)


def test_missing_bertviz_is_a_problem(monkeypatch):
    bertviz_page._bertviz_script.cache_clear()
    monkeypatch.setattr(bertviz_page.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Problem, match="install the package bertviz"):
        head_view_page(attention())

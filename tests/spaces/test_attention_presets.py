"""What the presets of the Attention Space promise must be what the trained networks do."""

import json
import re

import attention_compute as compute
import attention_exports as export
import numpy as np
import pytest
from attention_presets import DEFAULTS, PRESETS, STORY

from shared.explain.ablation import switch_off
from shared.ui import Request

TITLES = {preset.title: preset for preset in PRESETS}


def case(title, **changes):
    return compute.case_of({**DEFAULTS, **TITLES[title].inputs, **changes})


def best(found, name):
    scores = found.statistics.pattern_scores[found.statistics.pattern_names.index(name)]
    place = np.unravel_index(scores.argmax(), scores.shape)
    return float(scores[place]), tuple(int(i) for i in place)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_every_finding_has_two_numbers(preset):
    payload = compute.payload({**DEFAULTS, **preset.inputs})
    for finding in payload["data"]["findings"].values():
        assert len(re.findall(r"\d+(?:\.\d+)?", finding)) >= 2
    json.dumps(payload, allow_nan=False)


def test_the_first_page_shows_a_head_named_previous_token():
    found = case("The word before")
    assert TITLES["The word before"].state == {"pattern": "previous token"}
    score, place = best(found, "previous token")
    assert score >= 0.5
    assert found.statistics.pattern_names[found.statistics.pattern[place]] == "previous token"


def test_light_stands_twice():
    assert [token for token in case("One word, two senses").attention.tokens if token == "light"] == ["light"] * 2
    assert case("One word, two senses").attention.tokens[TITLES["One word, two senses"].state["token"]] == "light"


def test_she_is_the_token_that_asks():
    assert case("Who is she?").attention.tokens[TITLES["Who is she?"].state["token"]] == "she"


def test_the_prediction_about_not_is_right():
    without = case("One “not”", text="The movie was good.").attention.prediction
    found = case("One “not”").attention.prediction
    assert (without.answer, found.answer) == ("positive", "negative")
    predict = TITLES["One “not”"].predict
    assert "Negative" in predict["options"][predict["answer"]]


def test_the_induction_circuit_stands_and_falls_with_its_heads():
    found = case("Seen before")
    score, head = best(found, "induction")
    assert score >= 0.8 and head[0] == 1
    previous, earlier = best(found, "previous token")
    assert previous >= 0.5 and earlier[0] == 0
    whole = found.attention.prediction
    assert (whole.answer, whole.probability > 0.9) == ("z", True)
    name = found.statistics.pattern_names.index("induction")
    every = {(1, int(i)) for i in np.flatnonzero(found.statistics.pattern[1] == name)}
    assert len(every) > 1
    for one in every:
        assert switch_off(found.model, found.encoded, {one}).probability > 0.9
    assert switch_off(found.model, found.encoded, every).probability < 0.1


def test_the_flattest_head_is_nearly_uniform():
    found = case("A head that says little")
    assert found.statistics.normalized_entropy.max() >= 0.9
    assert len(found.attention.tokens) == 16


def test_random_words_still_give_clear_patterns():
    found = case("Random words")
    sharp = [best(found, name)[0] for name in ("previous token", "next token", "same token", "first token")]
    assert max(sharp) >= 0.5


def test_before_and_after_differ():
    after, before = case("Before and after"), case("Before and after", model="bert-reviews-pretrained")
    assert after.attention.tokens == before.attention.tokens
    moved = np.abs(after.attention.weights - before.attention.weights).sum(-1).mean() / 2
    assert moved > 0.02


def test_story_links_name_known_states():
    links = re.findall(r"\(#set:([^)]+)\)", STORY)
    assert len(links) >= 3
    names = compute.payload({**DEFAULTS, **PRESETS[0].inputs})["data"]["pattern_names"]
    for link in links:
        for key, value in (pair.split("=") for pair in link.split("&")):
            assert key in {"pattern", "layer", "head", "tab", "token"}
            assert key != "pattern" or value.replace("%20", " ") in names


def test_the_code_of_a_picture_computes_that_picture():
    inputs = {**DEFAULTS, "text": "It was 'quoted' and \"quoted\" \\ {x}."}
    code = export.code_text(inputs, 2, 1)
    assert len(code.splitlines()) <= 15
    found = {}
    exec(code, found)
    np.testing.assert_array_equal(found["weights"], compute.case_of(inputs).attention.weights)
    assert type(found["figure"]).__name__ == "Figure"


def test_the_notebook_runs():
    import nbformat
    from nbclient import NotebookClient

    inputs = {**DEFAULTS, **PRESETS[0].inputs}
    request = Request(inputs, {"layer": 0, "head": 0})
    notebook = nbformat.reads(export.EXPORT["notebook"](request).data.decode(), as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    pictures = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert pictures

"""The endpoint of the Attention Space, called as a stranger would."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

README = Path(__file__).parents[2] / "spaces/attention/README.md"
TEXT = "The scenes that the young director shot at night were brilliant."


@pytest.fixture(scope="module")
def client(space):
    from gradio_client import Client

    return Client(space, verbose=False)


def show(client, text, *more):
    picture, arrays = client.predict(text, *more, api_name="/show")
    return Image.open(picture), dict(np.load(arrays))


def test_the_snippet_of_the_readme_runs(space):
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)[1]
    found = {}
    exec(code.replace("http://127.0.0.1:7860/", space), found)
    arrays = np.load(found["arrays"])
    assert set(arrays) == {"attention", "tokens", "entropy", "layer", "head"}


def test_arrays_are_what_the_readme_says(client):
    picture, arrays = show(client, TEXT)
    attention, tokens = arrays["attention"], arrays["tokens"]
    assert picture.format == "PNG" and min(picture.size) > 400
    assert attention.dtype == np.float32 and attention.shape == (4, 4, len(tokens), len(tokens))
    np.testing.assert_allclose(attention.sum(-1), 1, atol=1e-5)
    assert tokens[0] == "[CLS]" and tokens[-1] == "[SEP]"
    entropy = -(attention * np.log(np.where(attention > 0, attention, 1))).sum(-1).mean(-1)
    np.testing.assert_allclose(arrays["entropy"], entropy, atol=1e-4)
    chosen = attention[int(arrays["layer"]), int(arrays["head"])]
    neighbors = max(chosen.diagonal(-1).mean(), chosen.diagonal(1).mean())
    assert neighbors > 0.5, "the clearest pattern of this text is a head that looks at a neighboring token"


def test_layer_and_head_can_be_named(client):
    _, arrays = show(client, TEXT, "", "bert-reviews", "2", "1")
    assert (arrays["layer"], arrays["head"]) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("",), "Type a sentence"),
        ((" \u200b ",), "Type a sentence"),
        (("x" * 100_000,), "characters"),
        ((TEXT, "", "no such model"), "no such model"),
        ((TEXT, "", "bert-reviews", "9", "0"), "layer"),
        ((TEXT, "", "bert-reviews", "one", "0"), "layer"),
        ((TEXT, "", "bert-reviews", "0", "-1"), "head"),
        (("hello!", "", "induction-2l"), "a-z"),
    ],
)
def test_bad_input_is_one_sentence(client, arguments, words):
    with pytest.raises(Exception, match=words) as shown:
        show(client, *arguments)
    sentence = str(shown.value)
    assert "Traceback" not in sentence and sentence.count("\n") == 0


def test_sixteen_visitors_at_once_get_their_own_answers(client):
    texts = [
        f"{TEXT} It took {number} nights."
        for number in [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "13",
            "14",
            "15",
            "16",
        ]
    ]
    serial = [show(client, text)[1]["attention"] for text in texts]
    with ThreadPoolExecutor(16) as pool:
        parallel = list(pool.map(lambda text: show(client, text)[1]["attention"], texts))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_minilm_runs_for_real(client):
    from shared.checkpoints import folder
    from shared.problems import Problem

    name = "sentence-transformers/all-MiniLM-L6-v2"
    try:
        folder(name)
    except Problem as problem:
        pytest.skip(str(problem))
    _, arrays = show(client, TEXT, "", name)
    assert arrays["attention"].shape[:2] == (6, 12)
    assert arrays["attention"][0, 2].diagonal(-1).mean() >= 0.99


def test_cases_keep_no_more_models_alive_than_are_loaded(toy_bert, monkeypatch):
    import gc
    import weakref
    from dataclasses import replace

    import attention_compute as compute

    from shared.checkpoints import HUB_MODELS_KEPT, load_once

    monkeypatch.setattr(compute, "load", load_once(lambda name: replace(toy_bert, name=name)))
    kept, models = [], []
    for index in range(HUB_MODELS_KEPT + 2):
        kept.append(compute.computed(f"owner/{index}", "the cat sat", ""))
        models.append(weakref.ref(kept[-1].model))
    gc.collect()
    assert [model() is not None for model in models] == [False] * 2 + [True] * HUB_MODELS_KEPT
    assert kept[0].model.name == "owner/0", "a model that was let go of is loaded again"
    compute.computed.cache.clear()

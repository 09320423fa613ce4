import json
import sys
import threading

import gradio as gr
import pytest

from shared.problems import Problem
from shared.ui.picture import File, Request, Snippet, answer, packed, parse_request, question_key
from shared.ui.problems import UNEXPECTED, shown_as_error

module = sys.modules["shared.ui.picture"]  # the package keeps the function of that name in front of it
DEFAULTS = {"text": "", "model": "m"}


def question(kind="head", **body):
    return json.dumps({"kind": kind, "request": {"inputs": {"text": "a"}, **body}})


def test_a_question_is_read_into_its_parts():
    kind, request = parse_request(question(state={"layer": 2}, layer=3), DEFAULTS)
    assert kind == "head"
    assert request == Request({"text": "a", "model": "m"}, {"layer": 2}, {"layer": 3})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", '{"kind": "x"}', '{"kind": "x", "request": 3}', "x" * 500_000]
)
def test_what_is_no_question_gets_a_sentence(text):
    found = answer({}, text, DEFAULTS)
    assert set(found) == {"problem"} and found["problem"].endswith(".")


def test_unknown_kinds_are_refused():
    assert "reload" in answer({"head": lambda request: {}}, question("nothing"), DEFAULTS)["problem"]


def test_answers_are_kept_under_the_key_that_the_browser_makes():
    # What JSON.stringify makes of the same kind and details.
    details = {"methods": ["Gradient x input"], "target": "3", "inputs": {"text": "né “1”"}, "layer": 1}
    expected = '["maps",{"methods":["Gradient x input"],"target":"3","inputs":{"text":"né “1”"},"layer":1}]'
    assert question_key("maps", details) == expected


def test_failures_become_sentences_and_the_place_is_given_back():
    def problem(request):
        raise Problem("Choose one head.")

    def bug(request):
        raise KeyError("secret")

    for _ in range(5):  # more often than there are places
        assert answer({"head": problem}, question(), DEFAULTS) == {"problem": "Choose one head."}
        assert answer({"head": bug}, question(), DEFAULTS) == {"problem": UNEXPECTED}


def test_only_so_many_questions_at_once(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(module, "AT_ONCE", threading.BoundedSemaphore(1))
    module.AT_ONCE.acquire()
    assert "visitors" in answer({"head": lambda request: {}}, question(), DEFAULTS)["problem"]


def test_files_and_snippets_travel_as_json():
    assert packed(File("a.csv", "text/csv", b"a,b")) == {"name": "a.csv", "mime": "text/csv", "data": "YSxi"}
    assert packed(Snippet("Code", "x = 1")) == {"title": "Code", "text": "x = 1", "explanation": ""}
    assert packed({"problem": "no"}) == {"problem": "no"}


def test_endpoints_fail_with_one_sentence():
    @shown_as_error
    def endpoint(text):
        raise Problem("Type a sentence.") if text else ValueError("secret")

    with pytest.raises(gr.Error) as shown:
        endpoint("x")
    assert shown.value.message == "Type a sentence."
    with pytest.raises(gr.Error) as shown:
        endpoint("")
    assert shown.value.message == UNEXPECTED

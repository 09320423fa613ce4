import json

import pytest

from shared.problems import Problem
from shared.ui.wire import LONGEST_LINK, Page, Shown, answer_to, as_json, fetching, preset_number, read_link

DEFAULTS = {"text": "", "pair": "", "model": "bert-reviews"}


def test_a_link_is_inputs_state_and_pin():
    pin = {"inputs": {"text": "a", "pair": "", "model": "m"}, "state": {"layer": 1}}
    query = {"text": "hello", "layer": "3", "words": "true", "picture": "arcs", "pin": json.dumps(pin)}
    inputs, state, pinned = read_link(query, DEFAULTS)
    assert inputs == {"text": "hello", "pair": "", "model": "bert-reviews"}
    assert state == {"layer": 3, "words": True, "picture": "arcs"}
    assert pinned == pin


@pytest.mark.parametrize("pin", ["{", "[]", "3", '{"inputs": {}}', '{"inputs": 3, "state": 4}', "null"])
def test_a_damaged_pin_is_a_problem(pin):
    with pytest.raises(Problem, match="damaged"):
        read_link({"text": "x", "pin": pin}, DEFAULTS)


def test_an_endless_link_is_a_problem():
    with pytest.raises(Problem):
        read_link({"text": "x" * (LONGEST_LINK + 1)}, DEFAULTS)


@pytest.mark.parametrize(("text", "index"), [(None, 0), ("1", 0), ("3", 2), ("9", 0), ("-1", 0), ("x", 0), ("٣", 2)])
def test_presets_count_from_one_and_fall_back_to_the_first(text, index):
    assert preset_number(text, 8) == index


def test_problems_become_a_sentence_and_bugs_an_apology():
    def problem(inputs):
        raise Problem("Type a sentence.")

    def bug(inputs):
        raise RuntimeError("secret detail")

    assert answer_to(problem, {})["problem"] == "Type a sentence."
    assert "secret" not in answer_to(bug, {})["problem"]


def test_two_equal_results_are_still_two_answers():
    first, second = (json.loads(as_json({"inputs": {"text": "a"}})) for _ in range(2))
    assert first.pop("serial") != second.pop("serial")
    assert first == second


def test_a_pinned_case_is_computed_beside_the_present_one():
    pin = {"inputs": {"model": "other"}, "state": {"head": 2}}
    body = answer_to(lambda inputs: {"inputs": inputs}, {"text": "a", "model": "m"}, pin)
    assert body["pinned"] == {"inputs": {"text": "a", "model": "other"}, "state": {"head": 2}}


def test_the_form_shows_what_stands_in():
    page = Page(DEFAULTS, (), lambda inputs: {"inputs": {**inputs, "model": "other"}, "warning": "Not here."}, str)
    text, pair, model, answer, shown = page.everything({"text": "a", "pair": "", "model": "gone"})
    assert (text, pair, model) == shown.values == ("a", "", "other")
    assert json.loads(answer)["warning"] == "Not here."


def test_a_form_on_its_way_to_a_preset_is_no_change():
    page = Page(DEFAULTS, (), lambda inputs: {"inputs": inputs}, lambda inputs: "")
    *_, shown = page.everything({"text": "new", "pair": "", "model": "other"}, None, ("old", "b", "m"))
    for values in (("new", None, "other"), ("new", "b", "m"), ("old", "", "other"), ("new", None, None)):
        assert shown.explains(values)
    assert not shown.explains(("typed", "", "other"))
    settled = Shown(shown.values, shown.before)
    assert settled.explains(("new", None, "other")) and not settled.explains(("new", "b", "m"))


def test_a_field_that_the_preset_left_alone_is_emptied_by_the_visitor():
    page = Page(DEFAULTS, (), lambda inputs: {"inputs": inputs}, lambda inputs: "")
    *_, shown = page.everything({"text": "a", "pair": "new", "model": "m"}, None, ("a", "old", "m"))
    assert shown.explains(("a", "", "m")) and shown.explains(("a", "old", "m"))
    assert not shown.explains(("", "new", "m"))


def test_what_a_visitor_changes_back_is_a_change():
    page = Page(DEFAULTS, (), lambda inputs: {"inputs": inputs}, lambda inputs: "")
    first = [*page.repaint(Shown(("a", "", "m")), "b", "", "m")][-1][-1]
    answer, shown = [*page.repaint(first, "a", "", "m")][-1]
    assert json.loads(answer)["inputs"]["text"] == "a" and shown.values == ("a", "", "m")


def test_the_form_stays_where_there_is_no_picture():
    def problem(inputs):
        raise Problem("Type a sentence.")

    values = {"text": "a", "pair": "b", "model": "m"}
    assert Page(DEFAULTS, (), problem, str).everything(values)[-1].values == tuple(values.values())


def test_only_what_must_come_from_the_hub_is_waited_for():
    class Load:
        find = {"owner/here": object()}.get

    assert fetching("alias", "owner/name", Load).startswith("Fetching alias.")
    assert len(fetching(f"owner/{'x' * 500}", "owner/name", Load)) < 250
    assert fetching("owner/here", "owner/here", Load) == fetching("embedded", "embedded", Load) == ""

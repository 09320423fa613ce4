"""The present view as a page of its own, with the answers that it has asked for."""

import json
from typing import Any

from grad_cam_answers import asked
from grad_cam_compute import COMPUTE, payload
from grad_cam_maps import is_finished, is_slow
from grad_cam_presets import QUESTION

from shared.render.page import document
from shared.ui import File, Request, question_key

ANSWERS_KEPT = 60  # of what a saved page had computed


def page_file(request: Request) -> File:
    """The present view as one HTML file that needs no server, with every answer that it had asked for."""
    data = {**payload(request.inputs), "state": request.state}
    data["computed"] |= answers(request)
    if request.details.get("pin"):
        pin = request.details["pin"]
        data["pinned"] = {**payload({**request.inputs, **pin["inputs"]}), "state": pin["state"]}
    return File("saliency.html", "text/html", document("saliency", data, f"{QUESTION} · Glasshouse").encode("utf-8"))


def answers(request: Request) -> dict[str, Any]:
    """The answers to the questions whose keys the page sent, computed again: nothing is taken from the browser.

    What needs a slow map that is not finished is left out.
    """
    questions: dict[str, tuple[str, Request]] = {}
    for text in request.details.get("asked", []):
        kind, details = json.loads(str(text))
        if kind not in COMPUTE or not isinstance(details, dict):
            continue
        if kind == "map":  # the turns that it took are of no interest
            details["part"] = 0
        question = Request({**request.inputs, **inputs_of(details)}, {}, details)
        questions[question_key(kind, details)] = kind, question
    kept = list(questions.items())[:ANSWERS_KEPT]
    return {key: COMPUTE[kind](question) for key, (kind, question) in kept if is_at_hand(question)}


def is_at_hand(question: Request) -> bool:
    """Whether no slow map must be worked on for the answer."""
    names = [*question.details.get("methods", []), question.details.get("method")]
    slow = [str(name) for name in names if is_slow(str(name))]
    if not slow:
        return True
    case, target, layer = asked(question)
    return all(is_finished(case, name, target, layer) for name in slow)


def inputs_of(details: dict[str, Any]) -> dict[str, str]:
    """The inputs that a question about the pinned picture carries."""
    return {name: str(value) for name, value in dict(details.get("inputs") or {}).items()}

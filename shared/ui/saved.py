"""What a saved page takes along: the finished answers to what its visitor had asked."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from shared.problems import Problem
from shared.ui.picture import Compute, Request, question_key

MOST_ANSWERS = 40


def finished_answers(answers: Mapping[str, Compute], request: Request, without: Collection[str] = ()) -> dict[str, Any]:
    """The answers to the questions that the page of ``request`` lists as ``asked``, by the keys of the browser.

    All are computed again: nothing is taken from the browser. Left out are kinds ``without`` need, what no page asks,
    what is not finished and what ends in a ``Problem``, which the page shows instead.
    """
    found = {}
    for text in list(request.details.get("asked", []))[:MOST_ANSWERS]:
        kind, details = json.loads(str(text))
        if kind not in answers or kind in without or not isinstance(details, dict):
            continue
        try:
            answer = answers[kind](Request(request.inputs, {}, details))
        except Problem:
            continue
        if answer.get("finished", True):
            parts = {"part": 0} if "part" in details else {}
            found[question_key(kind, {**details, **parts})] = answer
    return found

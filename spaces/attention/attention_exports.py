"""What leaves the Attention Space: pictures, numbers, code, notebook, a page of its own, and the endpoint's answer."""

from dataclasses import replace
from typing import Any

import attention_compute as compute
import attention_words as words
import numpy as np
from attention_presets import QUESTION

from shared.explain.words import merge_words, without_special
from shared.problems import Problem
from shared.render.attention_figures import head_csv, head_figure
from shared.render.attention_picture import head_picture
from shared.render.notebook import SHOW_PICTURE, notebook
from shared.render.packing import npz
from shared.render.page import document
from shared.render.style import save
from shared.ui import File, Request, Snippet, figure_file, question_key, temporary_file


def title(layer: int | None, head: int | None) -> str:
    """What a picture shows."""
    if layer is None:
        return "Average of all heads"
    return f"Layer {layer}, average of its heads" if head is None else f"Layer {layer}, head {head}"


def finding(case: compute.Case, layer: int | None, head: int | None) -> str:
    """The sentence above the picture."""
    if layer is not None and head is not None:
        return words.head_finding(case.attention, case.statistics, layer, head)
    weights = compute.head_weights(case, layer, head)
    entropy = compute.mean_entropy(weights)
    return words.mean_finding(case.attention, weights, entropy, case.statistics.entropy_bound, layer)


def figure_bytes(case: compute.Case, layer: int | None, head: int | None, state: dict[str, Any], kind: str) -> bytes:
    """The publication figure of one head, in the state the visitor sees it in."""
    shown = merge_words(case.attention, case.encoded.word_texts) if state.get("words") is True else case.attention
    weights = compute.head_weights(replace(case, attention=shown), layer, head)
    labels = shown.tokens
    hidden = ""
    if state.get("special") in ("hidden", "renormalized"):
        renormalized = state["special"] == "renormalized"
        weights = without_special(weights, shown.special, renormalized)
        labels = tuple(token for token, special in zip(labels, shown.special, strict=True) if not special)
        hidden = ", special tokens hidden" + (", rows renormalized" if renormalized else "")
    below = source(case, layer, head) + hidden
    return save(head_figure(weights, labels, labels, title(layer, head), finding(case, layer, head), below), kind)


def source(case: compute.Case, layer: int | None, head: int | None) -> str:
    """Where a picture comes from."""
    return f"Glasshouse: {QUESTION} {case.attention.model}, {title(layer, head).lower()} (counted from 0)"


def picture_file(kind: str, request: Request) -> File:
    """The head as PNG, SVG or PDF."""
    case = compute.case_of(request.inputs)
    layer, head = compute.place(request, case)
    return figure_file(stem(layer, head), kind, figure_bytes(case, layer, head, request.state, kind))


def stem(layer: int | None, head: int | None) -> str:
    """A file name that says what is in it; nothing a visitor typed enters it."""
    return "attention-" + title(layer, head).lower().replace(",", "").replace(" ", "-")


def arrays_bytes(case: compute.Case, layer: int | None, head: int | None) -> bytes:
    """The raw arrays as .npz: attention, tokens, entropy, layer, head (-1 for an average)."""
    return npz(
        attention=case.attention.weights,
        tokens=np.array(case.attention.tokens, dtype=np.str_),
        entropy=case.statistics.entropy,
        layer=np.int64(-1 if layer is None else layer),
        head=np.int64(-1 if head is None else head),
    )


def arrays_file(request: Request) -> File:
    """All heads as .npz."""
    case = compute.case_of(request.inputs)
    return File("attention.npz", "application/zip", arrays_bytes(case, *compute.place(request, case)))


def csv_file(request: Request) -> File:
    """One head as a table."""
    case = compute.case_of(request.inputs)
    layer, head = compute.place(request, case)
    text = head_csv(compute.head_weights(case, layer, head), case.attention.tokens)
    return File(f"{stem(layer, head)}.csv", "text/csv", text.encode("utf-8"))


def code_text(inputs: dict[str, str], layer: int | None, head: int | None) -> str:
    """At most 15 lines that compute and draw the same head."""
    one = f"weights[{layer}].mean(0)" if head is None else f"weights[{layer}, {head}]"
    pick = "weights.mean((0, 1))" if layer is None else one
    pair = f", {inputs['pair']!r}" if inputs["pair"] else ""
    return f"""from shared.explain.attention import attention
from shared.models.encoding import encode
from shared.models.text import load
from shared.render.attention_figures import head_figure
from shared.render.style import save

model = load({inputs["model"]!r})
result = attention(model, encode(model, {inputs["text"]!r}{pair}))
weights = result.weights  # (layers, heads, tokens, tokens), rows sum to 1
tokens = result.tokens
figure = head_figure({pick}, tokens, tokens, {title(layer, head)!r}, "", model.name)
picture = save(figure, "png")  # bytes; also "svg" and "pdf"
"""


def code_snippet(request: Request) -> Snippet:
    """The code, to copy."""
    case = compute.case_of(request.inputs)
    explanation = "Run it in a clone of the repository after make run, or beside a copy of its shared/ folder."
    return Snippet("Code", code_text(request.inputs, *compute.place(request, case)), explanation)


def notebook_file(request: Request) -> File:
    """Question, finding, code and picture as a Jupyter notebook."""
    case = compute.case_of(request.inputs)
    layer, head = compute.place(request, case)
    picture = figure_bytes(case, layer, head, request.state, "png")
    code = code_text(request.inputs, layer, head) + SHOW_PICTURE
    text = notebook(title(layer, head), QUESTION, finding(case, layer, head), code, picture)
    return File(f"{stem(layer, head)}.ipynb", "application/x-ipynb+json", text.encode("utf-8"))


def page_file(request: Request) -> File:
    """The present view as one HTML file that needs no server."""
    payload = {**compute.payload(request.inputs), "state": request.state, "computed": precomputed(request)}
    if request.details.get("pin"):
        pin = request.details["pin"]
        payload["pinned"] = {**compute.payload({**request.inputs, **pin["inputs"]}), "state": pin["state"]}
    return File(
        "attention.html", "text/html", document("attention", payload, f"{QUESTION} · Glasshouse").encode("utf-8")
    )


def precomputed(request: Request) -> dict[str, Any]:
    """The answers that the present view asks for, under the keys by which the frame looks them up."""
    case = compute.case_of(request.inputs)
    here = {"layer": request.state["layer"], "head": request.state["head"]}
    view = request.state.get("bertviz", "head")
    by_tab: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "query": [("query_key", here)],
        "switch": [
            ("occlude", {}),
            *(("switch_off", {"layer": layer}) for layer in range(len(case.statistics.entropy))),
        ],
        "flow": [("flow", {})],
        "bertviz": [("bertviz", {"view": view, "dark": dark}) for dark in (False, True)],
    }
    questions = by_tab.get(str(request.state.get("tab")), [])
    if case.attention.weights.size > compute.PAGE_LIMIT:
        questions.append(("head", here))
    return {question_key(kind, details): answer(request, kind, details) for kind, details in questions}


def answer(request: Request, kind: str, details: dict[str, Any]) -> dict[str, Any]:
    """One answer of ``attention_compute``."""
    return compute.COMPUTE[kind](Request(request.inputs, request.state, details))


EXPORT = {
    "png": lambda request: picture_file("png", request),
    "svg": lambda request: picture_file("svg", request),
    "pdf": lambda request: picture_file("pdf", request),
    "npz": arrays_file,
    "csv": csv_file,
    "code": code_snippet,
    "notebook": notebook_file,
    "page": page_file,
}


def show(inputs: dict[str, str], layer: str, head: str) -> tuple[str, str]:
    """The endpoint's answer: the path of the picture of one head, and the path of the .npz file with all arrays."""
    case = compute.case_of(inputs)
    best = compute.clearest_head(case.statistics)
    chosen = [
        number(value, auto, name) for value, auto, name in zip((layer, head), best, ("layer", "head"), strict=True)
    ]
    row, column = compute.place(Request(inputs, {"layer": chosen[0], "head": chosen[1]}), case)
    weights, tokens = compute.head_weights(case, row, column), case.attention.tokens
    drawn = head_picture(weights, tokens, title(row, column), finding(case, row, column), source(case, row, column))
    picture = temporary_file(f"{stem(row, column)}.png", drawn)
    return picture, temporary_file("attention.npz", arrays_bytes(case, row, column))


def number(text: str, automatic: int, name: str) -> int:
    """A layer or head as the endpoint takes it: "auto" or a whole number."""
    if text.strip().lower() == "auto":
        return automatic
    if not text.strip().isdecimal():
        raise Problem(f'The {name} is "auto" or a whole number from 0, not {text[:20]!r}.')
    return int(text)

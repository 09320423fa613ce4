"""What leaves the Grad-CAM Space: pictures, numbers, code, notebook, a page of its own, and the endpoint's answer."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import grad_cam_case as cases
import grad_cam_compute as compute
import numpy as np
from grad_cam_case import Case, case_of
from grad_cam_examples import EXAMPLES
from grad_cam_presets import QUESTION, SHOWN_FIRST

from shared.explain.faithfulness import unit
from shared.explain.methods import METHODS
from shared.explain.targets import Target
from shared.models.layers import Layer
from shared.models.photos import read_photo
from shared.problems import Problem
from shared.render.notebook import notebook
from shared.render.overlay import part, top
from shared.render.page import document
from shared.render.saliency_cards import Card, contact_sheet, contact_table
from shared.render.saliency_figures import filmstrip, saliency_grid
from shared.render.saliency_picture import filmstrip_gif, full_map, saliency_picture
from shared.render.style import save
from shared.ui import File, Request, Snippet, temporary_file
from shared.ui.photo_inputs import uploaded

MIMES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
SHOW_PICTURE = "\nfrom IPython.display import Image\n\nImage(picture)"
ANSWERS_KEPT = 60  # of what a saved page had computed
MOST_SHOWN = 12  # methods in one picture


class View:
    """What a visitor sees: the case, and the viewer's state where it is sound."""

    def __init__(self, request: Request) -> None:
        state = request.state
        self.case = case_of(request.inputs)
        self.model_name = request.inputs["model"]
        self.layer_index = state.get("layer", self.case.model.layer)
        self.layer: Layer | None = self.case.layer(self.layer_index if isinstance(self.layer_index, int) else -2)
        names = str(state.get("methods") or ",".join(SHOWN_FIRST)).split(",")
        table = [row for row in cases.method_table(self.case.model.name) if row["available"]]
        quick = [row["name"] for row in table if not row["slow"]][: len(SHOWN_FIRST)]
        self.methods = [name for name in names if name in {row["name"] for row in table}][:MOST_SHOWN] or quick
        best = int(self.case.probabilities.argmax())
        first = str(state.get("target", best))
        self.targets = [
            cases.target_of(self.case, text) for text in (first, *str(state.get("more", "")).split(",")) if text
        ]
        self.sign = state.get("sign") if state.get("sign") in ("negative", "signed") else "positive"
        self.look = {
            "sign": self.sign,
            "opacity": fraction(state.get("opacity", 60)),
            "threshold": min(fraction(state.get("threshold", 0)), 0.95),
            "colormap": state.get("colormap") if state.get("colormap") in ("magma", "cividis") else "viridis",
        }
        self.finding = str(request.details.get("finding", ""))[:600]

    @property
    def method(self) -> str:
        """The first of the methods."""
        return self.methods[0]

    def maps(self) -> dict[tuple[str, Target], np.ndarray]:
        """All maps of the grid, as their methods give them."""
        found = {target: cases.signed_maps(self.case, self.methods, target, self.layer) for target in self.targets}
        return {(name, target): found[target][name] for name in self.methods for target in self.targets}

    def source(self) -> str:
        """Where a picture comes from."""
        layer = f", layer {self.layer_index} ({self.layer.name}), counted from 0" if self.layer else ""
        return f"Glasshouse: {QUESTION} {self.model_name}{layer}; seed 0"


def fraction(percent: Any) -> float:
    """A percentage of the viewer's state as a number in [0, 1]."""
    return min(max(float(percent), 0.0), 100.0) / 100 if isinstance(percent, int | float) else 0.6


def class_name(case: Case, target: Target) -> str:
    """A target in words; of several names of a class, the first."""
    own = case.model.labels[target.index].split(",")[0]
    return own if target.against is None else f"{own} against {case.model.labels[target.against].split(',')[0]}"


def grid_bytes(view: View, kind: str) -> bytes:
    """The grid of methods and classes as a figure."""
    case = view.case
    names = {target: class_name(case, target) for target in view.targets}
    maps = {(method, names[target]): signed for (method, target), signed in view.maps().items()}
    title = " and ".join(names.values())
    columns = list(dict.fromkeys(names.values()))
    figure = saliency_grid(
        case.photo, case.box, maps, view.methods, columns, title, view.finding, view.source(), **view.look
    )
    return save(figure, kind)  # type: ignore[arg-type]


def picture_file(kind: str, request: Request) -> File:
    """What is on the page as PNG, SVG or PDF: the contact sheet where that is open, else the grid."""
    if request.state.get("tab") == "sheet":
        cards = cards_of(request)
        figure = contact_sheet(
            cards, f"{len(cards)} photos", str(request.details.get("finding", "")), View(request).source()
        )
        return File(f"contact-sheet.{kind}", MIMES[kind], save(figure, kind))  # type: ignore[arg-type]
    return File(f"saliency.{kind}", MIMES[kind], grid_bytes(View(request), kind))


def layered_method(view: View) -> str:
    """The first chosen method that can be drawn at every layer, else Grad-CAM."""
    quick = cases.fast(view.case, [name for name, method in METHODS.items() if method.layered])
    return next((name for name in view.methods if name in quick), "Grad-CAM")


def gif_file(request: Request) -> File:
    """One method over the layers, as a film."""
    view = View(request)
    case = view.case
    maps = compute.filmstrip_maps(case, layered_method(view), view.targets[0])
    names = [f"{index} · {layer.name}" for index, layer in enumerate(case.model.layers)]
    return File("layers.gif", "image/gif", filmstrip_gif(case.photo, case.box, maps, names, **view.look))


def strip_file(request: Request) -> File:
    """One method over the layers, side by side."""
    view = View(request)
    case, method = view.case, layered_method(view)
    maps = compute.filmstrip_maps(case, method, view.targets[0])
    names = [f"{index} · {layer.name.split('.', 1)[-1]}" for index, layer in enumerate(case.model.layers)]
    title = f"{method}, {class_name(case, view.targets[0])}"
    figure = filmstrip(case.photo, case.box, maps, names, title, view.finding, view.source(), **view.look)
    return File("layers.png", "image/png", save(figure, "png"))


def arrays_bytes(case: Case, methods: Sequence[str], target: Target, layer: Layer | None) -> bytes:
    """The maps of several methods as .npz."""
    return arrays_of(case, cases.signed_maps(case, methods, target, layer), target, layer)


def arrays_of(case: Case, raw: Mapping[str, np.ndarray], target: Target, layer: Layer | None) -> bytes:
    """Signed maps by method as .npz, in the photo's coordinates; see the README of the Space."""
    size = (case.photo.shape[0], case.photo.shape[1])
    signed = np.stack([full_map(each, case.box, size) for each in raw.values()])
    buffer = io.BytesIO()
    np.savez(  # uncompressed: deflating takes longer than the network
        buffer,
        heatmap=np.stack([unit(each) for each in signed]),
        signed=signed,
        probabilities=case.probabilities,
        target=np.int64(target.index),
        against=np.int64(-1 if target.against is None else target.against),
        methods=np.array(list(raw), dtype=np.str_),
        labels=np.array(case.model.labels, dtype=np.str_),
        layer=np.str_(layer.name if layer else ""),
        box=np.array(case.box, dtype=np.int64),
        **{f"raw_{index}": each for index, each in enumerate(raw.values())},
    )
    return buffer.getvalue()


def arrays_file(request: Request) -> File:
    """The maps of the first class as .npz."""
    view = View(request)
    data = arrays_bytes(view.case, view.methods, view.targets[0], view.layer)
    return File("saliency.npz", "application/zip", data)


def scores_file(request: Request) -> File:
    """The contact sheet's table, or the methods' tests, as CSV."""
    if request.state.get("tab") == "sheet":
        return File("contact-sheet.csv", "text/csv", contact_table(cards_of(request)).encode("utf-8"))
    view, rows = View(request), io.StringIO()
    table = csv.writer(rows)
    table.writerow(["method", "class", "deletion AUC", "insertion AUC", "faithfulness", "average drop", "increase"])
    for target in view.targets:
        for name in (*view.methods, "random", "center"):
            test = compute.faith_of(view.case, name, target, view.layer)
            numbers = (test.deletion_auc, test.insertion_auc, test.score, test.average_drop)
            table.writerow([name, class_name(view.case, target), *(f"{n:.4f}" for n in numbers), test.increase])
    return File("scores.csv", "text/csv", rows.getvalue().encode("utf-8"))


def cards_of(request: Request) -> list[Card]:
    """The photos of the contact sheet, in the order in which the page shows them."""
    references = compute.sheet_of(request.inputs)
    view = View(request)
    if not references:
        raise Problem("The contact sheet is empty; add photos to it first.")
    found = [compute.sheet_card(reference, view.model_name.strip(), view.method) for reference in references]
    cards = [
        Card(f"photo {index}", card.case.photo, card.case.box, card.case.model.labels[card.target.index],
             float(card.case.probabilities[card.target.index]), card.signed, card.score, card.floor)
        for index, card in enumerate(found, start=1)
    ]  # fmt: skip
    by = {"confidence": lambda card: -card.probability, "trust": lambda card: -(card.score or 0)}
    order = by.get(str(request.state.get("sort")))
    return sorted(cards, key=order) if order else cards


def code_text(inputs: dict[str, str], methods: Sequence[str], target: Target, layer: Layer | None) -> str:
    """At most 15 lines that compute and draw the same maps; the photo is a file of the reader's own."""
    source = EXAMPLES[name].source if (name := inputs["image"].removeprefix("example:")) in EXAMPLES else None
    file = f"spaces/grad_cam/examples/{source}" if isinstance(source, str) else "photo.jpg"
    against = "" if target.against is None else f", against={target.against}"
    stage = f", layer={layer.name!r}" if layer else ""
    return f"""from pathlib import Path

from shared.explain.saliency import saliency
from shared.models.images import load, prepare
from shared.models.photos import read_photo
from shared.render.saliency_picture import saliency_picture

model = load({inputs["model"].strip()!r})
photo = read_photo(Path({file!r}).read_bytes()).pixels
prepared = prepare(model.preparation, photo)
methods = {list(methods)!r}
result = saliency(model.network, prepared.inputs, methods, target={target.index}{against}{stage})
print(model.labels[{target.index}], result.probabilities[{target.index}])
picture = saliency_picture(photo, result.heatmap[0], prepared.box)  # bytes of a JPEG
"""


def code_snippet(request: Request) -> Snippet:
    """The code, to copy."""
    view = View(request)
    explanation = "Run it in a clone of the repository after make run, with your photo beside it."
    return Snippet("Code", code_text(request.inputs, view.methods, view.targets[0], view.layer), explanation)


def notebook_file(request: Request) -> File:
    """Question, finding, code and picture as a Jupyter notebook; the photo travels inside it."""
    view = View(request)
    code = code_text(request.inputs, view.methods, view.targets[0], view.layer).split("\n", 2)[2]
    embedded = compute.cases.data_uri(view.case.photo).partition(",")[2]
    start = code.index("photo = read_photo(")
    end = code.index("\n", start)
    code = f'{code[:start]}photo = read_photo(b64decode("{embedded}")).pixels{code[end:]}'
    title, code = class_name(view.case, view.targets[0]), f"from base64 import b64decode\n\n{code}{SHOW_PICTURE}"
    text = notebook(title, QUESTION, view.finding, code, grid_bytes(view, "png"))
    return File("saliency.ipynb", "application/x-ipynb+json", text.encode("utf-8"))


def page_file(request: Request) -> File:
    """The present view as one HTML file that needs no server, with every answer that it had asked for."""
    payload = {**compute.payload(request.inputs), "state": request.state}
    payload["computed"] |= answers(request)
    if request.details.get("pin"):
        pin = request.details["pin"]
        payload["pinned"] = {**compute.payload({**request.inputs, **pin["inputs"]}), "state": pin["state"]}
    return File("saliency.html", "text/html", document("saliency", payload, f"{QUESTION} · Glasshouse").encode("utf-8"))


def answers(request: Request) -> dict[str, Any]:
    """The answers to the questions whose keys the page sent, computed again: nothing is taken from the browser."""
    found: dict[str, Any] = {}
    for asked in list(request.details.get("asked", []))[:ANSWERS_KEPT]:
        kind, details = json.loads(str(asked))
        if kind not in compute.COMPUTE or not isinstance(details, dict):
            continue
        if kind == "map":  # the turns that it took are of no interest
            details["part"] = 0
        name = compute.key(kind, details)
        while name not in found or "progress" in found[name]:
            found[name] = compute.COMPUTE[kind](Request({**request.inputs, **inputs_of(details)}, {}, details))
    return found


def inputs_of(details: dict[str, Any]) -> dict[str, str]:
    """The inputs that a question about the pinned picture carries."""
    return {name: str(value) for name, value in dict(details.get("inputs") or {}).items()}


EXPORT = {
    "png": lambda request: picture_file("png", request),
    "svg": lambda request: picture_file("svg", request),
    "pdf": lambda request: picture_file("pdf", request),
    "gif": gif_file,
    "strip": strip_file,
    "npz": arrays_file,
    "csv": scores_file,
    "code": code_snippet,
    "notebook": notebook_file,
    "page": page_file,
}


def show(upload: Any, model: str, methods: Sequence[str] | str, target: str, layer: str) -> tuple[str, str]:  # noqa: ANN401
    """The endpoint's answer: the path of the first method's overlay, and the path of the .npz file with all arrays.

    ``upload`` is a file as gradio describes it, not opened yet.
    """
    if not upload:
        raise Problem("Send a photo.")
    chosen = [methods] if isinstance(methods, str) else [str(name) for name in methods]
    if not chosen or len(chosen) > MOST_SHOWN:
        raise Problem(f"Choose one to {MOST_SHOWN} methods.")
    case = cases.build(read_photo(uploaded(upload)), str(model).strip(), enlarge=False)
    aim, stage = named_target(case, str(target)), named_layer(case, str(layer))
    maps = cases.signed_maps(case, chosen, aim, stage)
    first = maps[chosen[0]]
    picture = saliency_picture(case.photo, part(first, "positive", top(first)), case.box)
    arrays = arrays_of(case, maps, aim, stage)
    return temporary_file("overlay.jpg", picture), temporary_file("saliency.npz", arrays)


def named_target(case: Case, text: str) -> Target:
    """ "predicted", a class by name or number, or two contrasted: "tabby - lion"."""
    if text.strip().lower() in ("", "predicted"):
        return Target(int(case.probabilities.argmax()))
    own, _, against = text.partition(" - ")
    return Target(case.model.class_named(own), case.model.class_named(against) if against else None)


def named_layer(case: Case, text: str) -> Layer | None:
    """ "last" (that the answer depends on), a stage by its name, or its number counted from 0."""
    wanted, names = text.strip(), [layer.name for layer in case.model.layers]
    if wanted in ("", "last"):
        return case.layer(case.model.layer)
    if wanted in names:
        return case.model.layer_at(names.index(wanted))
    if not wanted.isdecimal():
        raise Problem(f"The layer is “last”, the name of a stage or a whole number from 0, not {text[:40]!r}.")
    return case.model.layer_at(int(wanted))

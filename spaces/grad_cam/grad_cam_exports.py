"""What leaves the Grad-CAM Space as a file: pictures, numbers, code, notebook, a page of its own."""

import csv
import io
from collections.abc import Mapping

import numpy as np
from grad_cam_case import Case
from grad_cam_code import code_snippet, notebook_file
from grad_cam_doubt import faith_of
from grad_cam_maps import fast, filmstrip_maps, signed_maps
from grad_cam_page import page_file
from grad_cam_sheet import sheet_card, sheet_of
from grad_cam_view import View, class_name, grid_bytes

from shared.explain.faithfulness import unit
from shared.explain.methods import METHODS
from shared.explain.targets import Target
from shared.models.layers import Layer
from shared.problems import Problem
from shared.render.packing import npz
from shared.render.saliency_cards import Card, contact_sheet, contact_table
from shared.render.saliency_figures import filmstrip
from shared.render.saliency_picture import filmstrip_gif, full_map
from shared.render.style import save
from shared.ui import File, Request, figure_file


def picture_file(kind: str, request: Request) -> File:
    """What is on the page as PNG, SVG or PDF: the contact sheet where that is open, else the grid."""
    if request.state.get("tab") == "sheet":
        cards = cards_of(request)
        figure = contact_sheet(cards, f"{len(cards)} photos", request.finding, View(request).source())
        return figure_file("contact-sheet", kind, save(figure, kind))  # type: ignore[arg-type]
    return figure_file("saliency", kind, grid_bytes(View(request), kind))


def layered_method(view: View) -> str:
    """The first of the chosen methods that can be drawn at every layer, else Grad-CAM."""
    quick = fast(view.case, [name for name, method in METHODS.items() if method.layered])
    return next((name for name in (view.method, *view.methods) if name in quick), "Grad-CAM")


def gif_file(request: Request) -> File:
    """One method over the layers, as a film."""
    view = View(request)
    case = view.case
    maps = filmstrip_maps(case, layered_method(view), view.targets[0])
    names = [f"{index} · {layer.name}" for index, layer in enumerate(case.model.layers)]
    return File("layers.gif", "image/gif", filmstrip_gif(case.photo, case.box, maps, names, **view.look))


def strip_file(request: Request) -> File:
    """One method over the layers, side by side."""
    view = View(request)
    case, method = view.case, layered_method(view)
    maps = filmstrip_maps(case, method, view.targets[0])
    names = [f"{index} · {layer.name.split('.', 1)[-1]}" for index, layer in enumerate(case.model.layers)]
    title = f"{method}, {class_name(case, view.targets[0])}"
    figure = filmstrip(case.photo, case.box, maps, names, title, view.finding, view.source(), **view.look)
    return File("layers.png", "image/png", save(figure, "png"))


def arrays_of(case: Case, raw: Mapping[str, np.ndarray], target: Target, layer: Layer | None) -> bytes:
    """Signed maps by method as .npz, in the photo's coordinates; see the README of the Space."""
    size = (case.photo.shape[0], case.photo.shape[1])
    signed = np.stack([full_map(each, case.box, size) for each in raw.values()])
    return npz(
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


def arrays_file(request: Request) -> File:
    """The maps of the first class as .npz."""
    view = View(request)
    maps = signed_maps(view.case, view.methods, view.targets[0], view.layer, view.end)
    return File("saliency.npz", "application/zip", arrays_of(view.case, maps, view.targets[0], view.layer))


def scores_file(request: Request) -> File:
    """The contact sheet's table, or the methods' tests, as CSV."""
    if request.state.get("tab") == "sheet":
        return File("contact-sheet.csv", "text/csv", contact_table(cards_of(request)).encode("utf-8"))
    view, rows = View(request), io.StringIO()
    table = csv.writer(rows)
    table.writerow(["method", "class", "deletion AUC", "insertion AUC", "faithfulness", "average drop", "increase"])
    for target in view.targets:
        for name in (*view.methods, "random", "center"):
            test = faith_of(view.case, name, target, view.layer, view.end)
            numbers = (test.deletion_auc, test.insertion_auc, test.score, test.average_drop)
            table.writerow([name, class_name(view.case, target), *(f"{n:.4f}" for n in numbers), test.increase])
    return File("scores.csv", "text/csv", rows.getvalue().encode("utf-8"))


def cards_of(request: Request) -> list[Card]:
    """The photos of the contact sheet, in the order in which the page shows them."""
    references = sheet_of(request.inputs)
    view = View(request)
    if not references:
        raise Problem("The contact sheet is empty; add photos to it first.")
    method = view.method if view.method in view.quick else view.quick[0]  # as the page has it
    found = [sheet_card(reference, view.case.model_name, method) for reference in references]
    cards = [
        Card(f"photo {index}", card.case.photo, card.case.box, card.case.model.labels[card.target.index],
             float(card.case.probabilities[card.target.index]), card.signed, card.score, card.floor)
        for index, card in enumerate(found, start=1)
    ]  # fmt: skip
    by = {"confidence": lambda card: -card.probability, "trust": lambda card: -(card.score or 0)}
    order = by.get(str(request.state.get("sort")))
    return sorted(cards, key=order) if order else cards


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

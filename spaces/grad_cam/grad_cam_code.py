"""Python that computes a picture again, as text and as a notebook."""

from collections.abc import Sequence

from grad_cam_case import data_uri
from grad_cam_examples import EXAMPLES
from grad_cam_presets import QUESTION
from grad_cam_view import View, class_name, grid_bytes

from shared.explain.targets import Target
from shared.models.layers import Layer
from shared.render.notebook import SHOW_PICTURE, notebook
from shared.ui import File, Request, Snippet


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
    embedded = data_uri(view.case.photo).partition(",")[2]
    start = code.index("photo = read_photo(")
    end = code.index("\n", start)
    code = f'{code[:start]}photo = read_photo(b64decode("{embedded}")).pixels{code[end:]}'
    title, code = class_name(view.case, view.targets[0]), f"from base64 import b64decode\n\n{code}{SHOW_PICTURE}"
    text = notebook(title, QUESTION, view.finding, code, grid_bytes(view, "png"))
    return File("saliency.ipynb", "application/x-ipynb+json", text.encode("utf-8"))

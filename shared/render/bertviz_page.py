"""BertViz's own head view and model view (Vig 2019, arXiv 1906.05714) as documents that ask the network for nothing.

The drawing code is read from the installed ``bertviz`` package, unchanged; only its data marker is filled in. What its
Python functions would print as JSON, once for each weight and sentence filter, is sent packed, once, and unfolded in
the browser. An ``<iframe srcdoc>`` shows the document, since scripts in gradio's own HTML never run.
"""

import importlib.util
import math
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from shared.problems import Problem
from shared.render.packing import pack
from shared.render.page import POLICY, WEB, escape_json, library
from shared.results import Attention

# Both views draw an SVG line for every weight they show: the head view those of one layer, the model view all.
# At these lengths a network of 12 x 12 heads appears in about three seconds.
TOKEN_LIMIT_HEAD_VIEW = 64
TOKEN_LIMIT_MODEL_VIEW = 32
LINE_LIMIT = 200_000
SCALE = 10_000  # weights travel as integers; as opacities, nobody sees a ten-thousandth
LIBRARIES = ("d3.min.js", "jquery.slim.min.js")
MARKER = "PYTHON_PARAMS"

# Every color that BertViz leaves black or white, so that both themes can be read.
STYLE = """
#vis { overflow-x: auto; padding-top: 12px; }
#vis text { fill: var(--gh-ink); }
#vis svg { fill: var(--gh-paper); }
#vis .background { fill: var(--gh-line); }
#vis .attn_background[fill="black"], #vis .attn_background[fill="white"] { fill: var(--gh-paper); }
#bertviz { font: 15px var(--gh-font); color: var(--gh-ink); }
#bertviz label { display: inline-block; margin: 0 16px 4px 0; color: var(--gh-muted); white-space: nowrap; }
#bertviz select { font: inherit; color: var(--gh-ink); background: var(--gh-raised); border: 1px solid var(--gh-line);
  border-radius: 6px; padding: 3px 6px; }
footer { margin-top: 12px; font: 12px var(--gh-font); color: var(--gh-muted); }
"""

# Stands in for require.js, and waits for the data. BertViz repeats ten colors, so that head 10 looks like head 0; with
# more heads, hues around the circle in two lightnesses (the model view colors layers, which lie apart anyway). It marks
# a head that is switched off by a paler color, its one use of d3.hsl; on dark paper a darker one recedes.
HOST = """
const payload = JSON.parse(document.getElementById("payload").textContent);
const ready = Glasshouse.unpack(payload.weights).then((flat) => {
  const [layers, heads, tokens] = flat.shape;
  const count = (length, item) => Array.from({ length }, (_, i) => item(i));
  const row = (start, [from, to]) =>
    Array.from(flat.subarray(start + from, start + to), (weight) => weight / payload.scale);
  const matrix = (layer, head, rows, columns) => count(rows[1] - rows[0], (i) =>
    row(((layer * heads + head) * tokens + rows[0] + i) * tokens, columns));
  const unfold = ({ name, rows, columns }) => ({
    name,
    attn: count(layers, (layer) => count(heads, (head) => matrix(layer, head, rows, columns))),
    left_text: payload.tokens.slice(...rows),
    right_text: payload.tokens.slice(...columns),
  });
  if (payload.parameters.heads !== undefined && heads > 10) {
    d3.schemeCategory10 = count(heads, (i) => String(d3.hcl(360 * i / heads, 60, i % 2 ? 70 : 50)));
  }
  if (document.documentElement.dataset.theme === "dark") {
    d3.hsl = (color) => ({ l: 1, s: 0, toString: () => String(d3.rgb(color).darker(3)) });
  }
  globalThis.bertvizParameters = { ...payload.parameters, attention: payload.views.map(unfold) };
});
const requirejs = (names, draw) => ready.then(() => { draw(jQuery, d3); Glasshouse.reportHeight(); });
const require = { config() {} };
"""


def head_view_page(attention: Attention, layer: int = 0, heads: Sequence[int] | None = None, dark: bool = False) -> str:
    """BertViz's head view: the lines of one layer, a color for each head; opens at ``layer`` with ``heads`` (all) lit.

    Raises ``Problem`` for a text beyond ``TOKEN_LIMIT_HEAD_VIEW`` and for a layer or head that the network lacks.
    """
    layer_count, head_count, tokens, _ = attention.weights.shape
    _check_length("head view", tokens, TOKEN_LIMIT_HEAD_VIEW, head_count)
    _check_index("layer", layer, layer_count)
    for head in heads or ():
        _check_index("head", head, head_count)
    own = {"layer": layer, "heads": list(heads) if heads else None}
    return _document("head_view", attention, own, '<label>Layer <select id="layer"></select></label>', dark)


def model_view_page(attention: Attention, dark: bool = False) -> str:
    """BertViz's model view: a thumbnail for every head of every layer; a click enlarges one.

    Raises ``Problem`` for a text beyond ``TOKEN_LIMIT_MODEL_VIEW``; networks with very many heads take less.
    """
    layer_count, head_count, tokens, _ = attention.weights.shape
    _check_length("model view", tokens, TOKEN_LIMIT_MODEL_VIEW, layer_count * head_count)
    own = {
        "display_mode": "dark" if dark else "light",
        "include_heads": list(range(head_count)),
        "total_heads": head_count,
    }
    return _document("model_view", attention, own, "", dark)


def _check_length(view: str, tokens: int, limit: int, matrices: int) -> None:
    limit = min(limit, math.isqrt(LINE_LIMIT // matrices))
    if tokens > limit:
        raise Problem(
            f"BertViz's {view} takes up to {limit} tokens of this network and this text has {tokens}; shorten it, or "
            "look at all heads in the overview, which takes longer texts."
        )


def _check_index(what: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        raise Problem(f"There is no {what} {index}; choose one from 0 to {count - 1}.")


def _views(attention: Attention) -> list[dict[str, Any]]:
    """The blocks of the matrices that BertViz's filter offers: all, and for a sentence pair each side of it."""
    end = len(attention.tokens)
    if not attention.segments.any():
        return [{"name": None, "rows": [0, end], "columns": [0, end]}]
    start = int(attention.segments.argmax())
    sides = {"A": [0, start], "B": [start, end]}
    pairs = [
        {"name": f"Sentence {a} -> Sentence {b}", "rows": sides[a], "columns": sides[b]}
        for a, b in ("AA", "BB", "AB", "BA")
    ]
    return [{"name": "All", "rows": [0, end], "columns": [0, end]}, *pairs]


@cache
def _bertviz_script(view: str) -> str:
    """``head_view.js`` or ``model_view.js`` as installed, looking for its data where ours are."""
    package = importlib.util.find_spec("bertviz")  # importing it would import torch
    if package is None or not package.submodule_search_locations:
        raise Problem("BertViz is not installed here; install the package bertviz, or look at the overview instead.")
    script = Path(package.submodule_search_locations[0], f"{view}.js").read_text(encoding="utf-8")
    return script.replace(MARKER, "bertvizParameters", 1)


@cache
def _libraries() -> str:
    return "\n".join([*map(library, LIBRARIES), (WEB / "core.js").read_text("utf-8")])


def _document(view: str, attention: Attention, own: dict[str, Any], controls: str, dark: bool) -> str:
    """The page: controls as BertViz's Python would print them, data, libraries, its script."""
    views = _views(attention)
    common = {"default_filter": "0", "root_div_id": "bertviz", "include_layers": list(range(len(attention.weights)))}
    payload = {
        "weights": pack(np.rint(attention.weights * SCALE).astype(np.int16)),
        "scale": SCALE,
        "tokens": attention.tokens,
        "views": views,
        "parameters": {**common, **own},
    }
    if len(views) > 1:
        options = "".join(f'<option value="{i}">{block["name"]}</option>' for i, block in enumerate(views))
        controls += f'<label>Attention <select id="filter">{options}</select></label>'
    title = f"BertViz {view.replace('_', ' ')}"
    return f"""<!doctype html>
<html lang="en" data-theme="{"dark" if dark else "light"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title>
<style>{(WEB / "core.css").read_text("utf-8")}{STYLE}</style>
</head>
<body class="gh-document">
<div id="bertviz">{controls}
<div id="vis" role="figure" aria-label="{title} of {len(attention.tokens)} tokens"></div>
</div>
<footer>Drawn by BertViz {version("bertviz")} (Jesse Vig, Apache License 2.0). Layers and heads count from 0.</footer>
<script type="application/json" id="payload">{escape_json(payload)}</script>
<script>{_libraries()}</script>
<script>{HOST}</script>
<script>{_bertviz_script(view)}</script>
</body>
</html>
"""

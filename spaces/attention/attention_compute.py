"""From the page's inputs to the payload of its picture, and the answers to what the picture asks."""

import threading
from dataclasses import dataclass
from functools import partial
from typing import Any

import attention_words as words
import numpy as np
from cachetools import LRUCache, cached

from shared import results
from shared.explain.ablation import switch_off, switch_off_each_head
from shared.explain.attention import attention
from shared.explain.flow import token_flow
from shared.explain.occlusion import occlude_each_word
from shared.explain.patterns import clearest_head, statistics
from shared.explain.query_key import query_key
from shared.models.encoding import Encoded, encode
from shared.models.text import TextModel, load
from shared.problems import Problem
from shared.render.bertviz_page import head_view_page, model_view_page
from shared.render.packing import pack, pack_unit, rounded
from shared.ui import Request, exports, fetching

PAGE_LIMIT = 2_500_000  # weights that travel to the browser at once; 12 layers x 12 heads x 128 tokens fit
THUMBNAIL = 64  # pixels of a reduced head beyond that
CACHE_BYTES = 400_000_000
EXPORTS = exports(
    (("png", "PNG"), ("svg", "SVG"), ("pdf", "PDF")),
    (("npz", "all heads (.npz)"), ("csv", "this head (.csv)")),
    picture="head as a picture",
)


@dataclass(frozen=True)
class Case:
    """One text in one network, with everything that a single forward pass tells."""

    model_name: str
    encoded: Encoded
    attention: results.Attention
    statistics: results.HeadStatistics

    @property
    def model(self) -> TextModel:
        """The network, loaded again if need be: a case that is kept must not keep the network too."""
        return load(self.model_name)


@cached(LRUCache(CACHE_BYTES, getsizeof=lambda case: case.attention.weights.nbytes + 1000), lock=threading.Lock())
def computed(model_name: str, text: str, pair: str) -> Case:
    """The case of one input; the latest are kept, for the questions that follow."""
    model = load(model_name)
    encoded = encode(model, text, pair)
    found = attention(model, encoded)
    return Case(model_name, encoded, found, statistics(found))


def case_of(inputs: dict[str, str]) -> Case:
    """The case of the page's inputs."""
    return computed(inputs["model"].strip(), inputs["text"], inputs["pair"])


def waiting(inputs: dict[str, str]) -> str:
    """Why the picture of these inputs will take long, or ""."""
    name = inputs["model"].strip()
    return fetching(name, name, load)


def payload(inputs: dict[str, str]) -> dict[str, Any]:
    """What the browser needs to draw one case; see ``shared.ui.wire`` and the viewer's scripts."""
    case = case_of(inputs)
    layer, head = clearest_head(case.statistics)
    left_out = case.attention.truncated
    return {
        "inputs": inputs,
        "input_defaults": {"pair": "", "model": "bert-reviews"},
        "more_inputs": {"pair": "Second sentence"},
        "exports": EXPORTS,
        "source": f"Glasshouse · attention of {inputs['model']}",
        "note": f"Only the first {len(case.attention.tokens)} tokens are read; {left_out} are left out."
        if left_out
        else "",
        "auto": {"layer": layer, "head": head},
        "data": viewer_data(case),
    }


def viewer_data(case: Case) -> dict[str, Any]:
    """The viewer's part of a payload: tokens, weights or thumbnails, statistics, sentences."""
    found, numbers = case.attention, case.statistics
    measures = ("entropy", "normalized_entropy", "distance", "first_mass", "separator_mass", "top1_mass", "top5_mass")
    return {
        "tokens": found.tokens,
        "segments": found.segments.tolist(),
        "special": found.special.tolist(),
        "words": found.words.tolist(),
        "word_texts": case.encoded.word_texts,
        "causal": found.causal,
        "default_token": default_token(found),
        **weights_or_thumbnails(found.weights),
        **{name: rounded(getattr(numbers, name)) for name in measures},
        "entropy_bound": round(float(numbers.entropy_bound), 4),
        "pattern": numbers.pattern.tolist(),
        "pattern_names": numbers.pattern_names,
        "pattern_scores": rounded(numbers.pattern_scores),
        "pattern_floors": rounded(numbers.pattern_floors),
        "prediction": prediction_data(found.prediction),
        "summary": words.summary(found, numbers),
        **sentences(case),
    }


def default_token(found: results.Attention) -> int:
    """The token whose query is shown first: the last ordinary one, which has most to look back at."""
    ordinary = np.flatnonzero(~found.special)
    return int(ordinary[-1]) if len(ordinary) else 0


def weights_or_thumbnails(weights: np.ndarray) -> dict[str, Any]:
    """All weights where the page can hold them, else heads reduced by the strongest of each block of cells."""
    if weights.size <= PAGE_LIMIT:
        return {"weights": pack_unit(weights), "thumbs": None}
    layers, heads, tokens, _ = weights.shape
    starts = np.linspace(0, tokens, THUMBNAIL, endpoint=False).astype(int)
    reduced = np.maximum.reduceat(np.maximum.reduceat(weights, starts, axis=2), starts, axis=3)
    return {"weights": None, "thumbs": pack_unit(reduced)}


def sentences(case: Case) -> dict[str, Any]:
    """Findings and readings by "layer.head"; averages have the head "mean"."""
    found, numbers = case.attention, case.statistics
    layers, heads = numbers.entropy.shape
    findings, readings, entropies = {}, {}, {}
    for layer in range(layers):
        for head in range(heads):
            findings[f"{layer}.{head}"] = words.head_finding(found, numbers, layer, head)
            readings[f"{layer}.{head}"] = words.head_reading(found, numbers, layer, head)
    averages = {f"{layer}.mean": (layer, found.weights[layer].mean(0)) for layer in range(layers)}
    averages["mean.mean"] = (None, np.mean([average for _, average in averages.values()], axis=0))
    for key, (layer, average) in averages.items():
        entropies[key] = round(mean_entropy(average), 4)
        findings[key] = words.mean_finding(found, average, entropies[key], numbers.entropy_bound, layer)
    return {"findings": findings, "readings": readings, "mean_entropy": entropies}


def mean_entropy(weights: np.ndarray) -> float:
    """Entropy of the rows of (N, N) weights in nats, averaged over rows."""
    logarithms = np.log(np.where(weights > 0, weights, 1.0))
    return float(-(weights * logarithms).sum(-1).mean())


def prediction_data(prediction: results.Prediction) -> dict[str, Any]:
    """A prediction as JSON."""
    return {
        "task": prediction.task,
        "labels": prediction.labels,
        "probabilities": rounded(prediction.probabilities, 5),
        "answer": prediction.answer,
        "probability": round(float(prediction.probability), 5),
    }


def place(request: Request, case: Case) -> tuple[int | None, int | None]:
    """Layer and head that a question is about, None for an average; a ``Problem`` where there is no such head."""
    layers, heads = case.statistics.entropy.shape
    return index(request, "layer", layers), index(request, "head", heads)


def index(request: Request, name: str, size: int) -> int | None:
    """One whole number of a question, in [0, size)."""
    value = request.details.get(name, request.state.get(name))
    if value == "mean":
        return None
    if not isinstance(value, int) or not 0 <= value < size:
        raise Problem(f"There is no {name} {str(value)[:20]} here; choose one from 0 to {size - 1}.")
    return value


def head_weights(case: Case, layer: int | None, head: int | None) -> np.ndarray:
    """Attention (N, N) of a head, of a layer's average or of all heads' average."""
    weights = case.attention.weights
    if layer is None:
        return weights.mean((0, 1))
    return weights[layer].mean(0) if head is None else weights[layer, head]


def one_head(request: Request) -> dict[str, Any]:
    """One head of a text that is too long for the page to hold all."""
    case = case_of(request.inputs)
    return pack_unit(head_weights(case, *place(request, case)))


def query_key_data(request: Request) -> dict[str, Any]:
    """Queries, keys and scores of one head."""
    case = case_of(request.inputs)
    layer, head = place(request, case)
    if layer is None or head is None:
        raise Problem("An average has no query and no key; choose one head.")
    answer = query_key(case.model, case.encoded, layer, head)
    arrays = {name: pack(getattr(answer, name)) for name in ("query", "key", "scores", "attention")}
    return {**arrays, "scale": answer.scale, "error": answer.error}


def switched_off_layer(request: Request) -> dict[str, Any]:
    """The change of the answer for every head of one layer."""
    case = case_of(request.inputs)
    layer = index(request, "layer", len(case.statistics.entropy))
    if layer is None:
        raise Problem("Name one layer.")
    return {"change": rounded(switch_off_each_head(case.model, case.encoded, layers=[layer]).change[0], 6)}


def occluded(request: Request) -> dict[str, Any]:
    """The change of the answer for every hidden word."""
    case = case_of(request.inputs)
    answer = occlude_each_word(case.model, case.encoded)
    return {"words": answer.words, "change": rounded(answer.change, 6), "how": answer.how}


def predicted(request: Request) -> dict[str, Any]:
    """The answer with some heads off and some words hidden."""
    case = case_of(request.inputs)
    layers, heads = case.statistics.entropy.shape
    every = {f"{layer}.{head}": (layer, head) for layer in range(layers) for head in range(heads)}
    off = {every[key] for key in request.details.get("heads_off", []) if key in every}
    hidden = {
        int(word) for word in request.details.get("words_off", []) if 0 <= int(word) < len(case.encoded.word_texts)
    }
    return prediction_data(switch_off(case.model, case.encoded, off, hidden))


def flow(request: Request) -> dict[str, Any]:
    """Rollout, gradient x attention and occlusion per word."""
    case = case_of(request.inputs)
    answer = token_flow(case.model, case.encoded)
    shares = {name: rounded(getattr(answer, name), 5) for name in ("rollout", "gradient_attention", "occlusion")}
    return {"words": answer.words, **shares, "correlation": rounded(answer.correlation, 3)}


def bertviz(request: Request) -> dict[str, Any]:
    """BertViz's own pages."""
    case = case_of(request.inputs)
    dark = request.details.get("dark") is True
    if request.details.get("view") == "model":
        return {"html": model_view_page(case.attention, dark=dark)}
    layer, _ = place(request, case)
    return {"html": head_view_page(case.attention, layer=layer or 0, dark=dark)}


COMPUTE = {
    "head": one_head, "query_key": query_key_data, "switch_off": switched_off_layer, "occlude": occluded,
    "predict": predicted, "flow": flow, "bertviz": bertviz,
}  # fmt: skip
warm = partial(case_of, {"text": "warm", "pair": "", "model": "bert-reviews"})

"""How one head arrives at its attention: softmax(scale * query . key) (Vaswani et al. 2017, equation 1)."""

import torch

from shared.explain.prediction import outcome
from shared.models.encoding import Encoded
from shared.models.recording import record
from shared.models.text import TextModel
from shared.results import QueryKey


def query_key(model: TextModel, encoded: Encoded, layer: int, head: int) -> QueryKey:
    """Queries, keys and scores of one head, checked against the attention that the network computed.

    Under grouped-query attention several heads share a key. Raises ``Problem`` for a head that does not exist.
    """
    model.require_head(layer, head)
    with torch.no_grad(), record(keep_query_key=True) as recorder:
        outcome(model, encoded)
    query, keys = recorder.queries[layer][0, head], recorder.keys[layer][0]
    key = keys[head * len(keys) // model.heads]
    scores = recorder.scales[layer] * query @ key.T
    mask = recorder.masks[layer]
    if mask is not None:
        scores = scores.masked_fill(mask.expand(1, -1, -1, -1)[0, 0] < torch.finfo(mask.dtype).min / 2, -torch.inf)
    own = recorder.weights[layer][0, head]
    error = float((scores.softmax(-1) - own).abs().max())
    return QueryKey(layer, head, query.numpy(), key.numpy(), scores.numpy(), own.numpy(), recorder.scales[layer], error)

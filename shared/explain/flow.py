"""Which words mattered: attention rollout, gradient x attention and occlusion, side by side.

Attention is not explanation (Jain & Wallace 2019; Wiegreffe & Pinter 2019): the three often disagree, and how much
they do is part of the result.
"""

import numpy as np
import torch
from scipy.stats import rankdata

from shared.explain.occlusion import occlude_each_word
from shared.explain.prediction import outcome
from shared.models.encoding import Encoded
from shared.models.heads import MASKED_WORD, SENTENCE_VECTOR
from shared.models.recording import record
from shared.models.text import TextModel
from shared.results import Occlusion, TokenFlow


def rollout(weights: np.ndarray) -> np.ndarray:
    """Attention rollout (Abnar & Zuidema 2020, equation 1): (L, H, N, N), layer 0 first, to (N, N) with rows of 1.

    R_l = A_l R_(l-1), where A_l = (mean over heads + identity) / 2 stands for the residual connection.
    """
    identity = np.eye(weights.shape[-1])
    flow = identity
    for layer in weights.astype(np.float64).mean(1):
        mixed = layer + identity
        flow = mixed / mixed.sum(-1, keepdims=True) @ flow
    return flow.astype(np.float32)


def gradient_attention(model: TextModel, encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
    """Attention that speaks for the answer y: the sum over layers and heads of relu(A * dy/dA).

    y is the logit of the network's answer; for a sentence vector its length. Follows Chefer et al. 2021 ("Generic
    Attention-model Explainability"), but sums layers instead of rolling them out. Returns (N, N) float32, and the
    attention (L, H, N, N) of the same forward pass.
    """
    with torch.enable_grad(), record(keep_graph=True) as recorder:
        found = outcome(model, encoded)[0]
        answer = found.norm() if encoded.task == SENTENCE_VECTOR else found.max()
        gradients = torch.autograd.grad(answer, recorder.weights)
    weights = torch.cat([layer.detach() for layer in recorder.weights])
    relevance = (weights * torch.cat(gradients)).relu().sum((0, 1))
    return relevance.numpy(), weights.numpy()


def token_flow(model: TextModel, encoded: Encoded, occlusion: Occlusion | None = None) -> TokenFlow:
    """How much each word mattered by rollout, gradient x attention and occlusion (the size of the change).

    Rollout is read from where the answer is made: [CLS], the mask, the last token, or the mean of all tokens for a
    sentence vector; gradient x attention is the mass that a word receives. Special tokens are left out. A known
    ``occlusion`` saves computing it again.
    """
    relevance, weights = gradient_attention(model, encoded)
    occlusion = occlusion or occlude_each_word(model, encoded)
    opinions = [
        _share(_by_word(_answer_row(rollout(weights), model, encoded), encoded)),
        _share(_by_word(relevance.sum(0), encoded)),
        _share(np.abs(occlusion.change)),
    ]
    correlation = rank_correlation(np.stack(opinions))
    return TokenFlow(encoded.word_texts, opinions[0], opinions[1], opinions[2], correlation)


def rank_correlation(rows: np.ndarray) -> np.ndarray:
    """Spearman's correlation of all pairs of ``rows`` (R, W): (R, R) float32, nan where a row is constant."""
    ranks = np.stack([rankdata(row) for row in rows])
    centered = ranks - ranks.mean(-1, keepdims=True)
    lengths = np.sqrt((centered**2).sum(-1))
    products = np.outer(lengths, lengths)
    undefined = np.full_like(products, np.nan)
    correlation: np.ndarray = np.divide(centered @ centered.T, products, out=undefined, where=products > 0)
    return correlation.astype(np.float32)


def _answer_row(flow: np.ndarray, model: TextModel, encoded: Encoded) -> np.ndarray:
    """The row(s) of an (N, N) flow from where the answer is made, (N,)."""
    if encoded.task == SENTENCE_VECTOR:
        return np.asarray(flow.mean(0))
    if encoded.task == MASKED_WORD:
        return np.asarray(flow[encoded.mask])
    return np.asarray(flow[-1 if model.causal else 0])


def _by_word(mass: np.ndarray, encoded: Encoded) -> np.ndarray:
    """(N,) mass of tokens summed to words (W,); special tokens are left out."""
    inside = encoded.words >= 0
    return np.bincount(encoded.words[inside], mass[inside], len(encoded.word_texts))


def _share(mass: np.ndarray) -> np.ndarray:
    """``mass`` (W,) divided by its sum, all zero where that is zero; float32."""
    total = float(mass.sum())
    return np.asarray(mass / total if total > 0 else np.zeros_like(mass), np.float32)

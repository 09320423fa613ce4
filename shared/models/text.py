"""Text networks by name: one encoder or decoder, its heads and its tokenizer, ready to be looked into."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shared import checkpoints
from shared.models.attention_only import AttentionOnly
from shared.models.heads import NEXT_TOKEN, read
from shared.models.recording import make_visible, record
from shared.problems import Problem

EMBEDDED = ("bert-reviews", "bert-reviews-pretrained", "induction-2l")
HUB = (
    "sentence-transformers/all-MiniLM-L6-v2",
    "google-bert/bert-base-uncased",
    "distilbert/distilbert-base-uncased",
    "openai-community/gpt2",
    "HuggingFaceTB/SmolLM2-135M",
)
TOKEN_LIMIT = 512


@dataclass(frozen=True, eq=False)
class TextModel:
    """A text network and how to feed it.

    ``networks``: task -> network in eval mode, float32, without gradients for its parameters; networks of several
    tasks share one encoder. ``tokenizer``: a fast tokenizer of transformers. ``causal``: a token sees only itself
    and what came before. ``max_tokens``: at most 512. ``layers`` and ``heads`` of its attention. ``alphabet``: the
    only symbols it can read, "" where it reads any text.
    """

    name: str
    networks: Mapping[str, nn.Module]
    tokenizer: Any
    causal: bool
    max_tokens: int
    layers: int
    heads: int
    alphabet: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that it can be asked, the usual one first."""
        return tuple(self.networks)

    def require_head(self, layer: int, head: int) -> None:
        """Raise ``Problem`` for a head that does not exist."""
        if not (0 <= layer < self.layers and 0 <= head < self.heads):
            raise Problem(
                f"There is no head {head} in layer {layer}; choose layers 0-{self.layers - 1} and heads "
                f"0-{self.heads - 1}."
            )


@checkpoints.load_once
def load(name: str) -> TextModel:
    """The text model ``name``: one of ``EMBEDDED``, or a Hub id "owner/name" such as those of ``HUB``.

    Raises ``Problem`` where it cannot be had, is no text encoder or causal decoder, or does not show its attention.
    """
    config: dict[str, Any] = {}

    def accept(found: dict[str, Any]) -> None:
        _require_text_model(name, found)
        config.update(found)

    path = checkpoints.folder(name, accept=accept, offered=EMBEDDED)
    if config.get("architectures") == ["AttentionOnly"]:
        return _attention_only(name, path, config)
    try:
        networks, tokenizer = read(path, config)
    except Exception as error:  # a stranger's files can fail in any way
        raise Problem(f"{name} could not be opened by transformers; choose another model.") from error
    return assemble(name, networks, tokenizer)


def assemble(name: str, networks: Mapping[str, nn.Module], tokenizer: Any, alphabet: str = "") -> TextModel:
    """Make ``networks`` visible and frozen, and try them out once to see how many heads they have."""
    for network in networks.values():
        network.eval().requires_grad_(False)
        config: Any = getattr(network, "config", None)
        if config is not None:  # a transformers network
            make_visible(network)
            config.use_cache = False
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()  # both would change the tokenizer on every call if they were left to each call
    backend.no_padding()
    weights = _probe(name, next(iter(networks.values())))
    causal = all(not layer.triu(1).any() for layer in weights)
    return TextModel(
        name, networks, tokenizer, causal, _max_tokens(networks, tokenizer), len(weights), weights[0].shape[1], alphabet
    )


def _require_text_model(name: str, config: dict[str, Any]) -> None:
    """Refuse, by its config alone, what is neither a text encoder nor a causal decoder."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    if config.get("architectures") == ["AttentionOnly"] and "/" not in name:
        return
    if config.get("is_encoder_decoder"):
        raise Problem(f"{name} has an encoder and a decoder; choose a text encoder or a causal decoder.")
    if str(config.get("model_type")) not in MODEL_FOR_MASKED_LM_MAPPING_NAMES | MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise Problem(f"{name} is no text model; choose a text encoder or a causal decoder.")


def _attention_only(name: str, path: Path, config: dict[str, Any]) -> TextModel:
    """The attention-only network of this house, whose tokens are single symbols."""
    from safetensors.torch import load_model
    from transformers import PreTrainedTokenizerFast

    network = AttentionOnly(**{size: value for size, value in config.items() if size != "architectures"})
    load_model(network, path / "model.safetensors")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(path)
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return assemble(name, {NEXT_TOKEN: network}, tokenizer, "".join(sorted(vocabulary, key=vocabulary.__getitem__)))


def _probe(name: str, network: nn.Module) -> list[torch.Tensor]:
    """The attention of a forward pass over four tokens, one (1, H, 4, 4) tensor for each layer."""
    ids = torch.arange(4)[None]
    try:
        with record() as recorder, torch.no_grad():
            network(input_ids=ids, attention_mask=torch.ones_like(ids))
        if len({weights.shape for weights in recorder.weights}) != 1:
            raise ValueError("no attention, or layers of different shapes, were recorded")
    except Exception as error:  # a stranger's network can fail in any way
        raise Problem(f"{name} does not show its attention; choose a BERT-, GPT-2- or Llama-like model.") from error
    return recorder.weights


def _max_tokens(networks: Mapping[str, nn.Module], tokenizer: Any) -> int:
    """How many tokens the positions and the tokenizer allow, at most ``TOKEN_LIMIT``."""
    network = next(iter(networks.values()))
    if isinstance(network, AttentionOnly):
        return min(network.context, TOKEN_LIMIT)
    config: Any = network.config
    positions = getattr(config, "max_position_embeddings", None) or TOKEN_LIMIT
    if any(family in config.model_type for family in ("roberta", "camembert")):
        positions -= config.pad_token_id + 1  # these count positions from after the padding index
    return int(min(positions, tokenizer.model_max_length, TOKEN_LIMIT))

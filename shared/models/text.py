"""Text networks by name: one encoder or decoder, its heads and its tokenizer, ready to be looked into."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shared import checkpoints
from shared.models.attention_only import AttentionOnly
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

SENTIMENT, MASKED_WORD, NEXT_TOKEN, SENTENCE_VECTOR = "sentiment", "masked word", "next token", "sentence vector"
# How an architecture's name ends, the task of its head, and the automatic class that reads it; classifiers first,
# because their encoder may have parts (a pooler) that the other heads do without.
HEADS = (
    ("ForSequenceClassification", SENTIMENT, "AutoModelForSequenceClassification"),
    ("ForMaskedLM", MASKED_WORD, "AutoModelForMaskedLM"),
    ("ForPreTraining", MASKED_WORD, "AutoModelForMaskedLM"),
    ("ForCausalLM", NEXT_TOKEN, "AutoModelForCausalLM"),
    ("LMHeadModel", NEXT_TOKEN, "AutoModelForCausalLM"),
)


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


@checkpoints.load_once
def load(name: str) -> TextModel:
    """The text model ``name``: one of ``EMBEDDED``, or a Hub id "owner/name" such as those of ``HUB``.

    Raises ``Problem`` where it cannot be had, is no text encoder or causal decoder, or does not show its attention.
    """
    config: dict[str, Any] = {}

    def accept(found: dict[str, Any]) -> None:
        _require_text_model(name, found)
        config.update(found)

    path = checkpoints.folder(name, accept=accept)
    if config.get("architectures") == ["AttentionOnly"]:
        return _attention_only(name, path)
    try:
        with _quiet():
            networks = _networks(path, config)
            tokenizer = _tokenizer(path)
    except Exception as error:  # a stranger's files can fail in any way
        raise Problem(f"{name} could not be opened by transformers; choose another model.") from error
    return assemble(name, networks, tokenizer)


def assemble(name: str, networks: Mapping[str, nn.Module], tokenizer: Any, alphabet: str = "") -> TextModel:
    """Make ``networks`` visible and frozen, and try them out once to see how many heads they have."""
    for network in networks.values():
        network.eval().requires_grad_(False)
        if not isinstance(network, AttentionOnly):
            make_visible(network)
            network.config.use_cache = False
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
    if config.get("model_type") not in MODEL_FOR_MASKED_LM_MAPPING_NAMES | MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise Problem(f"{name} is no text model; choose a text encoder or a causal decoder.")


def _attention_only(name: str, path: Path) -> TextModel:
    """The attention-only network of this house, whose tokens are single symbols."""
    from transformers import PreTrainedTokenizerFast

    network = AttentionOnly.from_pretrained(path)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(path)
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return assemble(name, {NEXT_TOKEN: network}, tokenizer, "".join(sorted(vocabulary, key=vocabulary.__getitem__)))


def _networks(path: Path, config: dict[str, Any]) -> dict[str, nn.Module]:
    """One network for each head that the checkpoint has, around one encoder; the bare encoder if it has none."""
    import transformers

    networks: dict[str, Any] = {}
    for ending, task, reader in HEADS:
        if task in networks or not any(name.endswith(ending) for name in config.get("architectures") or ()):
            continue
        network, complete = _read(getattr(transformers, reader), path)
        if complete and not (task == SENTIMENT and network.config.num_labels < 2):
            networks[task] = network
    if not networks:
        network, complete = _read(transformers.AutoModel, path)
        if not complete:
            raise ValueError("the file lacks weights of the encoder")
        return {SENTENCE_VECTOR: network}
    first, *others = networks.values()
    for other in others:
        setattr(other, other.base_model_prefix, first.base_model)
        other.tie_weights()
    if tuple(networks) == (MASKED_WORD,):  # without a mask in the text there is no word to guess
        return {SENTENCE_VECTOR: first.base_model, MASKED_WORD: first}
    return networks


def _read(reader: Any, path: Path) -> tuple[Any, bool]:
    """A network from ``path``, and whether the file held all its weights (but for a pooler, which is not used)."""
    network, report = reader.from_pretrained(
        path,
        dtype=torch.float32,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
    )
    return network, all("pooler" in key for key in report["missing_keys"])


def _tokenizer(path: Path) -> Any:
    """The fast tokenizer of ``path``."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=True)
    if not tokenizer.is_fast:
        raise ValueError("the tokenizer does not tell which characters a token stands for")
    return tokenizer


def _probe(name: str, network: nn.Module) -> list[torch.Tensor]:
    """The attention of a forward pass over four tokens, one (1, H, 4, 4) tensor for each layer."""
    ids = torch.arange(4)[None]
    with record() as recorder, torch.inference_mode():
        network(input_ids=ids, attention_mask=torch.ones_like(ids))
    if len({weights.shape for weights in recorder.weights}) != 1:
        raise Problem(f"{name} does not show its attention; choose a BERT-, GPT-2- or Llama-like model.")
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from reporting on weights that belong to the other heads of the file."""
    from transformers.utils import logging as reports

    before, bars = reports.get_verbosity(), reports.is_progress_bar_enabled()
    reports.set_verbosity(logging.CRITICAL)
    reports.disable_progress_bar()
    try:
        yield
    finally:
        reports.set_verbosity(before)
        if bars:
            reports.enable_progress_bar()

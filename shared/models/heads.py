"""The heads of a transformers checkpoint: which tasks its files can answer, around one encoder."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

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


def read(path: Path, config: dict[str, Any]) -> tuple[dict[str, nn.Module], Any]:
    """The networks (task -> network, the usual task first) and the fast tokenizer of a checkpoint folder.

    Raises whatever transformers raises for files that it cannot read.
    """
    with _quiet():
        return _networks(path, config), _tokenizer(path)


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

    if not any((path / name).is_file() for name in ("tokenizer.json", "vocab.txt", "vocab.json")):
        raise ValueError("there is no vocabulary")  # transformers would make up an empty one
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=True)
    if not tokenizer.is_fast:
        raise ValueError("the tokenizer does not tell which characters a token stands for")
    return tokenizer


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

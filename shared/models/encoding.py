"""Text to tokens: what the network reads, and what each token stands for in the text."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from shared.models.heads import MASKED_WORD
from shared.models.text import TextModel
from shared.models.tokens import group_words, print_tokens, seen
from shared.problems import Problem

MAX_CHARACTERS = 20_000
TYPED_MASK = re.compile(r"\[MASK\]|<mask>")
EMPTY = "Type a sentence first; there is nothing to read yet."


@dataclass(frozen=True, eq=False)
class Encoded:
    """A text as the network reads it; N tokens, W words.

    ``inputs``: the network's arguments, each (1, N). ``task``: what it will be asked. ``tokens`` (N,) without word
    markers, characters that cannot be seen written as escapes. ``segments`` (N,) int8: 0 for text A, 1 for B.
    ``special`` (N,) bool: [CLS], [SEP] and the like; ``separators`` (N,) bool: those after the first token.
    ``words`` (N,) int32: the word of each token, counted on through text B, -1 for special tokens; ``word_texts``
    (W,) as they stand in the text. ``mask``: index of the first mask token, -1 if there is none. ``truncated``:
    tokens left out at the end.
    """

    inputs: dict[str, torch.Tensor]
    task: str
    tokens: tuple[str, ...]
    segments: np.ndarray
    special: np.ndarray
    separators: np.ndarray
    words: np.ndarray
    word_texts: tuple[str, ...]
    mask: int
    truncated: int


def encode(model: TextModel, text: str, text_pair: str = "") -> Encoded:
    """Tokenize ``text``, and ``text_pair`` where it is not blank, as ``model`` reads them.

    The task is "masked word" if a mask ("[MASK]" or "<mask>") was typed and the model can fill it, else the model's
    usual one. Raises ``Problem`` for texts that are empty, longer than ``MAX_CHARACTERS`` or outside the model's
    alphabet, and for a pair given to a causal model.
    """
    texts = [_readable(text, model)]
    if not _is_blank(text_pair):
        texts.append(_readable(text_pair, model))
    _check(model, texts)
    encoding = model.tokenizer.backend_tokenizer.encode(*texts)
    kept = _kept(encoding, model.max_tokens)
    ids = np.array(encoding.ids)[kept]
    special = _special(encoding, model.tokenizer)[kept]
    if special.all():
        raise Problem(EMPTY)
    words, word_texts = group_words(encoding, texts, kept[~special])
    masks = np.flatnonzero(ids == model.tokenizer.mask_token_id).tolist() if MASKED_WORD in model.tasks else []
    return Encoded(
        inputs=_inputs(model, ids, np.array(encoding.type_ids)[kept]),
        task=MASKED_WORD if masks else next(task for task in model.tasks if task != MASKED_WORD),
        tokens=print_tokens(model.tokenizer, ids),
        segments=_segments(encoding)[kept],
        special=special,
        separators=special & (np.arange(len(ids)) > 0),
        words=words[kept],
        word_texts=word_texts,
        mask=masks[0] if masks else -1,
        truncated=len(encoding.ids) - len(ids),
    )


def _readable(text: str, model: TextModel) -> str:
    """``text`` with half characters replaced and a typed mask spelled as the model spells it."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    mask = model.tokenizer.mask_token
    return TYPED_MASK.sub(lambda _: mask, text) if mask and MASKED_WORD in model.tasks else text


def _is_blank(text: str) -> bool:
    """Whether ``text`` has no character that can be seen."""
    return not any(character.isprintable() and not character.isspace() for character in text)


def _check(model: TextModel, texts: list[str]) -> None:
    """Refuse what the model cannot read."""
    if _is_blank(texts[0]):
        raise Problem(EMPTY)
    length = sum(map(len, texts))
    if length > MAX_CHARACTERS:
        raise Problem(f"Shorten the text to at most {MAX_CHARACTERS:,} characters; this has {length:,}.")
    if len(texts) > 1 and model.causal:
        raise Problem(f"{model.name} reads one text; leave the second one empty or choose a BERT-like model.")
    foreign = [character for character in texts[0].lower() if not (character in model.alphabet or character.isspace())]
    if model.alphabet and foreign:
        raise Problem(
            f"{model.name} reads only the symbols {model.alphabet[0]}-z and 0-{model.alphabet[-1]}; "
            f"take out {seen(foreign[0])!r}."
        )


def _kept(encoding: Any, limit: int) -> np.ndarray:
    """Indices of the tokens that fit into ``limit``, ascending: the longer text loses tokens from its end first.

    Done here and not by the tokenizer, which would keep the limit as its state and so not be safe in threads.
    """
    added = np.array(encoding.special_tokens_mask, bool)
    of_pair = _segments(encoding).astype(bool)
    first, second = np.flatnonzero(~added & ~of_pair), np.flatnonzero(~added & of_pair)
    room = limit - int(added.sum())
    if len(first) + len(second) > room:
        shorter = min(len(first), len(second), room // 2)
        lengths = (shorter, room - shorter) if len(first) <= len(second) else (room - shorter, shorter)
        first, second = first[: lengths[0]], second[: lengths[1]]
    return np.sort(np.concatenate([np.flatnonzero(added), first, second]))


def _segments(encoding: Any) -> np.ndarray:
    """(N,) int8: the text of each token; special tokens belong to the text before them."""
    sequences = np.array([-1 if sequence is None else sequence for sequence in encoding.sequence_ids])
    return np.maximum(np.maximum.accumulate(sequences), 0).astype(np.int8)


def _special(encoding: Any, tokenizer: Any) -> np.ndarray:
    """(N,) bool: tokens that the tokenizer added, and those that were typed but mean the same."""
    names = ("cls_token_id", "sep_token_id", "bos_token_id", "eos_token_id", "pad_token_id")
    meant = [getattr(tokenizer, name) for name in names if getattr(tokenizer, name) is not None]
    return np.array(encoding.special_tokens_mask, bool) | np.isin(encoding.ids, meant)


def _inputs(model: TextModel, ids: np.ndarray, types: np.ndarray) -> dict[str, torch.Tensor]:
    """The arguments of the network for one text."""
    inputs = {"input_ids": torch.from_numpy(ids)[None]}
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    config: Any = getattr(next(iter(model.networks.values())), "config", None)
    if getattr(config, "type_vocab_size", 1) > 1:
        inputs["token_type_ids"] = torch.from_numpy(types)[None]
    return inputs

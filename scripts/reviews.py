"""Film reviews as token batches: the vocabulary, the passages cut from reviews, and the masking of words."""

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizerFast

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, CLS, SEP, MASK = 0, 2, 3, 4
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def train_tokenizer(texts: list[str], vocabulary_size: int, folder: Path) -> BertTokenizerFast:
    """Train a lower-case WordPiece vocabulary on ``texts`` and save it to ``folder`` in BERT's own format."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(SPECIAL),
        min_frequency=2,
        limit_alphabet=200,
        continuing_subword_prefix="##",
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", SEP), ("[CLS]", CLS))
    fast = BertTokenizerFast(tokenizer_object=tokenizer, do_lower_case=True, model_max_length=512)
    fast.save_pretrained(folder)
    return fast


@dataclass(frozen=True)
class Passages:
    """Labeled texts as one flat array of token ids, with the places where sentences and texts begin.

    ``ids`` (tokens,) int16; ``sentence_start`` (sentences,), ``text_end`` (sentences,) end of the sentence's text,
    ``label`` (sentences,) of the text that the sentence belongs to.
    """

    ids: np.ndarray
    sentence_start: np.ndarray
    text_end: np.ndarray
    label: np.ndarray

    def row(self, index: int, length: int) -> np.ndarray:
        """Token ids from sentence ``index`` to the end of its text, at most ``length``."""
        start = self.sentence_start[index]
        return self.ids[start : min(start + length, self.text_end[index])].astype(np.int64)

    def middle(self, index: int, tokens: int) -> int:
        """The sentence boundary nearest to the middle of ``tokens`` tokens from sentence ``index``; 0 if none."""
        start = self.sentence_start[index]
        cuts = self.sentence_start[index + 1 : np.searchsorted(self.sentence_start, start + tokens)] - start
        return int(cuts[np.argmin(np.abs(cuts - tokens / 2))]) if len(cuts) else 0


def tokenize(texts: list[tuple[str, int]], tokenizer: BertTokenizerFast) -> Passages:
    """Split labeled texts into sentences and tokenize them without special tokens."""
    split = [SENTENCE_END.split(text) for text, _ in texts]
    encoded = tokenizer(list(chain.from_iterable(split)), add_special_tokens=False, verbose=False)["input_ids"]
    lengths = np.array([len(ids) for ids in encoded])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    owner = np.repeat(np.arange(len(texts)), [len(sentences) for sentences in split])
    ends = np.zeros(len(texts), np.int64)
    np.maximum.at(ends, owner, starts + lengths)
    labels = np.array([label for _, label in texts])
    flat = np.fromiter(chain.from_iterable(encoded), np.int16, int(lengths.sum()))
    filled = lengths > 0
    return Passages(flat, starts[filled], ends[owner][filled], labels[owner][filled])


def batch(
    passages: Passages, chosen: np.ndarray, length: int, pairs: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Padded ``ids`` and ``segments`` (batch, at most length) and ``labels`` (batch,) of the ``chosen`` sentences.

    Every row begins with [CLS] and ends with [SEP]. With ``pairs``, every second row is cut at a sentence boundary
    into segments A and B, with a [SEP] between them, which is how BERT reads sentence pairs.
    """
    rows, second = [], []
    for position, index in enumerate(chosen):
        tokens = passages.row(index, length - 3)
        cut = passages.middle(index, len(tokens)) if pairs and position % 2 else 0
        parts = [[CLS], tokens[:cut], [SEP], tokens[cut:], [SEP]] if cut else [[CLS], tokens, [SEP]]
        rows.append(np.concatenate(parts).astype(np.int64))
        second.append(cut + 2 if cut else len(rows[-1]))
    ids = np.full((len(rows), max(map(len, rows))), PAD, np.int64)
    segments = np.zeros_like(ids)
    for i, (row, start) in enumerate(zip(rows, second, strict=True)):
        ids[i, : len(row)] = row
        segments[i, start : len(row)] = 1
    return ids, segments, passages.label[chosen].astype(np.int64)


def mask_words(ids: np.ndarray, rng: np.random.Generator, vocabulary_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Hide 15 % of the words as in Devlin et al. 2019: 80 % [MASK], 10 % a random word, 10 % left as they are.

    Returns the corrupted ids and the boolean selection, both of the shape of ``ids``.
    """
    selected = (rng.random(ids.shape) < 0.15) & (ids > MASK)
    fate = rng.random(ids.shape)
    corrupted = np.where(selected & (fate < 0.8), MASK, ids)
    noise = rng.integers(len(SPECIAL), vocabulary_size, ids.shape)
    return np.where(selected & (fate >= 0.9), noise, corrupted), selected

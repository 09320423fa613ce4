"""How tokens are written for a reader, and which words they make up."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

JOINERS = "\u200c\u200d"  # part of how Indic and Persian words and some emoji are written


def print_tokens(tokenizer: Any, indices: Iterable[int]) -> tuple[str, ...]:
    """Tokens of the vocabulary as a reader expects them: no word markers, unseen characters as escapes.

    "Ġthe" and "▁the" become "the"; WordPiece's "##ing" keeps its mark. A byte-level token that holds a part of a
    character only is shown as bytes.
    """
    backend = tokenizer.backend_tokenizer
    special = set(tokenizer.all_special_tokens)
    decoder = str(backend.decoder)

    def printed(index: int) -> str:
        token: str = backend.id_to_token(index) or ""
        if token in special:
            return token
        if "ByteLevel" in decoder and byte_alphabet().keys() >= set(token):
            token = bytes(map(byte_alphabet().__getitem__, token)).decode("utf-8", "backslashreplace")
        elif "▁" in decoder:
            token = token.replace("▁", " ")
        return seen(token.strip(" ") or "␣" * len(token))

    return tuple(printed(int(index)) for index in indices)


def seen(text: str) -> str:
    """``text`` with every character that cannot be seen, or that would turn the line around, as an escape."""
    visible = (JOINERS if len(text) > 1 else "") + " "
    return "".join(
        character if character.isprintable() or character in visible else character.encode("unicode_escape").decode()
        for character in text
    )


@cache
def byte_alphabet() -> dict[str, int]:
    """The character that stands for each byte in byte-level vocabularies (Radford et al. 2019, GPT-2).

    Bytes that Latin-1 can print stand for themselves, the others for the characters from 256 on.
    """
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + place): byte for place, byte in enumerate(others)}


def group_words(encoding: Any, texts: Sequence[str], tokens: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The word of every token, (all tokens,) int32 with -1 outside ``tokens``, and the words (W,) as typed.

    ``tokens``: ascending indices of the tokens that stand for text. A word ends where the tokenizer's pre-tokenizer
    ends it or at white space, since some tokenizers do not split into words at all.
    """
    words = np.full(len(encoding.ids), -1, np.int32)
    chunks = [_chunks(text) for text in texts]
    spans: list[tuple[int, int, int]] = []
    previous: tuple[int, int | None, int] | None = None
    sequences, offsets, own = encoding.sequence_ids, encoding.offsets, encoding.word_ids  # each makes a new list
    for token in tokens:
        text = sequences[token] or 0
        start, end = _trimmed(texts[text], *offsets[token])
        current = (text, own[token], int(chunks[text][start]))
        if current != previous:
            spans.append((text, start, end))
            previous = current
        words[token] = len(spans) - 1
        spans[-1] = (text, spans[-1][1], max(end, spans[-1][2]))
    typed = (texts[text][start:end] for text, start, end in spans)
    return words, tuple(seen(piece.strip() or piece) or "␣" for piece in typed)


def _chunks(text: str) -> np.ndarray:
    """(characters + 1,) int: how many stretches of white space have begun up to each character."""
    space = np.array([character.isspace() for character in text] + [False])
    return np.cumsum(space & ~np.concatenate([[False], space[:-1]]))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the white space around it, unless it is all white space."""
    piece = text[start:end]
    if not piece.strip():
        return start, end
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())

"""Training data under their usual Hub names.

Every loader downloads with ``hf_hub_download`` (so a filled Hugging Face cache works offline) and returns plain
Python or numpy values. Nothing is normalized here beyond what the docstring says.
"""

import json
import re

import numpy as np
import pyarrow.parquet

from shared.models.hub_pictures import cifar10, hub_file, mnist, pictures

__all__ = ["cifar10", "fashion_mnist", "imdb", "mnist", "sst2"]

BREAKS = re.compile(r"(<br\s*/?>|\s)+")
PENN_NEGATION = re.compile(r"\s+n't\b")


def imdb(split: str, count: int | None = None) -> list[tuple[str, int]]:
    """IMDb reviews of ``split`` (train or test, 25,000 each) as (text, label); label 1 is positive.

    ``count`` of them are taken evenly, since they are sorted by label. Line-break tags become spaces. Source: Maas et
    al. 2011.
    """
    table = pyarrow.parquet.read_table(hub_file("stanfordnlp/imdb", f"plain_text/{split}-00000-of-00001.parquet"))
    if count:
        table = table.take(np.arange(count) * len(table) // count)
    texts = (BREAKS.sub(" ", text).strip() for text in table["text"].to_pylist())
    return list(zip(texts, table["label"].to_pylist(), strict=True))


def sst2(split: str) -> list[tuple[str, int]]:
    """SST-2 sentences of ``split`` (train 6,920, dev 872, test 1,821) as (text, label); label 1 is positive.

    The Penn Treebank's split negation ("do n't") is joined again ("don't"), because that is how visitors type.
    Source: Socher et al. 2013.
    """
    lines = hub_file("SetFit/sst2", f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = (json.loads(line) for line in lines)
    return [(PENN_NEGATION.sub("n't", row["text"]).strip(), row["label"]) for row in rows]


def fashion_mnist(split: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Fashion-MNIST garments of ``split`` (train 60,000, test 10,000): (N, 28, 28) uint8 and labels.

    Xiao et al. 2017.
    """
    return pictures("zalando-datasets/fashion_mnist", f"fashion_mnist/{split}-00000-of-00001.parquet", "image", count)

"""Pictures of the Hub's data sets, under their usual names."""

import io
from pathlib import Path

import numpy as np
from huggingface_hub import hf_hub_download
from PIL import Image


def hub_file(repository: str, filename: str) -> Path:
    """The local path of one file of a Hub data set, downloaded on first use; raises what huggingface_hub raises."""
    return Path(hf_hub_download(repository, filename, repo_type="dataset"))


def pictures(repository: str, filename: str, column: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The first ``count`` rows of a data set of pictures: (N, H, W) or (N, H, W, 3) uint8 and labels (N,) int64."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(hub_file(repository, filename)).slice(0, count)
    encoded = (row["bytes"] for row in table[column].to_pylist())
    decoded = np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in encoded])
    return decoded, table["label"].to_numpy().astype(np.int64)


def mnist(split: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """MNIST digits of ``split`` (train 60,000, test 10,000): (N, 28, 28) uint8 and labels. LeCun et al. 1998."""
    return pictures("ylecun/mnist", f"mnist/{split}-00000-of-00001.parquet", "image", count)


def cifar10(split: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """CIFAR-10 photographs of ``split`` (train 50,000, test 10,000): (N, 32, 32, 3) uint8 and labels.

    Krizhevsky 2009.
    """
    return pictures("uoft-cs/cifar10", f"plain_text/{split}-00000-of-00001.parquet", "img", count)

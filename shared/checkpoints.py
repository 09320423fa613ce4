"""Name to weights: ``checkpoints/`` first, then the Hugging Face Hub; safetensors only, nothing is ever executed."""

import json
import re
import threading
from collections.abc import Callable, Sequence
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cachetools import LRUCache

from shared.problems import Problem

if TYPE_CHECKING:
    import torch
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
EMBEDDED_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
DATA_FILES = (".safetensors", ".json", "vocab.txt", "merges.txt")
SHARD = re.compile(r'"([^"/\\]+\.safetensors)"')
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
HUB_TIMEOUT = 8.0  # seconds
HUB_MODELS_KEPT = 3

T = TypeVar("T")
Accept = Callable[[dict[str, Any]], None]

# One lock for every load in the process: lazy imports of transformers fail when two threads start them at once.
LOCK = threading.RLock()


class Unreachable(Exception):
    """A model is neither on this machine nor to be had from the Hub."""


def embedded() -> tuple[str, ...]:
    """The names of the checkpoints that lie beside the code, sorted."""
    return tuple(sorted(path.parent.name for path in CHECKPOINTS.glob("*/config.json")))


def folder(
    name: str,
    max_megabytes: int = 700,
    accept: Accept | None = None,
    offered: Sequence[str] | None = None,
    parts: Sequence[str] = (),
) -> Path:
    """The local folder of checkpoint ``name``: a folder of ``checkpoints/``, else a Hub id "owner/name".

    Weights of the Hub are downloaded only after their repository was found to hold safetensors, no code of its own
    and at most ``max_megabytes`` (10^6 bytes); the revision that was checked is the one that is downloaded. Without
    a network a complete copy in the Hub's cache serves, under the same checks. ``accept`` sees the parsed
    config.json before any weights are downloaded and may raise a ``Problem``. ``offered`` are the checkpoints that
    may be named instead, by default all embedded ones. ``parts`` are folders inside the checkpoint that are wanted
    too, as in a pipeline of diffusers; config.json may lie in the first of them. Raises ``Problem`` for everything
    that stands in the way.
    """
    if EMBEDDED_NAME.fullmatch(name) and (CHECKPOINTS / name / "config.json").is_file():
        path = CHECKPOINTS / name
    elif HUB_ID.fullmatch(name) and ".." not in name and "--" not in name:
        try:
            path = _from_hub(name, max_megabytes, accept, parts)
        except Unreachable as error:
            raise Problem(
                f"{name} is not on this machine and could not be downloaded from the Hugging Face Hub; choose one of "
                f"{', '.join(offered or embedded())}, or try again with a network."
            ) from error
    else:
        raise Problem(
            f"There is no checkpoint named {name[:100]!r}; choose one of {', '.join(offered or embedded())}, or a "
            "model of the Hugging Face Hub as owner/name."
        )
    found = [file for place in _places(path, parts) for file in place.iterdir() if file.is_file()]
    _check_weights(name, [(file.name, file.stat().st_size) for file in found], max_megabytes)
    _check_config(name, path, accept, parts)
    return path


def float_weights(file: Path) -> "dict[str, torch.Tensor]":
    """The tensors of a safetensors file on the CPU, by name: numbers as float32, counters as they are."""
    from safetensors.torch import load_file

    return {name: value.float() if value.is_floating_point() else value for name, value in load_file(file).items()}


class load_once(Generic[T]):  # noqa: N801 - it is used as a decorator
    """Make ``load(name)`` run once per process and name, under the one lock of all loading.

    Embedded checkpoints stay; of the Hub's models the ``HUB_MODELS_KEPT`` used last are kept.
    """

    def __init__(self, load: Callable[[str], T]) -> None:
        update_wrapper(self, load)
        self._load = load
        self._stays: dict[str, T] = {}
        self._passes: LRUCache[str, T] = LRUCache(HUB_MODELS_KEPT)
        self._shelves = threading.Lock()

    def find(self, name: str) -> T | None:
        """What ``name`` was loaded as, None if it must be loaded first."""
        with self._shelves:  # a look at an LRU cache reorders it
            return self._passes.get(name) if "/" in name else self._stays.get(name)

    def __call__(self, name: str) -> T:
        """What ``name`` is loaded as, now or before."""
        found = self.find(name)
        if found is not None:
            return found
        with LOCK:
            found = self.find(name)  # another thread may have loaded it while this one waited
            if found is None:
                found = self._load(name)
                with self._shelves:
                    (self._passes if "/" in name else self._stays)[name] = found
            return found


def _places(path: Path, parts: Sequence[str]) -> list[Path]:
    """The folders of a checkpoint that hold what is wanted."""
    return [path, *(path / part for part in parts if (path / part).is_dir())]


def _config_file(path: Path, parts: Sequence[str]) -> Path:
    """Where the network's configuration lies, or would lie."""
    inside = [path / part / "config.json" for part in parts[:1]]
    return next((file for file in inside if file.is_file()), path / "config.json")


def _from_hub(name: str, max_megabytes: int, accept: Accept | None, parts: Sequence[str]) -> Path:
    """Check a Hub repository, then download it; the cached copy where the Hub cannot be reached."""
    from huggingface_hub import HfApi, constants, errors

    if constants.HF_HUB_OFFLINE:
        return _cached(name, parts)
    try:
        info = HfApi().model_info(name, files_metadata=True, timeout=HUB_TIMEOUT)
        if info.gated:
            HfApi().auth_check(name)
        files = [file for file in info.siblings or [] if file.rfilename.rpartition("/")[0] in ("", *parts)]
        _check_weights(name, [(file.rfilename, file.size or 0) for file in files], max_megabytes)
        return _download(name, info, files, accept, parts)
    except errors.GatedRepoError as error:
        raise Problem(
            f"{name} is gated: accept its terms on the Hugging Face Hub and set HF_TOKEN, or choose an open model."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise Problem(f"The Hugging Face Hub has no model {name}; check the spelling of owner/name.") from error
    except (OSError, errors.HTTPError):  # type: ignore[attr-defined]  # no network, or a Hub that does not answer
        return _cached(name, parts)


def _download(
    name: str, info: "ModelInfo", files: "list[RepoSibling]", accept: Accept | None, parts: Sequence[str]
) -> Path:
    """Download the config, look at it, then download the rest of the same revision."""
    from huggingface_hub import hf_hub_download, snapshot_download

    names = [file.rfilename for file in files if file.rfilename.endswith(DATA_FILES)]
    for config in (*(f"{part}/config.json" for part in parts[:1]), "config.json"):
        if config in names:
            file = hf_hub_download(name, config, revision=info.sha, etag_timeout=HUB_TIMEOUT)
            _check_config(name, Path(file).parent, accept)
            break
    return Path(snapshot_download(name, revision=info.sha, allow_patterns=names, etag_timeout=HUB_TIMEOUT))


def _cached(name: str, parts: Sequence[str]) -> Path:
    """The newest complete copy of ``name`` in the Hub's cache."""
    from huggingface_hub import constants

    # A download of a fixed revision leaves no branch reference behind, so the copies themselves are looked at.
    copies = Path(constants.HF_HUB_CACHE, "models--" + name.replace("/", "--"), "snapshots").glob("*")
    complete = [path for path in copies if _is_complete(path, parts)]
    if not complete:
        raise Unreachable(name)
    return max(complete, key=lambda path: path.stat().st_mtime)


def _is_complete(path: Path, parts: Sequence[str]) -> bool:
    """Whether config and weights, all shards of them, are there."""
    path = _config_file(path, parts).parent
    index = path / "model.safetensors.index.json"
    if index.is_file():
        shards = set(SHARD.findall(index.read_text(encoding="utf-8")))
    else:
        shards = {file.name for file in path.glob("*.safetensors")}
    return bool(shards) and all((path / file).is_file() for file in (*shards, "config.json"))


def _check_weights(name: str, files: list[tuple[str, int]], max_megabytes: int) -> None:
    """Refuse weights that are missing, pickled or too large; ``files`` are (name, bytes) of the top folder."""
    safe = any(file.endswith(".safetensors") for file, _ in files)
    if not safe and any(file.endswith(PICKLES) for file, _ in files):
        raise Problem(
            f"{name} keeps its weights only as pickles, which can run code when opened; choose a model with "
            "safetensors files."
        )
    if not safe:
        raise Problem(f"{name} holds no weights as safetensors in its top folder; choose a model that does.")
    megabytes = sum(size for file, size in files if file.endswith(DATA_FILES)) / 1e6
    if megabytes > max_megabytes:
        raise Problem(
            f"{name} holds {megabytes:,.0f} MB of weights and the limit is {max_megabytes:,} MB; choose a smaller "
            "model."
        )


def _check_config(name: str, path: Path, accept: Accept | None, parts: Sequence[str] = ()) -> None:
    """Refuse a checkpoint without a readable config or with code of its own."""
    try:
        config = dict(json.loads(_config_file(path, parts).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise Problem(f"{name} brings no readable config.json; choose a model that brings one.") from error
    if "auto_map" in config:
        raise Problem(f"{name} needs code of its own, which is never run here; choose a model built into transformers.")
    if accept is not None:
        accept(config)

"""Where weights come from, and every reason for which they do not come."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from shared import checkpoints
from shared.problems import Problem

NAME = "owner/model"
SAFE = {"config.json": 200, "model.safetensors": 5_000_000, "tokenizer.json": 1000, "README.md": 10}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty Hub cache, with the Hub out of reach."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(checkpoints, "CHECKPOINTS", tmp_path / "checkpoints")
    write(tmp_path / "checkpoints" / "own", {})
    return tmp_path / "hub"


@pytest.fixture
def hub(cache, monkeypatch):
    """A Hub that has one repository; returns a function that says what is in it, and lists what was downloaded."""
    import huggingface_hub
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    downloads = []

    def serve(files=SAFE, config=None, gated=False, error=None):
        siblings = [SimpleNamespace(rfilename=name, size=size) for name, size in files.items()]
        info = SimpleNamespace(gated=gated, siblings=siblings, sha="abc123")

        def model_info(self, name, files_metadata, timeout):
            if error:
                raise error
            return info

        def hf_hub_download(name, file, revision, etag_timeout):
            downloads.append((file, revision))
            return write(cache / "new", config or {}, weights=False) / "config.json"

        def snapshot_download(name, revision, allow_patterns, etag_timeout):
            downloads.append((sorted(allow_patterns), revision))
            return write(cache / "new", config or {})

        monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
        return downloads

    return serve


def write(folder, config, weights=True):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if weights:
        (folder / "model.safetensors").write_bytes(b"x" * 2_000_000)
    return folder


def answer(kind, status=404):
    import httpx2

    response = httpx2.Response(status, request=httpx2.Request("GET", "https://hub.invalid"))
    return kind("no", response=response)


def test_embedded_folders_come_first(cache):
    assert checkpoints.folder("own") == checkpoints.CHECKPOINTS / "own"
    assert checkpoints.embedded() == ("own",)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nothing",
        "../own",
        "own/",
        "/etc",
        "a/../own",
        "owner/..",
        "a/b/c",
        "owner/mo del",
        "owner/m\n",
        "ow--ner/m",
    ],
)
def test_names_that_cannot_be(cache, name):
    with pytest.raises(Problem, match="choose one of own"):
        checkpoints.folder(name)


def test_only_the_checked_revision_and_only_data_is_downloaded(hub):
    files = SAFE | {
        "pytorch_model.bin": 9,
        "code.py": 9,
        "vocab.txt": 9,
        "merges.txt": 9,
        "onnx/model.safetensors": 10**12,
    }
    downloads = hub(files)
    checkpoints.folder(NAME)
    wanted = ["config.json", "merges.txt", "model.safetensors", "tokenizer.json", "vocab.txt"]
    assert downloads == [("config.json", "abc123"), (wanted, "abc123")]


@pytest.mark.parametrize(
    ("served", "message"),
    [
        ({"files": {"config.json": 1, "pytorch_model.bin": 1}}, "only as pickles"),
        ({"files": {"config.json": 1, "README.md": 1}}, "no weights as safetensors"),
        ({"files": {"config.json": 1, "sub/model.safetensors": 1}}, "no weights as safetensors"),
        ({"files": SAFE | {"model.safetensors": 1_400_000_000}}, "1,400 MB of weights and the limit is 700 MB"),
        ({"files": SAFE | {"huge.json": 800_000_000}}, "limit is 700 MB"),
        ({"config": {"auto_map": {"AutoModel": "code.Model"}}}, "code of its own"),
    ],
)
def test_refused_before_the_download(hub, served, message):
    downloads = hub(**served)
    with pytest.raises(Problem, match=message):
        checkpoints.folder(NAME)
    assert [file for file, _ in downloads if file != "config.json"] == []


def test_the_caller_may_refuse_before_the_download(hub):
    downloads = hub(config={"model_type": "vit"})

    def accept(config):
        raise Problem(f"no {config['model_type']} here")

    with pytest.raises(Problem, match="no vit here"):
        checkpoints.folder(NAME, accept=accept)
    assert [file for file, _ in downloads] == ["config.json"]


# ---- pipelines of diffusers ---------------------------------------------------------------------------------------
PIPELINE = {
    "model_index.json": 200,
    "README.md": 10,
    "unet/config.json": 900,
    "unet/diffusion_pytorch_model.safetensors": 4_000_000,
    "unet/diffusion_pytorch_model.bin": 4_000_000,
    "unet/deep/down.safetensors": 10**12,
    "scheduler/scheduler_config.json": 300,
    "vae/diffusion_pytorch_model.safetensors": 10**12,
    "run.py": 100,
}
PARTS = ("unet", "scheduler")


@pytest.fixture
def pipeline(hub, cache, monkeypatch):
    """A repository whose network lies in a folder of its own; what was downloaded, in order."""
    import huggingface_hub

    def serve(files=PIPELINE, config=None):
        downloads = hub(files)

        def hf_hub_download(name, file, revision, etag_timeout):
            downloads.append((file, revision))
            return write(cache / "new" / "unet", config or {}, weights=False) / "config.json"

        def snapshot_download(name, revision, allow_patterns, etag_timeout):
            downloads.append((sorted(allow_patterns), revision))
            write(cache / "new" / "unet", config or {})
            return cache / "new"

        monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
        return downloads

    return serve


def test_of_a_pipeline_only_the_wanted_folders_are_downloaded(pipeline, cache):
    downloads = pipeline()
    assert checkpoints.folder(NAME, parts=PARTS) == cache / "new"
    wanted = [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
    ]
    assert downloads == [("unet/config.json", "abc123"), (wanted, "abc123")]


def test_the_config_of_a_pipeline_is_accepted_before_its_weights(pipeline):
    downloads = pipeline(config={"_class_name": "UNet3D"})

    def accept(config):
        raise Problem(f"no {config['_class_name']} here")

    with pytest.raises(Problem, match="no UNet3D here"):
        checkpoints.folder(NAME, accept=accept, parts=PARTS)
    assert [file for file, _ in downloads] == ["unet/config.json"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"unet/diffusion_pytorch_model.safetensors": 900_000_000}, "900 MB of weights and the limit is 700 MB"),
        ({"scheduler/scheduler_config.json": 800_000_000}, "limit is 700 MB"),
        ({"unet/diffusion_pytorch_model.safetensors": None}, "only as pickles"),
    ],
)
def test_pipelines_refused_before_the_download(pipeline, changed, message):
    files = {name: size for name, size in {**PIPELINE, **changed}.items() if size}
    downloads = pipeline(files)
    with pytest.raises(Problem, match=message):
        checkpoints.folder(NAME, parts=PARTS)
    assert downloads == []


def test_code_of_its_own_is_found_in_a_pipeline_too(pipeline):
    downloads = pipeline(config={"auto_map": {"AutoModel": "code.Model"}})
    with pytest.raises(Problem, match="code of its own"):
        checkpoints.folder(NAME, parts=PARTS)
    assert len(downloads) == 1


def test_whoever_does_not_want_the_folders_does_not_get_them(pipeline):
    pipeline()
    with pytest.raises(Problem, match="no weights as safetensors in its top folder"):
        checkpoints.folder(NAME)


def test_a_cached_pipeline_must_be_complete(cache):
    copy = cache / "models--owner--model" / "snapshots" / "1"
    write(copy / "unet", {}, weights=False)
    with pytest.raises(Problem, match="could not be downloaded"):
        checkpoints.folder(NAME, parts=PARTS)
    write(copy / "unet", {})
    assert checkpoints.folder(NAME, parts=PARTS) == copy


def test_unknown_and_gated_repositories(hub, monkeypatch):
    import huggingface_hub
    from huggingface_hub import errors

    hub(error=answer(errors.RepositoryNotFoundError))
    with pytest.raises(Problem, match="has no model owner/model"):
        checkpoints.folder(NAME)
    hub(error=answer(errors.GatedRepoError, 403))
    with pytest.raises(Problem, match="is gated"):
        checkpoints.folder(NAME)
    hub(gated="manual")

    def auth_check(self, name):
        raise answer(errors.GatedRepoError, 403)

    monkeypatch.setattr(huggingface_hub.HfApi, "auth_check", auth_check)
    with pytest.raises(Problem, match="is gated"):
        checkpoints.folder(NAME)


def test_without_a_network(cache, hub):
    import httpx2

    hub(error=httpx2.ConnectError("no route"))
    with pytest.raises(Problem, match=r"could not be downloaded.*choose one of own"):
        checkpoints.folder(NAME)
    copy = write(cache / "models--owner--model" / "snapshots" / "1", {})
    assert checkpoints.folder(NAME) == copy


def test_a_cached_copy_must_be_complete_and_pass_the_same_checks(cache):
    snapshots = cache / "models--owner--model" / "snapshots"
    copy = write(snapshots / "1", {}, weights=False)
    with pytest.raises(Problem, match="could not be downloaded"):
        checkpoints.folder(NAME)
    (copy / "model.safetensors").symlink_to(copy / "missing")
    with pytest.raises(Problem, match="could not be downloaded"):
        checkpoints.folder(NAME)
    (copy / "missing").write_bytes(b"x" * 3_000_000)  # caches keep files behind links
    assert checkpoints.folder(NAME) == copy
    with pytest.raises(Problem, match="3 MB of weights and the limit is 2 MB"):
        checkpoints.folder(NAME, max_megabytes=2)
    write(copy, {"auto_map": {}}, weights=False)
    with pytest.raises(Problem, match="code of its own"):
        checkpoints.folder(NAME)


def test_a_cached_copy_needs_all_shards(cache):
    copy = write(cache / "models--owner--model" / "snapshots" / "1", {}, weights=False)
    shards = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    (copy / "model-1.safetensors").write_bytes(b"x")
    with pytest.raises(Problem, match="could not be downloaded"):
        checkpoints.folder(NAME)
    (copy / "model-2.safetensors").write_bytes(b"x")
    assert checkpoints.folder(NAME) == copy


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_unreadable_configs(cache, text):
    (checkpoints.CHECKPOINTS / "own" / "config.json").write_text(text)
    with pytest.raises(Problem, match=r"no readable config\.json"):
        checkpoints.folder("own")


def test_each_name_is_loaded_once():
    loads, inside = [], threading.Semaphore()

    @checkpoints.load_once
    def load(name):
        assert inside.acquire(blocking=False), "two loads at once"
        loads.append(name)
        threading.Event().wait(0.02)
        inside.release()
        return [name]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(load, ["a", "b/c", "a", "b/c"] * 4))
    assert sorted(loads) == ["a", "b/c"]
    assert {id(value) for value in found} == {id(load("a")), id(load("b/c"))}


def test_the_hub_models_used_last_are_kept():
    loads = []

    @checkpoints.load_once
    def load(name):
        loads.append(name)
        return [name]

    for name in ("own", "x/1", "x/2", "x/3", "x/1", "x/4", "x/1", "own"):
        load(name)
    assert loads == ["own", "x/1", "x/2", "x/3", "x/4"]
    load("x/2")
    assert loads[-1] == "x/2"


def test_a_failed_load_is_tried_again():
    attempts = []

    @checkpoints.load_once
    def load(name):
        attempts.append(name)
        raise Problem("no")

    for _ in range(2):
        with pytest.raises(Problem):
            load("own")
    assert len(attempts) == 2


def test_importing_it_loads_nothing_heavy():
    heavy = "{'torch', 'transformers', 'huggingface_hub', 'gradio'} & sys.modules.keys()"
    code = f"import sys, shared.checkpoints; sys.exit(', '.join({heavy}) or 0)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

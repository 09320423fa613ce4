"""Every training script runs from data to a checkpoint that loads again."""

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import diffusers
import pytest
import transformers
from safetensors import safe_open

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
NO_DATA = re.compile(r"LocalEntryNotFoundError|OfflineModeIsEnabled|ConnectError|ConnectionError")


@pytest.fixture(scope="module", params=sorted(path.name for path in SCRIPTS.glob("train_*.py")))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The checkpoint folders of one quick run."""
    out = tmp_path_factory.mktemp("training") / "checkpoints"
    command = [sys.executable, str(SCRIPTS / request.param), "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=out.parent, capture_output=True, text=True, timeout=600)
    if done.returncode and NO_DATA.search(done.stderr):
        pytest.skip(f"{request.param} needs its data set in the Hub cache or a network")
    assert done.returncode == 0, done.stderr
    return sorted(path for path in out.iterdir() if path.is_dir())


def test_checkpoints_load_again(trained: list[Path]):
    assert trained
    for folder in trained:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = config.get("architectures") or [config["_class_name"]]
        for library in (transformers, diffusers):
            for name in filter(partial(hasattr, library), names):
                _, report = getattr(library, name).from_pretrained(folder, output_loading_info=True)
                assert not report["missing_keys"], f"{folder.name} lacks weights of {name}"
        for file in folder.glob("*.safetensors"):
            with safe_open(file, "numpy") as weights:
                assert list(weights.keys())


def test_runs_leave_their_measurements(trained: list[Path]):
    for folder in trained:
        measured = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        assert measured.keys() >= {"command", "hardware", "seconds", "seed", "metrics"}
        assert all(isinstance(value, int | float) for value in measured["metrics"].values())
        header, *rows = (folder / "history.csv").read_text(encoding="utf-8").splitlines()
        assert {"learning_rate", "gradient_norm", "seconds"} <= set(header.split(","))
        assert rows

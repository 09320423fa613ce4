"""Every Space, assembled as the Hub will see it, starts there from its own copy of the library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import publish

SPACES = sorted(path.parent.name for path in (publish.ROOT / "spaces").glob("*/app.py"))
# What `python app.py` would import, without serving; -P keeps everything but the stage itself off the path.
IMPORT_APP = """
import json, runpy, sys
sys.path.insert(0, sys.argv[1])
names = runpy.run_path("app.py", run_name="staged")
modules = {name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "shared"}
kind = type(names.get("demo"))
print(json.dumps({"shared": modules, "demo": f"{kind.__module__}.{kind.__name__}",
                  "early": [name for name in ("transformers",) if name in sys.modules]}))
"""


@pytest.fixture(scope="module", params=SPACES)
def imported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A staged Space and what a fresh process found when it imported the app there."""
    folder = tmp_path_factory.mktemp(request.param) / "stage"
    publish.stage(request.param, folder)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HF_", "GRADIO_"))}
    environment = kept | {"SYSTEM": "spaces", "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder.parent / "empty cache")}
    command = [sys.executable, "-P", "-c", IMPORT_APP, str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


def test_page_exists(imported: tuple[Path, dict]):
    assert imported[1]["demo"] == "gradio.blocks.Blocks"


def test_library_comes_from_the_stage(imported: tuple[Path, dict]):
    folder, found = imported
    assert "shared.ui" in found["shared"]
    outside = {name: file for name, file in found["shared"].items() if not Path(file).is_relative_to(folder)}
    assert not outside


def test_nothing_is_loaded_before_the_first_request(imported: tuple[Path, dict]):
    assert not imported[1]["early"]


def test_every_named_checkpoint_is_there(imported: tuple[Path, dict]):
    folder, _ = imported
    named = [model for model in publish.front_matter(folder / "README.md").get("models", []) if "/" not in model]
    assert [model for model in named if not (folder / "checkpoints" / model / "config.json").is_file()] == []

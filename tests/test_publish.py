"""Assembling a Space: what goes into the folder that is uploaded, and what is refused."""

from pathlib import Path

import pytest

import publish
from shared.problems import Problem

README = """---
title: Toy
models:
  - tiny
  - owner/on-the-hub
---
text
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one complete Space, two checkpoints, and things that must never be published."""
    files = {
        "spaces/toy/app.py": "demo = None",
        "spaces/toy/toy_views.py": "",
        "spaces/toy/README.md": README,
        "spaces/toy/requirements.txt": "numpy==1.0",
        "spaces/toy/examples/picture.txt": "x",
        "spaces/toy/__pycache__/app.cpython-312.pyc": "",
        "spaces/toy/.gradio/flagged.csv": "",
        "shared/__init__.py": "",
        "shared/render/web/viewer.js": "",
        "shared/__pycache__/x.pyc": "",
        "checkpoints/tiny/model.safetensors": "",
        "checkpoints/tiny/config.json": "{}",
        "checkpoints/other/model.safetensors": "",
        "tests/test_toy.py": "",
        "scripts/train_toy.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_stage_holds_the_space_the_library_and_its_checkpoints(repository: Path):
    publish.stage("toy", repository / "stage", root=repository)
    staged = {path.relative_to(repository / "stage").as_posix() for path in (repository / "stage").rglob("*.*")}
    assert {name for name in staged if (repository / "stage" / name).is_file()} == {
        "app.py",
        "toy_views.py",
        "README.md",
        "requirements.txt",
        "examples/picture.txt",
        "shared/__init__.py",
        "shared/render/web/viewer.js",
        "checkpoints/tiny/model.safetensors",
        "checkpoints/tiny/config.json",
    }


@pytest.mark.parametrize("required", ["README.md", "requirements.txt"])
def test_incomplete_space_is_refused(repository: Path, required: str):
    (repository / "spaces/toy" / required).unlink()
    with pytest.raises(Problem, match=f"has no {required}"):
        publish.stage("toy", repository / "stage", root=repository)
    assert not (repository / "stage").exists()


def test_unknown_space_names_the_known_ones(repository: Path):
    with pytest.raises(Problem, match="no Space named 'nothing'; choose one of: toy"):
        publish.stage("nothing", repository / "stage", root=repository)


def test_missing_checkpoint_is_refused_before_anything_is_copied(repository: Path):
    (repository / "checkpoints/tiny/model.safetensors").unlink()
    with pytest.raises(Problem, match="checkpoints/tiny has no weights"):
        publish.stage("toy", repository / "stage", root=repository)
    assert not (repository / "stage").exists()


def test_front_matter_is_required(repository: Path):
    (repository / "spaces/toy/README.md").write_text("# Toy\n", encoding="utf-8")
    with pytest.raises(Problem, match="no front matter"):
        publish.stage("toy", repository / "stage", root=repository)


def test_a_filled_folder_is_left_alone(repository: Path):
    mine = repository / "stage" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("keep", encoding="utf-8")
    with pytest.raises(Problem, match="not empty"):
        publish.stage("toy", mine.parent, root=repository)
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]


def test_command_line_ends_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["publish.py", "stage", "no such space", str(tmp_path / "stage")])
    with pytest.raises(SystemExit) as stopped:
        publish.main()
    assert str(stopped.value).startswith("There is no Space named 'no such space'; choose one of: ")

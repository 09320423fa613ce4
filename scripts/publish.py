"""Assemble a Space as the Hub will see it.

    python scripts/publish.py stage attention build/attention

A deployed Space is a folder of its own: the files of ``spaces/<name>``, the library ``shared`` beside them, and the
checkpoints that the front matter of its README names under ``models:``. Models on the Hub are named there too
("owner/name") and stay where they are. The finished folder is what ``upload_folder`` sends to the Hub, file by file,
so nothing lies in it that is not meant to be published.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from huggingface_hub import metadata_load

from shared.problems import Problem

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".*", "*.egg-info")


def space_folder(name: str, root: Path = ROOT) -> Path:
    """The source folder of a Space, complete enough to be published."""
    names = sorted(path.parent.name for path in (root / "spaces").glob("*/app.py"))
    if name not in names:
        raise Problem(f"There is no Space named '{name}'; choose one of: {', '.join(names) or 'none yet'}.")
    folder = root / "spaces" / name
    for required in ("README.md", "requirements.txt"):
        if not (folder / required).is_file():
            raise Problem(f"The Space '{name}' has no {required}; write one, as the other Spaces have.")
    return folder


def front_matter(readme: Path) -> dict[str, Any]:
    """The block between the first two lines of three dashes, which tells the Hub how to run the Space."""
    values = metadata_load(readme)
    if not values:
        raise Problem(
            f"{readme.parent.name}/{readme.name} has no front matter; begin it with a block between lines of ---."
        )
    return values


def checkpoint_folders(space: Path, root: Path = ROOT) -> list[Path]:
    """The embedded checkpoints that the Space names under ``models:``; names with a slash are models on the Hub."""
    folders = []
    for model in front_matter(space / "README.md").get("models") or []:
        if "/" in model:
            continue
        folder = root / "checkpoints" / model
        if not list(folder.glob("*.safetensors")):
            raise Problem(
                f"checkpoints/{model} has no weights; train it, or correct the models: of {space.name}/README.md."
            )
        folders.append(folder)
    return folders


def stage(name: str, destination: Path, root: Path = ROOT) -> None:
    """Copy everything that the Space ``name`` is made of into the new or empty folder ``destination``."""
    space = space_folder(name, root)
    checkpoints = checkpoint_folders(space, root)
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise Problem(f"{destination} is not empty; name a new folder, so that nothing else gets published.")
    shutil.copytree(space, destination, ignore=LEFT_OUT, dirs_exist_ok=True)
    shutil.copytree(root / "shared", destination / "shared", ignore=LEFT_OUT)
    for folder in checkpoints:
        shutil.copytree(folder, destination / "checkpoints" / folder.name, ignore=LEFT_OUT)


def describe(folder: Path) -> str:
    """How many files ``folder`` holds and their size."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return f"{folder}: {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    staging = commands.add_parser("stage", help="assemble a Space in a folder")
    staging.add_argument("name", help="the folder's name under spaces/")
    staging.add_argument("destination", type=Path, help="a folder that is new or empty")
    arguments = parser.parse_args()
    try:
        stage(arguments.name, arguments.destination)
    except Problem as problem:
        sys.exit(str(problem))
    print(describe(arguments.destination))


if __name__ == "__main__":
    main()

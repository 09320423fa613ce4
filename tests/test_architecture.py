"""The rules that keep the house in order: what every Space and every checkpoint must have, and what must be nowhere."""

import ast
import importlib.metadata
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import publish

ROOT = publish.ROOT
SPACES = sorted(path.parent for path in (ROOT / "spaces").glob("*/app.py"))
CHECKPOINTS = sorted(path for path in (ROOT / "checkpoints").glob("*") if path.is_dir())
EXPECTED_CHECKPOINTS = (
    "bert-reviews", "bert-reviews-pretrained", "induction-2l", "resnet20-cifar10", "alexnet-cifar10", "mlp-cifar10",
    "lenet-mnist", "lenet-mnist-shortcut", "mlp-mnist", "cnn-fashion-mnist", "ddpm-fashion-mnist",
    "resnet56-narrow-cifar10", "plain56-narrow-cifar10", "plain56-narrow-cifar10-no-norm",
)  # fmt: skip
FOLDERS = (".ci", "checkpoints", "scripts", "shared", "spaces", "tests")
TEXT = {".py", ".md", ".toml", ".txt", ".json", ".csv", ".js", ".css", ".html", ".yml", ".yaml", ""}
FRONT_MATTER = ("title", "emoji", "colorFrom", "colorTo", "app_file", "license", "short_description", "tags")
COLORS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(work|tmp|home|root|Users|opt|mnt)/\w")
# In pieces, or this file would find itself.
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "registry.npm" + "js", "deb.debian" + ".org", "conda" + ".io")

each_space = pytest.mark.parametrize("space", SPACES, ids=lambda path: path.name)
each_checkpoint = pytest.mark.parametrize("checkpoint", CHECKPOINTS, ids=lambda path: path.name)


@cache
def pinned() -> dict[str, str]:
    """The tested version of every package."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def project_files() -> Iterator[Path]:
    """Every file of the project that is no by-product of running it."""
    yield from (path for path in ROOT.iterdir() if path.is_file())
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def imports(source: Path) -> set[str]:
    """The absolute names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_file(folder: Path, name: str) -> Path | None:
    """The source of module ``name`` below ``folder``, if it lies there."""
    path = folder.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def third_party(space: Path) -> set[str]:
    """The top-level packages that a Space imports, itself or through siblings and shared modules."""
    waiting, seen, outside = list(space.glob("*.py")), set(), set()
    while waiting:
        source = waiting.pop()
        if source in seen:
            continue
        seen.add(source)
        for name in imports(source):
            own = module_file(ROOT, name) if name.split(".")[0] == "shared" else module_file(space, name)
            if own:
                waiting.append(own)
            elif name.split(".")[0] not in {*sys.stdlib_module_names, "shared", *(p.stem for p in space.glob("*.py"))}:
                outside.add(name.split(".")[0])
    return outside


def requirements(space: Path) -> dict[str, Requirement]:
    """The packages that a Space asks the Hub to install."""
    lines = (space / "requirements.txt").read_text(encoding="utf-8").splitlines()
    parsed = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


def test_there_is_a_space():
    assert SPACES


@each_space
def test_space_is_complete(space: Path):
    assert [name for name in ("README.md", "requirements.txt") if not (space / name).is_file()] == []


@each_space
def test_front_matter(space: Path):
    values = publish.front_matter(space / "README.md")
    assert [key for key in FRONT_MATTER if not values.get(key)] == []
    assert values["sdk"] == "gradio"
    assert values["sdk_version"] == pinned()["gradio"]
    assert values["python_version"] == "3.12"
    assert values["app_file"] == "app.py"
    assert values["license"] == "apache-2.0"
    assert {values["colorFrom"], values["colorTo"]} <= COLORS
    assert len(values["short_description"]) <= 60, "the Hub refuses longer ones"
    assert isinstance(values.get("models", []), list)  # a Space may train its networks itself
    assert isinstance(values["tags"], list)


@each_space
def test_requirements_cover_the_imports(space: Path):
    distributions = importlib.metadata.packages_distributions()
    asked = requirements(space)
    provided = {canonicalize_name(name) for name in asked} | {"gradio", "gradio-client"}
    uncovered = {
        package
        for package in third_party(space)
        if not {canonicalize_name(name) for name in distributions.get(package, [package])} & provided
    }
    assert not uncovered, f"{space.name}/requirements.txt lacks what provides {uncovered}"


@each_space
def test_requirements_are_the_tested_versions(space: Path):
    for name, requirement in requirements(space).items():
        assert str(requirement.specifier) == f"=={pinned()[name]}", requirement


@each_space
def test_app_is_short(space: Path):
    source = (space / "app.py").read_bytes()
    assert len(source.splitlines()) <= 120
    assert len(source) <= 12_000


@each_space
def test_siblings_carry_the_name_of_their_space(space: Path):
    siblings = [path.name for path in space.glob("*.py") if path.name != "app.py"]
    assert [name for name in siblings if not name.startswith(f"{space.name}_")] == []


@each_space
def test_no_file_hides_a_module(space: Path):
    """Python puts the folder of app.py first on its path: a name there wins over any package of that name."""
    specs = {path.stem: importlib.util.find_spec(path.stem) for path in space.glob("*.py") if path.name != "app.py"}
    elsewhere = {name for name, spec in specs.items() if spec and Path(spec.origin or "").parent != space}
    assert not elsewhere | (specs.keys() & sys.stdlib_module_names)


@each_space
def test_no_space_imports_another(space: Path):
    others = {path.stem for other in SPACES if other != space for path in other.glob("*.py")} - {"app"}
    used = {name.split(".")[0] for path in space.glob("*.py") for name in imports(path)}
    assert not used & (others | {"spaces", "scripts", "tests"})


def test_spaces_is_no_package():
    assert not list((ROOT / "spaces").rglob("__init__.py"))
    spec = importlib.util.find_spec("spaces")
    assert spec is None or str(ROOT) not in str(spec.submodule_search_locations), "the repository is on Python's path"


def test_front_matter_names_only_what_exists():
    for space in SPACES:
        publish.checkpoint_folders(space)


@pytest.mark.parametrize("name", EXPECTED_CHECKPOINTS)
def test_checkpoint_exists(name: str):
    assert list((ROOT / "checkpoints" / name).glob("*.safetensors"))


@each_checkpoint
def test_checkpoint_is_complete(checkpoint: Path):
    assert list(checkpoint.glob("*.safetensors"))
    required = ("config.json", "metrics.json", "history.csv", "README.md", "curves.png")
    assert [name for name in required if not (checkpoint / name).is_file()] == []
    measured = json.loads((checkpoint / "metrics.json").read_text(encoding="utf-8"))
    assert measured.keys() >= {"command", "hardware", "seconds", "seed", "metrics"}
    assert "--quick" not in measured["command"]


@each_checkpoint
def test_model_card_states_what_was_measured(checkpoint: Path):
    card = (checkpoint / "README.md").read_text(encoding="utf-8")
    measured = json.loads((checkpoint / "metrics.json").read_text(encoding="utf-8"))
    assert publish.front_matter(checkpoint / "README.md")["license"] == "apache-2.0"
    assert measured["command"] in card
    shown = {
        name: f"{value:,}" if isinstance(value, int) else f"{value:.4g}" for name, value in measured["metrics"].items()
    }
    missing = [name for name, value in shown.items() if f"| {value} |" not in card]
    assert not missing, f"the card is older than metrics.json: {missing}"


@each_checkpoint
def test_curves_are_small(checkpoint: Path):
    assert (checkpoint / "curves.png").stat().st_size <= 60_000


def test_checkpoints_stay_small():
    sizes = [path.stat().st_size for path in (ROOT / "checkpoints").rglob("*") if path.is_file()]
    assert sum(sizes) <= 80_000_000


def test_no_pickled_weights():
    assert [path for path in project_files() if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".ckpt"}] == []


def test_text_names_no_machine_and_no_registry():
    found = []
    for path in project_files():
        if path.suffix not in TEXT or "vendor" in path.parts or path.name == "tokenizer.json":
            continue
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(ROOT)}: {host}" for host in REGISTRIES if host in text]
        if match := MACHINE_PATH.search(text):
            found.append(f"{path.relative_to(ROOT)}: {match[0]}")
    assert not found

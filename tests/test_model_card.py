"""Model cards: numbers from the run, words from the training script, curves that can be read."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import model_card
from record import History, write_checkpoint_files
from shared.problems import Problem

CARD = model_card.Card(
    title="A toy",
    what="It does nothing.",
    limits="It cannot do anything.",
    load="network = None",
    datasets=("owner/toys",),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint folder as a training script with two stages leaves it."""
    monkeypatch.setattr("sys.argv", ["scripts/train_toy.py", "--name", "toy one"])
    history = History(tmp_path / "toy" / "history.csv")
    history.seconds = 130.0
    for stage, step, loss in (("first", 10, 2.0), ("first", 20, 1.0), ("second", 5, 0.0)):
        history.add(stage=stage, step=step, learning_rate=0.1, gradient_norm=3.0, train_loss=loss, accuracy=0.5)
    measured = {"seed": 7, "parameters": 12_345, "split_sizes": {"test": 1_821}, "metrics": {"test_accuracy": 0.81234}}
    write_checkpoint_files(tmp_path / "toy", history, measured, CARD)
    return tmp_path / "toy"


def test_card_holds_numbers_words_and_command(folder: Path):
    card = (folder / "README.md").read_text(encoding="utf-8")
    for part in (
        "# A toy",
        "- owner/toys",
        "| test accuracy | 0.8123 |",
        "| parameters | 12,345 |",
        "| examples: test | 1,821 |",
        "python scripts/train_toy.py --name 'toy one'",
        "2 minutes of training on",
        "It cannot do anything.",
    ):
        assert part in card


def test_settings_stay_in_metrics_json(folder: Path):
    measured = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert measured["metrics"] == {"test_accuracy": 0.81234}
    assert measured["split_sizes"] == {"test": 1_821}


def test_curves_are_a_small_picture_with_lines(folder: Path):
    data = (folder / "curves.png").read_bytes()
    assert len(data) <= 60_000
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    accent = np.array([0x0F, 0x6F, 0x78])
    assert (np.abs(pixels.astype(int) - accent).max(-1) < 8).sum() > 200


def test_steps_are_counted_on_from_stage_to_stage():
    rows = [{"stage": "a", "step": "10"}, {"stage": "a", "step": "20"}, {"stage": "b", "step": "5"}]
    assert model_card.total_steps(rows) == [10, 20, 25]
    assert model_card.total_steps([{"epoch": "1"}, {"epoch": "2"}]) == [1, 2]


def test_columns_find_their_panels():
    names = ["learning_rate", "train_loss", "gradient_norm", "accuracy", "validation_loss"]
    assert model_card.panels(names) == {
        "loss": ["train_loss", "validation_loss"],
        "metric": ["accuracy"],
        "learning rate": ["learning_rate"],
        "gradient norm": ["gradient_norm"],
    }


@pytest.mark.parametrize(("column", "text", "value"), [("loss", "0", np.nan), ("loss", "", np.nan), ("rate", "0", 0.0)])
def test_a_loss_of_zero_was_not_measured(column: str, text: str, value: float):
    np.testing.assert_equal(model_card.reading({column: text}, column), value)


def test_words_come_from_the_script_that_trained(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder.parent / "train_toy.py").write_text("CARDS = {'toy': 'the words'}", encoding="utf-8")
    monkeypatch.syspath_prepend(folder.parent)
    assert model_card.card_of(folder) == "the words"
    other = folder.rename(folder.with_name("other"))
    with pytest.raises(Problem, match="scripts/train_toy.py has no words for 'other'"):
        model_card.card_of(other)

"""What holds for the presets of every Space."""

import json
from urllib.parse import parse_qsl, urlencode

from shared.ui.wire import preset_number, read_link


def can_be_linked(preset, presets, defaults):
    """A link brings back the inputs, the state and the pin of a preset, and its number opens it."""
    inputs = {**defaults, **preset.inputs}
    query = {**inputs, **{name: str(value) for name, value in preset.state.items()}}
    if preset.pin:
        query["pin"] = json.dumps({"inputs": {**inputs, **preset.pin["inputs"]}, "state": preset.pin["state"]})
    values, state, pin = read_link(dict(parse_qsl(urlencode(query), keep_blank_values=True)), defaults)
    assert values == inputs and state == preset.state
    assert (pin is None) == (preset.pin is None)
    assert pin is None or {**inputs, **preset.pin["inputs"]} == pin["inputs"]
    place = presets.index(preset)
    assert preset_number(str(place + 1), len(presets)) == place


def asks_one_fair_question(presets):
    """One preset asks for a prediction, and the answer is among its options."""
    (predict,) = (preset.predict for preset in presets if preset.predict)
    assert set(predict) == {"question", "options", "answer", "reveal"}
    assert len(predict["options"]) == len(set(predict["options"])) == 3
    assert 0 <= predict["answer"] < 3 and predict["question"].endswith("?") and predict["reveal"].endswith(".")

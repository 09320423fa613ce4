"""Events of a page: typing, presets, links and the picture's own edits all end in one payload for the picture.

A payload is what ``frame.js`` draws: ``inputs``, ``auto`` (state the result suggests), ``state`` (state a link or a
preset asks for), ``data`` (the viewer's), ``exports``, ``pinned``, ``note``, ``predict``, ``warning`` (a
sentence above the picture); or ``problem``, a sentence instead of a picture.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import gradio as gr
from gradio.components import Component

from shared.problems import Problem
from shared.ui.presets import Preset
from shared.ui.problems import sentence

Payload = Callable[[dict[str, str]], dict[str, Any]]
LONGEST_LINK = 8_000  # characters of one value
serial = count()  # two equal results in a row are still two answers


def wire(
    demo: gr.Blocks,
    inputs: Mapping[str, Component],
    defaults: Mapping[str, str],
    picture: gr.HTML,
    strip: gr.HTML,
    choices: Sequence[Preset],
    payload: Payload,
    concurrency_id: str,
) -> None:
    """Connect the page. ``payload`` turns inputs into a picture; all events of one model share ``concurrency_id``."""
    fields = list(inputs.values())
    names = list(inputs)

    # What the picture shows already. Presets and links change the inputs too, and every change is an event: gradio's
    # own ``input`` event leaves those out, but also loses the first thing that a visitor pastes after one.
    painted = gr.State(())

    def repaint(shown: tuple[str, ...], *values: str) -> Any:
        if values == tuple(shown):
            return gr.skip()
        return [as_json(payload, dict(zip(names, values, strict=True))), values]

    def pick(event: gr.EventData) -> list[Any]:
        return chosen(choices[int(event._data["index"]) % len(choices)])

    def chosen(preset: Preset, **more: str) -> list[Any]:
        values = {**defaults, **preset.inputs}
        extra = {"reset": True, "state": preset.state, "note": preset.note, "predict": preset.predict}
        return [*values.values(), as_json(payload, values, preset.pin, **extra, **more), tuple(values.values())]

    def open_page(request: gr.Request) -> list[Any]:
        query = dict(request.query_params)
        if not any(name in query for name in (*names, "pin")):
            return chosen(choices[preset_number(query.get("preset"), len(choices))])
        try:
            values, state, pin = read_link(query, defaults)
        except Problem as error:
            return chosen(choices[0], warning=str(error))
        return [*values.values(), as_json(payload, values, pin, reset=True, state=state), tuple(values.values())]

    def edit(event: gr.EventData, *values: str) -> list[Any]:
        asked = event._data["inputs"]
        changed = {name: str(asked.get(name, value)) for name, value in zip(names, values, strict=True)}
        return [*changed.values(), as_json(payload, changed), tuple(changed.values())]

    quiet: dict[str, Any] = {
        "show_progress": "hidden",
        "api_visibility": "private",
        "concurrency_id": concurrency_id,
        "concurrency_limit": 2,
    }
    for field in fields:
        field.change(  # type: ignore[attr-defined]
            repaint, [painted, *fields], [picture, painted], trigger_mode="always_last", **quiet
        )
    strip.pick(pick, None, [*fields, picture, painted], trigger_mode="always_last", **quiet)
    picture.edit(edit, fields, [*fields, picture, painted], trigger_mode="always_last", **quiet)
    demo.load(open_page, None, [*fields, picture, painted], **quiet)


def as_json(payload: Payload, inputs: dict[str, str], pin: dict[str, Any] | None = None, **extra: Any) -> str:  # noqa: ANN401
    """The payload of ``inputs`` as JSON, with a pinned second picture where a link or preset has one."""
    try:
        body = {**payload(inputs), **extra}
        if pin:
            body["pinned"] = {**payload({**inputs, **pin["inputs"]}), "state": pin.get("state", {})}
    except Exception as error:
        body = {"problem": sentence(error)}
    return json.dumps({**body, "serial": next(serial)}, allow_nan=False)


def preset_number(text: str | None, number: int) -> int:
    """The preset that ``?preset=3`` asks for, counting from 1; the first where it asks for none that exists."""
    return int(text) - 1 if text and text.isdecimal() and 1 <= int(text) <= number else 0


def read_link(
    query: Mapping[str, str], defaults: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Any], dict[str, Any] | None]:
    """Inputs, state and pin of a link's query string. Values are typed by the viewer; here they are only bounded."""
    broken = Problem("This link is damaged; the page opens without it.")
    if any(len(value) > LONGEST_LINK for value in query.values()):
        raise broken
    values = {name: query.get(name, value) for name, value in defaults.items()}
    state = {name: typed(value) for name, value in query.items() if name not in (*defaults, "pin")}
    if "pin" not in query:
        return values, state, None
    try:
        pin = json.loads(query["pin"])
        return values, state, {"inputs": {k: str(pin["inputs"][k]) for k in defaults}, "state": dict(pin["state"])}
    except (ValueError, KeyError, TypeError) as error:
        raise broken from error


def typed(text: str) -> str | int | bool:
    """Numbers and truth values of a query string as such."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdecimal() and len(text) < 6 else text

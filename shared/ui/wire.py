"""Events of a page: typing, presets, links and the picture's own edits all end in one payload for the picture.

A payload is what ``frame.js`` draws: ``inputs``, ``auto`` (state the result suggests), ``state`` (state a link or a
preset asks for), ``data`` (the viewer's), ``exports``, ``pinned``, ``note``, ``predict``, ``warning`` (a
sentence above the picture); or ``problem``, a sentence instead of a picture; or ``waiting``, one until it comes.
``number`` is that of the preset or edit that it answers, which the page asks for one after the other.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import gradio as gr
from gradio.components import Component

from shared.checkpoints import load_once
from shared.problems import Problem
from shared.ui.presets import Preset
from shared.ui.problems import sentence

Payload = Callable[[dict[str, str]], dict[str, Any]]
LONGEST_LINK = 8_000  # characters of one value
SETTLING = 6.0  # seconds in which the browser has set all fields of a form
serial = count()  # two equal results in a row are still two answers


@dataclass(frozen=True)
class Shown:
    """The inputs that the picture shows.

    Where the page set them (a preset, a link), ``before`` are those that stood in the form, and until ``settled``
    (seconds, monotonic) the form may still be on its way: the browser sets one field after the other and tells of
    each, in any order, so that some of the new values arrive together with some of the old.
    """

    values: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    settled: float = 0.0

    def explains(self, values: Sequence[str | None]) -> bool:
        """Whether a form with ``values`` needs no new picture: it is what is shown, or on its way to it."""
        now = tuple(value or "" for value in values)
        if now == self.values:
            return True
        choices = zip(now, self.values, self.before, strict=False)
        return time.monotonic() < self.settled and all(
            value in (new, old) or (value == "" and new != old) for value, new, old in choices
        )


@dataclass(frozen=True)
class Page:
    """What the events of one page answer; every answer ends in a payload and in the inputs that it shows.

    ``payload`` turns inputs into a picture; ``waiting`` says in a sentence why that will take long, or "".
    """

    defaults: Mapping[str, str]
    choices: Sequence[Preset]
    payload: Payload
    waiting: Callable[[dict[str, str]], str]

    def repaint(self, shown: Shown, *values: str) -> Iterator[Any]:
        """Inputs have changed; perhaps only because a preset or a link set them."""
        if shown.explains(values):
            yield gr.skip()
            return
        changed = self.named(values)
        if reason := self.waiting(changed):
            yield [as_json({"waiting": reason}), shown]
        yield [as_json(answer_to(self.payload, changed)), Shown(tuple(changed.values()))]

    def pick(self, event: gr.EventData, shown: Shown) -> list[Any]:
        """A preset was chosen."""
        choice = self.choices[int(event._data["index"]) % len(self.choices)]
        return self.chosen(choice, shown.values, number=event._data.get("number"))

    def edit(self, event: gr.EventData, *values: str) -> list[Any]:
        """A chip of the picture changed inputs."""
        asked = event._data["inputs"]
        changed = {name: str(asked.get(name, value)) for name, value in self.named(values).items()}
        return self.everything(changed, before=values, number=event._data.get("number"))

    def open(self, request: gr.Request) -> list[Any]:
        """The page is opened, perhaps by a link."""
        query = dict(request.query_params)
        if not any(name in query for name in (*self.defaults, "pin")):
            return self.chosen(self.choices[preset_number(query.get("preset"), len(self.choices))], self.first)
        try:
            values, state, pin = read_link(query, self.defaults)
        except Problem as error:
            return self.chosen(self.choices[0], self.first, warning=str(error))
        return self.everything(values, pin, self.first, reset=True, state=state)

    @property
    def first(self) -> tuple[str, ...]:
        """What stands in the form when the page is opened."""
        return tuple(self.defaults.values())

    def chosen(self, preset: Preset, before: Sequence[str], **more: Any) -> list[Any]:
        """Everything that a preset sets in a form with the values ``before``."""
        state = {"reset": True, "state": preset.state, "note": preset.note, "predict": preset.predict}
        return self.everything({**self.defaults, **preset.inputs}, preset.pin, before, **state, **more)

    def everything(
        self, values: dict[str, str], pin: dict[str, Any] | None = None, before: Sequence[str] = (), **extra: Any
    ) -> list[Any]:
        """All inputs, the payload, and what is shown; ``before`` are the values that stood in the form.

        Where the payload shows others than it was asked for (a network that stands in), the form follows it.
        """
        body = answer_to(self.payload, values, pin, **extra)
        shown = [body.get("inputs", values).get(name, value) for name, value in values.items()]
        return [*shown, as_json(body), Shown(tuple(shown), tuple(before), time.monotonic() + SETTLING)]

    def named(self, values: Sequence[str]) -> dict[str, str]:
        """Inputs by name; an emptied field arrives as None."""
        return {name: value or "" for name, value in zip(self.defaults, values, strict=True)}


def wire(demo: gr.Blocks, page: Page, inputs: Sequence[Component], picture: gr.HTML, strip: gr.HTML, name: str) -> None:
    """Connect the page: its ``inputs`` in the order of ``page.defaults``. All its events share the queue ``name``.

    The inputs' ``change`` event also tells of changes by presets and links; gradio's ``input`` event would leave
    those out, but it loses the first thing that a visitor pastes after one.
    """
    shown = gr.State(Shown())
    quiet: dict[str, Any] = {
        "show_progress": "hidden",
        "api_visibility": "private",
        "concurrency_id": name,
        "concurrency_limit": 2,
    }
    latest = {"trigger_mode": "always_last", **quiet}
    everything = [*inputs, picture, shown]
    for field in inputs:
        field.change(page.repaint, [shown, *inputs], [picture, shown], **latest)  # type: ignore[attr-defined]
    # These carry data of their own, which "always_last" would forget; page.js asks for one after the other.
    one_by_one = {"trigger_mode": "multiple", **quiet}
    strip.pick(page.pick, [shown], everything, **one_by_one)
    picture.edit(page.edit, list(inputs), everything, **one_by_one)
    demo.load(page.open, None, everything, **quiet)


def fetching(name: str, repository: str, load: load_once[Any]) -> str:
    """Why the model ``name`` will take long, or "": it is a ``repository`` of the Hub and not loaded yet."""
    if "/" not in repository or load.find(name):
        return ""
    return f"Fetching {name[:100]}. The first time takes as long as its download; afterwards it is here."


def answer_to(
    payload: Payload, inputs: dict[str, str], pin: dict[str, Any] | None = None, **extra: Any
) -> dict[str, Any]:
    """The payload of ``inputs``, with a pinned second picture where a link or preset has one; or a problem."""
    try:
        body = {**payload(inputs), **extra}
        if pin:
            body["pinned"] = {**payload({**inputs, **pin["inputs"]}), "state": pin.get("state", {})}
    except Exception as error:
        return {"problem": sentence(error), "number": extra.get("number")}
    return body


def as_json(body: dict[str, Any]) -> str:
    """A payload as JSON, unlike every other."""
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

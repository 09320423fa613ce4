"""What a visitor asks for, checked: points, recipe, what was done in mid-run; and the film that is made of it."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from shared.explain.lines import best_line
from shared.explain.recipes import Event, Recipe, layer_sizes
from shared.explain.training import Recording, recording
from shared.models import point_sets, tables
from shared.models.plane_network import Shape
from shared.problems import Problem
from shared.results import Line, Points
from shared.ui import Jobs, decimal, table_bytes, whole
from shared.ui.jobs import TURN

MOST_PAINTED, MOST_EVENTS, LONGEST_STEER = 400, 40, 6000
LARGEST_SEED = 2**31 - 1
FILMS_BYTES = 200_000_000
TABLE = "table"


@dataclass(frozen=True)
class Plan:
    """One training: ``source`` are the arguments that bring its points, ``recipe`` how they are learned."""

    source: tuple[str, int, float, float, int, str, str]
    recipe: Recipe

    @property
    def points(self) -> Points:
        """The points of the set, without those painted on the way."""
        return points_of(*self.source)

    @property
    def shape(self) -> Shape:
        """The network."""
        return self.recipe.shape(len(self.points.classes))


@lru_cache(maxsize=32)
def points_of(data: str, size: int, noise: float, share: float, seed: int, features: str, label: str) -> Points:
    """The points of a named set or of an uploaded table."""
    if data.startswith(f"{TABLE}:"):
        return tables.points_of(table_of(data), "your table", features, label, share, seed)
    return point_sets.load(data, size, noise, share, seed, features)


@lru_cache(maxsize=4)
def table_of(reference: str):  # noqa: ANN201 - a frame of pandas, which is imported late
    """An uploaded table."""
    return tables.read_table(table_bytes(reference))


def plan_of(inputs: Mapping[str, str]) -> Plan:
    """The plan of the page's inputs; raises ``Problem`` for what cannot be."""
    seed = whole(inputs["seed"], "seed", 0, LARGEST_SEED)
    size = whole(inputs["size"], "number of points", 10, point_sets.MOST_POINTS)
    share = decimal(inputs["validation_share"], "share of points that are held out", 0, 0.9)
    data = inputs["data"].strip()
    if data == TABLE and not inputs["table"]:
        raise Problem("Upload a table first: a CSV file, under “Your own table”.")
    source = (
        inputs["table"] if data == TABLE else data, size, decimal(inputs["noise"], "noise", 0, 2), share, seed,
        inputs["features"].strip(), inputs["label"].strip(),
    )  # fmt: skip
    recipe = Recipe(
        learner=inputs["learner"],
        hidden_layers=layer_sizes(inputs["hidden_layers"]),
        activation=inputs["activation"],
        optimizer=inputs["optimizer"],
        learning_rate=decimal(inputs["learning_rate"], "learning rate", 1e-6, 1000),
        schedule=inputs["schedule"],
        epochs=whole(inputs["epochs"], "number of epochs", 1, 2000),
        batch_size=whole(inputs["batch_size"], "batch size", 0, 100_000),
        batch_norm=inputs["batch_norm"] == "true",
        dropout=decimal(inputs["dropout"], "dropout", 0, 0.9),
        l1=decimal(inputs["l1"], "L1 penalty", 0, 10),
        l2=decimal(inputs["l2"], "L2 penalty", 0, 10),
        label_smoothing=decimal(inputs["label_smoothing"], "label smoothing", 0, 0.9),
        initialization=inputs["initialization"],
        seed=seed,
    )
    plan = Plan(source, recipe)
    return replace(plan, recipe=replace(recipe, events=events_of(inputs["steer"], plan)))


def events_of(text: str, plan: Plan) -> tuple[Event, ...]:
    """What was done in mid-run, in the order of its epochs; see ``event_of`` for the text, which ";" separates."""
    if not text.strip():
        return ()
    broken = Problem("The changes made in mid-run are damaged; clear them and make them again.")
    if len(text) > LONGEST_STEER:
        raise Problem("More was changed in mid-run than a link can hold; clear some of it.")
    try:
        events = tuple(event_of(part, plan) for part in text.split(";") if part)
    except (ValueError, IndexError, TypeError) as error:
        raise broken from error
    if len(events) > MOST_EVENTS or sum(len(event.points) for event in events) > MOST_PAINTED:
        raise Problem(f"Paint at most {MOST_PAINTED} points in {MOST_EVENTS} strokes; clear some of them.")
    if any(not 0 <= event.epoch <= plan.recipe.epochs for event in events):
        raise Problem("Something was changed after the last epoch; train for more epochs, or clear the changes.")
    return tuple(sorted(events, key=lambda event: event.epoch))


def event_of(text: str, plan: Plan) -> Event:
    """One event: ``<epoch>:rate=<rate>``, ``<epoch>:add=<x>,<y>,<class>/..``, ``<epoch>:set=<layer>.<to>.<from>,<w>``.

    Raises ``ValueError`` or ``IndexError`` where it makes no sense.
    """
    epoch, _, change = text.partition(":")
    kind, _, value = change.partition("=")
    if kind == "rate":
        return Event(int(epoch), kind, value=decimal(value, "learning rate", 1e-6, 1000))
    if kind == "add":
        return Event(int(epoch), kind, points=tuple(painted(point, plan) for point in value.split("/")))
    if kind != "set":
        raise ValueError(kind)
    place, number = value.split(",")
    layer, unit, source = place.split(".")
    sizes = plan.shape.sizes
    column = None if source == "b" else int(source)
    if not (0 <= int(layer) < len(sizes) - 1 and 0 <= int(unit) < sizes[int(layer) + 1]):
        raise ValueError(place)
    if column is not None and not 0 <= column < sizes[int(layer)]:
        raise ValueError(place)
    return Event(int(epoch), kind, decimal(number, "weight", -1000, 1000), (), int(layer), int(unit), column)


def painted(text: str, plan: Plan) -> tuple[float, float, int]:
    """One painted point, "x,y,class"."""
    x, y, label = text.split(",")
    if not 0 <= int(label) < len(plan.points.classes):
        raise ValueError(text)
    return decimal(x, "place", -1000, 1000), decimal(y, "place", -1000, 1000), int(label)


def all_points(plan: Plan) -> tuple[Points, np.ndarray]:
    """The points with those painted on the way, and the epoch (N,) int32 from which each takes part."""
    points = plan.points
    new = [(*point, event.epoch) for event in plan.recipe.events for point in event.points]
    if not new:
        return points, np.zeros(len(points.x), dtype=np.int32)
    x, y, labels, since = (np.array(column) for column in zip(*new, strict=True))
    everything = replace(
        points,
        x=np.concatenate([points.x, np.stack([x, y], 1).astype(np.float32)]),
        labels=np.concatenate([points.labels, labels]),
        validation=np.append(points.validation, np.zeros(len(new), dtype=bool)),
    )
    return everything, np.append(np.zeros(len(points.x)), since).astype(np.int32)


@lru_cache(maxsize=64)
def best_line_of(plan: Plan) -> Line | None:
    """The best that a straight line can do on all points; None for more than two classes."""
    points, _ = all_points(plan)
    if len(points.classes) != 2 or not len(points.x):
        return None
    return best_line(points.x, points.labels)


def line_of(plan: Plan) -> Line | None:
    """As ``best_line_of``, for every recipe on the same points."""
    return best_line_of(Plan(plan.source, Recipe(events=tuple(e for e in plan.recipe.events if e.kind == "add"))))


def filming(plan: Plan) -> Generator[Recording, None, Recording]:
    """Train, a block of epochs at a time."""
    record = None
    for record in recording(plan.points, plan.recipe):  # noqa: B007 - the last one is the result
        yield record
    assert record is not None
    return record


def bytes_of(plan: Plan) -> float:
    """What a film of a plan will take, at most."""
    return min(plan.recipe.epochs + 1, 200) * plan.shape.weights * 8.0 + plan.recipe.epochs * 100.0 + 1000


FILMS: Jobs[Recording] = Jobs(FILMS_BYTES, bytes_of)  # type: ignore[arg-type]


def film_of(plan: Plan, seconds: float = TURN) -> Recording:
    """The film of a plan after one more turn of work: begun now, or before by someone who asked for the very same."""
    return FILMS.work(plan, lambda: filming(plan), seconds)


def finished(plan: Plan, record: Recording) -> bool:
    """Whether a film has come to its end."""
    return bool(record.stopped) or record.done >= plan.recipe.epochs


def whole_film(plan: Plan) -> Recording:
    """The finished film of a plan; it is trained to its end where it is not."""
    record = film_of(plan)
    while not finished(plan, record):
        record = film_of(plan)
    return record

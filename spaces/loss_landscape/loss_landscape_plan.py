"""What a visitor asks for, checked: a trained network, a plane through its weights; and the scan that is made of it."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from shared.explain.landscape import Scan, Subject, of_pictures, of_points, plane_for, scanning
from shared.explain.planes import PLANES, Plane
from shared.explain.recipes import LEARNERS, OPTIMIZERS, Recipe, layer_sizes
from shared.models import point_sets, trained
from shared.problems import Problem
from shared.results import Points
from shared.ui import Jobs, decimal, whole
from shared.ui.jobs import TURN

SETS = {f"mlp-{name}": name for name in ("moons", "circles", "xor", "spirals", "blobs", "quantiles", "iris")}
OTHERS = ("seed", "batch", "untrained")
RESOLUTIONS = (5, 101)
MOST_EPOCHS, MOST_RIVALS = 2000, 4
MOST_STEPS = 60_000  # of all optimizers together
MOST_READINGS = 250_000  # pictures times grid points: some minutes of ResNet-20
LARGEST_SEED = 2**31 - 1
SMALL_BATCH = 8
SCANS_KEPT = 24
THROUGH = ("three_points", "line")  # planes that are laid through the ends of other trainings
HELD_OUT = 0.3  # of the points, as in the Decision Boundary Space


@dataclass(frozen=True)
class Plan:
    """One landscape.

    ``source`` brings the points or, as (name, number of pictures), a trained network; ``recipe`` is an MLP's.
    """

    model: str
    plane: str
    resolution: int
    span: float
    seed: int
    source: tuple[str, int, float, int] | tuple[str, int]
    recipe: Recipe
    rivals: tuple[Recipe, ...]
    other: str
    rescale: float

    @property
    def of_points(self) -> bool:
        """Whether it is an MLP on points of a plane, and no network that reads pictures."""
        return self.model in SETS


def plan_of(inputs: Mapping[str, str]) -> Plan:
    """The plan of the page's inputs; raises ``Problem`` for what cannot be."""
    model = inputs["model"].strip()
    if model not in SETS and model not in trained.NETWORKS:
        raise Problem(
            f"There is no network {model[:40]!r} here; choose one of {', '.join([*SETS, *trained.NETWORKS])}."
        )
    recipe = recipe_of(inputs)
    plan = Plan(
        model=model,
        plane=known(inputs["plane"], "plane", tuple(PLANES)),
        resolution=whole(inputs["resolution"], "resolution", *RESOLUTIONS),
        span=decimal(inputs["span"], "span", 0.01, 100),
        seed=whole(inputs["seed"], "seed of the directions", 0, LARGEST_SEED),
        source=source_of(model, inputs),
        recipe=recipe,
        rivals=rivals_of(inputs["rivals"], recipe),
        other=known(inputs["other"], "other end", OTHERS),
        rescale=decimal(inputs["rescale"], "factor of rescaling", 0.001, 1000),
    )
    return checked(plan)


def checked(plan: Plan) -> Plan:
    """The plan, without what means nothing for its network; raises ``Problem`` for what takes too long."""
    if plan.of_points:
        if steps_of(plan) > MOST_STEPS:
            raise Problem(
                f"{steps_of(plan):,} steps of training take too long here; choose fewer epochs, larger batches or "
                "fewer other optimizers."
            )
        if plan.rivals and plan.plane in THROUGH and plan.other == "untrained":
            raise Problem("A plane through the untrained network shows one way; clear the other optimizers.")
        return plan
    if plan.source[1] * plan.resolution**2 > MOST_READINGS:
        raise Problem("So many pictures at so many points take too long here; choose fewer grid lines or pictures.")
    if plan.plane == "curvature":
        raise Problem(
            "The plane of largest curvature takes too long for this network; choose another plane, and see its "
            "curvature under Sharpness."
        )
    return replace(plan, recipe=Recipe(), rivals=(), other="untrained", rescale=1.0)


def steps_of(plan: Plan) -> int:
    """The optimizer steps of all trainings that a plan of an MLP needs."""
    points = round(plan.source[1] * (1 - HELD_OUT))
    given = [recipe for recipe, _ in others_of(plan)] if plan.plane in THROUGH else []
    recipes = [plan.recipe, *plan.rivals, *given]
    return sum(each.epochs * -(-points // (each.batch_size or points)) for each in recipes)


def known(text: str, name: str, values: tuple[str, ...]) -> str:
    """One of ``values``; a ``Problem`` for anything else."""
    if text.strip() not in values:
        raise Problem(f"There is no {name} {text[:40]!r}; choose one of {', '.join(values)}.")
    return text.strip()


def source_of(model: str, inputs: Mapping[str, str]) -> tuple[str, int, float, int] | tuple[str, int]:
    """The arguments that bring the points or the pictures."""
    if model not in SETS:
        return model, whole(inputs["images"], "number of pictures", 12, trained.MOST_PICTURES)
    size = whole(inputs["size"], "number of points", 10, point_sets.MOST_POINTS)
    seed = whole(inputs["training_seed"], "seed of the training", 0, LARGEST_SEED)
    return SETS[model], size, decimal(inputs["noise"], "noise", 0, 2), seed


def recipe_of(inputs: Mapping[str, str]) -> Recipe:
    """How the MLP is trained."""
    return Recipe(
        learner=LEARNERS[0],
        hidden_layers=layer_sizes(inputs["hidden_layers"]),
        activation=inputs["activation"],
        optimizer=inputs["optimizer"],
        learning_rate=decimal(inputs["learning_rate"], "learning rate", 1e-6, 1000),
        epochs=whole(inputs["epochs"], "number of epochs", 1, MOST_EPOCHS),
        batch_size=whole(inputs["batch_size"], "batch size", 0, 100_000),
        initialization=inputs["initialization"],
        seed=whole(inputs["training_seed"], "seed of the training", 0, LARGEST_SEED),
    )


def rivals_of(text: str, recipe: Recipe) -> tuple[Recipe, ...]:
    """Other optimizers with the same start and budget, from a field such as "Momentum, Adam:0.01"."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, rate = part.partition(":")
        if name not in OPTIMIZERS:
            raise Problem(f"There is no optimizer {name[:30]!r}; name some of {', '.join(OPTIMIZERS)}.")
        speed = decimal(rate, "learning rate", 1e-6, 1000) if rate else recipe.learning_rate
        found.append(replace(recipe, optimizer=name, learning_rate=speed))
    if len(found) > MOST_RIVALS:
        raise Problem(f"Compare at most {MOST_RIVALS} other optimizers at once.")
    return tuple(found)


@lru_cache(maxsize=32)
def points_of(data: str, size: int, noise: float, seed: int) -> Points:
    """The points of a named set."""
    return point_sets.load(data, size, noise, HELD_OUT, seed)


@lru_cache(maxsize=32)
def mlp(source: tuple[str, int, float, int], recipe: Recipe, rescale: float, name: str) -> Subject:
    """An MLP, trained."""
    return of_points(points_of(*source), recipe, rescale, name)


def subjects_of(plan: Plan) -> tuple[Subject, ...]:
    """The network of a plan, then those whose ways are shown on its plane too."""
    if not plan.of_points:
        return (of_pictures(*plan.source),)  # type: ignore[arg-type]
    named = [(plan.recipe, called(plan.recipe, plan)), *((each, called(each, plan)) for each in plan.rivals)]
    given = others_of(plan) if plan.plane in THROUGH else []
    ways = [named[0], *given, *named[1:]] if given else named
    return tuple(mlp(plan.source, recipe, plan.rescale, name) for recipe, name in ways)  # type: ignore[arg-type]


def called(recipe: Recipe, plan: Plan) -> str:
    """An optimizer, with its learning rate where that is not the plan's."""
    same = recipe.learning_rate == plan.recipe.learning_rate
    return recipe.optimizer if same else f"{recipe.optimizer} {recipe.learning_rate:g}"


def others_of(plan: Plan) -> list[tuple[Recipe, str]]:
    """The trainings whose ends a plane is laid through."""
    recipe, count = plan.recipe, 1 if plan.plane == "line" else 2
    if plan.other == "untrained":
        return []
    steps = range(1, count + 1)
    if plan.other == "seed":
        seeds = (recipe.seed + step for step in steps)
        return [(replace(recipe, seed=seed), f"seed {seed}") for seed in seeds]
    sizes = [SMALL_BATCH if recipe.batch_size == 0 else 0, 64 if recipe.batch_size != 64 else 16][:count]
    names = {0: "all points at once"}
    return [(replace(recipe, batch_size=size), names.get(size, f"batches of {size}")) for size in sizes]


def scanned(plan: Plan) -> Generator[Scan, None, Scan]:
    """Scan the plane of a plan, point by point."""
    subjects = subjects_of(plan)
    subject, others = subjects[0], subjects[1:]
    scan = None
    for scan in scanning(subject, plane_of(plan), plan.resolution, plan.span, others):  # noqa: B007 - the last one
        yield scan
    assert scan is not None
    return scan


@lru_cache(maxsize=24)
def plane_of(plan: Plan) -> Plane:
    """The plane of a plan."""
    subject, *others = subjects_of(plan)
    return plane_for(plan.plane, subject, others, plan.seed)


SCANS: Jobs[Scan] = Jobs(SCANS_KEPT)


def scan_of(plan: Plan, seconds: float = TURN) -> Scan:
    """The scan of a plan after one more turn of work: begun now, or before by someone who asked for the very same."""
    return SCANS.work(plan, lambda: scanned(plan), seconds)


def whole_scan(plan: Plan) -> Scan:
    """The finished scan of a plan; what is missing is scanned now."""
    scan = scan_of(plan)
    while not scan.finished:
        scan = scan_of(plan)
    return scan

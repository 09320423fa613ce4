"""The plain PyTorch script that trains what is on the page once more, step by step the same."""

from itertools import groupby
from typing import Any

import numpy as np
from decision_boundary_plan import Plan

from shared.explain.learner import DEAD_BIAS, SCALES
from shared.explain.recipes import Event, Recipe, rates
from shared.models.plane_network import MODULES
from shared.problems import Problem

HEAD = '''"""{what}, trained as in the Decision Boundary Space of Glasshouse."""

import math

import torch
from torch import nn
{functional}
SIZES = {sizes}
RATES = {rates}
random = torch.Generator().manual_seed({seed})

'''
DROPOUT = '''
class Dropout(nn.Module):
    """Dropout that draws from the one generator."""

    def forward(self, x):
        if not self.training:
            return x
        return x * torch.empty_like(x).bernoulli_(1 - {share}, generator=random) / (1 - {share})

'''
BUILD = '''
def build():
    """Linear layers, drawn one after the other: first weights, then biases."""
    layers = []
    for ins, outs in zip(SIZES, SIZES[1:]):
        linear = nn.utils.skip_init(nn.Linear, ins, outs)
        for parameter in (linear.weight, linear.bias):
            nn.init.uniform_(parameter, -1 / math.sqrt(ins), 1 / math.sqrt(ins), generator=random)
        layers += [linear{between}]
    return nn.Sequential(*layers[: {keep}])

'''
LOSSES = {
    "sigmoid": 'functional.binary_cross_entropy_with_logits(outputs[:, 0], targets, reduction="none").mean()',
    "softmax": 'functional.cross_entropy(outputs, labels, reduction="none"{smoothing}).mean()',
    "linear": "((outputs - targets) ** 2).mean()",
}
MAIN = '''
def accuracy(network, x, labels):
    """The share of points on the right side."""
    network.eval()
    with torch.no_grad():
        outputs = network(x)
    network.train()
    answers = {answers}
    return (answers == labels).float().mean().item()


network = build()
{first}linears = [layer for layer in network if isinstance(layer, nn.Linear)]
x, labels = torch.tensor([row[:2] for row in TRAINING]), torch.tensor([row[2] for row in TRAINING])
{optimizer}for epoch, rate in enumerate(RATES):
{events}{epoch}
print(f"training accuracy {{accuracy(network, x, labels):.6f}}")
'''
VALIDATE = """x, labels = torch.tensor([row[:2] for row in VALIDATION]), torch.tensor([row[2] for row in VALIDATION])
print(f"validation accuracy {accuracy(network, x, labels):.6f}")
"""
PERCEPTRON = """    with torch.no_grad():  # Rosenblatt's rule, point by point
        weights = torch.cat([network[0].weight, network[0].bias[:, None]], 1).double()
        hot = {hot}
        for point, target in zip(torch.cat([x, torch.ones(len(x), 1)], 1).double(), 2 * hot.double() - 1):
            wrong = target * (weights @ point) <= 0
            weights += rate * torch.outer(target * wrong, point)
        network[0].weight.copy_(weights[:, :-1])
        network[0].bias.copy_(weights[:, -1])
"""
ABSOLUTE = """        for layer in linears:
            layer.weight.grad.add_(layer.weight.detach().sign(), alpha={l1})
"""
STEPS = """    for group in optimizer.param_groups:
        group["lr"] = rate
    for batch in {batches}:
        optimizer.zero_grad()
        outputs = network(x[batch])
{targets}        loss = {loss}
        loss.backward()
{l1}        optimizer.step()
"""


def script_of(plan: Plan) -> str:
    """The whole script, which needs torch alone; it prints the final accuracies."""
    recipe, shape, points = plan.recipe, plan.shape, plan.points
    if recipe.batch_norm and any(event.kind == "set" for event in recipe.events):
        raise Problem("A script cannot repeat weights that were set by hand under batch norm; clear those changes.")
    perceptron = shape.output == "step"
    between = "".join([
        ", nn.BatchNorm1d(outs)" if shape.batch_norm else "",
        f", nn.{MODULES[shape.activation].__name__}()",
        ", Dropout()" if shape.dropout else "",
    ])  # fmt: skip
    head = HEAD.format(
        what=f"{recipe.learner} on {points.title}",
        functional="" if perceptron and shape.sizes[-1] == 1 else "from torch.nn import functional\n",
        sizes=shape.sizes,
        rates=runs(rates(recipe)),
        seed=recipe.seed,
    )
    main = MAIN.format(
        answers="outputs.argmax(1)" if shape.sizes[-1] > 1 else "(outputs[:, 0] > 0).long()",
        first=first_weights(recipe, perceptron or shape.output == "linear"),
        optimizer="" if perceptron else optimizer_text(recipe),
        events="".join(event_text(event) for event in recipe.events if event.kind != "rate"),
        epoch=epoch_text(plan).rstrip("\n"),
    )
    train = ~points.validation
    return (
        head
        + (DROPOUT.format(share=shape.dropout) if shape.dropout else "")
        + BUILD.format(between=between, keep=-between.count(","))
        + f"\n# x, y, class\nTRAINING = {table(points.x[train], points.labels[train])}\n"
        + (f"VALIDATION = {table(points.x[~train], points.labels[~train])}\n" if not train.all() else "")
        + "\n"
        + main
        + (VALIDATE if not train.all() else "")
    )


def runs(values: list[float]) -> str:
    """A list with equal neighbors taken together."""
    parts = [(value, len(list(group))) for value, group in groupby(values)]
    return " + ".join(f"[{value!r}] * {count}" for value, count in parts) if len(parts) < 8 else repr(values)


def table(x: np.ndarray, labels: np.ndarray) -> str:
    """Points, exactly; five to a line."""
    rows = [f"({float(a)!r}, {float(b)!r}, {int(label)})" for (a, b), label in zip(x, labels, strict=True)]
    lines = [", ".join(rows[start : start + 3]) for start in range(0, len(rows), 3)]
    return "[\n" + "".join(f"    {line},\n" for line in lines) + "]"


def first_weights(recipe: Recipe, zeros: bool) -> str:
    """How the first weights differ from torch's own."""
    scale = 0.0 if zeros else SCALES.get(recipe.initialization, 1.0)
    lines = []
    if scale != 1.0:
        lines += ["for layer in network:", "    if isinstance(layer, nn.Linear):"]
        lines += [f"        layer.weight.data.mul_({scale})", f"        layer.bias.data.mul_({scale})"]
    if recipe.initialization == "dead ReLU" and not zeros:
        lines += ["for layer in network[:-1]:", "    if isinstance(layer, nn.Linear):"]
        lines += [f"        layer.bias.data.fill_({DEAD_BIAS})"]
    return "".join(f"{line}\n" for line in lines)


def optimizer_text(recipe: Recipe) -> str:
    """The lines that make the optimizer."""
    name = {"Momentum": "SGD", "Nesterov": "SGD", "RMSProp": "RMSprop"}.get(recipe.optimizer, recipe.optimizer)
    fused = ", fused=True"  # the same kernel, so that the last digits agree
    more = {"Momentum": ", momentum=0.9", "Nesterov": ", momentum=0.9, nesterov=True", "Adam": fused, "AdamW": fused}
    options = f"lr=RATES[0]{more.get(recipe.optimizer, '')}"
    if not recipe.l2:
        return f"optimizer = torch.optim.{name}(network.parameters(), {options}, weight_decay=0.0)\n"
    return (
        "weights = [layer.weight for layer in linears]\n"
        "others = [p for p in network.parameters() if not any(p is weight for weight in weights)]\n"
        f'groups = [{{"params": weights, "weight_decay": {recipe.l2}}}, {{"params": others, "weight_decay": 0.0}}]\n'
        f"optimizer = torch.optim.{name}(groups, {options})\n"
    )


def event_text(event: Event) -> str:
    """What was done in mid-run."""
    lines = [f"    if epoch == {event.epoch}:"]
    if event.kind == "add":
        lines += [f"        x = torch.cat([x, torch.tensor({[list(point[:2]) for point in event.points]})])"]
        lines += [f"        labels = torch.cat([labels, torch.tensor({[point[2] for point in event.points]})])"]
    elif event.source is None:
        lines += [f"        linears[{event.layer}].bias.data[{event.unit}] = {event.value}"]
    else:
        lines += [f"        linears[{event.layer}].weight.data[{event.unit}, {event.source}] = {event.value}"]
    return "".join(f"{line}\n" for line in lines)


def epoch_text(plan: Plan) -> str:
    """One pass over the points."""
    recipe, shape = plan.recipe, plan.shape
    one, smoothing = shape.sizes[-1] == 1, recipe.label_smoothing
    if shape.output == "step":
        return PERCEPTRON.format(hot="labels[:, None]" if one else f"functional.one_hot(labels, {shape.sizes[-1]})")
    hot = "labels[batch].float()" if one else f"functional.one_hot(labels[batch], {shape.sizes[-1]}).float()"
    targets = {
        "sigmoid": f"        targets = {hot}" + (f" * (1 - {smoothing}) + {smoothing} / 2" if smoothing else "") + "\n",
        "linear": f"        targets = 2 * {hot}{'[:, None]' if one else ''} - 1\n",
        "softmax": "",
    }[shape.output]
    loss = LOSSES[shape.output].format(smoothing=f", label_smoothing={smoothing}" if smoothing else "")
    size: Any = recipe.batch_size or "len(x)"
    parts = f"min(-(-len(x) // {size}), len(x) // 2)" if shape.batch_norm else f"-(-len(x) // {size})"
    shuffled = f"torch.randperm(len(x), generator=random).tensor_split({parts})"
    return STEPS.format(
        batches=f"{shuffled} if len(x) > {size} else [slice(None)]",
        targets=targets,
        loss=loss.replace("(outputs, labels", "(outputs, labels[batch]"),
        l1=ABSOLUTE.format(l1=recipe.l1) if recipe.l1 else "",
    )

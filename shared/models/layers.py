"""The stages of any network, and what flows through them.

A network is cut where one tensor is all that passes on: a module whose children hand the very same tensor from one
to the next is taken apart, a module that adds, branches or reshapes on the way (a residual block, a layer of a
transformer) is one stage. That is read from one forward pass and needs no knowledge of the architecture.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from shared.problems import Problem

# Layers that only squash, thin out or normalize what the layer before them made: a stage ends after them.
COMPANIONS = (
    nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.Hardswish, nn.Tanh, nn.Sigmoid, nn.ELU,
    nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, nn.Dropout, nn.Dropout2d, nn.Identity,
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One spatial stage: its ``name`` in the network and the (rows, columns) ``grid`` of its output.

    ``prefix`` tokens (class, distillation, register) stand before the grid in a transformer, whose output is
    (B, prefix + rows * columns, C); for convolutions, whose output is (B, C, rows, columns), it is None.
    """

    name: str
    grid: tuple[int, int]
    prefix: int | None = None

    def to_maps(self, output: torch.Tensor) -> torch.Tensor:
        """The stage's output as maps (B, C, rows, columns); autograd follows."""
        if self.prefix is None:
            return output
        tokens = output[:, self.prefix :].transpose(1, 2)
        return tokens.reshape(*tokens.shape[:2], *self.grid)

    def from_maps(self, maps: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        """``output`` with its grid replaced by ``maps`` (B, C, rows, columns)."""
        if self.prefix is None:
            return maps
        return torch.cat([output[:, : self.prefix].expand(len(maps), -1, -1), maps.flatten(2).transpose(1, 2)], 1)


def tensor_of(output: Any) -> torch.Tensor | None:
    """The tensor that a module passes on: its output, the first of a tuple, the first of a model output."""
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        output = tuple(output.values())
    return tensor_of(output[0]) if isinstance(output, tuple | list) and output else None


def replaced(output: Any, tensor: torch.Tensor) -> Any:
    """``output`` with the tensor that it passes on exchanged."""
    if isinstance(output, torch.Tensor):
        return tensor
    if isinstance(output, Mapping):
        first = next(iter(output))
        changed: Any = type(output)
        return changed({**output, first: replaced(output[first], tensor)})
    return type(output)([replaced(output[0], tensor), *output[1:]])


@contextmanager
def watched(
    modules: Mapping[str, nn.Module], see: Callable[[str, torch.Tensor], torch.Tensor | None]
) -> Iterator[None]:
    """Call ``see(name, output)`` for every one of ``modules`` that runs in this thread; it may return another output.

    The network is shared: hooks stay silent in other threads, and none is left, also after an error.
    """
    thread = threading.get_ident()

    def hook(name: str) -> Callable[..., Any]:
        def look(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            tensor = tensor_of(output)
            if threading.get_ident() != thread or tensor is None:
                return None
            seen = see(name, tensor)
            return None if seen is None else replaced(output, seen)

        return look

    handles = [module.register_forward_hook(hook(name)) for name, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True, eq=False)
class State:
    """A tensor at one moment: adding in place, as residual blocks may do, makes another state of it."""

    tensor: torch.Tensor
    version: int

    @classmethod
    def of(cls, value: Any) -> "State | None":
        """The state of the tensor that stands first in ``value``, None without one."""
        tensor = tensor_of(value)
        return None if tensor is None else cls(tensor, tensor._version)

    def same(self, other: "State | None") -> bool:
        """Whether nothing happened between the two."""
        return other is not None and self.tensor is other.tensor and self.version == other.version


@dataclass(frozen=True)
class Call:
    """One module that ran: what it took and what it passed on."""

    module: nn.Module
    given: State | None
    passed: State


def trace(network: nn.Module, inputs: torch.Tensor) -> dict[str, Call]:
    """Every module that ran once in a forward pass, by name, in the order in which they ended."""
    calls: dict[str, Call] = {}
    given: dict[str, State | None] = {}
    twice: set[str] = set()
    thread = threading.get_ident()

    def before(name: str) -> Callable[..., None]:
        def look(_module: nn.Module, positional: Any, keywords: Any) -> None:
            if threading.get_ident() == thread:
                given[name] = State.of(positional) or State.of(keywords)

        return look

    def after(name: str) -> Callable[..., None]:
        def look(module: nn.Module, _inputs: Any, output: Any) -> None:
            passed = State.of(output)
            if threading.get_ident() == thread and passed is not None:
                twice.update({name} & calls.keys())
                calls[name] = Call(module, given.get(name), passed)

        return look

    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            hooks.callback(module.register_forward_pre_hook(before(name), with_kwargs=True).remove)
            hooks.callback(module.register_forward_hook(after(name)).remove)
        network(inputs)
    return {name: call for name, call in calls.items() if name not in twice}


def chain(name: str, calls: Mapping[str, Call]) -> list[str]:
    """The modules inside ``name`` through which one tensor passes, from its input on as far as it can be followed."""
    inside = {child: call for child, call in calls.items() if child and child.startswith(f"{name}." if name else "")}
    passing, end, found = calls[name].given, calls[name].passed, []
    while passing is not None and not passing.same(end):
        takers = [
            child for child, call in inside.items() if passing.same(call.given) and not call.passed.same(call.given)
        ]
        outermost = [child for child in takers if not any(child.startswith(f"{other}.") for other in takers)]
        if len(outermost) != 1:  # the tensor goes nowhere, or several ways
            break
        found.append(outermost[0])
        passing = inside[outermost[0]].passed
    return found


def parts(name: str, calls: Mapping[str, Call]) -> list[str]:
    """The stages that a module consists of: those of a list of modules one by one, else the module itself."""
    whole = calls[name]
    found = chain(name, calls)
    complete = bool(found) and calls[found[-1]].passed.same(whole.passed)
    stages = [stage for part in found for stage in parts(part, calls)]
    listed = isinstance(whole.module, nn.Sequential) or any(re.search(r"\.\d+$", stage) for stage in found)
    if not complete or not (listed or len(stages) > len(found)):
        return [name]
    groups = grouped(stages, calls)
    return stages if len(groups) > 1 else [name]


def grouped(names: Sequence[str], calls: Mapping[str, Call]) -> list[list[str]]:
    """Modules in order, those together that make one stage: a layer and the companions that follow it.

    A normalization that follows a whole block is left out: it shows nothing new.
    """
    groups: list[list[str]] = []
    for name in names:
        module = calls[name].module
        companion = isinstance(module, COMPANIONS) or type(module).__name__.endswith("Activation")
        if not companion:
            groups.append([name])
        elif groups and not any(calls[groups[-1][0]].module.children()):
            groups[-1].append(name)
    return groups


def stages(network: nn.Module, inputs: torch.Tensor) -> list[Layer]:
    """The spatial stages of ``network`` for ``inputs`` (1, C, H, W), from input to output; perhaps none.

    What has no parameters (pooling, dropout) is no stage of its own. Raises ``Problem`` if the network cannot run.
    """
    try:
        calls = trace(network, inputs)
    except Exception as error:  # a stranger's network can fail in any way
        raise Problem("This network cannot read a picture; choose an image classifier.") from error
    names = [stage for part in chain("", calls) for stage in parts(part, calls)]
    patches = [call.passed.tensor.shape[2:] for call in calls.values() if isinstance(call.module, nn.Conv2d)]
    trained = [
        group
        for group in grouped(names, calls)
        if any(next(calls[name].module.parameters(), None) is not None for name in group)
    ]
    found = (spatial(group[-1], calls[group[-1]], patches, network) for group in trained)
    return [layer for layer in found if layer is not None]


def spatial(name: str, call: Call, patches: Sequence[torch.Size], network: nn.Module) -> Layer | None:
    """The stage as a ``Layer``, None if its output has no grid."""
    shape = call.passed.tensor.shape
    if len(shape) == 4 and shape[2] > 1 and shape[3] > 1:
        return Layer(name, (shape[2], shape[3]))
    if len(shape) == 3 and patches:
        return token_grid(name, shape[1], (patches[-1][0], patches[-1][1]), getattr(network, "config", None))
    return None


def token_grid(name: str, tokens: int, patches: tuple[int, int], config: Any) -> Layer | None:
    """The grid in which ``tokens`` tokens lie, from the grid of the patch embedding and the network's config.

    Hierarchical transformers (Swin) halve the grid from stage to stage and have no other tokens. Others put tokens
    before the grid: one for the class, one for distillation (DeiT), and the registers that the config counts.
    """
    rows, columns = patches
    while rows * columns >= tokens and rows * columns > 1:
        if rows * columns == tokens:
            return Layer(name, (rows, columns), 0)
        rows, columns = -(-rows // 2), -(-columns // 2)
    prefix = 1 + getattr(config, "num_register_tokens", 0) + (getattr(config, "model_type", "") == "deit")
    return Layer(name, patches, prefix) if tokens == prefix + patches[0] * patches[1] else None


def logits_of(output: Any) -> torch.Tensor:
    """The logits (B, classes) of a network's output, a tensor or one of transformers' outputs."""
    logits = getattr(output, "logits", None)
    return logits if isinstance(logits, torch.Tensor) else tensor_of(output)  # type: ignore[return-value]


@dataclass(frozen=True)
class Run:
    """One forward pass: the ``outputs`` of some layers and the ``logits`` (B, classes), both in one autograd graph."""

    outputs: Mapping[str, torch.Tensor]
    logits: torch.Tensor

    def gradients(self, score: torch.Tensor) -> dict[str, torch.Tensor]:
        """The gradient of a scalar ``score`` of the logits with respect to every output; the graph is kept."""
        found = torch.autograd.grad(score, list(self.outputs.values()), retain_graph=True, allow_unused=True)
        return {
            name: torch.zeros_like(output) if gradient is None else gradient
            for (name, output), gradient in zip(self.outputs.items(), found, strict=True)
        }


def modules_of(network: nn.Module, layers: Sequence[Layer]) -> dict[str, nn.Module]:
    """The modules of ``layers``, by name."""
    return {layer.name: network.get_submodule(layer.name) for layer in layers}


def run(network: nn.Module, inputs: torch.Tensor, layers: Sequence[Layer]) -> Run:
    """Run ``network`` on ``inputs`` (B, C, H, W) and record ``layers``; nothing before the first has a graph."""
    outputs: dict[str, torch.Tensor] = {}

    def see(name: str, output: torch.Tensor) -> torch.Tensor | None:
        if not outputs:  # the graph begins here
            output = output.detach().requires_grad_()
            torch.set_grad_enabled(True)
        outputs[name] = output
        return output.clone()  # what follows may work in place

    # no_grad puts the mode back as it was, however the block is left.
    with torch.no_grad(), watched(modules_of(network, layers), see):
        logits = logits_of(network(inputs))
    return Run(outputs, logits)


def default_layer(network: nn.Module, inputs: torch.Tensor, layers: Sequence[Layer]) -> int:
    """The index of the last layer whose grid the answer depends on.

    The last output of a transformer that reads its class token alone does not count: its grid has no gradient.
    """
    random = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(0))
    result = run(network, random, layers)
    gradients = result.gradients(result.logits.max(1).values.sum())
    used = [index for index, layer in enumerate(layers) if layer.to_maps(gradients[layer.name]).any()]
    return used[-1] if used else len(layers) - 1

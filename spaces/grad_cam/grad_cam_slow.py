"""Slow maps: worked on in turns, so that a visitor sees how far they are and can let them go."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from shared.explain.channel_masks import Progress
from shared.models.images import ImageModel

MODELS_AT_REST = 3  # models of the Hub whose unfinished maps are kept


@dataclass(eq=False)
class Slow:
    """One slow map: between a visitor's questions its computation rests, and with it the model that it holds."""

    rest: tuple[ImageModel, Progress] | None = None
    progress: float = 0.0
    found: np.ndarray | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, begin: Callable[[], tuple[ImageModel, Progress]], seconds: float) -> np.ndarray | None:
        """Go on for about so long, ``begin`` where nothing rests here; the map once it is there.

        Of a computation that fails nothing is kept.
        """
        with self.lock:
            if self.found is not None:
                return self.found
            (model, steps), self.rest = self.rest or begin(), None
            end = time.monotonic() + seconds
            while self.found is None and time.monotonic() < end:
                try:
                    self.progress = next(steps)
                except StopIteration as done:
                    self.found = np.asarray(done.value)
            if self.found is None:
                self.rest = model, steps
                keep_few(model, self)
            return self.found


_resting: "WeakKeyDictionary[ImageModel, WeakSet[Slow]]" = WeakKeyDictionary()  # the model at work last stands last
_shelf = threading.Lock()


def keep_few(model: ImageModel, slow: Slow) -> None:
    """Note that a map of ``model`` rests; those of the Hub's models beyond the last few at work must begin again.

    ``shared.models.images.load`` keeps few of the Hub's models, and what rests here must not keep all of them alive.
    """
    if "/" not in model.name:
        return
    with _shelf:
        maps = _resting.pop(model, WeakSet())
        maps.add(slow)
        _resting[model] = maps
        for oldest in list(_resting)[:-MODELS_AT_REST]:
            for each in _resting.pop(oldest):
                each.rest = None

"""Long work in turns: it goes on while the page asks for it and rests when the page stops asking.

So a visitor cancels by doing nothing, also by closing the page, and nobody's work runs on unseen.
"""

import threading
import time
from collections.abc import Callable, Generator, Hashable
from typing import Generic, TypeAlias, TypeVar

from cachetools import LRUCache

T = TypeVar("T")
Work: TypeAlias = Generator[T, None, T]  # noqa: UP040 - Python 3.11 has no `type` statement
TURN = 0.25  # seconds; the present step is always finished
RESTING = 6  # unfinished jobs that are kept though nobody asks: each may hold a network that is kept nowhere else
FORGOTTEN = 30.0  # seconds after which nobody is asking any more


class Job(Generic[T]):
    """One piece of work: ``steps`` yields where it stands and returns its result; ``size`` is what keeping it takes."""

    def __init__(self, steps: Work[T], size: float = 1) -> None:
        self._steps: Work[T] | None = steps
        self.size = size
        self._lock = threading.Lock()
        self.latest: T | None = None

    @property
    def finished(self) -> bool:
        """Whether the result is there."""
        return self._steps is None

    def work(self, seconds: float = TURN) -> T:
        """Go on for about so long, one step at least; returns where it stands. A job that failed fails again."""
        with self._lock:
            end = time.monotonic() + seconds
            while self._steps is not None:
                try:
                    self.latest = next(self._steps)
                except StopIteration as done:
                    self.latest, self._steps = done.value, None  # frees what the work held
                if time.monotonic() >= end:
                    break
            return self.latest  # type: ignore[return-value]  # at least one step was made


class Jobs(Generic[T]):
    """The jobs of a page, by what was asked.

    Those used last stay, up to a total size of ``kept``, which is their number where ``size`` does not say what each
    takes; of unfinished ones that nobody has asked for in ``FORGOTTEN`` seconds only ``RESTING``.
    """

    def __init__(self, kept: float, size: Callable[[Hashable], float] = lambda question: 1) -> None:
        self._jobs: LRUCache[Hashable, Job[T]] = LRUCache(kept, getsizeof=lambda job: job.size)
        self._size = size
        self._resting: dict[Hashable, float] = {}  # when each worked last; the latest stands last
        self._lock = threading.Lock()

    def work(self, question: Hashable, start: Callable[[], Work[T]], seconds: float = TURN) -> T:
        """Go on with the job for ``question``, which ``start`` begins where there is none."""
        job = self._job(question, start)
        answered = False
        try:
            stands = job.work(seconds)
            answered = True
        finally:
            self._shelve(question, job, answered)
        return stands

    def _job(self, question: Hashable, start: Callable[[], Work[T]]) -> Job[T]:
        """The job for ``question``, perhaps a new one."""
        with self._lock:
            job = self._jobs.get(question)
            if job is None:
                job = self._jobs[question] = Job(start(), self._size(question))
            return job

    def _shelve(self, question: Hashable, job: Job[T], answered: bool) -> None:
        """Keep what can go on; steps that failed are at their end, and the next question begins anew."""
        with self._lock:
            self._resting.pop(question, None)
            if not answered:
                self._jobs.pop(question, None)
            elif not job.finished:
                self._resting[question] = time.monotonic()
            for oldest, worked in list(self._resting.items())[:-RESTING]:
                if time.monotonic() - worked > FORGOTTEN:
                    del self._resting[oldest]
                    self._jobs.pop(oldest, None)

    def find(self, question: Hashable) -> T | None:
        """Where the job for ``question`` stands, without working on it; None where there is none."""
        with self._lock:
            job = self._jobs.get(question)
        return job.latest if job else None

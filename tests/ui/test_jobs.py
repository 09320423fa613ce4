"""Long work in turns."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.ui.jobs import RESTING, Job, Jobs


def counting(steps, seen):
    """Work of so many steps that says which one it is."""
    for step in range(1, steps):
        seen.append(step)
        yield step
    seen.append(steps)
    return steps


def test_a_turn_is_one_step_where_there_is_no_time():
    seen = []
    job = Job(counting(3, seen))
    assert seen == [] and not job.finished and job.latest is None
    assert [job.work(0), job.work(0)] == [1, 2] and seen == [1, 2]
    assert job.latest == 2 and not job.finished
    assert job.work(0) == 3 and job.finished and job.latest == 3
    assert job.work(0) == 3 and seen == [1, 2, 3]


def test_a_long_turn_goes_to_the_end():
    seen = []
    job = Job(counting(50, seen))
    assert job.work(60) == 50 and job.finished and seen == list(range(1, 51))


def test_a_turn_ends_after_its_time(monkeypatch):
    clock = iter([0.0, 0.1, 0.2, 0.3, 0.4])  # the beginning, then after each step
    monkeypatch.setattr("shared.ui.jobs.time.monotonic", lambda: next(clock))
    seen = []
    assert Job(counting(50, seen)).work(0.25) == 3 and seen == [1, 2, 3]


def test_whoever_stops_asking_cancels():
    jobs, seen = Jobs(kept=4), []
    jobs.work("question", lambda: counting(9, seen), 0)
    jobs.work("question", lambda: counting(9, seen), 0)
    jobs.work("other", lambda: counting(9, []), 60)
    assert seen == [1, 2], "not a step beyond those that were asked for"
    assert jobs.find("question") == 2
    assert jobs.work("question", lambda: pytest.fail("it rests and is not begun anew"), 0) == 3


def test_looking_is_not_working():
    jobs, seen = Jobs(kept=4), []
    assert jobs.find("question") is None
    jobs.work("question", lambda: counting(9, seen), 0)
    assert jobs.find("question") == jobs.find("question") == 1 and seen == [1]


def failing(seen, after=1):
    for step in range(after):
        seen.append(step)
        yield step
    raise ValueError("broken")


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_failure_frees_the_job_and_the_next_question_begins_anew(after):
    jobs, seen = Jobs(kept=4), []
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            jobs.work("question", lambda: failing(seen, after), 60)
        assert jobs.find("question") is None
    assert seen == [*range(after)] * 2
    assert jobs.work("question", lambda: counting(2, seen), 60) == 2


def test_a_start_that_fails_leaves_nothing():
    jobs = Jobs(kept=4)

    def start():
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        jobs.work("question", start)
    assert jobs.work("question", lambda: counting(1, []), 60) == 1


def test_those_used_last_are_kept():
    jobs = Jobs(kept=2)
    for name in ("a", "b", "a", "c"):
        jobs.work(name, lambda: counting(1, []), 60)
    assert [jobs.find(name) for name in "abc"] == [1, None, 1]
    for name in range(100):
        jobs.work(name, lambda: counting(1, []), 60)
    assert sum(jobs.find(name) is not None for name in range(100)) == 2


def test_large_answers_take_the_place_of_several():
    jobs = Jobs(kept=10, size=len)
    for name in ("aaa", "bbb", "cccc"):
        jobs.work(name, lambda: counting(1, []), 60)
    assert [jobs.find(name) for name in ("aaa", "bbb", "cccc")] == [1, 1, 1]
    jobs.work("ddddd", lambda: counting(1, []), 60)
    assert [jobs.find(name) for name in ("aaa", "bbb", "cccc", "ddddd")] == [None, None, 1, 1]


def test_few_unfinished_jobs_rest_and_finished_ones_stay(monkeypatch):
    monkeypatch.setattr("shared.ui.jobs.FORGOTTEN", -1.0)  # as if nobody had asked for long
    jobs = Jobs(kept=100)
    jobs.work("done", lambda: counting(1, []), 60)
    for name in range(RESTING + 30):
        jobs.work(name, lambda: counting(9, []), 0)
    resting = [name for name in range(RESTING + 30) if jobs.find(name) is not None]
    assert resting == list(range(30, RESTING + 30)) and jobs.find("done") == 1


def test_eight_visitors_in_turn_all_come_to_their_end():
    jobs, ended = Jobs(kept=100), set()
    for _ in range(12):
        for visitor in range(8):
            if jobs.work(visitor, lambda: counting(10, []), 0) == 10:
                ended.add(visitor)
    assert ended == set(range(8)), "those who go on asking are not pushed out by each other"


def test_two_who_ask_at_once_run_each_step_once():
    jobs, seen, inside = Jobs(kept=4), [], threading.Semaphore()

    def steps():
        for step in range(60):
            assert inside.acquire(blocking=False), "two turns at once"
            seen.append(step)
            threading.Event().wait(0.001)
            inside.release()
            if step < 59:
                yield step
        return step

    def ask(_):
        for _ in range(10_000):
            stands = jobs.work("question", steps, 0.002)
            if stands == 59:
                return stands
        return None

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(6))) == [59] * 6
    assert seen == list(range(60))


def test_different_questions_do_not_wait_for_each_other():
    jobs, resume = Jobs(kept=4), threading.Event()

    def waiting():
        assert resume.wait(60)
        yield "soon"
        return "late"

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(jobs.work, "slow", waiting)
        assert jobs.work("quick", lambda: counting(1, []), 60) == 1
        assert not slow.done()
        resume.set()
        assert slow.result(60) == "late"


class Held:
    """Something that a step holds in memory."""


@pytest.fixture
def holding():
    """Work of three steps that holds something, and whether that is still there."""
    kept = []

    def work():
        held = Held()
        kept.append(weakref.ref(held))
        yield "first"
        yield held is not None
        return "last"

    def there():
        gc.collect()
        (reference,) = kept
        return reference() is not None

    return work, there


def test_a_finished_job_drops_what_its_work_held(holding):
    work, there = holding
    job = Job(work())
    job.work(0)
    assert there()
    assert job.work(60) == "last" and job.finished
    assert not there()


def test_a_job_that_is_pushed_out_drops_what_its_work_held(holding):
    work, there = holding
    jobs = Jobs(kept=1)
    jobs.work("resting", work, 0)
    assert there()
    jobs.work("other", lambda: counting(1, []), 60)
    assert not there()

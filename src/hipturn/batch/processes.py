"""Jobs in parallel processes of this computer."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Todo = TypeVar("Todo")
Done = TypeVar("Done")

AHEAD = 2
"""Jobs given out for each process: one under way and one waiting, so that none is ever idle."""


def default_jobs() -> int:
    """Return how many processes this computer has processors for."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_processes(
    jobs: Iterable[Todo], count: int, do: Callable[[Todo], Done], lost: Callable[[Todo, str], Done]
) -> Iterator[Done]:
    """Yield the outcomes of `do` as they come, from `count` processes.

    A process that dies takes all jobs under way with it: they are done again one by one, and the one
    that lets a process die alone has the outcome that `lost` makes of it and the reason.
    """
    waiting = iter(jobs)
    running: dict[Future[Done], Todo] = {}
    pool = _pool(count)
    try:
        while True:
            broken: list[Todo] = []
            while len(running) < AHEAD * count and not broken and (job := next(waiting, None)) is not None:
                try:
                    running[pool.submit(do, job)] = job
                except BrokenProcessPool:
                    broken.append(job)
            if not running and not broken:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                job = running.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    broken.append(job)
            if broken:
                broken += running.values()
                running.clear()
                pool.shutdown()
                for job in broken:
                    yield _alone(do, lost, job)
                pool = _pool(count)
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(do: Callable[[Todo], Done], lost: Callable[[Todo, str], Done], job: Todo) -> Done:
    with _pool(1) as pool:
        try:
            return pool.submit(do, job).result()
        except BrokenProcessPool:
            return lost(job, "the process that analysed it died, perhaps for want of memory")


def _pool(count: int) -> ProcessPoolExecutor:
    # spawn everywhere: a fork would copy the locks of threads that are not there
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin)


def _begin() -> None:
    """Prepare a process: the parent hears Ctrl-C, and nobody works for a parent that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True, name="follow the parent").start()

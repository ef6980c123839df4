"""Jobs on a Dask cluster that exists: its workers need the same hipturn and see the same folders."""

import importlib
import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from hipturn.batch.work import Job, Outcome, failed, work
from hipturn.errors import InputError, UsageError

AHEAD = 4
"""Jobs given out for each thread of the cluster: enough that the way there and back keeps none idle."""
TIMEOUT_S = 10


def on_cluster(jobs: Iterable[Job], address: str) -> Iterator[Outcome]:
    """Yield the outcomes as they come from the cluster whose scheduler is at `address`.

    A job lost with its worker is done again by another: doing it twice writes the same files.
    """
    try:
        # its functions carry no types
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise UsageError("--dask needs Dask: pip install 'hipturn[dask]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask {address}: no scheduler answers there: start one with 'dask scheduler'"
        ) from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError(f"--dask {address}: the cluster has no worker: start some with 'dask worker'")
        waiting = iter(jobs)
        given: dict[str, Job] = {}
        running = distributed.as_completed([], loop=client.loop)

        def give(count: int) -> None:
            for job in islice(waiting, count):
                future = client.submit(work, job, pure=False)
                given[future.key] = job
                running.add(future)

        give(AHEAD * threads)
        for future in running:
            job = given.pop(future.key)
            trouble = future.exception()
            if trouble is None:
                yield future.result()
            else:
                yield failed(job, f"{job.name}: the cluster could not do it ({trouble!r:.200})")
            give(1)

"""A batch on a Dask cluster, of which a worker dies in the middle."""

import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli_runs import drill, record, refused
from ducks import rows
from hipturn import batch, offline
from hipturn.batch import Outcome, Plan, Status
from hipturn.batch.cluster import on_cluster

COUNT = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "recordings"
    place.mkdir()
    for seed in range(1, COUNT + 1):
        record(place / f"{seed}.mcap", drill(seed, reps=1))
    return place


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="a cluster of Dask: pip install 'hipturn[dask]'")
    monkeypatch.setenv("HIPTURN_CONFIG", os.devnull)
    with warnings.catch_warnings():
        # its own affair, when a worker dies on purpose
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
        ) as made:
            yield made


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_worker_that_dies_costs_nothing(folder: Path, cluster: Any, tmp_path: Path) -> None:
    """Each recording is there once, as if nobody had died."""
    address = cluster.scheduler_address
    heard: list[Outcome] = []

    def hear(outcome: Outcome) -> None:
        if not heard:
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        heard.append(outcome)

    plan = Plan(offline.Request())
    outcomes = batch.run(folder, tmp_path / "d", plan, lambda jobs: on_cluster(jobs, address), hear)
    assert [(o.status, o.reason) for o in outcomes] == [(Status.DONE, None)] * COUNT

    batch.run(folder, tmp_path / "alone", plan, lambda jobs: map(batch.work.work, jobs), lambda _: None)
    for table in ("recordings", "reps"):
        read = f"select * from '{tmp_path}/{{}}/{table}/**/*.parquet' order by all"
        assert rows(read.format("d")) == rows(read.format("alone"))


def test_a_cluster_that_is_not_there_is_told_in_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="a cluster of Dask: pip install 'hipturn[dask]'")
    monkeypatch.setattr("hipturn.batch.cluster.TIMEOUT_S", 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        line = refused("batch", folder, "-o", tmp_path / "d", "--dask", "tcp://127.0.0.1:9")
    assert "dask scheduler" in line
    line = refused("batch", folder, "-o", tmp_path / "d", "--dask", "nowhere at all")
    assert "--dask" in line

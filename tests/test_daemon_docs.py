"""The daemon's document is executed: its commands parse, its settings load, its API is the API."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from hipturn import config
from hipturn.cli.main import cli
from hipturn.commands import parse
from hipturn.model import HostNs
from hipturn.sinks.hub import Hub
from hipturn.status import State
from hipturn.web import metrics, openapi

TEXT = (Path(__file__).parents[1] / "docs" / "daemon.md").read_text(encoding="utf-8")


def blocks(kind: str) -> str:
    return "".join(re.findall(rf"```{kind}\n(.*?)```", TEXT, re.S))


@pytest.mark.parametrize("line", blocks("sh").splitlines())
def test_every_command_shown_is_taken(line: str) -> None:
    program, *args = shlex.split(line)
    assert program == "hipturn"
    command: click.Command = cli
    context = click.Context(cli, info_name="hipturn")
    while isinstance(command, click.Group):
        name, command_found, args = command.resolve_command(context, args)
        assert command_found is not None and name is not None
        command = command_found
    command.make_context(name, args, parent=context)


@pytest.mark.parametrize("line", blocks("json").splitlines())
def test_every_command_of_the_api_shown_is_accepted(line: str) -> None:
    parse(json.loads(line), "shin", HostNs(0))


def test_the_settings_shown_are_settings(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(blocks("toml"), encoding="utf-8")
    shown = {f"{table}.{key}" for table, values in tomllib.loads(blocks("toml")).items() for key in values}
    assert config.read(file).keys() == shown
    for key in re.findall(r"`((?:run|web|live|log)\.[a-z_]+)`", TEXT):
        assert key in config.SETTINGS


def test_the_routes_and_metrics_told_are_those_there_are() -> None:
    told = {(path, method.lower()) for method, path in re.findall(r"^\| `(GET|POST) (/\S*)`", TEXT, re.M)}
    there = {(path, method) for path, methods in openapi.document()["paths"].items() for method in methods}
    assert told - {("/", "get")} == there - {("/openapi.json", "get")}
    hub = Hub()
    hub.vitals(50, -60)
    hub.unrecorded()
    names = set(re.findall(r"^# TYPE (\w+)", metrics.exposition(hub), re.M))
    assert set(re.findall(r"`(hipturn_\w+)`", TEXT)) == names


def test_every_state_is_told() -> None:
    assert all(f"*{state.value}*" in TEXT for state in State)

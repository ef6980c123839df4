"""Settings in layers: file, environment, flags; what is wrong is answered with the nearest right one."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_runs import done, refused, run
from hipturn import config
from hipturn.cli.running import FLAGS
from hipturn.config import MEASURING, NOT_SHOWN, PROGRAM, SETTINGS, Given, layered
from hipturn.errors import UsageError

NOWHERE = Path(os.devnull)


def test_a_later_layer_wins_and_says_where_it_is_from(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[web]\nport = 1\nhost = "::1"\ntoken = "of-the-file-0123456789"\n')
    environ = {"HIPTURN_WEB_PORT": "2", "HIPTURN_LOG_JSON": "on", "PATH": "x"}
    layers = layered(file, environ, {"web.port": (3, "--port"), "web.host": (None, "--host")})
    assert layers["web.port"] == Given(3, "--port")
    assert layers["web.host"] == Given("::1", str(file))
    assert layers["log.json"] == Given(True, "HIPTURN_LOG_JSON")
    assert layers["run.side"] == Given("right", "default")
    assert layers.keys() == SETTINGS.keys()


def test_the_environment_reaches_the_results(tmp_path: Path) -> None:
    """What somebody set for measuring holds in a replay of a recording that does not say otherwise."""
    layers = layered(NOWHERE, {"HIPTURN_REPS_MIN_ROM_DEG": "9"})
    assert config.chosen_measuring(layers) == {"reps.min_rom_deg": 9.0}
    assert "web.port" not in config.chosen_measuring(layered(NOWHERE, {"HIPTURN_WEB_PORT": "9"}))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HIPTURN_WEB_PROT", "1", "did you mean HIPTURN_WEB_PORT?"),
        ("HIPTURN_RECORDNGS", "x", "did you mean HIPTURN_RECORDINGS?"),
        ("HIPTURN_WEB_ZZZZZZZZZZZZZ", "1", "means nothing here"),
        ("HIPTURN_WEB_PORT", "many", "whole number from 0 to 65535"),
        ("HIPTURN_WEB_PORT", "1.5", "whole number"),
        ("HIPTURN_WEB_ENABLED", "perhaps", "true or false"),
        ("HIPTURN_RUN_SIDE", "up", "one of left, right"),
    ],
)
def test_a_wrong_variable_is_told_with_the_right_one(name: str, value: str, says: str) -> None:
    result = run("config", env={"HIPTURN_CONFIG": os.devnull, name: value})
    assert result.code == 2 and says in result.err and name in result.err


def test_other_programs_variables_are_left_alone() -> None:
    assert config.environment({"HIPTURN_SOMETHING_ELSE_ALTOGETHER": "1", "HIPTURN_DEBUG": "1"}) == {}


def test_the_recordings_folder_has_its_short_name_too() -> None:
    assert config.environment({"HIPTURN_RECORDINGS": "/x"})["run.recordings"].value == "/x"


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[web]\ntoken = "very-secret-0123456789"\n')
    for args in ((), ("--json",)):
        told = done("config", "--file", file, *args).out
        assert "very-secret" not in told and NOT_SHOWN in told


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("mqtts://me:very-secret@box.local:8883", "mqtts://me:…@box.local:8883"),
        ("mqtt://box.local", "mqtt://box.local"),
        ("mqtt://me@box.local", "mqtt://me@box.local"),
        ("me:very-secret@box.local", NOT_SHOWN),
        ("mqtt://me:very-secret@/very-secret@box.local", "mqtt://me:…@box.local"),
    ],
)
def test_of_a_brokers_address_all_but_the_password_is_shown(address: str, shown: str) -> None:
    told = run("config", env={"HIPTURN_CONFIG": os.devnull, "HIPTURN_LIVE_MQTT": address}).out
    assert "very-secret" not in told and "(HIPTURN_LIVE_MQTT)" in told
    assert shown in told


def test_all_settings_are_shown_with_their_origin() -> None:
    rows = json.loads(done("config", "--json").out)
    assert [row["key"] for row in rows] == [*MEASURING, *PROGRAM]
    assert {row["origin"] for row in rows} == {"default"}
    told = done("config").out
    assert all(f"{key} = " in told for key in SETTINGS)


def test_what_does_not_decide_results_is_no_setting_of_a_recording() -> None:
    assert config.defaults().keys() == MEASURING.keys()
    assert "no setting is called 'web.port'" in refused("replay", "x", "--set", "web.port=1", code=2)


def test_every_flag_of_run_is_a_setting_by_that_name() -> None:
    from hipturn.cli.run import command

    flags = {parameter.name for parameter in command.params}
    assert set(FLAGS) <= flags and set(FLAGS.values()) <= PROGRAM.keys()


@given(
    st.sampled_from(list(SETTINGS.values())), st.text(max_size=12) | st.integers() | st.booleans() | st.none()
)
def test_a_value_is_taken_or_refused_in_one_line(setting: config.Setting, value: object) -> None:
    """And what was taken is taken again as it is: layers can be written back."""
    try:
        parsed = setting.parse(value, "here")
    except UsageError as error:
        assert str(error).startswith(f"here: {setting.key} must be") and "\n" not in str(error)
    else:
        assert setting.parse(parsed, "here") == parsed

"""Where things are kept on this computer."""

import os
from pathlib import Path

import platformdirs

APP = "hipturn"
SIMULATED = "simulated"
"""Folder within that of the recordings: what a virtual sensor gave, apart because nobody's hip is in it."""


def config_file() -> Path:
    """Return the settings file: ``HIPTURN_CONFIG`` or the platform's place."""
    given = os.environ.get("HIPTURN_CONFIG")
    return Path(given) if given else platformdirs.user_config_path(APP) / "config.toml"


def state_folder() -> Path:
    """Return where locks and the like are kept: ``HIPTURN_STATE`` or the platform's place."""
    given = os.environ.get("HIPTURN_STATE")
    return Path(given) if given else platformdirs.user_state_path(APP)


def recordings_folder(given: Path | None = None) -> Path:
    """Return where recordings go: what was given, ``HIPTURN_RECORDINGS``, or the platform's place."""
    if given is not None:
        return given
    named = os.environ.get("HIPTURN_RECORDINGS")
    return Path(named) if named else platformdirs.user_data_path(APP) / "recordings"


def simulated_hint(folder: Path) -> str:
    """Return, where a virtual sensor's recordings lie within the folder, how to see them; else nothing."""
    apart = folder / SIMULATED
    return f"; the virtual sensor's are kept apart: add --recordings {apart}" if apart.is_dir() else ""

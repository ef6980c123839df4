"""Whether this computer can be heard at all: a server has neither loudspeaker nor sound service."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def audible(
    platform: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
    devices: Path = Path("/dev/snd"),
) -> bool:
    """Return whether there is a sound card or a sound service; cheap, asks nobody and plays nothing."""
    if not platform.startswith("linux"):
        return True
    if environ.get("PULSE_SERVER"):
        return True
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    if any((runtime / service).exists() for service in ("pulse/native", "pipewire-0")):
        return True
    try:
        return any(path.name.startswith("pcmC") and path.name.endswith("p") for path in devices.iterdir())
    except OSError:
        return False

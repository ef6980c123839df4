"""What Home Assistant is told so that it shows a sensor without anybody configuring it.

Its MQTT discovery: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from collections.abc import Iterator
from typing import Any

ENTITIES: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "sensor",
        "angle",
        {
            "name": "Hip rotation",
            "unit_of_measurement": "°",
            "state_class": "measurement",
            "value_template": "{{ value_json.angle_deg }}",
        },
    ),
    (
        "sensor",
        "controlled",
        {
            "name": "Controlled repetitions",
            "state_class": "total_increasing",
            "value_template": "{{ value_json.controlled }}",
        },
    ),
    (
        "sensor",
        "last_rom",
        {
            "name": "Last range",
            "unit_of_measurement": "°",
            "value_template": "{{ value_json.last_rom_deg }}",
        },
    ),
    (
        "sensor",
        "last_verdict",
        {"name": "Last verdict", "value_template": "{{ value_json.last_verdict }}"},
    ),
    (
        "binary_sensor",
        "link",
        {
            "name": "Sensor connected",
            "device_class": "connectivity",
            "payload_on": "up",
            "payload_off": "down",
            "value_template": "{{ value_json.link }}",
        },
    ),
)
"""Component, what it is, and its own options."""


def configs(prefix: str, node: str, stream: str, version: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield topic and content of each entity's configuration."""
    for component, what, options in ENTITIES:
        unique = f"{node}_{stream}_{what}"
        yield (
            f"{prefix}/{component}/{unique}/config",
            {
                **options,
                "unique_id": unique,
                "state_topic": f"{node}/{stream}/{'angle' if what == 'angle' else 'state'}",
                "availability_topic": f"{node}/status",
                "device": {
                    "identifiers": [f"{node}_{stream}"],
                    "name": f"hipturn {stream}",
                    "manufacturer": "hipturn",
                    "sw_version": version,
                },
                "origin": {"name": "hipturn", "sw_version": version},
            },
        )

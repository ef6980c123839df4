"""The counters as text for Prometheus (exposition format 0.0.4)."""

import time

from hipturn.sinks.hub import Hub
from hipturn.status import State
from hipturn.units import NS_PER_S

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(hub: Hub) -> str:
    """Return all metrics; what is not known, such as a charge that is not told, is left out."""
    status, counters = hub.status, hub.counters
    rows: list[tuple[str, str, str, float | None]] = [
        ("samples_total", "counter", "Samples measured.", counters.samples),
        ("lost_samples_total", "counter", "Samples known to be missing.", counters.lost),
        ("bad_packets_total", "counter", "Packets that could not be read.", counters.bad_packets),
        ("overruns_total", "counter", "Packets dropped because the program fell behind.", counters.overruns),
        ("reconnects_total", "counter", "Links made after the first.", max(0, counters.links - 1)),
        ("sessions_total", "counter", "Sessions begun.", counters.sessions),
        ("reps_total", "counter", "Repetitions found.", counters.reps),
        ("dropped_frames_total", "counter", "Frames viewers were too slow for.", hub.viewers.dropped),
        ("viewers", "gauge", "Viewers connected.", len(hub.viewers)),
        ("loop_lag_seconds", "gauge", "Longest recent lateness of the loop.", counters.loop_lag_s),
        ("last_sample_age_seconds", "gauge", "Age of the newest sample.", status.last_sample_s),
        ("rssi_dbm", "gauge", "Signal of the sensor when it was found.", status.rssi_dbm),
        (
            "battery_percent",
            "gauge",
            "Charge of the sensor.",
            status.battery.percent if status.battery else None,
        ),
        ("troubles", "gauge", "Parts that do not work now.", len(status.troubles)),
        ("uptime_seconds", "gauge", "Age of the program.", (time.monotonic_ns() - hub.started_ns) / NS_PER_S),
    ]
    out: list[str] = []
    for name, kind, meaning, value in rows:
        if value is not None:
            out += [f"# HELP hipturn_{name} {meaning}", f"# TYPE hipturn_{name} {kind}"]
            out.append(f"hipturn_{name} {value:.9g}")
    out += ["# HELP hipturn_state Where the measurement stands: 1 for the state it is in."]
    out += ["# TYPE hipturn_state gauge"]
    out += [f'hipturn_state{{state="{state.value}"}} {int(state is status.state)}' for state in State]
    return "\n".join(out) + "\n"

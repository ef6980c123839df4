"""The only wiring: source, recorder, session and listeners in one task group, for months if need be.

::

    radio ──► door ──► the loop ──► session ──► keeper (recording)
              ▲ commands    │         └───────► telling ──► hub ──► page, API, metrics
              │             │                        └────► display, log, live outputs
    tick: recording, stale, watchdog             services (the web server): kept up beside

A session begins with the sensor and ends when it has stayed away, on command, or with the program. The
recording, the listeners and the services may each fail: that is told, mended as far as it can be, and
never stops the loop.

=============  ====================================================================================
`plan`         what a live session is about, and what the wiring asks of source and display
`door`         the queue between radio and pipeline
`chain`        a routine: one session after the other
`running`      one session, from its beginning to the closing of its recording
`onward`       the coach, from one recording of a session to the next
`telling`      what is heard and what does not work, to everybody
`ticking`      what must happen several times a second
`speaking`     this computer's own voice
`outputs`      LSL, OSC and MQTT, where asked for
`loop`         the daemon: which session takes which input
=============  ====================================================================================
"""

from hipturn.daemon.loop import Daemon
from hipturn.daemon.plan import STREAM, Ears, Ended, Plan, Source, View, ble

__all__ = ["STREAM", "Daemon", "Ears", "Ended", "Plan", "Source", "View", "ble"]

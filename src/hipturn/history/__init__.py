"""The history: a catalogue of the recordings in a folder, and what they say over weeks.

`found` reads one recording, `store` keeps rows, `people` what belongs to no recording, `catalogue` keeps
the three together; `core.progress` says what it comes to. The catalogue (`catalogue.sqlite`, beside the
recordings) is a cache: `reindex` makes the same one from the files alone.
"""

from hipturn.history.catalogue import Catalogue, Filter, State, add, reindex, state
from hipturn.history.found import Found, Leg, session_results, tool
from hipturn.history.past import past
from hipturn.history.people import Person

__all__ = [
    "Catalogue",
    "Filter",
    "Found",
    "Leg",
    "Person",
    "State",
    "add",
    "past",
    "reindex",
    "session_results",
    "state",
    "tool",
]

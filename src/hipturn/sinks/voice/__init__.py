"""What a person hears from this computer itself: speech and sounds, or nothing while a page speaks."""

from hipturn.sinks.voice.audible import audible
from hipturn.sinks.voice.speaker import Chosen, Speaker, Where
from hipturn.sinks.voice.voice import Voice

__all__ = ["Chosen", "Speaker", "Voice", "Where", "audible"]

"""Results for the rest of the world: one small file a format, all made of the same `Measured`.

`measured` analyses a recording and keeps what formats need, `tables` says once what each column is
called, its unit and its meaning, `whole` lets nothing half-written be seen. A format is a function
``write(measured, out, ...)`` that returns the files it made.
"""

from hipturn.export.measured import Measured, deidentified, measure

__all__ = ["Measured", "deidentified", "measure"]

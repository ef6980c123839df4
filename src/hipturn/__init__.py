"""hipturn: hip rotation angles and counted repetitions from a Bluetooth IMU on the shin."""

__version__ = "0.1.0"

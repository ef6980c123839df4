"""What the running program needs of this computer: a lock, a log, a service manager."""

"""Foreign recordings, turned into inputs."""

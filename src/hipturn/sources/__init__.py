"""Where inputs come from: radio, files, a simulated body."""

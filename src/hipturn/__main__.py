"""Run the command line: ``python -m hipturn``."""

from hipturn.cli.main import cli

if __name__ == "__main__":
    cli(prog_name="hipturn")

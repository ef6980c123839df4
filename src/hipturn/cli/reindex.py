"""``hipturn reindex``: the catalogue made anew from the recordings."""

from pathlib import Path

import click

from hipturn.cli.history import bar, folder_option


@click.command("reindex", epilog="Example: hipturn reindex")
@folder_option
def command(recordings: Path | None) -> None:
    """Make the catalogue anew from the recordings: it is only a cache, nothing is lost with it."""
    import time

    from hipturn.cli.history import told
    from hipturn.history import Catalogue, reindex
    from hipturn.places import recordings_folder

    begun = time.perf_counter()
    folder = recordings_folder(recordings)
    with bar("reading recordings") as hear:
        reindex(folder, hear)
    with Catalogue(folder) as catalogue:
        count, unreadable = len(catalogue.sessions()), catalogue.unreadable()
    told(unreadable)
    click.echo(f"{count} sessions catalogued in {time.perf_counter() - begun:.1f} s")

"""``hipturn config``: the settings."""

from pathlib import Path

import click


@click.command("config", epilog="Example: hipturn config --defaults")
@click.option(
    "--defaults", "show_defaults", is_flag=True, help="Every setting with unit, meaning, recommendation."
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@click.option(
    "--file", "path", type=click.Path(path_type=Path), help="Settings file instead of the usual one."
)
def command(show_defaults: bool, as_json: bool, path: Path | None) -> None:
    """Show the settings in effect and where each comes from."""
    import json

    from hipturn import config, places
    from hipturn.errors import UsageError

    if path is not None and not path.exists():
        raise UsageError(f"--file {path}: there is no such file")
    given, source = config.load(path or places.config_file())
    rows = [
        {
            "key": s.key,
            "value": s.default if show_defaults else given.get(s.key, s.default),
            "origin": source if s.key in given and not show_defaults else "default",
            "unit": s.unit,
            "meaning": s.meaning,
            "recommended": s.recommended,
        }
        for s in config.SETTINGS.values()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        value = f"{row['value']:g}" if isinstance(row["value"], float) else row["value"]
        click.echo(f"{row['key']} = {value} {row['unit']}".rstrip() + f"   ({row['origin']})")
        if show_defaults:
            click.echo(f"    {row['meaning']}\n    recommended: {row['recommended']}")

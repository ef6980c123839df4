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
    """Show the settings in effect and where each comes from: default, file or environment.

    The file is TOML, in the platform's place or where HIPTURN_CONFIG says; HIPTURN_WEB_PORT=8711 in the
    environment stands for web.port, and so for all; what a command is given counts most.
    """
    import json
    import os

    from hipturn import config, places
    from hipturn.errors import UsageError

    if path is not None and not path.exists():
        raise UsageError(f"--file {path}: there is no such file")
    file = path or places.config_file()
    layers = config.layered(file, {} if show_defaults else os.environ)
    rows = []
    for s in config.SETTINGS.values():
        given = config.Given(s.default, "default") if show_defaults else layers[s.key]
        rows.append(
            {
                "key": s.key,
                "value": s.shown(given.value),
                "origin": given.origin,
                "unit": s.unit,
                "variable": s.variable,
                "meaning": s.meaning,
                "recommended": s.recommended,
            }
        )
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['key']} = {_text(row['value'])} {row['unit']}".rstrip() + f"   ({row['origin']})")
        if show_defaults:
            click.echo(f"    {row['meaning']}\n    recommended: {row['recommended']}")
    if not show_defaults:
        click.echo(f"settings file: {file}" + ("" if file.exists() else " (there is none)"))


def _text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case str(text) if not text or (" " in text and not text.startswith("(")):
            return f'"{text}"'
        case _:
            return str(value)

"""`vigil config`: what is wrong with the configuration, and what is in force."""

from typing import Any

import click

from streams.cli.registry import examples
from streams.cli.session import Session
from streams.settings import ConfigurationError
from streams.settings.fingerprint import counting_fingerprint
from streams.settings.showing import Shown, shown_settings


@click.group(
    epilog=examples(
        "vigil -c vigil.toml config check        all faults at once, with file and line",
        "vigil config check --source mapping.toml  those of a mapping too",
        "vigil -c vigil.toml config show         what is in force, and where it came from",
        "VIGIL_WEB_PORT=0 vigil config show --json",
    )
)
def config() -> None:
    """The configuration: a TOML file (-c FILE, or VIGIL_CONFIG), VIGIL_… variables, and defaults that work."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--source", "sources", multiple=True, metavar="mapping.toml", help="A mapping to check too.")
@click.pass_obj
def check(session: Session, as_json: bool, sources: tuple[str, ...]) -> None:
    """Name every fault of the configuration, of the files it names (zones, rules) and of mappings; asks no broker.

    Ends with 0 when there is none, with 2 when there are some.
    """
    from streams.cli.config_faults import all_faults  # noqa: PLC0415 -- geometry takes half a second to import

    terminal = session.terminal
    faults = all_faults(session.config_file, session.overrides, sources)
    if as_json:
        terminal.json({"ok": not faults, "faults": [fault._asdict() for fault in faults]})
        if faults:
            raise click.exceptions.Exit(2)
        return
    if faults:
        raise ConfigurationError(faults)
    settings = session.settings
    cities = len(settings.jurisdictions)
    named = f"{cities} jurisdictions" if cities != 1 else "1 jurisdiction"
    terminal.say(
        f"the configuration is right: {named}, counting fingerprint {counting_fingerprint(settings)}"
    )


@config.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--changed", is_flag=True, help="Only what is not a default.")
@click.pass_obj
def show(session: Session, as_json: bool, changed: bool) -> None:
    """Say what is in force and where each value came from; secrets are masked."""
    terminal, loaded = session.terminal, session.loaded
    listed = [each for each in shown_settings(loaded) if each.origin or not changed]
    if as_json:
        document = {each.field: {"value": each.value, "from": each.origin or "default"} for each in listed}
        terminal.json({"settings": document, "counting_fingerprint": counting_fingerprint(loaded.settings)})
        return
    rows = [(each.field, _text(each.value), each.origin or "default") for each in listed]
    terminal.table(("field", "value", "from"), rows)
    terminal.say(f"counting fingerprint: {counting_fingerprint(loaded.settings)}")


def _text(value: Any) -> str:
    match value:
        case list():
            return ", ".join(_text(item) for item in value)
        case dict():
            return ", ".join(f"{name}={_text(item)}" for name, item in value.items())
        case bool():
            return "true" if value else "false"
    return str(value)


__all__ = ["Shown", "config"]

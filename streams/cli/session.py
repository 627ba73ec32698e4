"""What one call of `vigil` knows: the configuration file, and how to speak to the person."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.cli.terminal import Terminal
    from streams.settings import Loaded, Settings


@dataclass
class Session:
    """Handed to every command with `@click.pass_obj`; the configuration is read when first asked for."""

    config_file: Path | None = None
    plain: bool = False
    overrides: dict[str, str] = field(
        default_factory=dict
    )  # dotted field → text, from a command's own options

    @cached_property
    def loaded(self) -> "Loaded":
        """Settings, and where each value came from.

        Raises:
            ConfigurationError: something is wrong with them.
        """
        from streams.settings import load_with_origins  # noqa: PLC0415 -- keeps `vigil --help` fast

        return load_with_origins(self.config_file, overrides=self.overrides)

    @property
    def settings(self) -> "Settings":
        """The settings in force.

        Raises:
            ConfigurationError: something is wrong with them.
        """
        return self.loaded.settings

    @cached_property
    def terminal(self) -> "Terminal":
        """Where output goes."""
        from streams.cli.terminal import Terminal  # noqa: PLC0415 -- keeps `vigil --help` fast

        return Terminal(plain=self.plain)

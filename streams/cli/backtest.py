"""`vigil backtest`: detection on a city's own history; `vigil backtest scores`: on a benchmark."""

from typing import Any, Final

import click

from streams.cli.backtest_history import history
from streams.cli.backtest_scores import scores

_WITH_VALUE: Final = ("-c", "--config")
_PLAIN: Final = "--plain"


class Backtest(click.Group):
    """A command of its own, unless its first word is the name of another one."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of `history`, under this command's name, where no other command is named."""
        if _first_word(args) in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return self.commands["history"].make_context(info_name, args, parent, **extra)


def _first_word(args: list[str]) -> str | None:
    """The first argument behind the options that every command takes."""
    at = 0
    while at < len(args) and args[at] in (_PLAIN, *_WITH_VALUE):
        at += 2 if args[at] in _WITH_VALUE else 1
    return args[at] if at < len(args) else None


backtest = Backtest("backtest", commands={"history": history, "scores": scores})

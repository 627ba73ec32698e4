"""`vigil backtest`: detection on what has been."""

import click

from streams.cli.backtest_scores import scores
from streams.cli.registry import examples


@click.group(commands={"scores": scores}, epilog=examples("vigil backtest scores --help"))
def backtest() -> None:
    """Detection on what has been."""

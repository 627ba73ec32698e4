"""What a person sees when something does not work: one clear message, and an exit code.

0 done, 1 failed, 2 wrong use or configuration, 130 interrupted. A traceback only for our own bugs, on request.
"""

import os
import sys
import traceback
from typing import Final

import click

from streams.cli.printable import printable_lines

FAILED: Final = 1
WRONG_USE: Final = 2
INTERRUPTED: Final = 130
TRACEBACK_VARIABLE: Final = "VIGIL_TRACEBACK"


class Failed(Exception):
    """The command could not do what it was asked to; the message says why and what to do."""


def present(error: BaseException) -> int:
    """Say on standard error what is wrong, and return the exit code."""
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.Abort() | KeyboardInterrupt():
            return INTERRUPTED
        case BrokenPipeError():
            _drop_output()
            return FAILED
        case click.exceptions.NoArgsIsHelpError():
            _write(error.format_message())
            return WRONG_USE
        case click.UsageError():
            _say(_lowered(error), _usage(error))
            return WRONG_USE
    # By name, so that `vigil --help` imports neither the settings nor a Kafka client.
    if f"{type(error).__module__}.{type(error).__name__}" == "streams.settings.faults.ConfigurationError":
        _say_faults(str(error).split("\n"))
        return WRONG_USE
    _say(*_failure(error))
    return FAILED


def _failure(error: BaseException) -> tuple[str, str]:
    """A message for what failed, and a hint."""
    said = str(error) or type(error).__name__
    if isinstance(error, click.ClickException):
        return _lowered(error), ""
    if isinstance(error, Failed):
        return said, ""
    if isinstance(error, OSError):
        return _file_fault(error), ""
    if type(error).__module__ == "aiokafka.errors":
        return f"Kafka answers with an error: {said}", "see the broker's log"
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exception(error)
    kind = type(error).__name__
    hint = f"set {TRACEBACK_VARIABLE}=1 and try again to see where"
    return f"a bug in Vigil: {kind if said == kind else f'{kind}: {said}'}", hint


def _say(message: str, hint: str = "") -> None:
    """`vigil: message`, and a hint below it."""
    _write(f"vigil: {message}")
    if hint:
        _write(f"       {hint}")


def _say_faults(faults: list[str]) -> None:
    if len(faults) == 1:
        _write(f"vigil: {faults[0]}")
        return
    _write(f"vigil: {len(faults)} faults in the configuration")
    for fault in faults:
        _write(f"  {fault}")


def _write(line: str) -> None:
    try:
        # Bytes of a file that are no text must not make the message about them go astray, nor steer the terminal.
        click.echo(printable_lines(line), err=True)
    except (OSError, ValueError):
        return  # standard error is closed: the exit code must do


def _lowered(error: click.ClickException) -> str:
    """What click says, as our messages are: lower case, no full stop."""
    said = error.format_message()
    return f"{said[:1].lower()}{said[1:]}".rstrip(".")


def _usage(error: click.UsageError) -> str:
    return f"try: {error.ctx.command_path if error.ctx else 'vigil'} --help"


def _file_fault(error: OSError) -> str:
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"{error.filename}: {reason}" if error.filename else reason


def _drop_output() -> None:
    """Whoever read our output has gone; nothing more is to be written when the interpreter ends."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())

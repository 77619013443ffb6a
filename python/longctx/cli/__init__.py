"""The command `longctx`: one file a command; what they print is made in `summary`, `progress` and `text`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status.

    0 is success, 1 a failure, 2 a request that makes no sense, 130 an interrupt. Errors are sentences on stderr.
    """
    for stream in (sys.stdout, sys.stderr):
        # A path that the terminal's encoding lacks is shown escaped rather than ending the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        # Between the imports, too, where no command is running yet.
        return _fail("interrupted", None, 130)
    except BrokenPipeError:
        # The reader left, as `head` does. The interpreter flushes once more at exit: give it somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        return _fail(f"cannot write the results: {(error.strerror or str(error)).lower()}", None, 1)
    return status


def entry() -> NoReturn:
    """The command `longctx` as a process of its own: its exit status is that of `main`."""
    status = main()
    if "torch" not in sys.modules:
        # Nothing is left to be done, and taking the interpreter apart takes longer than some commands.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(status)
    sys.exit(status)


def _run(arguments: Sequence[str] | None) -> int:
    # What is imported stays: it need not be looked through for garbage, again and again and at the end.
    gc.disable()
    import typer

    from longctx._core import LongctxError
    from longctx.cli.app import build

    app = build(arguments)
    gc.freeze()
    gc.enable()

    try:
        status = app(args=arguments, prog_name="longctx", standalone_mode=False)
    except typer.TyperException as error:
        # Not an error of the user's; typer does not export its class.
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message(), file=sys.stderr)
            return 2
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "longctx"
        return _fail(error.format_message(), f"see `{command} --help`", 2)
    except LongctxError as error:
        return _fail(error.message, error.hint, error.exit_code)
    except typer.Abort:
        status = 130
    if status == 130:
        return _fail("interrupted", None, 130)
    return status if isinstance(status, int) else 0


def _fail(message: str, hint: str | None, status: int) -> int:
    from longctx.cli.text import escape

    lines = [f"error: {message.rstrip('.')}"]
    if hint:
        lines += ["", f"hint: {hint}"]
    print("\n".join(escape(line) for line in lines), file=sys.stderr)
    return status

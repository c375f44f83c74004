"""The command line: serve, and what is done to the database beside a server.

Exit codes: 0; 1 with one line on standard error that says what to do; 2 for wrong
usage. What the commands do is elsewhere; here they are named, parsed and answered.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Mapping, Sequence

from aiproxy import __version__, launch
from aiproxy import connect as client
from aiproxy.errors import AIProxyError
from aiproxy.store.first_start import ADMIN

if TYPE_CHECKING:
    # What add_subparsers() gives; argparse has no public name for it.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

MAX_PORT = 65535


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = build_parser().parse_args(with_command(arguments))
    try:
        if options.command == "serve":
            return _serve(options, os.environ)
        from aiproxy import actions  # noqa: PLC0415 - a server starts without them

        return actions.ACTIONS[options.command](options, os.environ)
    except AIProxyError as exc:
        # One line, whatever stands in it.
        print(f"aiproxy: {' '.join(exc.message.split())}", file=sys.stderr)
    except KeyboardInterrupt:
        print("aiproxy: stopped", file=sys.stderr)
    except BrokenPipeError:
        # The reader of our output is content; so that Python does not complain:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def with_command(arguments: list[str]) -> list[str]:
    """`serve` is meant where no command is named."""
    general = ("-h", "--help", "--version")
    if arguments and (arguments[0] in general or not arguments[0].startswith("-")):
        return arguments
    return ["serve", *arguments]


class _Help(argparse.HelpFormatter):
    """As wide as the terminal, but without shutil, which loads bz2, lzma and more.

    One is made for each argument that is added, at every start.
    """

    def __init__(self, prog: str) -> None:
        columns = 0
        with contextlib.suppress(OSError):  # no terminal
            columns = os.get_terminal_size().columns
        super().__init__(prog, width=(columns or 80) - 2)


def build_parser() -> argparse.ArgumentParser:
    """All commands, with their help."""
    parser = argparse.ArgumentParser(
        prog="aiproxy",
        description="Use Claude Code with any AI provider.",
        epilog="Settings come from flags, then the environment, then the pages. The"
        " database is app.db in the current folder, or what DATABASE_PATH names.",
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"aiproxy {__version__}")
    known = parser.add_subparsers(metavar="COMMAND", title="commands")
    _add_serve(known)
    _add_client_commands(known)
    _add_user_commands(known)
    _add_file_commands(known)
    return parser


def _add(
    known: Commands,
    name: str,
    text: str,
) -> argparse.ArgumentParser:
    parser = known.add_parser(name, help=text, description=text, formatter_class=_Help)
    parser.set_defaults(command=name)
    return parser


def _add_serve(
    known: Commands,
) -> None:
    serve = _add(known, "serve", "Start the server (the default command).")
    serve.add_argument("--host", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=_port, help="port to listen on (8000); 0: any")
    serve.add_argument(
        "--demo",
        action="store_true",
        help="try it without a provider's key: a scripted model answers, and nothing"
        " is kept",
    )


def _add_client_commands(
    known: Commands,
) -> None:
    check = _add(known, "check", "Tell whether the server is ready.")
    check.add_argument("--url", help="its address (as configured here)")
    connect = _add(known, "connect", "Print the lines for the client.")
    connect.add_argument(
        "alias",
        nargs="?",
        default="",
        help="an alias or a provider's slug (whichever provider is active)",
    )
    connect.add_argument(
        "--shell", choices=client.SHELLS, help="how to write them (for this shell)"
    )
    _add(known, "version", "Print the version.")


def _add_user_commands(
    known: Commands,
) -> None:
    reset = _add(
        known,
        "reset-password",
        "Set a user's password, end the sessions, lift a lock. Reads the password"
        " from the terminal, or a line of standard input.",
    )
    reset.add_argument("user", nargs="?", default=ADMIN, help=f"({ADMIN})")
    unlock = _add(known, "unlock", "Forget wrong passwords: a user may try again.")
    unlock.add_argument("user", nargs="?", default="", help="(everybody)")


def _add_file_commands(
    known: Commands,
) -> None:
    backup = _add(known, "backup", "Copy the database, also while in use.")
    backup.add_argument("file")
    restore = _add(known, "restore", "Put a backup in place; stop the server before.")
    restore.add_argument("file")
    export = _add(known, "export", "Write providers, aliases and settings as JSON.")
    export.add_argument("file")
    export.add_argument(
        "--with-keys", action="store_true", help="the providers' keys too, in clear"
    )
    import_ = _add(known, "import", "Read what `export` has written.")
    import_.add_argument("file")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {MAX_PORT}")
    return int(text)


def _serve(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    flags = {"server_host": options.host, "server_port": options.port}
    if options.demo:
        return launch.demo(flags, environ)
    return launch.serve(flags, environ)

"""`serve`: everything built in order, run, and taken down in the reverse order."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import aiproxy
from aiproxy import __version__, config, log, memory
from aiproxy import connect as client
from aiproxy.config import Prepared
from aiproxy.housekeeping import Housekeeping
from aiproxy.security import passwords, tokens
from aiproxy.security.passwords import Passwords
from aiproxy.services import Services
from aiproxy.serving import server as serving
from aiproxy.serving.server import Server
from aiproxy.store import api_keys, providers, users
from aiproxy.store.database import Database
from aiproxy.store.first_start import ADMIN
from aiproxy.store.settings import Settings
from aiproxy.store.snapshot import Snapshot
from aiproxy.web import guard
from aiproxy.web.app import Application, head_judge

if TYPE_CHECKING:
    from aiproxy.demo import DemoProvider

DEMO = "demo"
FIXED_WAITRESS = (3, 0, 2)  # closes CVE-2024-49768 and CVE-2024-49769


class Launch:
    """One server with all that it needs; `run` returns when it has stopped."""

    def __init__(self, prepared: Prepared, *, can_restart: bool) -> None:
        """Raises ConfigError: a taken port, an unwritable log folder."""
        settings = prepared.settings
        self._is_restart_asked = False
        memory.keep_few_arenas()
        redactor = log.Redactor()
        log.set_up(settings, redactor)
        self._services = Services(database=prepared.database, fixed=prepared.fixed)
        transport = self._services.transport

        def know(snapshot: Snapshot) -> None:
            redactor.know([*log.secrets_of(snapshot), *transport.secrets])

        know(self._services.snapshot)
        self._services.on_reload = know
        try:
            self.server = Server(
                Application(self._services),
                host=settings.server_host,
                port=settings.server_port,
                base_path=settings.base_path,
                judge=head_judge(self._services),
                shows_admin=lambda head: guard.shows_admin(self._services, head),
                shutdown_grace=lambda: self._services.settings.shutdown_grace,
                on_drain=self._begin_draining,
            )
        except BaseException:
            self._services.close()
            raise
        # As many as there are files for; the next one is told at once.
        self._services.running.limit = self.server.limits.streams
        # Before anyone reads our address and may want us to stop.
        self.server.handle_signals()
        self._housekeeping = Housekeeping(self._services)
        if can_restart:
            self._services.restart = self._restart

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the pages."""
        settings = self._services.started_with
        host = settings.server_host
        host = f"[{host}]" if ":" in host else host
        origin = f"http://{host}:{self.server.port}"
        return client.client_base_url(origin) + self._services.base_path

    @property
    def is_restart_wanted(self) -> bool:
        """A signal that came meanwhile goes before it: then the end is one."""
        return self._is_restart_asked and not self.server.was_signalled

    def run(self) -> None:
        """Serve until a signal or a restart; then let go of everything."""
        self._housekeeping.start()
        try:
            self.server.serve_forever()
        finally:
            self._housekeeping.stop()
            self._services.close()
            log.tear_down()

    def _begin_draining(self) -> None:
        self._services.is_draining = True

    def _restart(self) -> None:
        self._is_restart_asked = True
        self.server.request_stop()


def serve(flags: Mapping[str, Any], environ: Mapping[str, str]) -> int:
    """Serve until asked to stop. Raises ConfigError for what stops the start."""
    with _prepared(flags, environ) as prepared:
        # Windows has no exec: there, a new process would leave its console.
        launch = Launch(prepared, can_restart=os.name == "posix")
        _greet(launch, prepared)
        launch.run()
    if launch.is_restart_wanted:
        command = _own_command()
        os.execv(command[0], command)  # noqa: S606 - this very program, anew
    return 0


def demo(flags: Mapping[str, Any], environ: Mapping[str, str]) -> int:
    """Serve a scripted provider, from a database that is gone afterwards."""
    import tempfile  # noqa: PLC0415 - loads shutil, random and more

    with tempfile.TemporaryDirectory(prefix="aiproxy-demo-") as folder:
        password = passwords.make_random()
        environ = {
            **environ,
            config.DATABASE_PATH: os.path.join(folder, config.DEFAULT_DATABASE),
            config.ADMIN_PASSWORD: password,
            "LOG_DIR": os.path.join(folder, "logs"),
        }
        with _prepared(flags, environ) as prepared, _demo_provider() as provider:
            key = _fill(prepared.database, provider.url)
            launch = Launch(prepared, can_restart=False)
            _greet_demo(launch.address, key, password)
            launch.run()
    return 0


@contextlib.contextmanager
def _prepared(
    flags: Mapping[str, Any], environ: Mapping[str, str]
) -> Iterator[Prepared]:
    """The database and settings, closed again whatever happens."""
    if not os.path.exists(config.database_path(environ)):
        _check_address(flags, environ)
    prepared = config.prepare(flags, environ, Passwords())
    try:
        yield prepared
    finally:
        prepared.database.close()


def _check_address(flags: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Before a first start makes its files: can the address be had at all?"""
    fixed = config.fixed_values(flags, environ)
    settings = Settings(**{name: entry.value for name, entry in fixed.items()})
    for sock in serving.bind(settings.server_host, settings.server_port):
        sock.close()


@contextlib.contextmanager
def _demo_provider() -> Iterator[DemoProvider]:
    from aiproxy.demo import DemoProvider  # noqa: PLC0415 - of the demo alone

    provider = DemoProvider()
    try:
        yield provider
    finally:
        provider.stop()


def _fill(database: Database, url: str) -> str:
    """The demo's provider, active, and an admin's key that works."""
    from aiproxy.demo import MODEL  # noqa: PLC0415 - of the demo alone

    key = tokens.make_api_key()
    with database.transaction() as db:
        provider_id = providers.insert(
            db,
            name="Demo",
            slug=DEMO,
            endpoint=url,
            api_format="openai",
            default_model=MODEL,
        )
        providers.activate(db, provider_id)
        admin = users.find_by_username(db, ADMIN)
        if admin is not None:
            api_keys.insert(
                db,
                user_id=admin.id,
                name=DEMO,
                prefix=tokens.shown_prefix(key),
                digest=tokens.digest(key),
            )
    return key


def _greet(launch: Launch, prepared: Prepared) -> None:
    _warn_of_waitress()
    _say(f"AI Proxy {__version__} is at {launch.address}")
    if prepared.random_password:
        # Once, and on standard error, where it is not piped on by accident.
        print(
            f"The password of {ADMIN} is {prepared.random_password} - shown only now.",
            file=sys.stderr,
            flush=True,
        )
    admin = users.find_by_username(prepared.database.connection(), ADMIN)
    if admin is not None and admin.must_change_password:
        _say(
            f"Sign in as {ADMIN} with {passwords.DEFAULT_PASSWORD}, and choose a"
            " password of your own."
        )


def _greet_demo(address: str, key: str, password: str) -> None:
    _say(f"AI Proxy {__version__}, demo, is at {address}")
    _say("Start Claude Code in another terminal with:\n")
    _say(f"  export ANTHROPIC_BASE_URL={address}")
    _say(f"  export ANTHROPIC_AUTH_TOKEN={key}\n")
    _say(f"The pages: sign in as {ADMIN} with {password}")
    _say("Ctrl+C ends it; nothing is kept.")


def _say(line: str) -> None:
    # Whoever starts us may read this line by line, or not at all any more.
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


def _warn_of_waitress() -> None:
    """A plain pip on Python 3.8 gets an older one: requirements-3.8.txt tells why."""
    if sys.version_info >= (3, 9):
        return
    from importlib import metadata  # noqa: PLC0415 - takes as long as a tenth of the start

    try:
        version = metadata.version("waitress")
    except metadata.PackageNotFoundError:
        return  # the archive brings the fixed one, without metadata
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if numbers < FIXED_WAITRESS:
        print(
            f"Warning: waitress {version} has known holes; ./install.sh puts 3.0.2 in.",
            file=sys.stderr,
            flush=True,
        )


def _own_command() -> list[str]:
    """What started this program, from a checkout, an archive or an installation."""
    package = os.path.dirname(os.path.abspath(aiproxy.__file__))
    archive = getattr(aiproxy.__spec__ and aiproxy.__spec__.loader, "archive", None)
    launcher = os.path.join(os.path.dirname(package), "aiproxy.py")
    if archive is not None:
        program = [str(archive)]
    elif os.path.isfile(launcher):
        program = [launcher]
    else:
        program = ["-m", "aiproxy"]
    return [sys.executable, *program, *sys.argv[1:]]

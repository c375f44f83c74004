"""Passwords: the rule for new ones, hashing and checking. The only importer of bcrypt.

bcrypt reads 72 bytes and stops at a NUL, so it gets base64(SHA-256(password)). Where it
cannot be loaded, the standard library's scrypt takes its place; each hash names its
scheme, and one of a weaker or other scheme is renewed at the next login.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import os
import threading
import unicodedata
from contextlib import contextmanager
from typing import Any, Iterator

from aiproxy.errors import RateLimited

MIN_CHARACTERS = 12
MAX_BYTES = 1024
DEFAULT_PASSWORD = "admin123"  # noqa: S105 - the first one, which opens nothing else
# Stands for "look for it": None means that there is none.
FIND: Any = object()
COST = 12  # bcrypt: 2 ** 12 rounds, about 250 ms
MIN_COST = 10
HASHES_AT_ONCE = 4
HASHES_WAITING = 20
WAIT_SECONDS = 10.0

_BCRYPT, _SCRYPT = "bcrypt-sha256", "scrypt"
# As slow as bcrypt's 12 rounds; needs 32 MiB.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 3
_SCRYPT_MEMORY = 64 << 20
# What a password is hashed with where there is no user: only the time matters.
_DECOY_SALT = b"abcdefghijklmnopqrstuu"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

log = logging.getLogger("aiproxy.security")


def problem(password: str, username: str = "") -> str:
    """What forbids this new password, in words for the form; empty: nothing."""
    text = _normal(password)
    if len(_encoded(text)) > MAX_BYTES:
        return f"At most {MAX_BYTES} bytes."
    if len(text) < MIN_CHARACTERS:
        return f"At least {MIN_CHARACTERS} characters. Several words are good."
    if text.casefold() == DEFAULT_PASSWORD:
        return "Choose another one than the first."
    if text.casefold() == _normal(username.strip()).casefold():
        return "The password must not be the name."
    return ""


def make_random() -> str:
    """A password for a first start: 24 letters and digits, 142 bits."""
    import secrets  # noqa: PLC0415 - loads random and more

    return "".join(secrets.choice(_ALPHABET) for _ in range(24))


class Passwords:
    """Hashes and checks, a few at once: the others wait, or are told to come back."""

    def __init__(
        self,
        cost: int = COST,
        *,
        min_cost: int = MIN_COST,
        bcrypt: Any = FIND,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        if cost < min_cost:
            raise ValueError(f"a cost under {min_cost} is too easily guessed")
        self._cost = cost
        self._found_bcrypt = bcrypt
        self._gate = _Gate(HASHES_AT_ONCE, HASHES_WAITING, wait_seconds)
        self._load_lock = threading.Lock()

    def hash(self, password: str) -> str:
        """What to store; raises RateLimited where too many wait already."""
        with self._gate.place():
            return self._hash(_digest(password))

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether it is the password of this hash; None, nobody's, takes as long.

        Raises RateLimited where too many wait already.
        """
        # Longer ones cannot have been stored.
        if len(_encoded(_normal(password))) > MAX_BYTES:
            return False
        digest = _digest(password)
        with self._gate.place():
            scheme, _, rest = (stored or "").partition("$")
            if scheme == _BCRYPT:
                return self._check_bcrypt(digest, rest)
            if scheme == _SCRYPT:
                return self._check_scrypt(digest, rest)
            return self._refuse(digest)

    def needs_rehash(self, stored: str) -> bool:
        """Whether to store a new hash after the password has been right."""
        scheme, _, rest = stored.partition("$")
        if self._bcrypt() is None:
            return scheme != _SCRYPT or not rest.startswith(_scrypt_parameters())
        if scheme != _BCRYPT:
            return True
        return _bcrypt_cost(rest) < self._cost

    def _hash(self, digest: bytes, *, decoy: bool = False) -> str:
        bcrypt = self._bcrypt()
        if bcrypt is None:
            return _hash_scrypt(digest, os.urandom(16))
        salt = _decoy_salt(self._cost) if decoy else bcrypt.gensalt(self._cost)
        hashed: bytes = bcrypt.hashpw(digest, salt)
        return f"{_BCRYPT}${hashed.decode('ascii')}"

    def _refuse(self, digest: bytes) -> bool:
        """Nothing can be compared: a hash is made, and False, for the time's sake."""
        self._hash(digest, decoy=True)
        return False

    # A weaker hash is checked faster than an unknown name, which would tell that there
    # is a user: after a wrong password the rest of the usual work is done too.

    def _check_bcrypt(self, digest: bytes, rest: str) -> bool:
        bcrypt = self._bcrypt()
        if bcrypt is None:
            log.error(
                "a password is stored with bcrypt, which cannot be loaded here: set a"
                " new one with `aiproxy reset-password`"
            )
            return self._refuse(digest)
        try:
            is_right = bool(bcrypt.checkpw(digest, rest.encode("utf-8")))
        except ValueError:  # a damaged hash fits no password
            return self._refuse(digest)
        if not is_right:
            # Each cost is twice the work: these add up to what is missing.
            for cost in range(_bcrypt_cost(rest), self._cost):
                bcrypt.hashpw(digest, _decoy_salt(cost))
        return is_right

    def _check_scrypt(self, digest: bytes, rest: str) -> bool:
        try:
            numbers, salt, expected = rest.rsplit("$", 2)
            n, r, p = map(int, numbers.split("$"))
            key = _scrypt(digest, bytes.fromhex(salt), n, r, p)
            is_right = hmac.compare_digest(key, bytes.fromhex(expected))
        except ValueError:  # a damaged hash fits no password
            return self._refuse(digest)
        missing = _SCRYPT_N * _SCRYPT_R * _SCRYPT_P // (n * r) - p
        if not is_right and missing > 0:
            _scrypt(digest, _DECOY_SALT, n, r, missing)
        return is_right

    def _bcrypt(self) -> Any:
        # Loaded at first use: it costs the start 30 ms, unpacked from the archive 90.
        with self._load_lock:
            if self._found_bcrypt is FIND:
                from aiproxy.security import native  # noqa: PLC0415 - as late

                self._found_bcrypt = native.load_bcrypt()
            return self._found_bcrypt


class _Gate:
    """Places for hashes, and for those who wait for one."""

    def __init__(self, at_once: int, waiting: int, wait_seconds: float) -> None:
        self._free = at_once
        self._may_wait = waiting
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place; raises RateLimited where none comes free in time."""
        self._enter()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify()

    def _enter(self) -> None:
        with self._changed:
            if self._free == 0:
                self._wait()
            self._free -= 1

    def _wait(self) -> None:
        if self._may_wait == 0:
            raise _busy()
        self._may_wait -= 1
        try:
            if not self._changed.wait_for(lambda: self._free > 0, self._wait_seconds):
                raise _busy()
        finally:
            self._may_wait += 1


def _busy() -> RateLimited:
    return RateLimited(
        "Too many logins at once. Try again in a few seconds.",
        headers={"retry-after": "5"},
    )


def _normal(text: str) -> str:
    """In NFC, unless it is far too long: a run of combining marks takes the square of
    its length to be put in order, and holds all threads meanwhile.
    """
    # No character is composed of more than four.
    if len(text) > 4 * MAX_BYTES:
        return text
    return unicodedata.normalize("NFC", text)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(password: str) -> bytes:
    return base64.b64encode(hashlib.sha256(_encoded(_normal(password))).digest())


def _decoy_salt(cost: int) -> bytes:
    return b"$2b$%02d$%s" % (cost, _DECOY_SALT)


def _bcrypt_cost(rest: str) -> int:
    """The cost in a stored hash; 0 where it is damaged."""
    cost = rest.split("$")[2] if rest.count("$") == 3 else ""
    return int(cost) if cost.isdecimal() else 0


def _scrypt_parameters() -> str:
    return f"{_SCRYPT_N}${_SCRYPT_R}${_SCRYPT_P}$"


def _hash_scrypt(digest: bytes, salt: bytes) -> str:
    key = _scrypt(digest, salt, _SCRYPT_N, _SCRYPT_R, _SCRYPT_P)
    return f"{_SCRYPT}${_scrypt_parameters()}{salt.hex()}${key.hex()}"


def _scrypt(digest: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        digest, salt=salt, n=n, r=r, p=p, maxmem=_SCRYPT_MEMORY, dklen=32
    )

"""Passwords: every byte counts, every scheme is known, and nobody waits for ever."""

import base64
import hashlib
import threading

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import RateLimited
from aiproxy.security import passwords as module
from aiproxy.security.passwords import Passwords, make_random, problem
from tests.patience import SECONDS, wait_until

GOOD = "several words are good"


def fast(**options):
    return Passwords(4, min_cost=4, **options)


@pytest.fixture(params=["bcrypt", "scrypt"])
def passwords(request):
    return fast(bcrypt=bcrypt if request.param == "bcrypt" else None)


def test_the_right_password_passes_and_others_do_not(passwords):
    stored = passwords.hash(GOOD)

    assert passwords.verify(GOOD, stored)
    assert not passwords.verify(GOOD + " ", stored)
    assert not passwords.verify("", stored)


def test_two_hashes_of_one_password_differ(passwords):
    assert passwords.hash(GOOD) != passwords.hash(GOOD)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x" * 72 + "a", "x" * 72 + "b"),
        ("x" * 1023 + "a", "x" * 1023 + "b"),
        ("long enough\0a", "long enough\0b"),
        ("ä" * 60 + "a", "ä" * 60 + "b"),
    ],
)
def test_nothing_of_a_password_is_lost(passwords, one, other):
    assert not passwords.verify(other, passwords.hash(one))


def test_ways_to_write_an_accent_are_the_same_password(passwords):
    assert passwords.verify("cafe\u0301 au lait", passwords.hash("caf\u00e9 au lait"))


def test_bcrypt_gets_base64_of_sha_256():
    stored = fast().hash(GOOD)
    inner = stored.partition("$")[2].encode()

    digest = hashlib.sha256(GOOD.encode()).digest()
    assert bcrypt.checkpw(base64.b64encode(digest), inner)


@given(st.text(max_size=100))
def test_any_text_can_be_checked(text):
    assert not fast(bcrypt=bcrypt).verify(text + "x", _STORED)


_STORED = fast(bcrypt=bcrypt).hash("\0 unlikely \0")


@pytest.mark.parametrize(
    "stored", [None, "", "x", "bcrypt-sha256$", "scrypt$1$2", "$2b$"]
)
def test_a_damaged_or_absent_hash_fits_no_password(passwords, stored):
    assert passwords.verify(GOOD, stored) is False


def test_longer_input_is_wrong_without_hashing(monkeypatch):
    passwords = fast()
    stored = passwords.hash(GOOD)
    monkeypatch.setattr(passwords, "_hash", lambda *_, **__: pytest.fail("hashed"))
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: pytest.fail("hashed"))

    assert not passwords.verify("x" * 1025, stored)
    assert not passwords.verify("x" * 1025, None)


def test_without_a_user_one_hash_of_the_same_cost_is_made(monkeypatch):
    salts = []
    real = bcrypt.hashpw
    monkeypatch.setattr(
        bcrypt, "hashpw", lambda p, salt: salts.append(salt) or real(p, salt)
    )

    fast().verify(GOOD, None)

    assert [salt[:7] for salt in salts] == [b"$2b$04$"]


class CountingBcrypt:
    """bcrypt that adds up its rounds."""

    def __init__(self):
        self.rounds = 0

    def gensalt(self, cost):
        return bcrypt.gensalt(cost)

    def hashpw(self, password, salt):
        self.rounds += 2 ** int(salt.split(b"$")[2])
        return bcrypt.hashpw(password, salt)

    def checkpw(self, password, hashed):
        is_right = bcrypt.checkpw(password, hashed)  # raises before any work
        self.rounds += 2 ** int(hashed.split(b"$")[2])
        return is_right


@pytest.mark.parametrize(
    "stored",
    [
        None,
        Passwords(4, min_cost=4, bcrypt=bcrypt).hash(GOOD),
        Passwords(5, min_cost=4, bcrypt=bcrypt).hash(GOOD),
        Passwords(7, min_cost=4, bcrypt=bcrypt).hash(GOOD),
        "bcrypt-sha256$damaged",
        "scrypt$damaged",
        "damaged",
    ],
    ids=["none", "cost 4", "cost 5", "cost 7", "no bcrypt", "no scrypt", "no scheme"],
)
def test_a_wrong_password_costs_the_same_work_whatever_is_stored(stored):
    counting = CountingBcrypt()

    assert not Passwords(7, min_cost=4, bcrypt=counting).verify("wrong", stored)
    assert counting.rounds == 2**7


@pytest.mark.parametrize("n", [None, 1024, 2**14, 2**15])
def test_a_wrong_password_costs_the_same_scrypt_whatever_is_stored(monkeypatch, n):
    real, work = hashlib.scrypt, []

    def scrypt(password, *, n, r, p, **options):
        work.append(n * r * p)
        return real(password, n=n, r=r, p=p, **options)

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    stored = f"scrypt${n}$8$1$00$00" if n else None

    assert not fast(bcrypt=None).verify("wrong", stored)
    assert sum(work) == 2**15 * 8 * 3


def test_the_default_cost_is_twelve_and_never_under_ten():
    assert module.COST == 12
    assert module.MIN_COST == 10
    with pytest.raises(ValueError, match="under 10"):
        Passwords(9)


def test_a_hash_names_its_scheme():
    assert fast(bcrypt=bcrypt).hash(GOOD).startswith("bcrypt-sha256$$2b$04$")
    assert fast(bcrypt=None).hash(GOOD).startswith("scrypt$32768$8$3$")


def test_a_weaker_or_other_hash_is_renewed_at_login():
    weak, scrypt = fast(bcrypt=bcrypt).hash(GOOD), fast(bcrypt=None).hash(GOOD)
    usual = Passwords(5, min_cost=4, bcrypt=bcrypt)

    assert usual.needs_rehash(weak)
    assert usual.needs_rehash(scrypt)
    assert usual.needs_rehash("bcrypt-sha256$x")
    assert not usual.needs_rehash(usual.hash(GOOD))
    assert not fast(bcrypt=bcrypt).needs_rehash(usual.hash(GOOD))  # stronger stays
    assert not fast(bcrypt=None).needs_rehash(scrypt)
    assert fast(bcrypt=None).needs_rehash(scrypt.replace("32768", "1024"))


def test_scrypt_hashes_can_be_checked_where_there_is_bcrypt():
    assert fast(bcrypt=bcrypt).verify(GOOD, fast(bcrypt=None).hash(GOOD))


def test_a_bcrypt_hash_without_bcrypt_says_what_to_do(caplog):
    stored = fast(bcrypt=bcrypt).hash(GOOD)
    without = fast(bcrypt=None)

    assert not without.verify(GOOD, stored)
    assert "reset-password" in caplog.text


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "a" * 11,
        "x" * 1025,
        "ä" * 600,
        "",
        "admin123",
        "ADMIN123",
        "e\u0301" * 11,
    ],
)
def test_an_unfit_password_is_refused_with_a_sentence(password):
    assert problem(password).endswith(".")


def test_the_name_is_no_password():
    assert problem("Ada Lovelace", "ada lovelace ")


@pytest.mark.parametrize(
    "password", ["a" * 12, "ä" * 512, "пароль и ещё", GOOD, " " * 12]
)
def test_any_twelve_characters_up_to_1024_bytes_are_fine(password):
    assert problem(password, "ada") == ""


def test_a_random_password_is_fit_and_different_each_time():
    made = {make_random() for _ in range(50)}

    assert len(made) == 50
    assert all(len(password) == 24 and problem(password) == "" for password in made)


class SlowBcrypt:
    """Hashes as long as the test wants, and counts how many do at once."""

    def __init__(self):
        self.release = threading.Event()
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def gensalt(self, cost):
        return b"salt"

    def hashpw(self, password, salt):
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.release.wait(SECONDS * 2)
        with self._lock:
            self.running -= 1
        return b"hash"


def test_four_hash_at_once_twenty_wait_and_the_rest_is_told_to_come_back():
    slow = SlowBcrypt()
    passwords = fast(bcrypt=slow, wait_seconds=SECONDS * 2)
    refused, done = [], []

    def log_in():
        try:
            done.append(passwords.hash(GOOD))
        except RateLimited as exc:
            refused.append(exc)

    threads = [threading.Thread(target=log_in) for _ in range(30)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(refused) == 6)
    slow.release.set()
    for thread in threads:
        thread.join()

    assert len(done) == 24
    assert slow.most == 4
    assert all(e.status == 429 and e.headers["retry-after"] == "5" for e in refused)


def test_whoever_waits_too_long_is_told_to_come_back():
    slow = SlowBcrypt()
    passwords = fast(bcrypt=slow, wait_seconds=0.02)
    threads = [threading.Thread(target=passwords.hash, args=(GOOD,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: slow.running == 4)

    with pytest.raises(RateLimited):
        passwords.hash(GOOD)

    slow.release.set()
    for thread in threads:
        thread.join()
    assert passwords.hash(GOOD)  # all places are free again


def test_they_wait_ten_seconds_at_most():
    assert module.WAIT_SECONDS == 10.0


def test_a_failed_hash_gives_its_place_back():
    class Broken(SlowBcrypt):
        def hashpw(self, password, salt):
            raise RuntimeError

    passwords = fast(bcrypt=Broken(), wait_seconds=0.01)
    for _ in range(10):
        with pytest.raises(RuntimeError):
            passwords.hash(GOOD)

"""Sessions and the throttle of log-ins: without a page, and with a clock that a test moves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from informativa.console import sessions as module
from informativa.console import throttle as throttle_module
from informativa.console.sessions import Session, Sessions, new_token
from informativa.console.throttle import Throttle, network_of
from informativa.model import Role
from informativa.operations.accounts.user_account import (
    LogIn,
    LoginHistory,
    ProviderLogin,
    UserAccount,
    Way,
)

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Clock:
    """Seconds that a test moves on."""

    at: float = 1000.0

    def __call__(self) -> float:
        """The time now."""
        return self.at


@pytest.fixture
def clock() -> Clock:
    """One that stands at 1000."""
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    """Sessions that end after half an hour without a request."""
    return Sessions(1800, clock)


def account(name: str = "anna", changed: datetime = CREATED) -> UserAccount:
    """Somebody's, as it was changed last."""
    return UserAccount(name, {"acme": Role.READER}, "", "", changed)


def test_session_is_of_the_account_as_it_was(sessions: Sessions) -> None:
    """Its name, when it was changed, and since when it is there; whoever holds no token of ours has none."""
    token = sessions.begin(account())
    assert sessions.find(token) == Session("anna", CREATED, 1000.0, 1000.0)
    assert sessions.find(token + "x") is None
    assert sessions.find("\udcff") is None


def test_session_knows_its_log_in_and_what_was_before(sessions: Sessions) -> None:
    """The way, the address and the browser, and what failed since the last one."""
    login = LogIn(CREATED, "192.0.2.1", Way.APP, "Firefox, Linux")
    before = LoginHistory(None, 3, CREATED, "192.0.2.9")
    owner = replace(account(), history=before)
    session = sessions.find(sessions.begin(owner, login))
    assert session is not None
    assert (session.login, session.history) == (login, before)


def test_session_that_is_not_used_ends(sessions: Sessions, clock: Clock) -> None:
    """After half an hour without a request, to the second; each request gives half an hour more."""
    token = sessions.begin(account())
    clock.at += 1799
    assert sessions.find(token)
    clock.at += 1799
    assert sessions.find(token)
    clock.at += 1800
    assert sessions.find(token) is None
    clock.at -= 1800
    assert sessions.find(token) is None


def test_session_that_is_used_ends_after_twelve_hours(sessions: Sessions, clock: Clock) -> None:
    """To the second, however lately something was asked."""
    token = sessions.begin(account())
    for _request in range(24):
        clock.at += 1799
        assert sessions.find(token)
    clock.at = 44199.0
    assert sessions.find(token)
    clock.at = 44200.0
    assert not sessions.is_valid(token)
    assert sessions.find(token) is None


def test_whether_it_is_there_keeps_no_session(sessions: Sessions, clock: Clock) -> None:
    """Requests that a page makes by itself do not prolong it, however many there are."""
    token = sessions.begin(account())
    for _look in range(18):
        assert sessions.is_valid(token)
        clock.at += 100
    assert not sessions.is_valid(token)
    assert sessions.find(token) is None
    assert not sessions.is_valid("nobody's")


def test_who_logs_out_is_out_there_alone(sessions: Sessions) -> None:
    """His other browser stays in; to log out twice is harmless."""
    here, other = sessions.begin(account()), sessions.begin(account())
    sessions.end(here)
    sessions.end(here)
    assert (sessions.is_valid(here), sessions.is_valid(other)) == (False, True)


def test_who_is_put_out_is_out_everywhere(sessions: Sessions) -> None:
    """And nobody else."""
    tokens = [sessions.begin(account(name)) for name in ("anna", "berta", "anna")]
    sessions.end_all("anna")
    assert [sessions.is_valid(token) for token in tokens] == [False, True, False]


def test_the_oldest_session_of_twenty_makes_room(sessions: Sessions) -> None:
    """For the next of that account; nobody else loses any."""
    other = sessions.begin(account("berta"))
    tokens = [sessions.begin(account()) for _ in range(20)]
    assert all(sessions.is_valid(token) for token in tokens)
    for ended in (1, 2):
        tokens.append(sessions.begin(account()))
        assert [sessions.is_valid(token) for token in tokens] == [False] * ended + [True] * 20
    assert sessions.is_valid(other)


def test_the_oldest_session_of_all_makes_room(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest session is dropped if many accounts have so many that memory would run out."""
    monkeypatch.setattr(module, "_SESSIONS", 3)
    tokens = [sessions.begin(account(str(number))) for number in range(5)]
    assert [sessions.is_valid(token) for token in tokens] == [False, False, True, True, True]


def test_what_is_over_makes_room_first(
    sessions: Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who is in loses his place to somebody who is not; and memory holds none that ended."""
    monkeypatch.setattr(module, "_SESSIONS", 2)
    first, idle = sessions.begin(account("anna")), sessions.begin(account("berta"))
    clock.at += 1799
    assert sessions.find(first)
    clock.at += 1
    third = sessions.begin(account("carla"))
    assert [sessions.is_valid(token) for token in (first, idle, third)] == [True, False, True]


def test_session_that_is_over_is_not_held(sessions: Sessions, clock: Clock) -> None:
    """The next request for it takes it out of memory, with the callers that it remembered."""
    token = sessions.begin(account())
    clock.at += 1800
    assert sessions.find(token) is None
    assert sessions._sessions == {}


def test_memory_holds_no_token(sessions: Sessions) -> None:
    """But its SHA-256, which lets nobody in."""
    token = sessions.begin(account())
    assert list(sessions._sessions) == [hashlib.sha256(token.encode()).digest()]


def test_session_remembers_the_last_twenty_things() -> None:
    """They have keys that nobody guesses, or those that are passed; the oldest is forgotten."""
    session = Session("anna", CREATED, 0.0, 0.0)
    names = [session.put(number) for number in range(20)]
    assert [session.objects[name] for name in names] == list(range(20))
    assert {len(name) for name in names} == {16}
    assert session.put(20, "twentieth") == "twentieth"
    assert list(session.objects) == [*names[1:], "twentieth"]
    assert session.objects["twentieth"] == 20


def test_what_is_to_be_forgotten_is_in_no_session(sessions: Sessions) -> None:
    """It is removed from all sessions; all else stays."""
    both = [sessions.find(sessions.begin(account(name))) for name in ("anna", "berta")]
    for session in both:
        assert session is not None
        for value in ("erased", "other", "erased"):
            session.put(value)
    sessions.forget(lambda value: value == "erased")
    assert [list(session.objects.values()) for session in both if session] == [["other"], ["other"]]


def test_what_goes_by_itself_meanwhile_is_forgotten_too(sessions: Sessions) -> None:
    """A request of that session may remember something new, in place of the oldest, at the same time."""
    session = sessions.find(sessions.begin(account()))
    assert session is not None
    for _number in range(20):
        session.put("erased")

    def erased(value: str) -> bool:
        session.put("other")
        return value == "erased"

    sessions.forget(erased)
    assert list(session.objects.values()) == ["other"] * 20


def test_tokens_cannot_be_guessed() -> None:
    """256 bits of chance each, in letters that a cookie may have."""
    first, second = new_token(), new_token()
    assert (len(first), len(second), first == second) == (43, 43, False)


def test_each_failure_more_doubles_the_wait(clock: Clock) -> None:
    """Four are free, then it is 2 s, 4 s … a quarter of an hour; a success forgives."""
    throttle, waits = Throttle(clock=clock), []
    for _failure in range(16):
        throttle.failed("anna")
        waits.append(throttle.wait("anna"))
    assert waits == [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    throttle.succeeded("anna")
    throttle.succeeded("anna")
    assert throttle.wait("anna") == 0
    throttle.failed("anna")
    assert throttle.wait("anna") == 0


def test_wait_goes_by(clock: Clock) -> None:
    """From the failure on, until it is over; it is never less than nothing."""
    throttle = Throttle(clock=clock)
    for _failure in range(6):
        throttle.failed("anna")
    clock.at += 1
    assert throttle.wait("anna") == 3
    clock.at += 3
    assert throttle.wait("anna") == 0
    clock.at += 1
    assert throttle.wait("anna") == 0


def test_account_and_address_wait_each_for_itself(clock: Clock) -> None:
    """The longer wait of the two counts, and whoever is new waits for nothing."""
    throttle = Throttle(clock=clock)
    for _failure in range(5):
        throttle.failed("anna", "192.0.2.1")
    throttle.failed("192.0.2.1")
    assert [throttle.wait(key) for key in ("anna", "192.0.2.1", "berta")] == [2, 4, 0]
    assert throttle.wait("anna", "192.0.2.1") == throttle.wait("192.0.2.1", "berta") == 4
    throttle.succeeded("anna")
    assert throttle.wait("anna", "192.0.2.1") == 4


def test_failures_are_forgotten_a_quarter_of_an_hour_after_the_wait(clock: Clock) -> None:
    """To the second; until then the next one doubles the wait."""
    throttle = Throttle(clock=clock)
    for _failure in range(5):
        throttle.failed("anna")
    clock.at += 902
    throttle.failed("anna")
    assert throttle.wait("anna") == 4
    clock.at += 905
    for _failure in range(5):
        throttle.failed("anna")
    assert throttle.wait("anna") == 2


def test_wait_of_very_many_failures_is_the_longest(clock: Clock) -> None:
    """If a longer wait is allowed, it is 2 to the 16th seconds: no number grows without end."""
    throttle = Throttle(0, 1e9, clock)
    for _failure in range(20):
        throttle.failed("anna")
    assert throttle.wait("anna") == 65536


def test_old_failures_make_room(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there are too many keys, only those are dropped whose failures do not count any more."""
    monkeypatch.setattr(throttle_module, "_KEYS", 2)
    throttle = Throttle(clock=clock)
    for key in ("a", "b"):
        throttle.failed(key)
    clock.at += 1
    for _failure in range(5):
        throttle.failed("c")
    clock.at += 899
    throttle.failed("d")
    assert set(throttle._failures) == {"c", "d"}
    throttle.failed("c")
    assert throttle.wait("c") == 4


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("nonsense", "nonsense"),
    ],
)
def test_subscriber_of_ipv6_has_many_addresses(address: str, network: str) -> None:
    """All of the first half of one count together; an address of IPv4 counts for itself."""
    assert network_of(address) == network


def test_failures_are_remembered_for_a_quarter_of_an_hour(clock: Clock) -> None:
    """After the wait, to the second; a success forgives them."""
    throttle = Throttle(clock=clock)
    throttle.failed("anna")
    clock.at += 900
    assert (throttle.has_failed("anna"), throttle.has_failed("berta")) == (True, False)
    clock.at += 1
    assert not throttle.has_failed("anna")
    throttle.failed("anna")
    throttle.succeeded("anna")
    assert not throttle.has_failed("anna")


def test_owner_sees_his_open_sessions_alone(sessions: Sessions, clock: Clock) -> None:
    """The one used last first, with the seconds since; none that is over, void, or another's."""
    first, _void = (
        sessions.begin(account()),
        sessions.begin(account(changed=datetime(2025, 1, 1, tzinfo=UTC))),
    )
    sessions.begin(account("berta"))
    clock.at += 1000
    second = sessions.begin(account())
    clock.at += 100
    own = sessions._sessions[hashlib.sha256(second.encode()).digest()]
    assert [idle for _session, idle in sessions.of_owner(own)] == [100.0, 1100.0]
    assert [session for session, _idle in sessions.of_owner(own)] == [
        sessions._sessions[hashlib.sha256(token.encode()).digest()] for token in (second, first)
    ]
    clock.at += 700
    assert [idle for _session, idle in sessions.of_owner(own)] == [800.0]


def test_session_goes_on_after_its_owner_changed_the_account(sessions: Sessions) -> None:
    """Under another token, with all that it remembers; one that was ended meanwhile does not come back."""
    token, later = sessions.begin(account()), account(changed=datetime(2026, 1, 2, tzinfo=UTC))
    session = sessions.find(token)
    renewed = sessions.renew(token, later)
    assert (sessions.find(token), sessions.find(renewed)) == (None, session)
    assert session is not None
    assert session.changed == later.changed
    sessions.end(renewed)
    assert sessions.find(sessions.renew(renewed, later)) is None


def test_one_session_is_ended_by_its_owner(sessions: Sessions) -> None:
    """By its id, which nobody else's session has."""
    tokens = [sessions.begin(account(name)) for name in ("anna", "anna", "berta")]
    ids = [session.id for token in tokens if (session := sessions.find(token))]
    assert len(set(ids)) == 3
    for ended in ids[1:]:
        sessions.end_some("anna", lambda session, ended=ended: session.id == ended)
    assert [sessions.is_valid(token) for token in tokens] == [True, False, True]


def provider(subject: str, session_id: str, seconds: float = 3600.0) -> ProviderLogin:
    """A log-in at the identity provider."""
    return ProviderLogin(account(subject), subject, session_id, "token", seconds)


@pytest.mark.parametrize(
    ("subject", "session_id", "left"),
    [
        ("anna", "", "cde"),  # of the subject
        ("anna", "one", "cde"),  # of both; of `b` the session is not known
        ("anna", "two", "acde"),
        ("", "one", "bcde"),  # of a session there, whoever's
        ("", "", "e"),
        ("nobody", "", "abcde"),
        ("nobody", "one", "abcde"),
        ("", "none", "abcde"),
        ("berta", "none", "abce"),
    ],
)
def test_end_of_a_log_in_at_the_provider_ends_its_sessions(
    sessions: Sessions, subject: str, session_id: str, left: str
) -> None:
    """Of a subject, of one session there, or of both; who logged in by a password stays."""
    logins = {
        "a": provider("anna", "one"),
        "b": provider("anna", ""),
        "c": provider("carla", "three"),
        "d": provider("berta", ""),
        "e": None,
    }
    tokens = {name: sessions.begin(account(name), None, login) for name, login in logins.items()}
    sessions.end_of_provider(subject, session_id)
    assert "".join(name for name, token in tokens.items() if sessions.find(token)) == left


def test_session_of_a_provider_ends_when_that_says_so(sessions: Sessions, clock: Clock) -> None:
    """And after twelve hours at the latest, as any other."""
    short, long = (
        sessions.begin(account(name), None, provider(name, "", seconds))
        for name, seconds in (("anna", 600.0), ("berta", 1_000_000.0))
    )
    clock.at += 599
    assert sessions.find(short)
    clock.at += 1
    assert not sessions.find(short)
    while clock.at < 1000.0 + module.MAX_AGE - 1000:
        clock.at += 1000
        assert sessions.find(long)
    clock.at = 1000.0 + module.MAX_AGE - 1
    assert sessions.find(long)
    clock.at += 1
    assert not sessions.find(long)

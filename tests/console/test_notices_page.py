"""Pages of notices: versions, words, sound in a form that browsers play, and what differs between two."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from configurations import with_earlier_version, with_many_versions
from console.served import Browser, ServedConsole, served
from lab.browser import browser_needed

if TYPE_CHECKING:
    from console.windows import Person

ALAW = bytes([0xD5, 0x55, 0x2A, 0xAA]) * 2000
"""A second of A-law, in 8,000 bytes: 8, -8, -32,256 and 32,256 in turn."""
EARLIER = "Benvenuti in Acme.\nTrattiamo i Suoi dati per il servizio."
OLD = "/acme/notices/privacy/2025"
SOUND = f"{OLD}/short/it/sound"


@pytest.fixture(scope="module")
def office(module_folder: Path) -> Iterator[ServedConsole]:
    """An office whose notice has an earlier version, of which there is A-law alone."""
    with_earlier_version(module_folder, EARLIER, ALAW)
    (module_folder / "prompts/it/short.txt").write_text(EARLIER.replace("in Acme", "in <b>Acme</b> S.p.A"))
    with served(module_folder) as office:
        yield office


@pytest.fixture(scope="module")
def reader(office: ServedConsole) -> Browser:
    """Somebody who may see how it goes."""
    return office.browser("reader@acme")


def test_versions_of_each_notice(reader: Browser) -> None:
    """All versions stand in a table: which is in force, in which languages, for how long it is heard."""
    page = reader.get("/acme/notices").text
    assert (
        page.index(">2026-11</a>") < page.index("in force") < page.index(">2025</a>") < page.index("replaced")
    )
    assert "Told on: +390212345678." in page
    assert "Italian 1 s<br>English 1 s</td>" in page
    assert "&lt;b&gt;Acme&lt;/b&gt; S.p.A" in page


def test_a_version_has_its_words_and_sound(reader: Browser) -> None:
    """The page of a version has its text, and a player."""
    page = reader.get(OLD).text
    assert "<p><bdi>Trattiamo i Suoi dati per il servizio.</bdi></p>" in page
    assert f'src="{SOUND}"' in page


@pytest.mark.parametrize("path", ["privacy/2024", "marketing/2025", "privacy/2025/full/it/sound"])
def test_what_is_not_there(reader: Browser, path: str) -> None:
    """A notice, a version or a recording that does not exist is answered by 404."""
    assert reader.get(f"/acme/notices/{path}").status_code == 404


def test_difference_of_two_versions(reader: Browser) -> None:
    """What the later version takes out and adds is marked word by word, with words for screen readers."""
    page = reader.get("/acme/notices/privacy/2026-11?against=2025").text
    (difference,) = re.findall(r'<blockquote class="difference" lang="it">(.*?)</blockquote>', page, re.S)
    without_labels = re.sub(r"<span.*?</span>|</?bdi>", "", difference)
    assert without_labels == (
        "Benvenuti in <del>Acme.</del> <ins>&lt;b&gt;Acme&lt;/b&gt; S.p.A.</ins>"
        "<br>Trattiamo i Suoi dati per il servizio."
    )
    assert '<span class="unseen" lang="en">[removed: </span>' in difference
    assert page.count("The other version has no such recording.") == 5


def test_difference_from_a_version_that_is_not_there(reader: Browser) -> None:
    """A version that does not exist is compared with nothing."""
    page = reader.get("/acme/notices/privacy/2026-11?against=1999")
    assert page.status_code == 200
    assert "What differs" not in page.text


def test_alaw_is_sent_as_wav(reader: Browser) -> None:
    """A recording of which there is A-law alone is sent as a WAV file of 16 bit, under the same policy."""
    answer = reader.http.get(SOUND)
    assert answer.headers["content-type"] == "audio/wav"
    assert "media-src 'self'" in answer.headers["content-security-policy"]
    assert answer.content[:4] == b"RIFF"
    assert len(answer.content) == 44 + 16000
    assert answer.content[44:52] == bytes.fromhex("0800 f8ff 0082 007e")


@pytest.mark.parametrize(
    ("requested", "status", "size", "content_range"),
    [
        ("bytes=0-", 206, 16044, "bytes 0-16043/16044"),
        ("bytes=44-47", 206, 4, "bytes 44-47/16044"),
        ("bytes=16000-99999", 206, 44, "bytes 16000-16043/16044"),
        ("bytes=16044-", 416, 0, "bytes */16044"),
        ("bytes=-5", 200, 16044, None),
        ("bytes=0-1,4-5", 200, 16044, None),
        ("lines=0-1", 200, 16044, None),
    ],
)
def test_parts_of_a_sound(
    reader: Browser, requested: str, status: int, size: int, content_range: str | None
) -> None:
    """A browser gets the part that it asks for; other forms of ranges are answered by the whole."""
    answer = reader.http.get(SOUND, headers={"range": requested})
    assert (answer.status_code, len(answer.content)) == (status, size)
    assert answer.headers.get("content-range") == content_range


def test_pages_stay_small(folder: Path) -> None:
    """With sixty versions in five languages each page has less than 60,000 bytes."""
    with_many_versions(folder, 60)
    with served(folder) as office:
        browser = office.browser("admin@acme")
        for path in ("notices", "notices/privacy/v7", "notices/privacy/2026-11?against=v59"):
            page = browser.get(f"/acme/{path}")
            assert page.status_code == 200
            assert len(page.content) < 60_000, path


@browser_needed
def test_chromium_plays_it(office: ServedConsole, person: Callable[..., Person]) -> None:
    """Chromium plays what was made of A-law, for a second, and may begin in the middle."""
    reader = person(office).is_in("reader@acme").go(OLD)
    seconds = reader.page.evaluate(
        """async () => {
            const audio = document.querySelector("audio");
            const event = name => new Promise(done => audio.addEventListener(name, done, {once: true}));
            const loaded = event("loadedmetadata");
            audio.load(); audio.preload = "auto";
            await loaded;
            const sought = event("seeked");
            audio.currentTime = 0.5;
            await sought;
            return [audio.duration, audio.currentTime];
        }"""
    )
    assert seconds == [1, 0.5]

"""The page that says what another configuration would change for a company's callers."""

from __future__ import annotations

import httpx
import pytest

from console.served import Browser, ServedConsole
from forecasts import forecast
from lab.process import until


@pytest.fixture
def admin(office: ServedConsole) -> Browser:
    """The admin of acme alone, on the form."""
    browser = office.browser("admin@acme")
    browser.get("/acme/forecast")
    return browser


def changed(office: ServedConsole, *changes: tuple[str, str]) -> str:
    """Return the configuration with these changes."""
    text = (office.folder / "informativa.yaml").read_text()
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    return text


def result_page(browser: Browser, answer: httpx.Response) -> str:
    """Return the page of a result when it is ready."""
    page = str(answer.url)
    until(lambda: "<progress" not in browser.get(page).text, 60, lambda: "The comparison does not end.")
    return browser.get(page).text


NEW_PURPOSE = (('version: "2026-11"', 'version: "2026-12"'), ("[service]", "[service, profiling]"))


def test_page_has_the_numbers(office: ServedConsole, admin: Browser) -> None:
    """A pasted configuration is compared with the present one."""
    text = changed(office, *NEW_PURPOSE)
    page = result_page(admin, admin.send(text=text))
    file = office.folder / "next.yaml"
    file.write_text(text)
    config, now = office.folder / "informativa.yaml", office.console.now()
    (company,) = forecast(file, config, now, names=["acme"]).companies
    heard = [hearing for hearing in company.hearings if hearing.callers]
    assert heard
    for hearing in heard:
        assert f'<td data-label="Callers on record">{hearing.callers}</td>' in page
        assert f'<td data-label="Seconds a day">{hearing.seconds_a_day:+.1f}</td>' in page
    assert "2026-11 is taken out" in page
    assert "borealis" not in page


def test_file_is_taken_as_it_is(office: ServedConsole, admin: Browser) -> None:
    """The same configuration as a file changes nothing, and the file wins over the text."""
    fields = {"csrf": admin.forms()[-1].fields["csrf"], "text": "nothing"}
    files = {"file": ("informativa.yaml", changed(office).encode(), "application/yaml")}
    answer = admin.http.post("/acme/forecast", data=fields, files=files)
    assert "Nothing would change for callers." in result_page(admin, answer)


def test_no_value_of_what_was_sent_comes_back(office: ServedConsole, admin: Browser) -> None:
    """Mistakes are told by line and setting; a key that was pasted stands on no page and in no file."""
    secret = "hunter2-a1b2c3"
    key, retention = f"key: {secret}", f"retention: {secret} #"
    text = changed(office, ("key: keys/acme.key", key), ("retention: ", retention))
    page = result_page(admin, admin.send(text=text))
    assert "controllers.acme.key" in page
    assert secret not in page
    assert secret not in admin.get("/acme/forecast").text
    files = [file.read_bytes() for file in office.folder.rglob("*") if file.is_file()]
    assert not any(secret.encode() in content for content in files)
    assert not any(office.console.folder.iterdir())


def test_i6_mistakes_of_another_company_are_counted_alone(office: ServedConsole, admin: Browser) -> None:
    """The admin of one company has its forecast, and learns nothing of another one's part; the admin of both
    is told."""
    text = changed(office, ("keys/borealis.key", "keys/nowhere.key"))
    page = result_page(admin, admin.send(text=text))
    assert "Nothing would change for callers." in page
    assert "1 mistake is in a part that is not this company" in page
    assert "borealis" not in page
    operator = office.browser("operator")
    operator.get("/acme/forecast")
    assert "controllers.borealis.key" in result_page(operator, operator.send("", text=text))


def test_i6_lines_of_another_company_are_not_told(office: ServedConsole, admin: Browser) -> None:
    """Whoever takes another company's line in his text is not told that it is one."""
    line = next(line for line in office.configuration.lines if line.controller.id == "borealis")
    text = changed(office)
    head, number, rest = text.partition(f'"{line.number}"')
    text = head + number + rest.replace("controller: borealis", "controller: acme", 1)
    page = result_page(admin, admin.send(text=text))
    assert "borealis" not in page


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "sent",
    ["", "\n \n", "[" * 20_000, "{a: " * 20_000, "controllers: [", "- " * 20_000, "\x00", "a: &a [*a]\n"],
)
def test_no_configuration_is_refused(admin: Browser, sent: str) -> None:
    """What is no configuration, however deep, is refused in a sentence, and the console goes on."""
    answer = admin.send(text=sent)
    if answer.status_code == 422:
        assert "A configuration is missing." in answer.text
    else:
        assert "The configuration has mistakes" in result_page(admin, answer)
    assert admin.get("/acme/forecast").status_code == 200


@pytest.mark.parametrize(("size", "status"), [(239 << 10, 200), ((240 << 10) + 1, 422), (257 << 10, 413)])
def test_size_is_bounded(admin: Browser, size: int, status: int) -> None:
    """A file of at most 240 KB is taken, and more is refused before or after it is read."""
    fields = {"csrf": admin.forms()[-1].fields["csrf"]}
    files = {"file": ("x.yaml", b"#" * (size - 1) + b"\n", "application/yaml")}
    assert admin.http.post("/acme/forecast", data=fields, files=files).status_code == status


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/acme/forecast", "multipart/form-data; boundary=x; charset=idna", 415),
        ("/acme/evidence/audit", "multipart/form-data; boundary=x", 415),
        ("/acme/forecast", "application/yaml", 415),
        ("/acme/forecast", "multipart/form-data; boundary=x", 403),  # without the token of our form
    ],
)
def test_other_forms_are_refused(admin: Browser, path: str, kind: str, status: int) -> None:
    """Only this page takes a file, and in no encoding of the sender's own."""
    assert admin.http.post(path, content=b"--x--\r\n", headers={"content-type": kind}).status_code == status


def test_result_is_for_who_asked(office: ServedConsole, admin: Browser) -> None:
    """Neither compliance nor another admin sees the result, also where the name of its page is known."""
    page = admin.send(text=changed(office)).url.path
    result_page(admin, admin.get(page))
    assert office.browser("compliance@acme").get(page).status_code == 404
    assert office.browser("operator").get(page).status_code == 404
    job = page.rpartition("/")[2]
    assert office.browser("compliance@acme").get(f"/acme/evidence/jobs/{job}").status_code == 404

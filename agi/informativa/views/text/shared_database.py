"""Changes to the database where boxes meet, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.shared_database import (
    CompaniesServed,
    CompanyDropped,
    DroppedBox,
    PasswordChanged,
    ServedDatabase,
)
from ...sharing.schema import LOGIN_PREFIX
from ..messages import Language
from ..terminal import one_line
from .boxes import ago

_LINE = "  {:<16} {:>12} {:>8}  {:<14} {}"


def has_changes(result: CompaniesServed) -> bool:
    """Return whether something is to be changed, or was."""
    return any(database.added or (result.only and database.others) for database in result.databases)


def served(database: ServedDatabase, result: CompaniesServed, say: Language) -> Iterator[str]:
    """Yield the companies that a login serves in one database, and what is changed about them."""
    facts = {"database": database.database, "login": database.login}
    failed = {company.controller for company in result.failed}
    added = ", ".join(company for company in database.added if company not in failed)
    others = ", ".join(database.others)
    if database.served:
        names = ", ".join(database.served)
        yield one_line(say("{database}: {login} serves {controllers}", controllers=names, **facts))
    if added and result.done:
        text = say("{database}: {login} serves from now on {controllers}", controllers=added, **facts)
        yield one_line(text)
    elif added:
        text = say("{database}: {login} would serve from then on {controllers}", controllers=added, **facts)
        yield one_line(text)
    if not others:
        return
    if not result.only:
        text = say(
            "{database}: {login} serves {controllers} too, which this configuration does not have. To take"
            " that away, add --only.",
            controllers=others,
            **facts,
        )
    elif result.done:
        text = say(
            "{database}: {login} serves no more {controllers}. Their records stay.",
            controllers=others,
            **facts,
        )
    else:
        text = say(
            "{database}: {login} would serve no more {controllers}. Their records stay.",
            controllers=others,
            **facts,
        )
    yield one_line(text)
    for company in database.awaited:
        warning = say(
            "warning: the other boxes of {id} wait for this one. On one of them type: informativa"
            " boxes retire {box} --controller {id} --yes; or if {id} leaves all boxes: informativa shared"
            " drop {id}",
            id=company,
            box=database.login.removeprefix(LOGIN_PREFIX),
        )
        yield one_line(warning)


def dropped(result: CompanyDropped, say: Language) -> Iterator[str]:
    """Yield what the database has of a company, or had, and what is to be known before it is deleted."""
    facts = {"id": result.controller, "database": result.database}
    if result.done:
        yield say.counted(
            "{id} has left the database {database}: {count} record was deleted there",
            "{id} has left the database {database}: {count} records were deleted there",
            result.records,
            **facts,
        )
        yield say("The ledgers of its boxes stay as they are.")
        return
    yield say.counted(
        "{id} would leave the database {database}: {count} record would be deleted there",
        "{id} would leave the database {database}: {count} records would be deleted there",
        result.records,
        **facts,
    )
    yield _LINE.format(say("box"), say("records"), say("unsent"), say("last heard of"), "").rstrip()
    for box in result.boxes:
        yield one_line(_LINE.format(*_cells(box, say)).rstrip())
    if result.logins:
        yield one_line(say("  logins that serve it: {logins}", logins=", ".join(result.logins)))
    for hindrance in result.hindrances:
        yield one_line(say("wait: {reason}", reason=say(hindrance)))
    yield say("Nothing was changed yet. To do it, add --yes.")


def _cells(box: DroppedBox, say: Language) -> tuple[str, ...]:
    heard = "-" if box.seconds_ago is None else ago(box.seconds_ago, say)
    remarks = [say("retired: its records may be nowhere else")] if box.retired else []
    if box.to_erase:
        remarks.append(
            say.counted("{count} caller still to erase", "{count} callers still to erase", box.to_erase)
        )
    if not (box.retired or box.serves):
        remarks.append(say("its login does not serve the company"))
    return box.name, f"{box.records:,}", f"{box.unsent:,}", heard, ", ".join(remarks)


def changed(result: PasswordChanged, say: Language) -> Iterator[str]:
    """Yield the message that a password was changed, and what the service does about it."""
    facts = {"login": result.login, "file": result.file}
    if result.resumed:
        yield say(
            "An earlier change was cut off, and is completed now: {login} has the password in {file}", **facts
        )
    else:
        yield say("{login} has another password, which is in {file}", **facts)
    yield say(
        "The service need not be restarted: its connections stay, and new ones read the file. Behind"
        " pgbouncer with a list of passwords write the new one there too."
    )

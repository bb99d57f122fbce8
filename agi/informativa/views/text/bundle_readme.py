"""Texts of a bundle for the auditor: README.txt, and the plan of each line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...model import Controller, Line, Record
from ...model.text import Text
from ...operations.evidence.bundle_content import BundleContent
from ..messages import Language
from ..record_files import CSV, LINES, RecordFiles
from .audits import hole_sentences
from .bundle import bundle_verdict
from .bundle_plan import line_plan, points, text_of, wrapped

_RECIPE = r"""what  = SHA-256("informativa/what/vN\n" || salt_what || facts)
who   = SHA-256("informativa/who/vN\n"  || salt_who  || person)
entry = "informativa/record/vN\n" || what || who
leaf  = SHA-256(0x00 || entry)"""
_NOT_PROVEN = (
    Text("That the call took place, or that the caller listened: compare it with the carrier's records."),
    Text("That every call was recorded: compare the number of records with the carrier's list of calls."),
    Text(
        "When something happened: a record is proven to exist no later than the first checkpoint over it"
        " that a witness signed, and never earlier. Until then it could be changed unseen."
    ),
    Text(
        "Texts, recordings and plan: they are as they lie there now. Only that a recording has the digest"
        " which a receipt names is proven."
    ),
    Text("Whose number a pseudonym is. A number is not a person, either."),
)
_NO_CONSENT = Text(
    "Consent: a notice that was given is not a consent, and nothing here says that anybody agreed."
)
_CONSENTS = Text(
    "Consent, by a notice: only a record whose answer is `granted` says that somebody agreed, silence never"
    " does, and a later record may say that he withdrew."
)

_ERASED = Text(
    "Erased at their caller's request: {count}. What happened stays and is proven; whom it was about is gone."
)
_GONE = Text(
    "Gone between the first and the last of these: {count}, purged after the retention or lost. Their leaves"
    " stay in the log; records of kind purge and lost name them."
)
_OF_LEDGER = Text(
    "It rests on the proofs and on the notes of the log. An audit of the whole ledger has one of four"
    " verdicts: complete, accounted for, gaps, changed. With the key of whoever may approve, the company"
    " types: informativa evidence audit --approver VKEY"
)
_LOG_NOTES = Text("Notes among them, each an entry of its own in the log, which need no proof: {count}.")
_NOTES = Text("From after the period, saying what became of others: {count}.")
_FILES = (
    ("README.txt", Text("this text")),
    (CSV, Text("the records, for spreadsheets; a text that looks like a formula has a ' before it")),
    (LINES, Text("the same for programs, one JSON a line")),
    ("receipts/", Text("one proof a record (C2SP tlog-proof), by the record's number; it opens that record")),
    (
        "log/EPOCH/key",
        Text("the log's public key as the company publishes it; trust the one that you have from elsewhere"),
    ),
    (
        "log/EPOCH/checkpoint",
        Text("the newest checkpoint: how many records the log has, and the root of its tree"),
    ),
    (
        "log/EPOCH/checkpoints/",
        Text("those signed in the period, by their number of records, with the signatures of witnesses"),
    ),
    (
        "log/EPOCH/consistency/",
        Text("for each, the proof that the newest begins with it, as C2SP tlog-witness has it"),
    ),
    ("prompts/", Text("recordings and texts: notice@version, part, language")),
    ("plan.txt", Text("what callers of each line must hear")),
    ("SHA256SUMS", Text("the SHA-256 of every other file")),
)
_STEPS: tuple[tuple[Text, Sequence[str]], ...] = (
    (Text("That no file was changed since the bundle was made:"), ("sha256sum -c SHA256SUMS",)),
    (
        Text("All proofs, with the company's program, without network and configuration:"),
        ("find receipts -type f -print0 | xargs -0 informativa evidence verify --key 'VKEY'",),
    ),
    (
        Text(
            "With other people's programs: in Go, the package golang.org/x/mod/sumdb/note opens"
            " checkpoints; CheckRecord of golang.org/x/mod/sumdb/tlog checks proofs, CheckTree what is in"
            " consistency/. A proof's leaf follows from the JSON in its line “extra” (base64); facts and"
            " person are canonical there (RFC 8785), and N is its v:"
        ),
        _RECIPE.splitlines(),
    ),
    (
        Text(
            "A recording: `recording` in a proof is the SHA-256 of a text like this, of the formats in the"
            " order of their names, each with the SHA-256 of its file:"
        ),
        ('{"ulaw":"…","wav":"…"}',),
    ),
)


class BundleWords:
    """Texts of a bundle in the reader's language; files for programs are in English."""

    def __init__(self, say: Language) -> None:
        self._say = say
        self._files: RecordFiles | None = None
        self._choices = False

    def begin(self, controller: Controller, *, choices: bool) -> Mapping[str, str]:
        """Return the beginning of each file of records, by its name."""
        self._files, self._choices = RecordFiles(controller, choices=choices), choices
        return self._files.begin()

    def record(self, record: Record) -> Sequence[str]:
        """Return the text of one record in each of them."""
        assert self._files is not None  # it was begun
        return self._files.record(record)

    def plan(self, lines: Sequence[Line]) -> str:
        """Return the plan of these lines in words."""
        say = self._say
        text_lines = [say("As it is configured now. No proof says how it was configured at another time.")]
        for line in lines:
            text_lines += ["", *line_plan(line, say)]
        return text_of(text_lines)

    def readme(self, content: BundleContent) -> str:
        """Return README.txt: what the bundle has, what it proves, and how to check it."""
        say = self._say
        of_bundle, fixed = (_title, _counts, _holes, _prompts), (_files, _check, _cautions)
        title, counts, holes, prompts = (list(part(content, say)) for part in of_bundle)
        proven = list(_proven(content, _CONSENTS if self._choices else _NO_CONSENT, say))
        files, check, advice = (list(part(say)) for part in fixed)
        parts = (title, files, counts, holes, prompts, check, proven, advice)
        return text_of([line for part in parts if part for line in (*part, "")][:-1])


def _title(content: BundleContent, say: Language) -> Iterator[str]:
    period = content.period
    yield say(
        "{name}: notices given, {first} to {last}",
        name=content.controller.name,
        first=period.first,
        last=period.last,
    )
    yield ""
    yield from wrapped(
        say(
            "What this company told callers of the processing of their data (articles 13(4) and 5(2)"
            " GDPR), each record with a proof that you can check without the company and without its"
            " program. Days are of the time zone {zone}, the last one included.",
            zone=str(period.zone),
        )
    )


def _files(say: Language) -> Iterator[str]:
    yield say("FILES")
    for name, text in _FILES:
        yield from wrapped(say(text), " " * 26, f"{name:<26}")


def _counts(content: BundleContent, say: Language) -> Iterator[str]:
    yield say("WHAT IS IN IT")
    sentences = [
        Text.counted("{count} record", "{count} records", content.records),
        Text.counted("{count} proof", "{count} proofs", content.receipts),
    ]
    if content.log_notes:
        sentences.append(_LOG_NOTES.format(count=content.log_notes))
    if content.waiting_from is not None:
        waiting = Text(
            "Without a proof yet: {count}, from number {number} on. They wait for the next checkpoint; ask"
            " for another bundle then."
        )
        sentences.append(waiting.format(count=content.waiting, number=content.waiting_from))
    sentences += [
        text.format(count=count)
        for text, count in ((_ERASED, content.erased), (_GONE, content.gone), (_NOTES, content.notes))
        if count
    ]
    for log in content.logs:
        sentences.append(
            Text(
                "Log {origin} ({folder}/). Records as of its newest checkpoint: {size}; checkpoints here:"
                " {checkpoints}; other signatures by: {witnesses}",
                origin=log.log,
                folder=f"log/{log.epoch}",
                size=log.size,
                checkpoints=log.checkpoints,
                witnesses=", ".join(log.witnesses) or Text("nobody"),
            )
        )
    verdict = [bundle_verdict(content.verdict, content.holes, say), say(_OF_LEDGER)]
    yield from points([" ".join(verdict), *(say(sentence) for sentence in sentences)])


def _holes(content: BundleContent, say: Language) -> Iterator[str]:
    if content.holes:
        yield say("WHAT IS GONE, AND BY WHOSE WORD")
        yield from points(sentence for _wrong, sentence in hole_sentences(content.holes, content.log, say))


def _prompts(content: BundleContent, say: Language) -> Iterator[str]:
    yield say("TEXTS AND RECORDINGS")
    for recording in content.prompts:
        formats = ", ".join(sorted(recording.hashes)) or say(Text("no recording is there any more"))
        text = say(Text("with its text")) if recording.text else say(Text("no text was kept"))
        yield from points([f"{recording.folder}: {formats}; {text}"])
    for digest in content.unknown_recordings:
        yield from points(
            [say("Records name the recording {digest}, which is not there any more.", digest=digest)]
        )


def _check(say: Language) -> Iterator[str]:
    yield say("HOW TO CHECK IT")
    yield from wrapped(
        say("Have the key from the company by another way than this file: its website, a contract, a letter.")
    )
    for text, commands in _STEPS:
        yield ""
        yield from wrapped(say(text))
        yield from (f"    {command}" for command in commands)


def _proven(content: BundleContent, of_consent: Text, say: Language) -> Iterator[str]:
    yield say("WHAT IS PROVEN, AND WHAT IS NOT")
    yield from wrapped(
        say(
            "Where a proof holds with your key: what stands in it was written, in this place of the log,"
            " before the checkpoint was signed, and was not changed since. Two checkpoints of which one"
            " does not begin with the other prove that the company changed something."
        )
    )
    if not any(log.witnesses for log in content.logs):
        yield from wrapped(say("No witness signed: when it was signed is the company's own word."))
    yield ""
    yield say("Not proven:")
    yield from points([say(limit) for limit in (*_NOT_PROVEN, of_consent)])


def _cautions(say: Language) -> Iterator[str]:
    yield say("WHAT TO KEEP IN MIND")
    yield from wrapped(
        say(
            "There is no telephone number of a caller in it and no key that shows one, but pseudonyms, ids"
            " and times of calls: personal data still. Give it to nobody who does not need it, and delete"
            " it when you are done. An erasure does not reach a bundle that was given away."
        )
    )

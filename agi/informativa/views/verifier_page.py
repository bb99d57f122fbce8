"""The page in which callers check their receipts: one file without cookies and without network, which the
company publishes, with its keys in it.

Its check is that of a receipt's page. Of a file that somebody chooses it reads the proof alone, and shows
what that says as text.
"""

from __future__ import annotations

from ..evidence.commitment import FACTS
from ..evidence.proof import LARGEST_PROOF
from ..model.invisible import visible
from ..model.names import NAMES
from ..operations.evidence.page_file import LARGEST_PAGE
from ..operations.evidence.verifier_page import VerifierPage
from .choice_sentences import OPTIONS
from .markup import data_block
from .messages import ENGLISH, LETTER_LANGUAGES, Language, of_letter
from .receipt_page import page_text, rendered, script_text, shipped
from .receipt_script import SCRIPTS, required, shape
from .record_words import CODES, MOMENT, MONTHS, TENTHS, name_in_language
from .verifier_texts import ROWS, TEXTS


def page(verifier: VerifierPage) -> str:
    """The file. Until its script has chosen a language, it is in English."""
    company = verifier.controller
    languages = {code: of_letter(code) for code in LETTER_LANGUAGES}
    words = {
        "company": visible(company.name),
        "zone": str(company.zone),
        "keys": [*verifier.keys, *verifier.witnesses],
        "largest": {"page": LARGEST_PAGE, "proof": LARGEST_PROOF},
        **shape(FACTS),
        "required": required(),
        "languages": {code: _words(verifier, say) for code, say in languages.items()},
    }
    body = rendered(
        "verifier.html",
        verifier=verifier,
        company=visible(company.name),
        say=ENGLISH,
        TEXTS=TEXTS,
        languages=languages,
        names=LETTER_LANGUAGES,
    )
    return page_text(
        ENGLISH,
        title=ENGLISH(TEXTS["title"]),
        body=body,
        words=data_block(words),
        style=shipped("page.css") + shipped("verifier.css"),
        script=script_text((*SCRIPTS, "verifier.js")),
    )


def _words(verifier: VerifierPage, say: Language) -> dict[str, object]:
    """Return all that the script says in one language."""
    names = verifier.controller.names
    ids = sorted({*NAMES, *(name_id for by_id in names.values() for name_id in by_id)})
    return {
        "said": {name: say.gettext(text.template) for name, text in TEXTS.items()},
        "rows": [
            {
                "label": say(label),
                "template": say.gettext(template.template) if template else "{value}",
                "sources": {place: list(source) for place, source in sources.items()},
            }
            for label, template, sources in ROWS
        ],
        "codes": {
            fact: {str(code): say(text) for code, text in meanings.items()}
            for fact, meanings in CODES.items()
        },
        "options": {str(answer): say(text) for answer, text in OPTIONS.items()},
        "names": {name_id: name_in_language(name_id, names, say) for name_id in ids},
        "months": [say(month) for month in MONTHS],
        "moment": say.gettext(MOMENT.template),
        "tenths": say.gettext(TENTHS.template),
    }

"""The notices that the law asks for today, as one table: sections, place in a plan, texts, values, law.

Whoever adds one, asks for one or shows one reads this table; nothing else depends on which one it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...model.text import Text
from ..prompts.parts import SpokenPart

PLAN_ORDER = {
    "ai": 0, "human": 1, "country": 2, "abroad": 3, "recorded": 4, "recording-orders": 4, "privacy": 5,
    "marketing": 6, "profiling": 6,
}  # fmt: skip
"""The places of notices and choices within one call, by their ids."""
USUAL_PLACE = PLAN_ORDER["privacy"]
"""The place of any other."""


@dataclass(frozen=True)
class LawSentence:
    """A sentence of the law that asks for a notice, and its source."""

    sentence: Text
    source: str


@dataclass(frozen=True)
class NeededValue:
    """A value that a notice needs: its meaning, and an example."""

    meaning: Text
    example: str


@dataclass(frozen=True)
class PackageSection:
    """One notice or choice of a package: its texts, and the settings that only it needs."""

    text: SpokenPart
    further: tuple[SpokenPart, ...] = ()
    """Other texts of its version."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of a choice with their usual values; '' for one that somebody must give."""
    only_with: str = ""
    """The value without which this section is left out; '' where it always belongs to the package."""
    alike: Mapping[str, str] = field(default_factory=dict)
    """Values that are those of others, if nobody gives them."""


@dataclass(frozen=True)
class NoticePackage:
    """One notice that the law asks for, with all that belongs to it."""

    id: str
    question: Text
    """The question whose yes means that a company needs it."""
    sections: tuple[PackageSection, ...]
    law: tuple[LawSentence, ...]
    dialplan: tuple[str, ...]
    """Lines to paste after the call of informativa."""
    to_do: tuple[Text, ...]
    """Matters that no program can know: somebody has to see to them."""
    apart_from: tuple[str, ...] = ()
    """Packages of which a company that has one does not need this one."""
    variants: tuple[SpokenPart, ...] = ()
    """Texts to choose in place of the first section's."""


VALUES = {
    "in_country": NeededValue(
        Text("the country in which the operator sits, with its preposition, in each language"), "in Albania"
    ),
    "months": NeededValue(Text("for how long a recording is kept"), "6 months"),
    "quality": NeededValue(Text("the purpose of recording calls, as it is said"), "improve our service"),
    "no": NeededValue(Text("the key for no"), "5"),
    "yes": NeededValue(Text("the key for yes"), "4"),
    "eu": NeededValue(Text("the key for an operator in Italy or the European Union"), "2"),
    "human": NeededValue(Text("the key for a person instead of the AI"), "8"),
    "withdraw": NeededValue(Text("the key that withdraws the consent"), "5"),
    "silence": NeededValue(
        Text("the meaning of a caller's silence, as counsel decides: recorded or not-recorded"),
        "not-recorded",
    ),
    "withdraw_at": NeededValue(Text("the line of this company that is called to withdraw"), "+390212345678"),
    "holds": NeededValue(Text("for how long a consent holds"), "24 months"),
}
"""The values that somebody may have to give, by the name under which `--set` takes them."""

_COUNTRY_LAW = LawSentence(
    Text(
        "On every call, before the operator answers, the caller is told the country in which the operator"
        " sits; having heard it once does not do."
    ),
    "art. 24-bis(5) DL 83/2012 (L. 134/2012)",
)
_STATUS = '$["${INFORMATIVA_STATUS}" = "PLAYED" | "${INFORMATIVA_STATUS}" = "NOTDUE"]'


def _answered(answer: str) -> str:
    """Return the dialplan's test for an answer such as `human:human`. Not a pattern with brackets, of which
    Asterisk's =~ would return the part in them."""
    return f'$[" ${{INFORMATIVA_CHOICES}} " =~ " {answer} "]'


PACKAGES = (
    NoticePackage(
        "ai",
        Text("Does an AI system answer callers?"),
        (
            PackageSection(SpokenPart.AI),
            PackageSection(SpokenPart.HUMAN, only_with="human"),
        ),
        (
            LawSentence(
                Text(
                    "Whoever is answered by an AI system is told so, clearly, at the latest when it first"
                    " speaks, on every such call."
                ),
                "AI Act (EU) 2024/1689 art. 50(1), (5)",
            ),
            LawSentence(
                Text(
                    "Where it reads emotions from the voice, or sorts callers by it, they are told that too."
                ),
                "AI Act art. 50(3)",
            ),
            LawSentence(
                Text("Only callers' emotions: those of agents may not be read."), "AI Act art. 5(1)(f)"
            ),
        ),
        (
            "; the AI speaks only where its notice was heard or is not due; otherwise a person answers",
            f" same => n,GotoIf({_STATUS}?:person)",
            "; the next line only with --set human=…, which asks whether a person is wanted",
            f" same => n,GotoIf({_answered('human:silence')}?:person)",
            " same => n,Goto(ai-system,${EXTEN},1)",
            " same => n(person),Goto(operators,${EXTEN},1)",
        ),
        (
            Text("Name in the full text of the privacy notice who deploys the AI system, and who made it."),
            Text("With --set human=8 callers are offered a person by key; the dialplan must obey it."),
        ),
        variants=(SpokenPart.AI, SpokenPart.AI_EMOTION, SpokenPart.EMOTION),
    ),
    NoticePackage(
        "recording",
        Text("Are calls recorded, in such a way that a caller may refuse?"),
        (PackageSection(SpokenPart.RECORDING, settings={"silence": ""}),),
        (
            LawSentence(
                Text(
                    "The caller is told before the recording begins what it serves, and for how long it is"
                    " kept."
                ),
                "GDPR art. 13(1)(c), (2)(a)",
            ),
            LawSentence(
                Text("Whoever does not want it may object, as simply as by a key, and is obeyed."),
                "GDPR art. 6(1)(f), 21",
            ),
            LawSentence(
                Text(
                    "Where the law asks for consent, silence is none; in Germany recording without it is a"
                    " crime."
                ),
                "GDPR art. 4(11); § 201 StGB",
            ),
        ),
        (
            "; after the notices, and nowhere before them",
            f" same => n,ExecIf({_answered('recorded:recorded')}?MixMonitor(${{UNIQUEID}}.wav))",
        ),
        (
            Text("Take every other MixMonitor, and the recording setting of queues, out of this line."),
            Text("Delete the recordings when the time is over that the text tells."),
        ),
        variants=(SpokenPart.RECORDING, SpokenPart.RECORDING_CONSENT),
    ),
    NoticePackage(
        "recording-orders",
        Text("Are orders taken by telephone (banking, investments), so that calls must be recorded?"),
        (PackageSection(SpokenPart.RECORDING_ORDERS),),
        (
            LawSentence(
                Text(
                    "Whoever gives orders by telephone is told before the service that it is recorded; once"
                    " is enough."
                ),
                "MiFID II art. 16(7)",
            ),
            LawSentence(
                Text("A copy can be had for five years, and up to seven where the authority asks for it."),
                "Del. Reg. (EU) 2017/565 art. 76(8)(b)",
            ),
            LawSentence(
                Text("It is told in the language of the service, and no key refuses the recording."),
                "Del. Reg. (EU) 2017/565 art. 76(8)",
            ),
        ),
        (
            "; recorded in any case: where the notice failed, somebody must tell it before the service",
            " same => n,MixMonitor(${UNIQUEID}.wav)",
            f" same => n,GotoIf({_STATUS}?:tell-first)",
        ),
        (Text("Say in the full text of the privacy notice who gives a copy, and how to ask for it."),),
        apart_from=("recording",),
    ),
    NoticePackage(
        "country",
        Text("Do operators answer from another country of the European Union?"),
        (PackageSection(SpokenPart.COUNTRY),),
        (
            _COUNTRY_LAW,
            LawSentence(
                Text("Outside the European Union it takes the notice `country-outside-eu`, with its key."),
                "art. 24-bis(5) DL 83/2012",
            ),
            LawSentence(Text("It stands beside the privacy notice, and not in place of it."), "GDPR art. 13"),
        ),
        (
            "; where the notice failed, the operator says where he sits before anything else",
            f" same => n,ExecIf({_STATUS}?NoOp():Set(__TELL_COUNTRY=1))",
        ),
        (
            Text(
                "Where calls may reach operators in several countries, give each a notice with `countries` in"
                " the plan, one of them for `others`, and set INFORMATIVA_COUNTRY in the dialplan."
            ),
        ),
    ),
    NoticePackage(
        "country-outside-eu",
        Text("Do operators answer from outside the European Union?"),
        (PackageSection(SpokenPart.COUNTRY_OUTSIDE_EU), PackageSection(SpokenPart.ABROAD)),
        (
            _COUNTRY_LAW,
            LawSentence(
                Text(
                    "Within the same call the caller may be answered from Italy or another country of the"
                    " European Union instead."
                ),
                "art. 24-bis(5) DL 83/2012",
            ),
            LawSentence(
                Text("The full text says by which safeguards the data leave the European Economic Area."),
                "GDPR art. 13(1)(f), 44-49",
            ),
        ),
        (
            "; abroad only where notice and question were heard and no key was pressed; otherwise in the EU",
            f" same => n,GotoIf({_STATUS}?:eu)",
            f" same => n,GotoIf({_answered('abroad:silence')}?abroad)",
            " same => n(eu),Goto(operators-in-the-eu,${EXTEN},1)",
            " same => n(abroad),Goto(operators-abroad,${EXTEN},1)",
        ),
        (
            Text("Have operators in the European Union ready for those who ask for them."),
            Text(
                "Say in the full text of the privacy notice where the data go, and who gives a copy of the"
                " safeguards."
            ),
        ),
        apart_from=("country",),
    ),
    NoticePackage(
        "marketing",
        Text("Are callers asked for their consent to offers by telephone?"),
        (
            PackageSection(
                SpokenPart.MARKETING,
                (SpokenPart.MARKETING_WITHDRAW,),
                {"purpose": "marketing", "holds": "24 months", "withdraw_at": ""},
                alike={"withdraw": "no"},
            ),
        ),
        (
            LawSentence(
                Text("Consent is asked for by itself, after the notice, for one purpose; silence is none."),
                "GDPR art. 4(11), 7(2)",
            ),
            LawSentence(
                Text("To withdraw is as easy as to give, and the caller is told so before he answers."),
                "GDPR art. 7(3)",
            ),
            LawSentence(
                Text("Refusing changes nothing of the service, and the company proves each consent."),
                "GDPR art. 7(1), (4); Codice privacy art. 130",
            ),
        ),
        (
            "; nothing of the call depends on the answer; this is for your own systems",
            f" same => n,ExecIf({_answered('marketing:granted')}?Set(CDR(userfield)=marketing-granted))",
            "; where the line that is called to withdraw is answered:",
            " same => n,Gosub(informativa,consent,1(${EXTEN}))",
        ),
        (
            Text(
                "The privacy notice must tell of the purpose first: informativa prompts build --site SITE"
                " --purposes service,marketing"
            ),
            Text("Have your own systems obey a withdrawal at once, wherever it comes from."),
        ),
    ),
)
"""The notices of today, in the order of a call."""

BY_ID = {package.id: package for package in PACKAGES}

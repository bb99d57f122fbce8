"""The snippets of dialplan/README.md and other pages: each block names in its first line the file that it
belongs into; and the dialplan around them, to ring them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .site import Site

AGENTS = ["app_stasis", "res_stasis", "app_audiosocket", "res_audiosocket", "res_ari", "res_ari_model"]
AGENTS += ["res_http_websocket", "res_websocket_client"]  # Asterisk 22's Stasis needs both
"""The modules by which voice agents take calls, which the lab leaves out."""
ROOT = Path(__file__).resolve().parents[2]
DIALPLAN = ROOT / "dialplan"
TRANSFERS = ROOT / "docs" / "transfers.md"
README = DIALPLAN / "README.md"

# A call comes in on the lab's trunk and goes on in the page's context; its end is always told.
ENTRY = """\
[from-lab]
exten => _[+0-9a-zA-Z]!,1,Set(CHANNEL(hangup_handler_push)=lab-over,s,1)
 same => n,Goto(%s,1)
[lab-over]
exten => s,1,UserEvent(Over,Status:${INFORMATIVA_STATUS},Reason:${INFORMATIVA_REASON},\
Record:${INFORMATIVA_RECORD},Recording:${MIXMONITOR_FILENAME})
 same => n,Return()
[after]
exten => _X!,1,Playback(%s)
 same => n,Hangup()
"""
INCLUDE = "\n#tryinclude informativa.conf\n"
# What is around FreePBX's inbound routes (`ext-did-0001` and `ext-did-0002`), written anew.
FREEPBX_AROUND = """\
[from-trunk]
include => from-pstn
[from-pstn]
include => from-pstn-custom
include => ext-did
include => ext-did-post-custom
include => from-did-direct
include => ext-did-catchall
[from-pstn-custom]
[ext-did-custom]
[ext-did-post-custom]
[from-did-direct]
[ext-did-catchall]
[ext-did]
include => ext-did-custom
include => ext-did-0001
include => ext-did-0002
[ext-queues]
exten => 600,1,UserEvent(Reached,Presentation:${CALLERID(num-pres)},Line:${FROM_DID})
exten => 600,n,Goto(after,600,1)
[macro-hangupcall]
exten => s,1,UserEvent(HangupCall,Status:${INFORMATIVA_STATUS})
exten => s,n,Hangup()
"""


@dataclass(frozen=True)
class Snippet:
    """A block of the page, with the heading that it stands under."""

    section: str
    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.section}: {self.file}"


def snippets(page: Path = README) -> list[Snippet]:
    """All blocks of configuration files in the page, in their order."""
    parts = []
    for section in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        for text in re.findall(r"^```(?:ini|yaml)\n(.*?)^```", section, re.DOTALL | re.MULTILINE):
            file = re.match(r"[;#] (\S+\.(?:conf|yaml))", text)
            assert file, f"this block does not say which file it is for:\n{text}"
            parts.append(Snippet(section.partition("\n")[0], file[1], text))
    return parts


def section(title: str, file: str, page: Path = README) -> str:
    """The text for one file that the page shows under a heading."""
    texts = [snippet.text for snippet in snippets(page) if (snippet.section, snippet.file) == (title, file)]
    assert texts, f"the page has no {file} under {title!r}"
    return "\n".join(texts)


def lay(site: Site, context: str, text: str, sounds: dict[str, Path], to: str = "${EXTEN}") -> None:
    """Have calls come in at a context of `text`; nothing in it may be warned of."""
    (site.pbx.etc / "informativa.conf").write_text(site.office.dialplan())
    after = str(sounds["after"]).removesuffix(".wav")
    before = site.pbx.warnings()
    site.pbx.reload_dialplan(ENTRY % (f"{context},{to}", after) + text)
    assert site.pbx.warnings() == before


def configure(site: Site, text: str) -> None:
    """Put settings, such as the page shows, into the configuration."""
    site.office.stop()
    settings = yaml.safe_load(site.office.config.read_text())
    _merge(settings, yaml.safe_load(text))
    site.office.config.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False))
    site.office.start()


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value

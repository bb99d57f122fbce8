"""The dialplan that other PBXs generate around a call from outside, written anew and small from the sources
that docs/other-pbxs.md names: each hands the call to the page's example, and sends it on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A PBX's dialplan without our example."""

    file: str
    """The file that the page's example is for."""
    entry: str
    """The context in which the trunk's calls come in."""
    text: str
    """The rest of the dialplan; ends at `after,600,1`, where the call reaches its destination."""


# The trunk's context is the admin's own and is the example itself; VICIdial's script comes after it.
VICIDIAL = """\
[trunkinbound]
exten => h,1,UserEvent(CallLog,Status:${INFORMATIVA_STATUS})
[vicidial-auto]
exten => 8300,1,Hangup()
"""
ISSABEL = """\
[from-trunk]
include => from-pstn
[from-pstn]
include => ext-did
[ext-did]
exten => 0212345678,1,Set(__FROM_DID=${EXTEN})
exten => 0212345678,n,Set(__CALLINGPRES_SV=${CALLERID(pres)})
exten => 0212345678,n,Set(CALLERID(pres)=allowed_not_screened)
exten => 0212345678,n(dest-ext),Goto(informativa-then-600,s,1)
[ext-queues]
exten => 600,1,UserEvent(Reached,Presentation:${CALLERID(num-pres)})
exten => 600,n,Goto(after,600,1)
[macro-hangupcall]
exten => s,1,Hangup()
"""
# agid's part is left out: it names the incoming call's subroutine, and where the call goes.
WAZO = """\
[incalls]
exten = _+.,1,Goto(${EXTEN:1},1)
exten = 390212345678,1,Set(__WAZO_BASE_CONTEXT=${CONTEXT})
same = n,Set(__XIVO_BASE_EXTEN=${EXTEN})
same = n,Set(WAZO_DIDPREPROCESS_SUBROUTINE=informativa-wazo)
same = n,Gosub(did,s,1(1,))
[did]
exten = s,1,Set(WAZO_DSTNUM=${XIVO_BASE_EXTEN})
same = n,Gosub(wazo-subroutine,s,1(${WAZO_DIDPREPROCESS_SUBROUTINE}))
same = n,Gosub(forward,s,1(queue,1))
same = n,Hangup()
[wazo-subroutine]
exten = s,1,GotoIf($["${ARG1}" = ""]?over)
same = n,GotoIf(${VALID_EXTEN(${ARG1},s)}?:over)
same = n,Gosub(${ARG1},s,1)
same = n(over),Return()
[forward]
exten = s,1,Goto(after,600,1)
"""
MIKOPBX_ROUTE = """\
exten => _X!,1,NoOp(--- Incoming call ---)
 same => n,Set(__FROM_DID=${EXTEN})
 same => n,Gosub(add-trim-prefix-clid,${EXTEN},1)
 same => n,GosubIf($["${DIALPLAN_EXISTS(${CONTEXT}-custom,${EXTEN},1)}" == "1"]?${CONTEXT}-custom,${EXTEN},1)
 same => n,ExecIf($["${M_DIALSTATUS}" != "ANSWER" && "${M_DIALSTATUS}" != "BUSY"]?Goto(after,600,1))
 same => n,Hangup()
"""
# A provider whose account is no number has its route a second time, under the account's name.
MIKOPBX = (
    "[SIP-TRUNK-12345678-incoming]\n"
    + MIKOPBX_ROUTE
    + MIKOPBX_ROUTE.replace("_X!", "account7")
    + "[add-trim-prefix-clid]\nexten => _[0-9a-z]!,1,Return()\n"
)
SHAPES = {
    "Issabel": Shape("extensions_custom.conf", "from-trunk", ISSABEL),
    "VICIdial": Shape("extensions.conf", "trunkinbound", VICIDIAL),
    "Wazo": Shape("informativa-wazo.conf", "incalls", WAZO),
    "MikoPBX": Shape("extensions.conf", "SIP-TRUNK-12345678-incoming", MIKOPBX),
}

"""The configuration files of the lab's Asterisk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from .builds import Build

# Modules that would bind a port, reach for something outside, complain that they have no configuration,
# or that they are deprecated. What takes calls, plays, records, reads keys, runs AGI and keeps AstDB stays.
_LEFT_OUT = """
    *_odbc* *_adsi* *adsiprog* *_calendar* *_ari* *_http_* *_hep* *_geolocation* *_stir_shaken* *_fax*
    app_speech* *_phoneprov* *_snmp* *_xmpp* *_prometheus* *_statsd* *_unbound* *_stun_monitor* *_smdi*
    *_websocket* *_audiosocket* *_cdrel_* *_aeap* *_snoop* cdr_* cel_* res_config_* pbx_dundi* pbx_ael*
    pbx_lua* pbx_realtime* pbx_spool* *_ael_share* chan_sip* chan_iax2* chan_unistim* chan_skinny*
    chan_mgcp* chan_motif* chan_console* chan_alsa* chan_oss* chan_dahdi* chan_ooh323* chan_misdn*
    app_dahdi* app_voicemail* app_minivm* app_festival* app_jack* app_ices* app_alarmreceiver*
    app_queue* app_followme* app_agent_pool* app_confbridge* app_page* app_amd* app_sms* app_directory*
    app_stasis* res_stasis* res_manager_* res_mwi_* res_parking* res_clialiases* res_limit*
    res_sorcery_memory_cache* res_pjsip_history* res_pjsip_config_wizard* res_pjsip_notify*
    res_pjsip_publish* res_pjsip_send_to_voicemail* app_getcpeid* res_monitor* app_image* app_url*
    app_nbscat*
""".split()  # noqa: SIM905  # a table reads better than 90 lines of it


@dataclass(frozen=True)
class Ports:
    """Everything that one Asterisk listens on, all of it on 127.0.0.1."""

    sip: int
    ami: int
    rtp: range


@dataclass(frozen=True)
class Folders:
    """The folders in which one Asterisk keeps its things."""

    etc: Path
    var: Path
    data: Path
    spool: Path
    run: Path
    log: Path
    agi: Path

    def make(self) -> None:
        """Create those that are missing."""
        for folder in (*vars(self).values(), self.var / "keys", self.data / "sounds"):
            folder.mkdir(parents=True, exist_ok=True)


def write(build: Build, folders: Folders, ports: Ports, secret: str, files: Mapping[str, str]) -> None:
    """Write the whole configuration; ``files`` (name → text) comes last and may replace any of it."""
    for name, text in {**_files(build, folders, ports, secret), **files}.items():
        path = folders.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for shared in build.data.iterdir() if build.data.is_dir() else ():
        link = folders.data / shared.name
        if shared.name == "sounds":  # the test's own
            continue
        if (
            link.is_symlink()
        ):  # perhaps another build's, whose documentation would stop this one from starting
            link.unlink()
        if not link.exists():
            link.symlink_to(shared)


def modules(build: Build, keep: Collection[str] = ()) -> str:
    """modules.conf: all that the build has, but what the lab leaves out; ``keep`` is loaded all the same."""
    names = sorted(module.name for module in build.modules.glob("*.so"))
    left_out = [n for n in names if n not in keep and any(fnmatch(n, pattern) for pattern in _LEFT_OUT)]
    return "[modules]\nautoload = yes\n" + "".join(f"noload = {name}\n" for name in left_out)


def _files(build: Build, folders: Folders, ports: Ports, secret: str) -> dict[str, str]:
    return {
        "asterisk.conf": f"""\
[directories]
astetcdir => {folders.etc}
astmoddir => {build.modules}
astvarlibdir => {folders.var}
astdbdir => {folders.var}
astkeydir => {folders.var}
astdatadir => {folders.data}
astspooldir => {folders.spool}
astrundir => {folders.run}
astlogdir => {folders.log}
astagidir => {folders.agi}
astsbindir => {folders.var}
[options]
verbose = 3
nocolor = yes
dontwarn = yes
documentation_language = en_US
""",
        "modules.conf": modules(build),
        "logger.conf": """\
[general]
dateformat = %F %T.%3q
[logfiles]
messages.log => notice,warning,error,verbose
""",
        "manager.conf": f"""\
[general]
enabled = yes
webenabled = no
bindaddr = 127.0.0.1
port = {ports.ami}
[lab]
secret = {secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read = all
write = all
""",
        "rtp.conf": f"""\
[general]
rtpstart = {ports.rtp.start}
rtpend = {ports.rtp.stop - 1}
icesupport = no
""",
        # One endpoint takes whatever comes from this machine, whoever it says it is, and believes it: the
        # caller's number then comes from P-Asserted-Identity when there is one, and Privacy is honoured.
        # (A test may put telephones beside it, which are known by their names.) No INVITE is dropped because
        # another part of Asterisk (the manager's events) has much to do.
        "pjsip.conf": f"""\
[global]
type = global
endpoint_identifier_order = username,ip
taskprocessor_overload_trigger = none
[lab-udp]
type = transport
protocol = udp
bind = 127.0.0.1:{ports.sip}
[lab]
type = endpoint
context = from-lab
disallow = all
allow = alaw,ulaw
dtmf_mode = rfc4733
direct_media = no
trust_id_inbound = yes
bind_rtp_to_media_address = yes
media_address = 127.0.0.1
[lab]
type = identify
endpoint = lab
match = 127.0.0.1
#tryinclude telephones.conf
""",
        "features.conf": "",
        "musiconhold.conf": f"[default]\nmode = files\ndirectory = {folders.var}\n",
        "pjproject.conf": "",
        "udptl.conf": "[general]\n",
        "acl.conf": "",
        "ccss.conf": "[general]\n",
        "cdr.conf": "[general]\nenable = no\n",
        "cel.conf": "[general]\nenable = no\n",
        "codecs.conf": "",
        "indications.conf": """\
[general]
country = us
[us]
description = any
ringcadence = 2000,4000
dial = 350+440
""",
        "stasis.conf": "",
        "http.conf": "[general]\nenabled = no\n",
    }

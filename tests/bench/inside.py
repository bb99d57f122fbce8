"""In a real Asterisk: what the dialplan step takes, calls a second, CPU, and when the caller first hears."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab.pbx import Pbx
from lab.phone import Phone
from lab.ports import free_port

from . import rivals, steps
from .direct import IN_FLIGHT
from .figures import Peers, Report, Result, Spread, Target, differences, ratios, same
from .machine import cpu_seconds
from .rivals import DURABLE, KNOWN, LIMIT, ONE_BY_ONE, OURS, PANORAMISK
from .steps import NOTHING, ODBC, ODBC_WAL, Step, exchange


def step(report: Report, folder: Path, *, rounds: int = 9, times: int = 300, processes: int = 8) -> None:
    """Measure what a step adds to a call whose caller is known, less what the loop around it takes."""
    with exchange(report, "step", folder, steps.ALL) as (pbx, peers):
        taken: dict[str, list[float]] = {one.name: [] for one in peers}
        for turn in range(-1, rounds):  # the first one only warms up
            for one in peers:
                count = processes if one.process else times
                taken[one.name].append(_loop(pbx, one, count, first=(turn + 1) * times % (KNOWN - times)))
        loop = taken.pop(NOTHING)[1:]
        added = {name: [a - b for a, b in zip(all_[1:], loop, strict=True)] for name, all_ in taken.items()}
    title = "time that the step adds in Asterisk, caller known"
    report.peers.append(Peers("step", title, {name: Spread(tuple(v), "µs") for name, v in added.items()}))
    for peer, target in ((LIMIT, None), (DURABLE, Target(1.3)), (ODBC, Target(0.15)), (ODBC_WAL, None)):
        if peer in added:
            value = ratios(added[OURS], added[peer])
            report.results.append(Result("step", f"{title}, against {peer}", value, target))


def _loop(pbx: Pbx, one: Step, count: int, first: int) -> float:
    """Microseconds of one turn of the loop. Raises RefusedError unless each did its work."""
    before = one.recorded() if one.recorded else 0
    pbx.forget_events()
    run = f"step-{one.key}-{count}-{first}"
    pbx.cli(f"channel originate Local/{run}@bench/n application Wait 3600")
    event = pbx.wait_event(lambda event: event.get("Run") == run, timeout=120)
    if one.sets_status:
        same(f"{one.name}: steps that set the status", str(count), event["Told"])
    if one.recorded:
        same(f"{one.name}: steps on record", count, one.recorded() - before)
    return (int(event["Ended"]) - int(event["Begun"])) / count


_INVITE = """\
<?xml version="1.0" encoding="ISO-8859-1"?><scenario name="known caller"><send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch];rport
From: <sip:[field0]@[local_ip]>;tag=[pid]-[call_number]
To: <sip:[service]@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:lab@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=lab 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
]]></send><recv response="100" optional="true"/>"""
_ACK = """<send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch];rport
From: <sip:[field0]@[local_ip]>;tag=[pid]-[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>"""
_OK = """<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>"""
# A known caller either meets a busy line, which is the least that a call can be, or hears a menu.
_SCENARIOS = {
    "busy.xml": f'{_INVITE}<recv response="486"/>{_ACK}</scenario>',
    "talk.xml": f'{_INVITE}<recv response="200"/>{_ACK}<recv request="BYE"/>{_OK}</scenario>',
}


@dataclass(frozen=True)
class _Rung:
    """Some calls, per call: seconds that all took together, microseconds of CPU."""

    seconds: float
    service: float
    asterisk: float


def through(report: Report, folder: Path, *, rounds: int = 7, calls: int = 1500) -> None:
    """Calls a second through Asterisk over SIP, and the CPU that each takes of it and of the service."""
    names = (LIMIT, OURS, PANORAMISK, ONE_BY_ONE)
    with exchange(report, "throughput", folder, names) as (pbx, peers):
        for file, scenario in _SCENARIOS.items():
            (folder / file).write_text(scenario)
        numbers = "".join(f"{rivals.number(caller)}\n" for caller in range(KNOWN))
        (folder / "callers.csv").write_text("SEQUENTIAL\n" + numbers)
        start = statistics.median(_ring(pbx, folder, peers[0], 1).seconds for _ in range(5))  # SIPp's own
        rung: dict[str, list[_Rung]] = {one.name: [] for one in peers}
        for turn in range(-1, rounds):  # the first one only warms up
            for one in peers:
                some = _ring(pbx, folder, one, calls if turn >= 0 else calls // 5, start)
                if turn >= 0:
                    rung[one.name].append(some)
        own = next(one for one in peers if one.name == OURS)
        talks = [_ring(pbx, folder, own, calls // 5, kind="talk") for _ in range(1 + rounds // 3)]
    rates = {name: [1 / one.seconds for one in some] for name, some in rung.items()}
    title = f"calls/s through Asterisk, {IN_FLIGHT} in flight"
    report.peers.append(
        Peers("throughput", title, {n: Spread(tuple(v), "calls/s") for n, v in rates.items()})
    )
    cpu = {name: Spread(tuple(one.service for one in some), "µs") for name, some in rung.items()}
    cpu[f"Asterisk itself, for {OURS}"] = Spread(tuple(one.asterisk for one in rung[OURS]), "µs")
    report.peers.append(Peers("cpu", f"CPU of a call, {IN_FLIGHT} in flight", cpu))
    for peer, least in ((LIMIT, 0.9), (ONE_BY_ONE, 1.15)):
        if peer in rates:
            value = ratios(rates[OURS], rates[peer])
            target = Target(least, at_most=False)
            report.results.append(Result("throughput", f"{title}, against {peer}", value, target))
    title = "CPU of the service for a call, against Asterisk's"
    for where, kind, limit in (("line busy", rung[OURS], Target(0.2)), ("menu heard for 2 s", talks, None)):
        value = ratios([one.service for one in kind], [one.asterisk for one in kind])
        report.results.append(Result("cpu", f"{title}, {where}", value, limit))


def _ring(pbx: Pbx, folder: Path, one: Step, calls: int, start: float = 0.0, *, kind: str = "busy") -> _Rung:
    """Have SIPp, which needs `start` seconds for itself, make calls of a kind. Raises RefusedError unless
    each of them went as it should and is on record."""
    assert one.pid
    assert pbx.pid
    called = one.key if kind == "busy" else f"{kind}-{one.key}"
    before = one.recorded() if one.recorded else 0
    options = (
        f"{pbx.host}:{pbx.ports.sip} -sf {kind}.xml -inf callers.csv -s {called} -m {calls} -l {IN_FLIGHT}"
        f" -r 10000 -i {pbx.host} -p {free_port()} -nostdin -timeout 120 -timeout_error"
    )
    command = [*pbx.build.sipp, *options.split()]
    service, asterisk, begun = cpu_seconds(one.pid), cpu_seconds(pbx.pid), time.perf_counter()
    ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=150, check=False)
    seconds = time.perf_counter() - begun - start
    service, asterisk = cpu_seconds(one.pid) - service, cpu_seconds(pbx.pid) - asterisk
    same(f"{one.name}: SIPp's exit code, 0 when each call ended as it should", 0, ran.returncode)
    if one.recorded:
        same(f"{one.name}: calls on record", calls, one.recorded() - before)
    return _Rung(seconds / calls, service / calls * 1e6, asterisk / calls * 1e6)


def first_rtp(report: Report, folder: Path, *, rounds: int = 40) -> None:
    """From INVITE to the first packet of the notice, against Answer and Playback of the same file."""
    with exchange(report, "first-rtp", folder, [OURS]) as (pbx, (own,)):
        assert own.office
        prompt = own.office.folder / "prompts" / "it" / "short"
        extensions = (pbx.etc / "extensions.conf").read_text()
        pbx.reload_dialplan(extensions + _PLAIN.format(prompt=prompt))
        waited: dict[str, list[float]] = {"plain": [], own.key: []}
        before = len(own.office.records())
        for turn in range(rounds + 1):  # the first one only warms up
            for to, times in waited.items():
                with Phone(pbx) as phone:
                    call = phone.dial(to, f"+39347{turn:07d}")
                    times.append(call.wait_sound() * 1000)
                    call.hang_up()
        until = time.monotonic() + 5  # what is recorded of a hang-up comes after it
        while len(records := own.office.records()[before:]) <= rounds and time.monotonic() < until:
            time.sleep(0.1)
        same("notices on record as begun", ["PARTIAL"] * (rounds + 1), [one.event.status for one in records])
    plain, notice = waited["plain"][1:], waited[own.key][1:]
    title = "first RTP packet after INVITE"
    spreads = {"Answer and Playback": Spread(tuple(plain), "ms"), OURS: Spread(tuple(notice), "ms")}
    report.peers.append(Peers("first-rtp", title, spreads))
    more = differences(notice, plain, "ms")
    slow = Spread((statistics.quantiles(more.values, n=10)[-1],), "ms")
    for value, how, target in ((more, "", Target(2)), (slow, ", in the slowest tenth", Target(10))):
        what_more = f"{title}, more than Answer and Playback{how}"
        report.results.append(Result("first-rtp", what_more, value, target))


_PLAIN = """
[from-lab](+)
exten => plain,1,Answer()
 same => n,Playback({prompt})
 same => n,Hangup()
"""

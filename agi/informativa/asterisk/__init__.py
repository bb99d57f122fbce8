"""The two ways in, FastAGI (one service for all calls) and the classic script (one process a call), and
Asterisk's own configuration and manager.

Calls:

- `fastagi`: the server for all calls, over panoramisk
- `peers`: the token that a peer must know, and limits on what it can cause
- `script_session`: the script's one call, over pyst2
- `agi_session`: the conversation about one call, over either

Asterisk itself:

- `ami`: its manager interface, one short conversation at a time
- `dialplan`: dialplan/informativa.conf for one configuration
- `extensions_conf`: what the admin's extensions.conf comes to
- `test_call`: a call that Asterisk places to nobody
- `test_call_entries`: the places where it may come in
"""

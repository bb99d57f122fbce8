"""The story of a call: protocol, caller, decision, playback, record.

In the order in which a call meets them. Decisions are pure, with `now` as an argument; only `handler`,
`asking`, `guard` and the look-ups reach outside, by the ports of `model.ports`. The values on the way are
nouns of `model`:

    IncomingCall, Line → Caller → CallerHistory → Decision → Delivery → Event → CallResult

Rules of docs/architecture.md that live here: I1 in `policy`, I2 in `playback`, I4 in `answering` and
`guard`, I5 in `caller` and `spool`.

The call and the caller:

- `answering`: the whole story, from Asterisk's description of a call to the variables for the dialplan
- `agi`: the Asterisk Gateway Interface without I/O: bytes to values, values to command lines
- `caller`: who calls, on which line; his pseudonym, and the name by which a hook knows him
- `handler`: one caller on one line as I/O: history in, playback, record, commit
- `conversation`: the same as values: the decisions, and the events that are recorded

Notices:

- `policy`: the decision which notices are due, always with a reason
- `delivery`: playing one notice, in languages and by keys
- `playback`: the judgement of how much was heard (I2)
- `spool`: deliveries that no ledger could take, as rows of Asterisk's database

Choices, among them the consent to being recorded:

- `choice_policy`: the decision which choices are asked, and which key counts
- `forecast`: both decisions for another configuration, of callers in one state
- `choosing`: the asking of one: its prompt, and the key
- `webhook`: the form of messages that tell a company's hook of an answer

Others who may know the caller:

- `asking`: the questions to the company's systems
- `guard`: a time limit for each, and a pause for one that fails
- `lookups`: the company's own systems, and what their answers mean
- `lookup_http`: one that answers with JSON
- `lookup_sql`: one that is a database
"""

"""The benchmark: informativa and its peers side by side, on one machine, in one run.

``python -m bench`` measures and writes a table (Markdown and JSON) and a plot (SVG) into ``.bench/``.
Peers take turns, round by round, so that what else the machine does meets all alike; a result is the
median of the rounds' ratios, with their quartiles. Each measure holds what was recorded and said against
the calls that were made, and refuses its own numbers when they differ.

``figures`` is the arithmetic, ``report`` what is written; ``lab`` of the tests starts Asterisk and
informativa, ``rivals`` the peers; ``inside``, ``direct``, ``ledger`` and ``script`` measure.
"""

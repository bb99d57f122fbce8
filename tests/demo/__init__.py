"""The demo: real calls into a real Asterisk with informativa, shown line by line and checked.

``run`` is `make demo`, with the calls of ``choices`` among its own; ``company`` lays what the callers meet,
``proof`` compares what was recorded, ``web`` opens the console, ``screens`` takes the pictures of the README.
"""

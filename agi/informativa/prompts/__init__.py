"""From a text to a prompt on the telephone: words, their sound, and the formats that Asterisk plays.

Texts:

- `texts`: templates of notices and choices, with a text for each language
- `pronunciation`, `spoken_periods`: words for signs and for lengths of time, and how long they are read
- `named_keys`: the keys that a text tells its hearer to press
- `speech_engine`: SVOX Pico, which speaks them

Sound:

- `audio`, `loudness`: read by sox, measured, trimmed, brought to one level
- `formats`, `comparison`: all formats of one recording, and whether they sound alike
- `whisper`, `heard_words`: words that a recogniser hears, compared with the text
- `playable`: a recording as browsers play it
- `store`: the folders of prompts beside a configuration

At a call:

- `installed`: the length of a prompt, as Asterisk's own modules read it
- `recordings`: the present sound, compared with the one that was checked
- `guarded`, `mounts`: looks at files that may stall, and the file systems on which they do
"""

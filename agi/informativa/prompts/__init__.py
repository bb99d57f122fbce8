"""From a text to a prompt on the telephone: words, their sound, and the formats that Asterisk plays.

Texts:

- `texts`: templates of notices and choices, with a text for each language
- `pronunciation`, `spoken_periods`: words for signs and for lengths of time, and how long they are read
- `named_keys`: the keys that a text tells its hearer to press
- `speech_engine`: SVOX Pico, which speaks them

Sound:

- `audio`, `loudness`: measured, trimmed, brought to one level
- `formats`: files of people's recordings, of each format of Asterisk, and as browsers play them
- `comparison`: whether the formats of one recording sound alike
- `whisper`, `heard_words`: words that a recogniser hears, compared with the text
- `store`: the folders of prompts beside a configuration

At a call:

- `installed`: the length of a prompt, as Asterisk's own modules read it
- `recordings`: the present sound, compared with the one that was checked
- `guarded`, `mounts`: looks at files that may stall, and the file systems on which they do
"""

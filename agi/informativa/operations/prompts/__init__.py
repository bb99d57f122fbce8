"""Operations on prompts.

- `configured`: the prompts that a configuration names
- `parts`: the texts that are shipped, and the place of each in a configuration
- `spoken_values`: what is spoken in the places of a text
- `making`: speaking a text
- `taking`, `recorded_words`: taking a recording, and comparing it with its text
- `showing`: listing and playing
- `installing`: formats for Asterisk's channels
"""

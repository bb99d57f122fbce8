"""Operations on prompts.

- `configured`: the prompts that a configuration names
- `parts`: the texts that are shipped, and the place of each in a configuration
- `spoken_values`: what is spoken in the places of a text
- `making`: speaking a text, or taking a recording
- `showing`: listing and playing
- `installing`: formats for Asterisk's channels
"""

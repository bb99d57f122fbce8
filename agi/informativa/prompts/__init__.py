"""From a text to a prompt on the telephone: words, their sound, and the formats that Asterisk plays."""

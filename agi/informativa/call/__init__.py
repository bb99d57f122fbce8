"""The story of a call: protocol, caller, decision, playback, record."""

"""The commands: each parses what was typed, has an operation do it, and shows what came of it."""

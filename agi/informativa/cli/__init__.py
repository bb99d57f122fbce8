"""The command line, and the entry point of the classic AGI script.

- `main`: `informativa`: the table of commands (`MODULES`), and where every error ends
- `commands`: the commands themselves
- `agi`: `informativa-agi`, which Asterisk starts for one call
- `options`, `words`: options and output that commands share, and the reader's language
- `tree`, `translated`: the commands as data, and their help in a language
- `reference`: docs/reference.md
- `questions`: questions to a person at a terminal
- `interview`, `company_options`: the questions of `init` and `setup`, and the options in their place
- `log`: the log of the service
"""

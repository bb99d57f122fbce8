"""The notices that the law asks for today, and adding them to a configuration.

- `table`: all of them: sections, places in a plan, texts, values, law
- `request`: what somebody asks for, and what came of it
- `selection`: the notice, sections and lines that are meant
- `plan_places`: the steps that a line's plan lacks
- `adding`: the work: shown first, then written
"""

"""The machine, for all other packages; none of these modules knows another.

- `files`: files that are read or written as a whole, also by root where others may write
- `pinned_path`: paths that nobody exchanges while root works with them
- `shipped`: the dialplan, prompts and texts of the project, where they are installed
- `http`: HTTP over a kept connection
- `patience`: a bound for work that may never end
- `turns`: one kind of work beside the calls, one company's after the other's
- `priority`: a process that yields the processor to all others
- `processes`: open files of processes, and worker processes
"""

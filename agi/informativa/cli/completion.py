"""`informativa completion`: a script for bash, zsh or fish, made from the command tree.

Commands and options stand in the script, so that pressing the tab key starts no Python. With Typer's own
completion each press imports the commands, which takes 80 to 250 times as long (0.25 to 0.75 s of CPU time
against 3 ms), and is felt. Only names out of the configuration are looked up (names.py), by the Python that
made the script.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from enum import StrEnum
from string import Template

from ..config import DEFAULT_FILE
from .tree import Command, Parameter


class Shell(StrEnum):
    """The shells for which there is a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


# What may stand for a value, by the last option name or by the word that stands for it. `@` are names out of
# the configuration, `=` the shell's own files or folders.
_KINDS = {
    "--controller": "@controllers",
    "--notice": "@notices",
    "--version": "@versions",
    "--after": "@versions",
    "--language": "@languages",
    "--to": "@lines",
    "CONTROLLER": "@controllers",
    "LINE": "@lines",
    "FILE": "=files",
    "FILE.csv": "=files",
    "FILE…": "=files",
    "BACKUP": "=files",
    "DIR": "=folders",
    "FOLDER": "=folders",
}


def kind(parameter: Parameter) -> str:
    """Return what completes a parameter's value: words, a kind of `_KINDS`, or '' for anything."""
    last = parameter.names[-1] if parameter.names else ""
    return (
        " ".join(parameter.choices)
        or _KINDS.get(last)
        or _KINDS.get(parameter.value.strip("[]").partition("|")[0], "")
    )


def script(shell: Shell, root: Command) -> str:
    """Return the script for a shell."""
    template = {Shell.BASH: _bash, Shell.ZSH: _zsh, Shell.FISH: _fish}[shell](root)
    return Template(template).substitute(
        python=shlex.quote(sys.executable), file=shlex.quote(str(DEFAULT_FILE))
    )


def _escaped(text: str) -> str:
    """Return a text for string.Template, which the scripts are."""
    return text.replace("$", "$$")


_LOOK_UP = """\
_informativa_names() {
    ${python} -m informativa.cli.names "$$1" "$${2:-$${INFORMATIVA_CONFIG:-$file}}" 2>/dev/null </dev/null
}
"""

_BASH = (
    """\
# bash completion for informativa. To install it:
# informativa completion bash > /etc/bash_completion.d/informativa
"""
    + _LOOK_UP
    + """
_informativa() {
    local current=$${COMP_WORDS[COMP_CWORD]} previous= path=informativa config= kind= word at
    local -i arguments=0
    local IFS=$$' \\n'
    COMPREPLY=()
    [[ $$current == = ]] && current=
    for ((at = 1; at < COMP_CWORD; at++)); do
        word=$${COMP_WORDS[at]}
        [[ $$word == = ]] && continue
        [[ $$previous == -c || $$previous == --config ]] && config=$$word
        case "$$path $$word" in
#commands#
            path+=" $$word" previous= ;;
        *)
            if [[ $$word == -* ]]; then
                previous=$$word
                case "$$path $$previous" in
#switches#
                    previous= ;;
                esac
            else
                [[ -n $$previous ]] || arguments+=1
                previous=
            fi ;;
        esac
    done
    [[ -n $$previous || $$current == -* ]] || previous=$$arguments
    case "$$path $$previous" in
#kinds#
    esac
    case $$kind in
    @*) word=$$(_informativa_names "$${kind#@}" "$$config") ;;
    =files) COMPREPLY=($$(compgen -f -- "$$current")); compopt -o filenames 2>/dev/null; return ;;
    =folders) COMPREPLY=($$(compgen -d -- "$$current")); compopt -o filenames 2>/dev/null; return ;;
    ?*) word=$$kind ;;
    *)
        word=
        [[ -n $$previous && $$previous == -* ]] || case $$path in
#words#
        esac ;;
    esac
    [[ -n $$word ]] && COMPREPLY=($$(compgen -W "$$word" -- "$$current"))
}
complete -F _informativa informativa
"""
)


def _bash(root: Command) -> str:
    return _fill_script(_BASH, root)


def _zsh(root: Command) -> str:
    """Return bash's script with a header: zsh can run it, so that there is one list of commands to keep
    right."""
    head = (
        "#compdef informativa\n"
        "# zsh completion for informativa. To install it:\n"
        "# informativa completion zsh > /usr/local/share/zsh/site-functions/_informativa\n"
        "autoload -Uz bashcompinit && bashcompinit\n"
    )
    body = _fill_script(_BASH, root).partition("\n")[2].partition("\n")[2]
    last = "if [[ $$zsh_eval_context[-1] == loadautofunc ]]; then _bash_complete -F _informativa; fi\n"
    return head + body + last


def _fill_script(template: str, root: Command) -> str:
    """Return a script whose tables are filled with the commands and options of the tree."""
    groups = [command for command in root.walk() if command.path != root.path]
    rows = list(_rows(root))
    tables = {
        "#commands#": _patterns(" ".join(command.path) for command in groups),
        "#switches#": _patterns(
            f"{path} {name}" for path, name, parameter in rows if name.startswith("-") and not parameter.value
        ),
        "#kinds#": "\n".join(
            f"    {shlex.quote(f'{path} {name}')}) kind={shlex.quote(kind(parameter))} ;;"
            for path, name, parameter in rows
            if kind(parameter)
        ),
        "#words#": "\n".join(
            f"        {shlex.quote(' '.join(command.path))}) word={shlex.quote(' '.join(_words(command)))} ;;"
            for command in root.walk()
        ),
    }
    for mark, table in tables.items():
        template = template.replace(mark, _escaped(table))
    return template


def _rows(root: Command) -> Iterator[tuple[str, str, Parameter]]:
    """Yield each command with each name of each option, and with the position of each argument, from 0."""
    for command in root.walk():
        path = " ".join(command.path)
        for at, parameter in enumerate(parameter for parameter in command.parameters if not parameter.names):
            yield path, str(at), parameter
        for parameter in command.parameters:
            for name in parameter.names:
                yield path, name, parameter


def _patterns(words: Iterator[str]) -> str:
    return " | \\\n".join(f"        {shlex.quote(word)}" for word in words) + ")"


def _words(command: Command) -> list[str]:
    options = [name for parameter in command.parameters for name in parameter.names]
    return [*(subcommand.path[-1] for subcommand in command.commands), *options, "--help"]


def _fish(root: Command) -> str:
    lines = [
        "# fish completion for informativa. To install it:",
        "# informativa completion fish > /usr/share/fish/vendor_completions.d/informativa.fish",
        "function __informativa_names",
        "    set -l file (set -q INFORMATIVA_CONFIG; and echo $$INFORMATIVA_CONFIG; or echo $file)",
        "    set -l typed (commandline -opc)",
        "    for at in (seq 1 (math (count $$typed) - 1))",
        "        contains -- $$typed[$$at] -c --config; and set file $$typed[(math $$at + 1)]",
        "    end",
        "    ${python} -m informativa.cli.names $$argv[1] $$file 2>/dev/null </dev/null",
        "end",
        "function __informativa_at",
        "    set -l words (string match -v -- '-*' (commandline -opc))[2..]",
        '    string match -q -- "$$argv*" "$$words"; or return 1',
        "    test (count $$argv) -gt 0; or test (count $$words) -eq 0",
        "end",
        "function __informativa_before",
        "    set -l words (string match -v -- '-*' (commandline -opc))[2..]",
        '    test "$$argv" = "$$words"',
        "end",
        "complete -c informativa -f",
    ]
    for command in root.walk():
        path = " ".join(command.path[1:])
        here = f"-n '__informativa_at {path}'"
        for subcommand in command.commands:
            at = f"complete -c informativa -n '__informativa_before {path}' -a {subcommand.path[-1]}"
            lines.append(_escaped(f"{at} -d {_quoted_for_fish(subcommand.help)}"))
        for parameter in command.parameters:
            short = "".join(f" -s {name[1:]}" for name in parameter.names if not name.startswith("--"))
            long = "".join(f" -l {name[2:]}" for name in parameter.names if name.startswith("--"))
            value = _fish_value(kind(parameter)) if parameter.value else ""
            files = " -r" if kind(parameter).startswith("=") else " -x"
            needs = files if parameter.value else ""
            if parameter.names:
                line = f"complete -c informativa {here}{short}{long}{needs}{value}"
            elif value:
                line = f"complete -c informativa {here}{value}"
            else:
                continue
            lines.append(_escaped(f"{line} -d {_quoted_for_fish(parameter.help or parameter.value)}"))
    return "\n".join(lines) + "\n"


def _fish_value(kind: str) -> str:
    if kind.startswith("@"):
        return f" -a '(__informativa_names {kind[1:]})'"
    if kind.startswith("="):
        return " -F" if kind == "=files" else " -a '(__fish_complete_directories)'"
    return f" -a {_quoted_for_fish(kind)}" if kind else ""


def _quoted_for_fish(text: str) -> str:
    """A text as fish quotes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

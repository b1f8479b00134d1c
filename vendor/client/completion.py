"""Scripts that make a shell complete vend's words; the names of scopes are asked for, and left out when none come."""

from __future__ import annotations

import argparse

from vendor.client.options import PURPOSES, parser

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Iterator

_FILES = {"--ca-file", "--token-file", "--saml-assertion", "--path", "--token-file-out"}
_NAMES = "vend scopes --names --timeout 2s 2>/dev/null"

_BASH = """\
_vend() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words= at
  COMPREPLY=()
  for ((at = 2; at < COMP_CWORD; at++)); do
    # Behind `--` stands another command: its own words.
    if [[ $command == exec && ${{COMP_WORDS[at]}} == -- ]]; then
      COMPREPLY=($(compgen -c -f -- "$word")); return
    fi
  done
  if ((COMP_CWORD == 1)); then
    words='{commands} --help --version'
  elif [[ ' {files} ' == *" $before "* ]]; then
    COMPREPLY=($(compgen -f -- "$word")); return
  elif [[ $before == --shell ]]; then
    words='{shells}'
  elif [[ $word == -* ]]; then
    case $command in
{options}
    esac
  else
    case $command in
      completion) words='bash zsh fish' ;;
      {scoped}) words=$({names}) ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  # The colon in a scope's name splits words: what stands before it is there already.
  if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("${{COMPREPLY[@]#${{word%"${{word##*:}}"}}}}")
  fi
}}
complete -o default -F _vend vend"""


def script(shell: str) -> str:
    """Return the script for bash, zsh or fish, to be evaluated at the start of a shell."""
    match shell:
        case "fish":
            return "\n".join(_fish())
        case "zsh":  # which takes bash's own
            return "autoload -Uz bashcompinit && bashcompinit\n" + _bash()
        case _:
            return _bash()


def _bash() -> str:
    options = _options()
    return _BASH.format(
        commands=" ".join(PURPOSES),
        files=" ".join(sorted(_FILES)),
        shells="sh bash zsh fish powershell",
        scoped="|".join(name for name in options if name not in {"completion", "scopes"}),
        names=_NAMES,
        options="\n".join(f"      {name}) words='{' '.join(words)}' ;;" for name, words in options.items()),
    )


def _fish() -> Iterator[str]:
    yield "complete -c vend -f"
    yield "complete -c vend -n __fish_use_subcommand -l version"
    for name, purpose in PURPOSES.items():
        yield f"complete -c vend -n __fish_use_subcommand -a {name} -d {_quoted(purpose)}"
    for name, words in _options().items():
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        for word in words:
            files = " -r -F" if word in _FILES else ""
            yield f"complete -c vend {seen} -l {word.removeprefix('--')}{files}"
        if name not in {"completion", "scopes"}:
            yield f"complete -c vend {seen} -a '({_NAMES})'"
    yield "complete -c vend -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _options() -> dict[str, list[str]]:
    """Return each command's options."""
    (commands,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001  # argparse tells its parts in no other way
    return {
        name: [word for action in each._actions for word in action.option_strings if word.startswith("--")]  # noqa: SLF001  # as above
        for name, each in commands.choices.items()
    }

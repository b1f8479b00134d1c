from __future__ import annotations

import subprocess
from shutil import which

import pytest

from tests.client.service import golden
from vendor.client import Credentials
from vendor.client.shell import export_line, export_lines

HOSTILE = [
    "plain",
    "'; touch pwned; '",
    "$(touch pwned)",
    "`touch pwned`",
    "a\\'b\\",
    '"$HOME"',
    "two\nlines; touch pwned",
    "''''",
    "\\",
    "&& touch pwned #",
    "\u2018; touch pwned; \u2019",
]


@pytest.mark.parametrize("shell", [shell for shell in ("sh", "bash", "zsh", "fish") if which(shell)])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_stays_a_value_when_a_shell_evaluates_it(shell: str, value: str) -> None:
    script = export_line("AWS_SESSION_TOKEN", value, shell=shell) + "\nprintenv AWS_SESSION_TOKEN"
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == f"{value}\n"


@pytest.mark.parametrize(
    ("shell", "value", "line"),
    [
        ("sh", "a'b", "export X='a'\\''b'"),
        ("bash", "a'b", "export X='a'\\''b'"),
        ("zsh", "a'b", "export X='a'\\''b'"),
        ("fish", "a'b\\c$d", "set -gx X 'a\\'b\\\\c$d';"),
        ("powershell", "a'b$c`d", "$env:X = 'a''b$c`d'"),
        (
            "powershell",
            "\u2018\u2019\u201a\u201b",
            "$env:X = '" + "\u2018" * 2 + "\u2019" * 2 + "\u201a" * 2 + "\u201b" * 2 + "'",
        ),
    ],
)
def test_each_shell_has_its_own_quotation(shell: str, value: str, line: str) -> None:
    assert export_line("X", value, shell=shell) == line


def test_the_lines_name_what_sdks_read() -> None:
    document = golden()
    lines = export_lines(Credentials(document), shell="sh")  # noqa: S604  # evaluates nothing itself
    assert lines.splitlines() == [
        f"export AWS_ACCESS_KEY_ID='{document['AccessKeyId']}'",
        f"export AWS_SECRET_ACCESS_KEY='{document['SecretAccessKey']}'",
        f"export AWS_SESSION_TOKEN='{document['Token']}'",
        f"export AWS_CREDENTIAL_EXPIRATION='{document['Expiration']}'",
    ]

"""Export lines that a shell evaluates: whatever a value holds, it stays a value."""

from __future__ import annotations

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from vendor.client.credentials import Credentials

SHELLS = ("sh", "bash", "zsh", "fish", "powershell")


def export_lines(credentials: Credentials, *, shell: str) -> str:
    """Write the lines that put credentials into the environment of a shell out of `SHELLS`."""
    document = credentials.document()
    variables = {
        "AWS_ACCESS_KEY_ID": document["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": document["SecretAccessKey"],
        "AWS_SESSION_TOKEN": document["Token"],
        "AWS_CREDENTIAL_EXPIRATION": document["Expiration"],
    }
    return "\n".join(export_line(name, value, shell=shell) for name, value in variables.items())


def export_line(name: str, value: str, *, shell: str) -> str:
    """Write one variable and its value, quoted so that nothing in the value is evaluated or ends the quotation."""
    match shell:
        case "fish":  # in its single quotes a backslash escapes itself and the quote, nothing else
            return "set -gx {} '{}';".format(name, value.replace("\\", "\\\\").replace("'", "\\'"))
        case "powershell":  # takes the typographic quotes for quotes too; each is escaped by doubling it
            return "$env:{} = '{}'".format(
                name, "".join(c * 2 if c in "'\u2018\u2019\u201a\u201b" else c for c in value)
            )
        case _:  # POSIX.1-2017 XCU 2.2.2: nothing is special in single quotes but the quote itself
            return "export {}='{}'".format(name, value.replace("'", "'\\''"))

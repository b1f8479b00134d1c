"""What no line of the sound configuration can break: other bytes, files beside it, ceilings over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.config.owned import MAIN, SCOPES, UNLIMITED, allowing, main_file, scopes_with
from tests.config.sound import SOUND, changed
from vendor.config.text import LONGEST

if TYPE_CHECKING:
    from pathlib import Path


class Folder(NamedTuple):
    """Files of which `vendor.yaml` is loaded, and the code of all that is found."""

    code: str
    files: dict[str, str]

    def write(self, folder: Path) -> None:
        """Write them."""
        for name, text in self.files.items():
            file = folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, "utf-8")


def _alone(code: str, text: str) -> Folder:
    return Folder(code, {"vendor.yaml": text})


def _under(code: str, said: str, scopes: str = SCOPES, files: str = "scopes/*.yaml") -> Folder:
    return Folder(code, {"vendor.yaml": main_file(f'files: "{files}", {said}'), "scopes/a.yaml": scopes})


KEYS = changed("    kind: kubernetes\n", "    kind: kubernetes\n    keys: {file: keys.json}\n")
POLICY = SOUND[: SOUND.index("      policy:\n")] + "      policy_file: read.json\n"
INCLUDING = MAIN + "include: [scopes/*.yaml]\n"
NAMED = "policies: {one: [{Sid: A, Effect: Deny, Action: a, Resource: '{{ month }}'}]}\n" + POLICY.replace(
    "policy_file: read.json", "NAME"
)
WITH_ID = scopes_with("role/reports\n", "role/reports\n        external_id: '${env:SECRET}'\n")
ANY = "Action: a, Resource: a"
ARN = "      policy_arns: [arn:aws:iam::aws:policy/ReadOnlyAccess]\n"

KEY = "A" * 43 + "="
REDIS = "version: 1\nstore: {redis: {url: 'rediss://redis.example.com', encryption_keys: [{id: k1, file: k1}]}}\n"


def _stored(code: str, old: str, new: str) -> Folder:
    """Return the sound configuration with a store in which one passage is replaced."""
    store = changed("version: 1\n", REDIS)
    assert store.count(old) == 1, old
    return Folder(code, {"vendor.yaml": store.replace(old, new), "k1": KEY})


FOLDERS = {
    "a store has a URL of one": _stored("V720", "rediss:", "https:"),
    "an option of a store belongs to something": _stored(
        "V721", "{redis: {", "{redis: {cluster: true, sentinel: {service: primary}, "
    ),
    "a key is one": _stored("V722", "file: k1}", "file: k1}, {id: k1, file: k1}"),
    "a store in plain text is told": _stored("V770", "rediss:", "redis:"),
    "a control character is told": _alone("V103", SOUND.replace("Reports", "Re\x1bports")),
    "an empty file is told": _alone("V105", "# nothing but this\n"),
    "what is nested too deep is not read": _alone("V107", f"version: {'[' * 40}{']' * 40}\n"),
    "a key is plain text": _alone("V112", SOUND + "? [a]\n: b\n"),
    "an escape is a whole character": _alone("V113", SOUND.replace("Reports", '"\\ud800"')),
    "there are scopes": _alone("V210", MAIN + "# no scopes, no include\n"),
    "an issuer is printable ASCII": Folder(
        "V305", {"vendor.yaml": KEYS.replace("https://oidc.example.com/id/AAA", "küche"), "keys.json": '{"keys": [{}]}'}
    ),
    "a file of keys has some": Folder("V310", {"vendor.yaml": KEYS, "keys.json": '{"keys": []}'}),
    "mode audit is within a ceiling that allows it": _under(
        "V804", UNLIMITED, scopes_with("    target: aws\n", "    target: aws\n    mode: audit\n")
    ),
    "a scope without a policy is within a ceiling that allows it": _under(
        "V807", UNLIMITED, allowing(ANY).partition("      policy:\n")[0] + "      unrestricted: true\n"
    ),
    "a managed policy is within the ceiling's": _under(
        "V808", UNLIMITED, scopes_with("    session:\n", f"    session:\n{ARN}")
    ),
    "a reference is within a ceiling that allows it": _under("V812", UNLIMITED, WITH_ID),
    "a file is under a ceiling where there are any": _under("V813", UNLIMITED, files="scopes/b*.yaml"),
    "a ceiling is over a file": Folder(
        "V850",
        {
            "vendor.yaml": main_file(f"files: scopes/a.yaml, {UNLIMITED}", 'files: "scopes/b*", roles: [a]'),
            "scopes/a.yaml": SCOPES,
        },
    ),
    "a ceiling names roles": _under("V851", "max_duration: 1h"),
    "an include leads nowhere else": _alone("V902", SOUND + "include: [../scopes.yaml]\n"),
    "an included file is there": _alone("V903", SOUND + "include: [scopes/a.yaml]\n"),
    "a scope is in one file": Folder(
        "V904", {"vendor.yaml": SOUND + "include: [scopes/*.yaml]\n", "scopes/a.yaml": allowing(ANY)}
    ),
    "a policy file is JSON": Folder("V905", {"vendor.yaml": POLICY, "read.json": "{Version: 2012-10-17}"}),
    "a policy file is not nested without end": Folder("V905", {"vendor.yaml": POLICY, "read.json": "[" * 100_000}),
    "a policy file is there": _alone("V901", POLICY),
    "an included file is of a size that can be read": Folder(
        "V901", {"vendor.yaml": INCLUDING, "scopes/a.yaml": "#" * (LONGEST + 1)}
    ),
    "the version of YAML is known": _alone("V104", "%YAML 1.3\n---\nversion: 1\n"),
    "a configuration is a mapping": _alone("V203", "- a\n"),
    "an included file is a mapping": Folder("V203", {"vendor.yaml": INCLUDING, "scopes/a.yaml": "~\n"}),
    "an API server is a host and a port": _alone(
        "V302", changed("kubernetes\n", "kubernetes\n    keys: kubernetes\n    api_server: {url: 'https://a/b'}\n")
    ),
    "a file of keys is JSON": Folder("V310", {"vendor.yaml": KEYS, "keys.json": "[]"}),
    "a policy that is named is a document": _alone("V605", NAMED.replace("NAME", "policy: one")),
    "a policy has statements": _alone("V605", NAMED.replace("NAME", 'policy: {Version: "2012-10-17", Statement: []}')),
    "no Sid stands twice": _alone(
        "V606", NAMED.replace("NAME", 'policy: {Version: "2012-10-17", Statement: [one, one]}')
    ),
}

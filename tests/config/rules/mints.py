"""Rules of mints, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.passages import AWS, MINT, MINTED, MONTH, OF_SESSION, OWN, ROLE, SESSION
from tests.config.sound import SOUND, rules

HUB = "arn:aws:iam::999988887777:role/hub"
SPOKE = "arn:aws:iam::111122223333:role/reports"
PROVIDER = "arn:aws:iam::111122223333:saml-provider/adfs"
TASK = "S3UnlockBucketPolicy"
POOL = "eu-west-1:00000000-0000-0000-0000-000000000000"
OF_MINT = "scopes.reports.mint"
WHOLE = SOUND[SOUND.index("    mint:\n") :]
FROM_TARGET = SOUND[SOUND.index("  own:") : SOUND.index("      policy:\n")]
BY_TOKEN = f"""\
scopes:
  reports:
    grants: [{{issuer: cluster, where: {{namespace: a}}}}]
    target: aws
    mint: {{web_identity: {{role: {SPOKE}}}}}
    session: {{unrestricted: true}}
"""
UNUSED = '    parameters:\n      month: {pattern: "[0-9]{4}-[0-9]{2}", default: 2026-01}\n    target: aws\n'


def _minted(says: str, mint: str, field: str, message: str) -> tuple[str, ...]:
    """Return a rule of another mint, with the session of the sound scope."""
    return says, MINT, f"      {mint}\n", f"{OF_MINT}.{field}", message


def _bare(says: str, mint: str, session: str, field: str, message: str) -> tuple[str, ...]:
    """Return a rule of a scope with nothing but a mint and a session."""
    return says, UNUSED + WHOLE, f"    target: aws\n    mint: {{{mint}}}\n    session: {session}\n", field, message


MINTS = rules(
    (
        "a role stands once on the way",
        ROLE,
        f"{ROLE}        via: [{{role: {HUB}}}, {{role: ^^{HUB}}}]\n",
        f"{MINTED}.via[1].role",
        "this role stands twice",
    ),
    (
        "the role itself is not on the way to it",
        ROLE,
        f"{ROLE}        via: [{{role: ^^{SPOKE}}}]\n",
        f"{MINTED}.via[0].role",
        "this role stands twice",
    ),
    (
        "a role on the way is an ARN",
        ROLE,
        f"{ROLE}        via: [{{role: ^^hub}}]\n",
        f"{MINTED}.via[0].role",
        "expected a role's ARN",
    ),
    (
        "an external id on the way has two characters",
        ROLE,
        f"{ROLE}        via: [{{role: {HUB}, external_id: ^^a}}]\n",
        f"{MINTED}.via[0].external_id",
        "at least 2 characters",
    ),
    (
        "a role on the way is of its target's partition",
        ROLE,
        f"{ROLE}        via: [{{role: ^^{HUB.replace('aws', 'aws-us-gov')}}}]\n",
        f"{MINTED}.via[0].role",
        "the role is in aws-us-gov",
    ),
    (
        "a chained session lasts an hour at most",
        ROLE + SESSION,
        f"{ROLE}        via: [{{role: {HUB}}}]\n{SESSION}      max_duration: ^^2h\n",
        f"{OF_SESSION}.max_duration",
        "the mint of this scope gives at most 3600s",
    ),
    (
        "a device has a serial",
        ROLE,
        f"{ROLE}        mfa_secret_file: ^^secret\n",
        f"{MINTED}.mfa_secret_file",
        "mfa_serial is missing",
    ),
    (
        "a device's serial is one",
        ROLE,
        f"{ROLE}        mfa_serial: ^^short\n",
        f"{MINTED}.mfa_serial",
        "expected a device's serial number",
    ),
    (
        "a device's secret can be read",
        ROLE,
        f"{ROLE}        mfa_serial: arn:aws:iam::111122223333:mfa/v\n        mfa_secret_file: ^^missing\n",
        f"{MINTED}.mfa_secret_file",
        "the file ",
    ),
    (
        "a device's secret is base32",
        ROLE,
        f"{ROLE}        mfa_serial: arn:aws:iam::111122223333:mfa/v\n        mfa_secret_file: ^^vendor.yaml\n",
        f"{MINTED}.mfa_secret_file",
        "the file holds no secret in base32",
    ),
    _minted(
        "a provider is an ARN", f"saml: {{role: {SPOKE}, provider: ^^adfs}}", "saml.provider", "expected a provider"
    ),
    _minted(
        "a provider has an account",
        f"saml: {{role: {SPOKE}, provider: ^^'arn:aws:iam::1:saml-provider/a'}}",
        "saml.provider",
        "expected a provider's ARN",
    ),
    _minted(
        "a provider is of its target's partition",
        f"saml: {{role: {SPOKE}, provider: ^^{PROVIDER.replace('aws', 'aws-cn')}}}",
        "saml.provider",
        "the role is in aws-cn",
    ),
    _minted(
        "an attribute may not stand in a provider",
        f"saml: {{role: {SPOKE}, provider: ^^'arn:aws:iam::{{{{ namespace }}}}:saml-provider/a'}}",
        "saml.provider",
        "namespace may stand in a role only",
    ),
    _minted(
        "what is said of a mint has its type",
        "saml: {role: a, provider: ^^5}",
        "saml.provider",
        "expected a string",
    ),
    _minted(
        "the role of a web identity is an ARN", "web_identity: {role: ^^a}", "web_identity.role", "expected a role"
    ),
    _minted(
        "a federated user's name is at most 32 long",
        f"federation_token: {{name: ^^{'a' * 33}}}",
        "federation_token.name",
        "at most 32 characters",
    ),
    _bare(
        "a task is one of AWS's",
        'root: {account: "111122223333", task_policy: ^^AdministratorAccess}',
        "{unrestricted: true}",
        f"{OF_MINT}.root.task_policy",
        "expected one of IAMAuditRootUserCredentials",
    ),
    _bare(
        "the account of a root has twelve digits",
        f'root: {{account: ^^"1111", task_policy: {TASK}}}',
        "{unrestricted: true}",
        f"{OF_MINT}.root.account",
        "expected an account of twelve digits",
    ),
    _bare(
        "a root session lasts fifteen minutes",
        f'root: {{account: "111122223333", task_policy: {TASK}}}',
        "{unrestricted: true, duration: ^^30m}",
        f"{OF_SESSION}.duration",
        "the mint of this scope gives at most 900s",
    ),
    _bare(
        "a signed token has ten audiences at most",
        f"identity_token: {{audience: ^^[{', '.join(f'a{n}' for n in range(11))}], signing_algorithm: RS256}}",
        "{unrestricted: true}",
        f"{OF_MINT}.identity_token.audience",
        "at most 10 audiences",
    ),
    _bare(
        "an audience has no place",
        "identity_token: {audience: [a, ^^'{{ namespace }}'], signing_algorithm: RS256}",
        "{unrestricted: true}",
        f"{OF_MINT}.identity_token.audience[1]",
        "expected at most 1000 characters, and no placeholder",
    ),
    _bare(
        "an audience is not endless",
        f"identity_token: {{audience: ^^{'a' * 1001}, signing_algorithm: RS256}}",
        "{unrestricted: true}",
        f"{OF_MINT}.identity_token.audience",
        "expected at most 1000 characters",
    ),
    _bare(
        "a pool has an id",
        "cognito_identity: {pool: ^^mine, logins: {oidc.example.com: token}}",
        "{unrestricted: true}",
        f"{OF_MINT}.cognito_identity.pool",
        "expected the id of an identity pool",
    ),
    _bare(
        "a pool is in its target's only region",
        f"cognito_identity: {{pool: ^^'{POOL}', logins: {{oidc.example.com: token}}}}",
        "{unrestricted: true}",
        f"{OF_MINT}.cognito_identity.pool",
        "the pool is in eu-west-1 alone",
    ),
    _bare(
        "a pool is shown what there is",
        f"cognito_identity: {{pool: '{POOL}', logins: {{oidc.example.com: ^^password}}}}",
        "{unrestricted: true}",
        f"{OF_MINT}.cognito_identity.logins.oidc.example.com",
        "expected 'token' or 'saml_assertion'",
    ),
    *(
        _bare(
            f"{mint} can have no {key}",
            f"{mint}: {said}",
            f"{{{'' if mint == 'federation_token' else 'unrestricted: true, '}{key}: ^^{value}}}",
            f"{OF_SESSION}.{key}",
            f"{mint} can have no {key}",
        )
        for mint, said, key, value in (
            ("web_identity", f"{{role: {SPOKE}}}", "tags", "{a: b}"),
            ("web_identity", f"{{role: {SPOKE}}}", "source_identity", "me"),
            ("saml", f"{{role: {SPOKE}, provider: {PROVIDER}}}", "name", "me"),
            ("session_token", "{}", "policy_arns", "[arn:aws:iam::aws:policy/A]"),
            ("federation_token", "{name: me}", "unrestricted", "true"),
            ("root", f'{{account: "111122223333", task_policy: {TASK}}}', "cap_to_token", "true"),
            ("identity_token", "{audience: a, signing_algorithm: ES384}", "source_identity", "me"),
        )
    ),
    (
        "what defaults say and a mint cannot pass is refused too",
        SOUND[SOUND.index("scopes:\n") :],
        BY_TOKEN + "defaults: {session: {source_identity: ^^me}}\n",
        "defaults.session.source_identity",
        "web_identity can have no source_identity",
    ),
    _bare(
        "where no policy can be passed unrestricted is said",
        "session_token: {}",
        '{policy: ^^{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}}',
        f"{OF_SESSION}.policy",
        "session_token can have no policy: AWS takes no session policy with it: say unrestricted",
    ),
    *(
        (
            f"a target has the {feature} that a scope needs",
            FROM_TARGET,
            FROM_TARGET.replace(OWN, OWN.replace("}", ", features: [assumed_role_user]}"))
            .replace("target: aws", "target: own")
            .replace(*change),
            field,
            f"the target own has no {feature}",
        )
        for feature, field, change in (
            ("tags", f"{OF_SESSION}.tags", (SESSION, f"{SESSION}      tags: ^^{{a: b}}\n")),
            (
                "policy_arns",
                f"{OF_SESSION}.policy_arns",
                (SESSION, f"{SESSION}      policy_arns: ^^[arn:aws:iam::aws:policy/A]\n"),
            ),
            ("source_identity", f"{OF_SESSION}.source_identity", (SESSION, f"{SESSION}      source_identity: ^^me\n")),
            ("external_id", f"{MINTED}.external_id", (ROLE, f"{ROLE}        external_id: ^^acme\n")),
        )
    ),
    (
        "a target has the external ids of the way too",
        FROM_TARGET,
        FROM_TARGET.replace(OWN, OWN.replace("}", ", features: []}"))
        .replace("target: aws", "target: own")
        .replace(ROLE, f"{ROLE}        via: [{{role: {HUB}}}, {{role: {HUB}2, external_id: ^^acme}}]\n"),
        f"{MINTED}.via[1].external_id",
        "the target own has no external_id",
    ),
    (
        "fips is about AWS's own endpoints",
        OWN,
        '{endpoint_url: "http://127.0.0.1:9000", regions: [garage], fips: ^^true}',
        "targets.own.fips",
        "fips chooses among AWS's endpoints",
    ),
    (
        "dualstack is about AWS's own endpoints",
        OWN,
        '{endpoint_url: "http://127.0.0.1:9000", regions: [garage], dualstack: ^^true}',
        "targets.own.dualstack",
        "dualstack chooses among AWS's endpoints",
    ),
    (
        "features are about another endpoint",
        AWS,
        "aws: {regions: [eu-west-1, eu-central-1], features: ^^[tags]}",
        "targets.aws.features",
        "features is about an endpoint_url",
    ),
    (
        "a feature is one of those that there are",
        OWN,
        '{endpoint_url: "http://127.0.0.1:9000", regions: [garage], features: [^^tag]}',
        "targets.own.features[0]",
        "expected 'tags', 'policy_arns'",
    ),
    (
        "a target's authorities can be read",
        OWN,
        '{endpoint_url: "http://127.0.0.1:9000", regions: [garage], ca_file: ^^missing}',
        "targets.own.ca_file",
        "the file ",
    ),
    (
        "a target's authorities are certificates",
        OWN,
        '{endpoint_url: "http://127.0.0.1:9000", regions: [garage], ca_file: ^^vendor.yaml}',
        "targets.own.ca_file",
        "the file ",
    ),
    (
        "a target's page for signing in is a URL",
        AWS,
        "aws: {regions: [eu-west-1, eu-central-1], federation_url: ^^signin}",
        "targets.aws.federation_url",
        "expected an http or https URL",
    ),
    (
        "accounts are listed by nobody else",
        MONTH,
        'month: ^^{pattern: "[0-9]{12}", accounts: {organization: {target: aws, parents: [r-ab12]}}}',
        "scopes.reports.parameters.month",
        "accounts are listed by AWS",
    ),
    (
        "an organization is asked through a target",
        MONTH,
        "month: {accounts: {organization: {target: ^^org, parents: [r-ab12]}}}",
        "scopes.reports.parameters.month.accounts.organization.target",
        "there is no target org",
    ),
    (
        "a parent is an organizational unit",
        MONTH,
        "month: {accounts: {organization: {target: aws, parents: [ou-ab12-11111111, ^^prod]}}}",
        "scopes.reports.parameters.month.accounts.organization.parents[1]",
        "expected an organizational unit",
    ),
    (
        "the default of listed accounts is an account",
        MONTH,
        "month: {accounts: {organization: {target: aws, parents: [r-ab12]}}, default: ^^prod}",
        "scopes.reports.parameters.month.default",
        "this value may not be put into a policy",
    ),
)

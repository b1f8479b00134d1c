"""Rules of breadth (T14, T15): grants that let too much in or nothing, each with what is found then."""

from __future__ import annotations

from tests.config.rules.passages import GRANT, ISSUER, OF_ISSUER, SESSION
from tests.config.sound import SOUND, Rule, rules

OLD = SOUND[SOUND.index("  cluster:\n") :]
GITHUB = "https://token.actions.githubusercontent.com"
HUB = f"  hub: {{issuer: '{GITHUB}', audience: vendor, kind: github}}\n"
OPERATOR = "  operators:\n    - {issuer: hub, where: ^^{ref: refs/heads/main}}\nissuers:\n"
CLAIM = '"https://sts.amazonaws.com/"'
STRANGERS = "strangers get tokens of cluster too: pin one of "
AT = f"{GRANT}.where"


def of_kind(
    kind: str, where: str, url: str = "https://ci.example.com", rest: str = "", fill: str = ""
) -> tuple[str, str]:
    """Return the passage from the first issuer on, and what it is for an issuer of another kind and another grant."""
    new = OLD.replace(ISSUER, url).replace("kind: kubernetes", f"kind: {kind}\n    {rest}".rstrip())
    name = f"{SESSION}      name: ^^'{fill}'\n" if fill else SESSION
    new = new.replace(SESSION, name)
    return OLD, new.replace("{namespace: analytics}", where).replace("{{ namespace }}", "all")


def _too_broad(kind: str, url: str, claims: str, *wheres: str, rest: str = "") -> dict[str, Rule]:
    message = f"{STRANGERS}{claims}"
    return rules(
        *(
            (f"t14: {where} lets strangers in by {url}", *of_kind(kind, f"^^{where}", url, rest), AT, message)
            for where in wheres
        )
    )


def _never(kind: str, *found: tuple[str, str, str]) -> dict[str, Rule]:
    return rules(*((f"{kind} has no {where}", *of_kind(kind, where), f"{AT}.{at}", told) for where, at, told in found))


BREADTH = (
    _too_broad(
        "github",
        GITHUB,
        "subject, repository, repository_id, repository_owner, repository_owner_id, workflow_ref to a value",
        "{ref: refs/heads/main, environment: production, event_name: push}",
        '{repository: {glob: "acme*/site"}}',
        '{repository: {glob: "*/site"}}',
        "{repository: {present: true}}",
        '{repository: [acme/site, {glob: "acme-*/site"}]}',
        "{repository: [acme/site, {present: true}]}",
        '{repository_owner: {glob: "acme*"}}',
        '{repository_id: {glob: "7*"}}',
        '{subject: {glob: "repo:acme*/site:ref:refs/heads/main"}}',
        '{subject: {glob: "repo:*/site:environment:production"}}',
        '{subject: {glob: "re*:acme/site:environment:production"}}',
        '{subject: ["repo:acme/site:environment:production", {glob: "repo:acme*/site:environment:production"}]}',
        '{subject: "environment:production"}',
        '{subject: "job_workflow_ref:acme/site/.github/workflows/a.yml@refs/heads/main"}',
        '{workflow_ref: {glob: "acme*/site/.github/workflows/a.yml@refs/heads/main"}}',
        # Everybody may call a public workflow.
        "{job_workflow_ref: acme/site/.github/workflows/a.yml@refs/heads/main}",
    )
    | _too_broad(
        "github",
        "https://github.example.com/_services/token",
        "subject, repository, ",
        "{ref: refs/heads/main}",
    )
    | _too_broad(
        "gitlab",
        "https://gitlab.com",
        "subject, namespace_id, namespace_path, project_id, project_path to a value",
        '{ref: main, ref_protected: "true"}',
        '{project_path: {glob: "acme*/site"}}',
        '{namespace_path: {glob: "acme*"}}',
        '{project_id: {glob: "2*"}}',
        '{subject: {glob: "project_path:*/site:ref_type:branch:ref:main"}}',
        '{subject: "ref:main"}',
    )
    | _too_broad(
        "generic",
        "https://app.terraform.io",
        "subject, terraform_organization_id, ",
        "{phase: apply}",
        "{organization: org-1}",
        "{member: org-1}",
        '{subject: {glob: "organization:*:project:a:workspace:b:run_phase:apply"}}',
        '{subject: {glob: "organization:acme*:project:a:workspace:b:run_phase:apply"}}',
        rest="attributes: {phase: [terraform_run_phase], organization: [deep, terraform_organization_id], "
        "member: [terraform_organization_id, deep]}",
    )
    | _too_broad("generic", "https://accounts.google.com", "subject, hd to a value", '{subject: {glob: "1*"}}')
    | rules(
        *(
            (
                f"t14: a claim that all tokens share pins nothing: {claim}",
                *of_kind("generic", "^^{all: vendor, issuer: cluster}", rest=f"attributes: {{all: [{claim}]}}"),
                AT,
                "all and issuer alone pins nothing: every token of the issuer can have it",
            )
            for claim in ("aud", "iss", "azp", "aud, a")
        ),
        (
            "t14: request tags pin nothing",
            *of_kind("aws", "^^{job: nightly, issuer: cluster}"),
            AT,
            "job and issuer alone pins nothing: every token of the issuer can have it, and a request tag is what its",
        ),
        (
            "t14: a request tag by another name pins nothing",
            *of_kind("aws", "^^{work: nightly}", rest=f"attributes: {{work: [{CLAIM}, request_tags, job]}}"),
            AT,
            "work alone pins nothing",
        ),
        (
            "t14: an operator is held to the same",
            SOUND[SOUND.index("issuers:\n") :],
            OPERATOR + HUB + OLD,
            "operations.operators[0].where",
            "strangers get tokens of hub too",
        ),
        (
            "t14: mode audit is not for an issuer that strangers get tokens of",
            OLD,
            of_kind("github", "{repository: acme/site}")[1].replace(
                "    target: aws\n", "    mode: ^^audit\n    target: aws\n"
            ),
            "scopes.reports.mode",
            "mode audit refuses no token of cluster, and strangers get such tokens too",
        ),
        *(
            (f"what is wrong in {where} is all that is said of it", *of_kind("github", where), f"{AT}.{at}", message)
            for where, at, message in (
                ("{ref: refs/heads/a, repository: ^^1.5}", "repository", "expected a value of another type"),
                ("{repository: [^^[acme/site]]}", "repository[0]", "expected a value of another type"),
                ("{repository: [{present: ^^false}, 5]}", "repository[0].present", "only true can be said here"),
            )
        ),
        (
            "a JWT-SVID is not signed with EdDSA",
            *of_kind("spiffe", "{path: /a}", rest="algorithms: [ES256, ^^EdDSA]"),
            f"{OF_ISSUER}.algorithms[1]",
            "expected one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512",
        ),
        *(
            (
                f"{name} is no trust domain",
                *of_kind("spiffe", "{path: /a}", rest=f'trust_domain: ^^"{name}"'),
                f"{OF_ISSUER}.trust_domain",
                "expected the name of a trust domain",
            )
            for name in ("Example.org", "spiffe://example.org", "example.org/", "example.org:443", "*.example.org")
        ),
        (
            "a trust domain is for spiffe",
            *of_kind("generic", "{subject: a}", rest="trust_domain: ^^a"),
            f"{OF_ISSUER}.trust_domain",
            "trust_domain is for kind spiffe only",
        ),
        (
            "an attribute is not one of github already",
            *of_kind("github", "{repository: acme/site}", rest="attributes: {^^ref: [a]}"),
            f"{OF_ISSUER}.attributes.ref",
            "ref is an attribute of kind github already",
        ),
    )
    | _never(
        "kubernetes",
        ('{subject: {glob: ^^"system:serviceaccount:*"}}', "subject.glob", "no subject looks like that: it is written"),
        ('{subject: {glob: ^^"system:*"}}', "subject.glob", "no subject looks like that"),
        ("{subject: ^^reporter}", "subject", "no subject looks like that: it is written system:serviceaccount:NAMES"),
        ('{namespace: {contains: ^^"a"}}', "namespace.contains", "namespace is text and no list: write the value"),
        ("{namespace: ^^5}", "namespace", "namespace is text: put the number in quotes"),
        ("{namespace: [a, ^^true]}", "namespace[1]", 'namespace is text: write "true"'),
        ("{issuer: ^^1, namespace: a}", "issuer", "issuer is text: put the number in quotes"),
    )
    | _never(
        "github",
        ('{subject: {glob: ^^"repo:acme/*"}}', "subject.glob", "no subject looks like that: it is written repo:OWNER/"),
        ('{subject: {glob: ^^"repo:acme*"}}', "subject.glob", "no subject looks like that"),
        ('{subject: [{glob: ^^"repo:acme/site*"}, a]}', "subject[0].glob", "no subject looks like that"),
        ("{repository: ^^site}", "repository", "no repository looks like that: it is written OWNER/NAME"),
        ('{repository: {glob: ^^"acme*"}}', "repository.glob", "no repository looks like that"),
        ('{repository: {glob: ^^"acme/site/*"}}', "repository.glob", "no repository looks like that"),
        ('{repository: {glob: ^^"acme//*"}}', "repository.glob", "no repository looks like that"),
        ("{repository_owner: ^^acme/site}", "repository_owner", "no repository_owner looks like that"),
        ("{repository: acme/site, ref: ^^main}", "ref", "no ref looks like that: it is written refs/heads/BRANCH"),
        ('{workflow_ref: {glob: ^^"acme/*"}}', "workflow_ref.glob", "no workflow_ref looks like that"),
        ("{repository_id: ^^74}", "repository_id", "repository_id is text: put the number in quotes"),
    )
    | _never(
        "gitlab",
        ("{ref_protected: ^^true}", "ref_protected", 'ref_protected is text: write "true"'),
        ("{ref_protected: ^^false}", "ref_protected", 'ref_protected is text: write "false"'),
        ("{project_id: [a, ^^22]}", "project_id[1]", "project_id is text: put the number in quotes"),
        ("{project_path: ^^site}", "project_path", "no project_path looks like that: it is written GROUP/PROJECT"),
        ('{subject: {glob: ^^"project_path:acme*"}}', "subject.glob", "no subject looks like that"),
    )
    | _never(
        "spiffe",
        ("{path: ^^ns/a}", "path", "no path looks like that: it is written /ns/NAME/sa/NAME"),
        ('{subject: {glob: ^^"spiffe://example.org*"}}', "subject.glob", "no subject looks like that"),
        ("{subject: ^^/ns/a}", "subject", "no subject looks like that"),
        ('{trust_domain: ^^"spiffe://example.org"}', "trust_domain", "no trust_domain looks like that"),
    )
    | _never(
        "cognito",
        ("{groups: ^^readers}", "groups", "groups is a list: write {contains: "),
        ('{groups: {glob: ^^"read*"}}', "groups.glob", "groups is a list: write {contains: "),
        ("{groups: [{contains: a}, ^^readers]}", "groups[1]", "groups is a list: write {contains: "),
        ("{username: {contains: ^^ada}}", "username.contains", "username is text and no list"),
    )
    | _never(
        "aws",
        ('{principal_arn: {glob: ^^"arn:aws:iam::*"}}', "principal_arn.glob", "no principal_arn looks like that"),
        (
            "{subject: ^^role/etl}",
            "subject",
            "no subject looks like that: it is written arn:aws:iam::ACCOUNT:role/NAME",
        ),
        ("{account: ^^111122223333}", "account", "account is text: put the number in quotes"),
    )
)

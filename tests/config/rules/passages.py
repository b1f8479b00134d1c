"""Passages of the sound configuration that rules are broken in, and the fields they are found at."""

from __future__ import annotations

ISSUER = "https://oidc.example.com/id/AAA"
CLUSTER = "    kind: kubernetes\n"
WHERE = "{namespace: analytics}"
AWS = "aws: {regions: [eu-west-1, eu-central-1]}"
OWN = '{endpoint_url: "http://127.0.0.1:9000", regions: [garage]}'
MONTH = 'month: {pattern: "[0-9]{4}-[0-9]{2}", default: 2026-01}'
ROLE = "        role: arn:aws:iam::111122223333:role/reports\n"
MINT = "      assume_role:\n" + ROLE
SESSION = "    session:\n"
POLICY = "policy:\n        Version"
EFFECT = "          - Effect: Allow\n"
ACTION = "            Action: s3:GetObject\n"
RESOURCE = "arn:aws:s3:::reports/{{ namespace }}/{{ month }}/*"
PARAMETER = "scopes.reports.parameters.month"
GRANT = "scopes.reports.grants[0]"
MINTED = "scopes.reports.mint.assume_role"
OF_SESSION = "scopes.reports.session"
OF_STATEMENT = f"{OF_SESSION}.policy.Statement[0]"
OF_RESOURCE = f"{OF_STATEMENT}.Resource"
OF_ISSUER = "issuers.cluster"

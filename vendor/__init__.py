"""Vendor: takes a workload's JWT and vends least-privilege, short-lived AWS credentials.

Five questions, five rooms, one hallway:

    who is asking?         identity/     JWT -> Principal
    what may they have?    policy/       Principal + scope + parameters -> RoleSession
    is it made already?    leases/       RoleSession -> Credentials held and shared
    how is it made?        mint/         RoleSession -> Credentials, through STS
    in what order?         exchange.py   the hallway: it only orders the steps
    through which door?    server/       HTTP in, HTTP out

`revoking.py` orders what happens when an operator stops somebody. `redis/` is the store that replicas share, where
there is one. `client/` is the tiny client (standard library only).

`service.py` is the one place that names all parts together. What it names in one word is put together beside it:
`generations.py` what serves by one configuration and how the next takes its place, of `issuers.py`, `targets.py` and
`sharing.py`; `incidents.py` who is stopped; `minting.py` and `accounts.py` what AWS is asked; `observer.py` who is told
of it; `readiness.py` whether we can serve; `listening.py` where.
"""

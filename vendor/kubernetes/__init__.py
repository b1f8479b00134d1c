"""Kubernetes: the admission webhook, by which pods find the service without a change to what their teams wrote.

    annotations.py   what a service account asks for
    injection.py     which patch that makes of a pod
    admission.py     the API server's question, and the answer to it
    accounts.py      service accounts as the API server has them
    shown.py         what the webhook shows in TLS (certificate.py: signed by itself)
    webhook.py       through which door (counter.py: what became of it)

An annotation grants nothing: it says where a pod is to ask, and whoever asks is decided upon there.
"""

from __future__ import annotations

"""Why a client cannot come through a door; each was tried."""

from __future__ import annotations

from typing import Final

from tests.sdk import doors

_NO_FILE: Final = "does not know AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: give it the token in the variable"
_BARE_HOST: Final = "takes AWS_ENDPOINT_URL_STS as the name of a host and asks it by TLS on port 443"
_OWN_STS: Final = "asks sts.amazonaws.com, whatever AWS_ENDPOINT_URL_STS says"
_NO_PROCESS: Final = "reads no profile that names a credential_process"

CANNOT: Final = {
    ("s5cmd", doors.TOKEN_FILE): _NO_FILE,
    ("s5cmd", doors.STS_HTTP): "asks its S3 endpoint for STS too, whatever AWS_ENDPOINT_URL_STS says",
    ("s5cmd", doors.STS_HTTPS): "asks its S3 endpoint for STS too, whatever AWS_ENDPOINT_URL_STS says",
    ("pyarrow", doors.STS_HTTP): _BARE_HOST,
    ("obstore", doors.TOKEN_VARIABLE): "reads the token from a file alone",
    ("obstore", doors.RELATIVE): "sends no token to what a relative URI names",
    ("obstore", doors.STS_HTTP): "asks STS by https alone, on loopback too",
    ("obstore", doors.PROCESS): _NO_PROCESS,
    ("opendal", doors.STS_HTTP): _OWN_STS,
    ("opendal", doors.STS_HTTPS): _OWN_STS,
    ("opendal", doors.PROCESS): _NO_PROCESS,
    ("awscrt", doors.STS_HTTP): _BARE_HOST,
    ("minio", doors.PROCESS): _NO_PROCESS,
}

SHOWS: Final = {
    "boto3": "message",
    "aws-cli": "message",
    "s3fs": "message",
    "client-s3": "nothing",
    "rclone": "message",
    "s5cmd": "nothing",
    "pyarrow": "nothing",
    "icechunk": "status",
    "obstore": "message",
    "opendal": "nothing",
    "awscrt": "nothing",
    "minio": "status",
}
"""What each client shows its user of a refusal: its message, its HTTP status, or nothing that the service said."""

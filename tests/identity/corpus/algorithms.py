"""T1: the algorithm is not the one of the issuer's key."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.fakes import tokens
from tests.fakes.keys import as_jwks, make_key
from tests.identity.corpus.world import GONE, Case, World, heading
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.keys import SigningKey
    from tests.identity.corpus.world import Maker

NONE = ("none", "None", "NONE", "nOnE", "NonE")
OTHER = (
    *("HS256", "HS384", "HS512", "HS1", "RS1", "ES256K", "EdDSA", "Ed25519", "ES256", "PS256", "RS384", "RS512"),
    *("RSA", "RS-256", "rs256", "Rs256", "RS256 ", " RS256", " none", "none ", "RS256,none", "SHA256withRSA", "?"),
    *("RSA-OAEP", "dir", "A128KW", "PBES2-HS256+A128KW", "ECDH-ES", "../RS256", "%52S256", "R\\u0053256x", "null"),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
)
NO_TEXT: dict[str, Any] = {
    "gone": GONE,
    "null": None,
    "empty": "",
    "zero": 0,
    "true": True,
    "false": False,
    "a list": ["RS256"],
    "an object": {"RS256": "RS256"},
    "full-width": "\uff32\uff33\uff12\uff15\uff16",
    "with a newline": "RS256\n",
    "with a NUL": "RS256\0",
    "with a tab": "\tRS256",
    "with a Cyrillic letter": "R\u0405256",
    "with a combining mark": "RS256\u0301",
    "with a zero-width space": "RS256\u200b",
}
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
SPKI, PKCS1 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1


def _public(world: World, encoding: serialization.Encoding, form: serialization.PublicFormat) -> bytes:
    return world.issuer.key.private.public_key().public_bytes(encoding, form)


def _member(world: World, *names: str) -> bytes:
    member = world.issuer.key.jwk()
    return json.dumps({name: member[name] for name in names or member}, separators=(",", ":"), sort_keys=True).encode()


SECRETS: dict[str, Callable[[World], bytes]] = {
    "PEM": lambda world: _public(world, PEM, SPKI),
    "PEM without its last newline": lambda world: _public(world, PEM, SPKI).strip(),
    "PEM with CRLF": lambda world: _public(world, PEM, SPKI).replace(b"\n", b"\r\n"),
    "PEM without its frame": lambda world: b"".join(_public(world, PEM, SPKI).splitlines()[1:-1]),
    "PKCS #1 in PEM": lambda world: _public(world, PEM, PKCS1),
    "DER": lambda world: _public(world, DER, SPKI),
    "PKCS #1 in DER": lambda world: _public(world, DER, PKCS1),
    "JWK": _member,
    "JWK as its thumbprint has it": lambda world: _member(world, "e", "kty", "n"),
    "thumbprint": lambda world: hashlib.sha256(_member(world, "e", "kty", "n")).digest(),
    "JWKS": lambda world: as_jwks(world.issuer.key),
    "modulus": lambda world: tokens.decode(world.issuer.key.jwk()["n"]),
    "modulus in base64": lambda world: world.issuer.key.jwk()["n"].encode(),
    "key id": lambda _world: b"key-1",
    "empty secret": lambda _world: b"",
}


def _hmac(algorithm: str, secret: Callable[[World], bytes], said: str | None = None) -> Maker:
    """Sign as HMAC does, with a secret that anybody knows."""

    def make(world: World) -> str:
        message = f"{tokens.encode(world.header(alg=said or algorithm))}.{tokens.encode(world.claims())}"
        mac = hmac.new(secret(world), message.encode(), f"sha{algorithm[2:]}").digest()
        return f"{message}.{tokens.encode(mac)}"

    return make


def _ending(algorithm: str, end: str) -> Maker:
    """Name an algorithm and put something else in the place of the signature."""
    return lambda world: world.token({"alg": algorithm}).rpartition(".")[0] + end


def _symmetric_key_published(world: World) -> str:
    secret = {"kty": "oct", "kid": "key-2", "alg": "RS256", "k": tokens.encode(b"secret")}
    world.issuer.jwks_body = json.dumps({"keys": [world.issuer.key.jwk(), secret]}).encode()
    return tokens.signed(world.header(kid="key-2"), world.claims(), key=world.issuer.key)


def _published(member: Callable[[SigningKey], dict[str, Any]], *, bits: int = 2048) -> Maker:
    """Publish a key that must not be used beside the good one, and sign with it."""

    def make(world: World) -> str:
        key = make_key("RS256", kid="key-2", bits=bits)
        world.issuer.jwks_body = json.dumps({"keys": [world.issuer.key.jwk(), member(key)]}).encode()
        return world.token({"kid": "key-2"}, key=key)

    return make


def _twice_published(world: World) -> str:
    """Let two keys stand under one kid: which of them is meant, nobody knows."""
    world.issuer.jwks_body = as_jwks(world.issuer.key, world.evil.key.renamed("key-1"), world.issuer.key.renamed("b"))
    return world.token()


def _mislabelled(world: World) -> str:
    """Sign as ES256 does, with a P-384 key that the issuer publishes for ES256."""
    wrong = replace(world.issuer.stranger(algorithm="ES384", kid="key-2"), algorithm="ES256")
    world.issuer.jwks_body = as_jwks(world.issuer.key, wrong)
    return _on_another_curve(world, wrong.private)


def _unlabelled(world: World) -> str:
    other = world.issuer.stranger(algorithm="ES384", kid="key-2")
    world.issuer.jwks_body = json.dumps({"keys": [world.issuer.key.jwk(), other.jwk(alg=None)]}).encode()
    return _on_another_curve(world, other.private)


def _on_another_curve(world: World, private: Any) -> str:
    message = f"{tokens.encode(world.header(alg='ES256', kid='key-2'))}.{tokens.encode(world.claims())}"
    r, s = decode_dss_signature(private.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{message}.{tokens.encode(r.to_bytes(48, 'big') + s.to_bytes(48, 'big'))}"


def _as(algorithm: str) -> Maker:
    """Sign with the issuer's own key by another algorithm that fits it, and say so."""
    return lambda world: world.token(key=replace(world.issuer.key, algorithm=algorithm), header={"alg": algorithm})


CASES: dict[str, Case] = {
    **{
        f"alg {name} and no signature": Case(
            "T1",
            Reason.MALFORMED_TOKEN,
            _ending(name, "."),
            cold=True,
        )
        for name in NONE
    },
    **{
        f"alg {name} and a good signature": Case("T1", Reason.ALGORITHM, heading(alg=name), cold=True)
        for name in (*NONE, *OTHER)
    },
    **{
        f"alg {name} and one byte of signature": Case(
            "T1",
            Reason.ALGORITHM,
            _ending(name, ".AA"),
            cold=True,
        )
        for name in NONE
    },
    **{
        f"alg that is {name}": Case("T1", Reason.MALFORMED_TOKEN, heading(alg=value), cold=True)
        for name, value in NO_TEXT.items()
    },
    **{
        f"member {name} beside no alg": Case(
            "T1", Reason.MALFORMED_TOKEN, heading(**{"alg": GONE, name: "RS256"}), cold=True
        )
        for name in ("Alg", "ALG", "algorithm", "\uff41lg")
    },
    **{
        f"{algorithm} with the {name} as secret": Case(
            "T1",
            Reason.ALGORITHM,
            _hmac(algorithm, secret),
            cold=True,
        )
        for algorithm in ("HS256", "HS384", "HS512")
        for name, secret in SECRETS.items()
    },
    **{
        f"HMAC that calls itself RS256 with the {name} as secret": Case(
            "T1", Reason.SIGNATURE, _hmac("HS256", secret, "RS256")
        )
        for name, secret in SECRETS.items()
    },
    **{
        f"signed by the issuer's key as {name}": Case("T1", Reason.ALGORITHM, _as(name), cold=True)
        for name in ("RS384", "RS512", "PS256", "PS384", "PS512")
    },
    **{
        f"signed by the issuer's key as {name}, which the issuer may use with another": Case(
            "T1", Reason.ALGORITHM, _as(name), changes={"algorithms": ("RS256", name)}
        )
        for name in ("RS384", "RS512", "PS256", "PS384", "PS512")
    },
    "a key of 1,024 bits that the issuer publishes": Case(
        "T1", Reason.UNKNOWN_KEY, _published(lambda key: key.jwk(), bits=1024)
    ),
    "a key for encryption that the issuer publishes": Case(
        "T1", Reason.UNKNOWN_KEY, _published(lambda key: key.jwk(use="enc"))
    ),
    "a key for other operations that the issuer publishes": Case(
        "T1", Reason.UNKNOWN_KEY, _published(lambda key: {**key.jwk(use=None), "key_ops": ["encrypt"]})
    ),
    "a private key that the issuer publishes": Case(
        "T1", Reason.UNKNOWN_KEY, _published(lambda key: key.jwk(d="AQAB"))
    ),
    "a kid that the issuer publishes twice": Case("T2", Reason.UNKNOWN_KEY, _twice_published),
    "a symmetric key that the issuer publishes": Case("T1", Reason.UNKNOWN_KEY, _symmetric_key_published),
    "ES256 with a P-384 key that is published for ES256": Case(
        "T1", Reason.UNKNOWN_KEY, _mislabelled, "ES256", changes={"algorithms": ("ES256", "ES384")}
    ),
    "ES256 with a P-384 key that is published for nothing": Case(
        "T1", Reason.ALGORITHM, _unlabelled, "ES256", changes={"algorithms": ("ES256", "ES384")}
    ),
}

"""The fake S3, read by the real boto3."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import boto3
from botocore.config import Config
from yarl import URL

from tests.fakes.s3 import S3


async def test_a_signed_listing_shows_whose_credentials_it_carried() -> None:
    async with S3() as s3:
        listed = await asyncio.to_thread(_list, s3.url)
    assert listed == (1, ["hello.txt"])
    (came,) = s3.requests
    assert (came.method, came.path) == ("GET", "/bkt")
    assert (came.access_key_id, came.session_token) == ("ASIAEXAMPLE", "session")


async def test_an_object_is_read_and_a_presigned_url_names_its_signer_too() -> None:
    async with S3() as s3:
        assert await asyncio.to_thread(_read, s3.url) == b"hello"
        url = _client(s3.url).generate_presigned_url("get_object", Params={"Bucket": "bkt", "Key": "a/b"})
        async with aiohttp.ClientSession() as http, http.get(URL(url, encoded=True)) as answer:
            assert await answer.read() == b"hello"
    assert [came.access_key_id for came in s3.requests] == ["ASIAEXAMPLE", "ASIAEXAMPLE"]
    assert [came.session_token for came in s3.requests] == ["session", "session"]


def _client(url: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="ASIAEXAMPLE",
        aws_secret_access_key="secret",
        aws_session_token="session",
        config=Config(signature_version="s3v4"),
    )


def _list(url: str) -> tuple[int, list[str]]:
    answer = _client(url).list_objects_v2(Bucket="bkt")
    return answer["KeyCount"], [found["Key"] for found in answer["Contents"]]


def _read(url: str) -> bytes:
    body = _client(url).get_object(Bucket="bkt", Key="a/b")["Body"]
    with body:
        return bytes(body.read())

from __future__ import annotations

import json
import pickle
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.service import SECRET, TOKEN, Service, answered, golden, raw, refused, vended
from vendor.client import Client, Credentials, Refused, Unreachable, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.conftest import Patient


@pytest.fixture
def client(service: Service, token_file: Path, clock: Patient) -> Client:
    return Client(service.url, token_file=token_file, environ={}, clock=clock)


def refusal(client: Client) -> Refused:
    with pytest.raises(Refused) as caught:
        client.credentials("reports:read")
    return caught.value


def test_credentials_come_as_values_of_their_own_types(client: Client, service: Service) -> None:
    document = golden()
    service.then(answered(200, document))
    credentials = client.credentials("reports:read", month="2026-03")
    assert credentials.access_key_id == "ASIAIOSFODNN7EXAMPLE"
    assert credentials.secret_access_key == SECRET
    assert credentials.session_token == "FwoGZXIvYXdzEXAMPLE//token=="
    assert credentials.expiration == datetime.fromisoformat(document["Expiration"])
    assert credentials.expiration.tzinfo == UTC
    assert credentials.refresh_after == datetime.fromisoformat(document["RefreshAfter"])
    assert credentials.account_id == "111122223333"
    assert credentials.role_arn == "arn:aws:iam::111122223333:role/reports"
    assert credentials.scope == "reports:read"
    assert credentials.session_name == "analytics.reporter-4f2a91"
    assert credentials.document() == document


def test_a_scope_is_asked_for_at_the_json_door_with_its_parameters(client: Client, service: Service) -> None:
    client.credentials("reports:read", duration=timedelta(hours=1), month="2026-03")
    (asked,) = service.asked
    assert (asked.method, asked.target) == ("POST", "/v1/credentials/reports%3Aread")
    assert json.loads(asked.body) == {"parameters": {"month": "2026-03"}, "duration_seconds": 3600}
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["Host"] == service.url.removeprefix("http://")


def test_no_duration_is_asked_for_unless_one_is_given(client: Client, service: Service) -> None:
    client.credentials("reports:read")
    assert json.loads(service.asked[0].body) == {"parameters": {}}


def test_a_parameter_may_have_the_name_of_a_keyword(client: Client, service: Service) -> None:
    client.ask("reports:read", parameters={"scope": "a", "duration": "b", "class": "c"}, duration=900)
    expected = {"parameters": {"scope": "a", "duration": "b", "class": "c"}, "duration_seconds": 900}
    assert json.loads(service.asked[0].body) == expected


@pytest.mark.parametrize(
    ("asks", "target"),
    [
        ({}, "/v1/credentials"),
        ({"month": "2026-03", "duration": 900}, "/v1/credentials?month=2026-03&duration_seconds=900"),
        ({"team": "a b&c"}, "/v1/credentials?team=a+b%26c"),
        ({"team": "\udcff"}, "/v1/credentials?team=%FF"),
    ],
)
def test_without_a_scope_the_service_picks_the_only_one(
    client: Client, service: Service, asks: dict[str, Any], target: str
) -> None:
    client.credentials(**asks)
    (asked,) = service.asked
    assert (asked.method, asked.target, asked.body) == ("GET", target, b"")
    assert "Content-Type" not in asked.headers


def test_the_answer_to_no_scope_names_none(client: Client, service: Service) -> None:
    service.then(vended(Scope=None, SessionName=None, RefreshAfter=None, AccountId=None, RoleArn=None))
    credentials = client.credentials()
    assert (credentials.scope, credentials.session_name, credentials.refresh_after) == (None, None, None)
    assert (credentials.account_id, credentials.role_arn) == (None, None)


def test_what_is_not_given_comes_from_the_environment(environ: dict[str, str], service: Service) -> None:
    Client(environ={**environ, "VENDOR_URL": f"{service.url}/prefix/", "VENDOR_SCOPE": "batch"}).credentials()
    assert service.asked[0].target == "/prefix/v1/credentials/batch"


def test_the_token_is_read_again_for_each_fetch(client: Client, service: Service, token_file: Path) -> None:
    client.credentials("reports:read")
    token_file.write_text("eyJuZXc.eyJuZXc.bmV3")
    client.credentials("reports:read")
    assert [asked.headers["Authorization"] for asked in service.asked] == [
        f"Bearer {TOKEN}",
        "Bearer eyJuZXc.eyJuZXc.bmV3",
    ]


def test_threads_may_share_one_client(client: Client, service: Service) -> None:
    had: list[Credentials] = []
    threads = [threading.Thread(target=lambda: had.append(client.credentials("reports:read"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(had) == len(service.asked) == 8


def test_secrets_are_in_no_repr_and_in_no_pickle(client: Client) -> None:
    credentials = client.credentials("reports:read")
    assert credentials.access_key_id in repr(credentials)
    assert SECRET not in repr(credentials)
    assert credentials.session_token not in f"{credentials} {credentials!r}"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(credentials)


def test_credentials_cannot_be_changed(client: Client) -> None:
    credentials = client.credentials("reports:read")
    with pytest.raises(AttributeError):
        credentials.access_key_id = "AKIA"  # type: ignore[misc]
    credentials.document().clear()
    assert credentials.access_key_id == "ASIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize("scope", ["", "Reports", "a/b", "..", "a\n", "é", "a" * 64, "reports?x=1"])
def test_a_name_that_no_scope_has_is_not_sent(client: Client, service: Service, scope: str) -> None:
    if not scope:
        client.credentials(scope)
        assert service.asked[0].target == "/v1/credentials"
        return
    with pytest.raises(UsageError, match="no scope has this name"):
        client.credentials(scope)
    assert not service.asked


def test_a_client_needs_a_service() -> None:
    with pytest.raises(UsageError, match="VENDOR_URL"):
        Client(environ={})


def test_a_refusal_carries_all_that_the_service_said(client: Client, service: Service) -> None:
    service.then(refused(403, "access_denied", "this identity may not have this scope"))
    caught = refusal(client)
    assert (caught.code, caught.status, caught.request_id) == ("access_denied", 403, "req-7")
    assert caught.message == "this identity may not have this scope"
    assert caught.retry_after is None
    assert str(caught) == "access_denied: this identity may not have this scope (request req-7)"
    assert str(pickle.loads(pickle.dumps(caught))) == str(caught)  # noqa: S301  # our own bytes


def test_the_request_id_may_come_in_the_header_alone(client: Client, service: Service) -> None:
    service.then(answered(401, {"code": "invalid_token", "message": "no"}, X_Request_Id="req-8"))
    assert refusal(client).request_id == "req-8"


def test_a_refusal_without_a_request_id_names_none(client: Client, service: Service) -> None:
    service.then(answered(401, {"code": "invalid_token", "message": "no"}))
    caught = refusal(client)
    assert caught.request_id is None
    assert str(caught) == "invalid_token: no"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 431, 500])
def test_what_will_not_pass_is_asked_once(client: Client, service: Service, clock: Patient, status: int) -> None:
    service.then(refused(status, "final", Retry_After="1"), vended())
    assert refusal(client).status == status
    assert len(service.asked) == 1
    assert not clock.slept


@pytest.mark.parametrize("code", ["role_refused", "policy_too_large"])
def test_a_502_of_the_service_itself_is_final(client: Client, service: Service, code: str) -> None:
    service.then(refused(502, code), vended())
    assert refusal(client).code == code
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_502_503_or_504_of_a_gateway_is_tried_again(client: Client, service: Service, status: int) -> None:
    service.then(answered(status, b"<html>Bad Gateway</html>", Content_Type="text/html"), vended())
    assert client.credentials("reports:read").scope == "reports:read"
    assert len(service.asked) == 2


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (503, "sts_throttled")])
def test_retry_after_is_waited_for_and_a_little_more(
    client: Client, service: Service, clock: Patient, status: int, code: str
) -> None:
    service.then(refused(status, code, Retry_After="2"), refused(status, code, Retry_After="3"), vended())
    client.credentials("reports:read")
    first, second = clock.slept
    assert 2 <= first <= 2.2
    assert 3 <= second <= 3.4


def test_the_waits_of_two_clients_differ(client: Client, service: Service, clock: Patient) -> None:
    for _ in range(2):
        service.asked.clear()
        service.then(*[refused(503, "overloaded", Retry_After="0")] * 4, vended())
        clock.seconds = 0
        client.credentials("reports:read")
    assert len(set(clock.slept)) == 8
    assert all(0 <= slept <= 2 for slept in clock.slept)


def test_a_wait_beyond_the_deadline_is_not_begun(client: Client, service: Service, clock: Patient) -> None:
    service.then(refused(429, "rate_limited", Retry_After="10"), vended())
    caught = refusal(client)
    assert (caught.code, caught.retry_after) == ("rate_limited", 10)
    assert not clock.slept


def test_the_last_refusal_is_told_when_the_deadline_comes(client: Client, service: Service, clock: Patient) -> None:
    service.then(refused(503, "sts_unavailable", Retry_After="4"))
    assert refusal(client).code == "sts_unavailable"
    assert 2 <= len(service.asked) <= 3
    assert clock.seconds < 10


@pytest.mark.parametrize("value", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "99999", "-1", "1.5", ""])
def test_a_retry_after_that_is_no_small_number_is_none(client: Client, service: Service, value: str) -> None:
    service.then(refused(429, "rate_limited", Retry_After=value), vended())
    client.credentials("reports:read")
    assert len(service.asked) == 2


def test_a_connection_cut_before_the_answer_is_tried_again(client: Client, service: Service) -> None:
    service.then(raw(), vended())
    client.credentials("reports:read")
    assert len(service.asked) == 2


def test_an_answer_once_had_is_told_though_the_service_then_went_away(client: Client, service: Service) -> None:
    service.then(refused(503, "overloaded"), raw())
    assert refusal(client).code == "overloaded"


def test_a_service_that_always_hangs_up_is_unreachable(client: Client, service: Service, clock: Patient) -> None:
    service.then(raw())
    with pytest.raises(Unreachable, match="closed before the answer was whole") as caught:
        client.credentials("reports:read")
    assert len(service.asked) > 2
    assert clock.seconds < 10
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301  # our own bytes


def test_a_redirect_is_named_and_not_followed(client: Client, service: Service) -> None:
    with Service() as elsewhere:
        service.then(answered(307, b"", Location=f"{elsewhere.url}/login"))
        caught = refusal(client)
        assert not elsewhere.asked
        assert (caught.code, caught.status) == ("bad_answer", 307)
        assert f"a redirect to {elsewhere.url}/login, not followed" in caught.message


def test_a_redirect_to_nowhere_is_told(client: Client, service: Service) -> None:
    service.then(answered(302, b""))
    assert "a redirect to nowhere" in refusal(client).message


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b"<html>Forbidden</html>"),
        (307, {"code": "access_denied", "message": "no"}),
        (200, str(golden()).replace("'", '"').encode() + b" " * (1 << 20)),
        (403, {"code": "access_denied"}),
        (403, {"code": 7, "message": "no"}),
        (403, {"code": "access_denied", "message": None}),
        (400, [1, 2]),
        (200, b""),
        (200, b"[]"),
        (200, b"{}"),
        (200, b"\xff\xfe{}"),
        (200, b"[" * 60_000),
        (201, golden()),
        (204, b""),
        (206, golden()),
        (200, b'{"AccessKeyId": "' + b"A" * (1 << 20) + b'"}'),
    ],
)
def test_what_is_no_answer_of_the_service_is_one_line_with_the_status(
    client: Client, service: Service, status: int, body: Any
) -> None:
    service.then(answered(status, body))
    caught = refusal(client)
    assert (caught.code, caught.status) == ("bad_answer", status)
    assert f"HTTP {status} from {service.url}" in caught.message
    assert "\n" not in str(caught)


def test_an_answer_of_no_type_says_so(client: Client, service: Service) -> None:
    service.then(raw(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    assert "(no content type)" in refusal(client).message


@pytest.mark.parametrize("name", ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"])
@pytest.mark.parametrize("value", [None, "", 7, True, [], {}, "a\nb", "a\x00", "é", "\x1b[2J"])
def test_credentials_that_are_not_whole_are_refused(client: Client, service: Service, name: str, value: Any) -> None:
    service.then(vended(**{name: value}))
    caught = refusal(client)
    assert (caught.code, caught.status) == ("bad_answer", 200)
    assert name in caught.message
    assert SECRET not in str(caught)


@pytest.mark.parametrize(
    "moment",
    [
        "2099-01-01T00:00:00+00:00",
        "2099-01-01T00:00:00.000Z",
        "2099-01-01 00:00:00Z",
        "2099-13-01T00:00:00Z",
        "4102444800",
        "never",
        "\uff12\uff1099-01-01T00:00:00Z",
    ],
)
def test_an_expiration_of_another_form_is_refused(client: Client, service: Service, moment: str) -> None:
    service.then(vended(Expiration=moment))
    assert "Expiration" in refusal(client).message


@pytest.mark.parametrize("name", ["RefreshAfter", "LastUpdated"])
def test_every_other_time_is_read_as_strictly(client: Client, service: Service, name: str) -> None:
    service.then(vended(**{name: "soon"}))
    assert refusal(client).message == f"{name} is no time of the form YYYY-MM-DDTHH:MM:SSZ"


def test_credentials_of_the_past_are_refused(client: Client, service: Service) -> None:
    past = f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    service.then(answered(200, golden(Expiration=past), X_Request_Id="req-9"))
    caught = refusal(client)
    assert "have expired already" in caught.message
    assert caught.request_id == "req-9"


@pytest.mark.parametrize("name", ["AccountId", "RoleArn", "Scope", "SessionName", "RefreshAfter", "LastUpdated"])
def test_what_is_said_besides_must_be_text_but_may_be_empty(client: Client, service: Service, name: str) -> None:
    service.then(vended(**{name: ""}))
    assert client.credentials("reports:read").document()[name] == ""
    service.then(vended(**{name: 7}))
    assert name in refusal(client).message


def test_members_that_we_do_not_know_are_left_out(client: Client, service: Service) -> None:
    service.then(vended(Later={"deep": [1]}))
    assert "Later" not in client.credentials("reports:read").document()


def test_no_message_repeats_the_token_or_moves_the_cursor(client: Client, service: Service) -> None:
    service.then(refused(401, "invalid_token\x1b[2J", f"bad header Bearer {TOKEN} and {TOKEN[:30]}\r\nnext line"))
    text = str(refusal(client))
    assert "eyJ" not in text
    assert text.isprintable()
    assert "[token]" in text


def test_a_message_has_an_end(client: Client, service: Service) -> None:
    service.then(refused(403, "access_denied", "x" * 10_000))
    assert len(refusal(client).message) == 500

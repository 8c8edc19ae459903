"""`aws-sm:` against moto's server, which is the best public stand-in for AWS Secrets Manager; our signature against botocore's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.store_servers import Answering, answering
from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.aws_sign import AwsKey, signed
from trunkline.plugins.secrets.aws_sm import AwsSecretsManager

pytestmark = [pytest.mark.real, pytest.mark.row("S1")]
KEY = {"AWS_ACCESS_KEY_ID": "AKIATESTNOTREAL00000", "AWS_SECRET_ACCESS_KEY": "secret-not-real"}
REGION = "eu-west-1"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    # Here: a second in every worker, for the one that runs these tests.
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def aws(moto: str) -> Any:
    import boto3

    return boto3.client(
        "secretsmanager",
        endpoint_url=moto,
        region_name=REGION,
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )


def store(moto: str, **environ: str) -> AwsSecretsManager:
    given = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": moto, **(environ or KEY)}
    return AwsSecretsManager(StoreSettings(), given)


def test_the_newest_version_a_stage_and_one_member_of_json(moto: str, aws: Any) -> None:
    first = aws.create_secret(Name="prod/stripe", SecretString=json.dumps({"key": "first-not-real"}))
    second = aws.put_secret_value(SecretId="prod/stripe", SecretString=json.dumps({"key": "second-not-real"}))
    found = store(moto)
    assert found.fetch("prod/stripe#key") == Given("second-not-real", second["VersionId"][:8])
    assert found.fetch("prod/stripe?stage=AWSPREVIOUS#key").value == "first-not-real"
    assert found.fetch(f"prod/stripe?version={first['VersionId']}#key").value == "first-not-real"
    assert found.fetch(f"{first['ARN']}#key").value == "second-not-real"


def test_a_plain_text_is_the_value_itself(moto: str, aws: Any) -> None:
    aws.create_secret(Name="plain", SecretString="value-not-real")
    assert store(moto).fetch("plain").value == "value-not-real"
    with pytest.raises(SecretUnavailable, match="no JSON object"):
        store(moto).fetch("plain#key")


@pytest.mark.parametrize(
    ("name", "says"),
    [("nowhere", "ResourceNotFoundException"), ("deleted", "InvalidRequestException"), ("binary", "binary")],
)
def test_what_is_not_there_is_said(moto: str, aws: Any, name: str, says: str) -> None:
    if name == "deleted":
        aws.create_secret(Name=name, SecretString="x")
        aws.delete_secret(SecretId=name)
    if name == "binary":
        aws.create_secret(Name=name, SecretBinary=b"x")
    with pytest.raises(SecretUnavailable, match=says):
        store(moto).fetch(name)


def test_a_profile_of_the_shared_file(moto: str, aws: Any, tmp_path: Path) -> None:
    aws.create_secret(Name="profiled", SecretString="value-not-real")
    path = tmp_path / "credentials"
    path.write_text("[default]\n[work]\naws_access_key_id = AKIATEST\naws_secret_access_key = not-real%x\n")
    found = store(moto, AWS_SHARED_CREDENTIALS_FILE=str(path), AWS_PROFILE="work")
    assert found.fetch("profiled").value == "value-not-real"


ROLE = {
    "AccessKeyId": "ASIATEST",
    "SecretAccessKey": "role-not-real",
    "Token": "session-not-real",
    "Expiration": "2099-01-01T00:00:00Z",
}


def test_the_machines_role(moto: str, aws: Any) -> None:
    aws.create_secret(Name="by-machine", SecretString="value-not-real")
    with answering() as machine:
        machine.on("PUT", "/latest/api/token", 200, "imds-token")
        machine.on("GET", "/latest/meta-data/iam/security-credentials/", 200, "app-role\n")
        machine.on("GET", "/latest/meta-data/iam/security-credentials/app-role", 200, ROLE)
        found = store(moto, AWS_EC2_METADATA_SERVICE_ENDPOINT=machine.address)
        assert found.fetch("by-machine").value == "value-not-real"
        assert machine.seen[-1].headers["x-aws-ec2-metadata-token"] == "imds-token"
        found.fetch("by-machine")
        assert len(machine.seen) == 3  # the key is kept until it ends


def test_the_containers_role(moto: str, aws: Any) -> None:
    aws.create_secret(Name="by-container", SecretString="value-not-real")
    with answering() as machine:
        machine.on("GET", "/creds", 200, ROLE)
        found = store(
            moto,
            AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{machine.address}/creds",
            AWS_CONTAINER_AUTHORIZATION_TOKEN="container-not-real",
        )
        assert found.fetch("by-container").value == "value-not-real"
        assert machine.seen[0].headers["authorization"] == "container-not-real"


def test_a_web_identity(moto: str, aws: Any, tmp_path: Path) -> None:
    aws.create_secret(Name="by-web", SecretString="value-not-real")
    (tmp_path / "token").write_text("jwt-not-real")
    told = {
        "AssumeRoleWithWebIdentityResponse": {
            "AssumeRoleWithWebIdentityResult": {
                "Credentials": {
                    "AccessKeyId": "ASIATEST",
                    "SecretAccessKey": "role-not-real",
                    "SessionToken": "session-not-real",
                    "Expiration": 4070908800.0,
                }
            }
        }
    }
    with answering() as sts:
        sts.on("POST", "/", 200, told)
        found = store(
            moto,
            AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"),
            AWS_ROLE_ARN="arn:aws:iam::123456789012:role/app",
            AWS_ENDPOINT_URL_STS=sts.address,
        )
        assert found.fetch("by-web").value == "value-not-real"
        assert "WebIdentityToken=jwt-not-real" in sts.seen[0].body


@pytest.mark.parametrize("session", ["", "session-not-real"])
def test_our_signature_is_botocores(session: str) -> None:
    url, body = "https://secretsmanager.eu-west-1.amazonaws.com/", b'{"SecretId": "prod/stripe"}'
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", url, data=body, headers=headers)
    SigV4Auth(Credentials("AKIATEST", "secret-not-real", session or None), "secretsmanager", REGION).add_auth(
        request
    )
    now = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    key = AwsKey("AKIATEST", "secret-not-real", session)
    ours = signed(url, headers, body, key, region=REGION, service="secretsmanager", now=now)
    assert ours["authorization"] == request.headers["Authorization"]


def refusing(vendor: Answering, status: int, kind: str) -> AwsSecretsManager:
    vendor.on("POST", "/", status, {"__type": kind, "message": "no"})
    return store(vendor.address)


@pytest.mark.parametrize(
    ("status", "kind", "away"),
    [
        (400, "AccessDeniedException", False),
        (400, "ExpiredTokenException", False),
        (429, "ThrottlingException", True),
        (503, "x", True),
    ],
)
def test_a_store_that_says_nothing_about_the_secret_is_down(status: int, kind: str, away: bool) -> None:
    with answering() as vendor, pytest.raises(StoreDown) as down:
        refusing(vendor, status, kind).fetch("prod/stripe")
    assert down.value.away is away


def test_what_is_missing_is_said() -> None:
    with pytest.raises(StoreDown, match="region of aws-sm is not set"):
        AwsSecretsManager(StoreSettings(), KEY).fetch("x")
    with pytest.raises(StoreDown, match="there is no AWS credential"):
        AwsSecretsManager(
            StoreSettings(region=REGION), {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
        ).fetch("x")

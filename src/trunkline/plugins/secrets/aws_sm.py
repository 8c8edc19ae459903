"""`aws-sm:id#key`: AWS Secrets Manager. `id` is a name or an ARN; with a key the value is JSON. `?version=` or `?stage=` choose a version.

Who may, in this order: `AWS_ACCESS_KEY_ID` ..., a web identity (EKS), the profile of the shared credentials file, the container's or the
machine's role. Not for: single sign-on and profiles that assume roles: run those through `aws configure export-credentials`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.asking import Answer, Asking, file_text
from trunkline.plugins.secrets.aws_sign import AwsKey, from_environ, from_profile, signed
from trunkline.plugins.secrets.place import Place, member, place

MACHINE = "http://169.254.169.254"
CONTAINER = "http://169.254.170.2"
EARLY_S = 300.0
"""A temporary key is replaced so long before its end."""
_SAYS_NO = ("ResourceNotFoundException", "InvalidRequestException", "InvalidParameterException")


class AwsSecretsManager:
    """One region, by one role or key."""

    def __init__(
        self, settings: StoreSettings, environ: Mapping[str, str], *, wall: Callable[[], float] = time.time
    ) -> None:
        self._environ = environ
        self._settings = settings
        self._wall = wall
        self._asking = Asking("aws-sm", ca_file=settings.ca_file, allow_http=settings.allow_http)
        self._machine = Asking("the machine's metadata", timeout_s=1.0, allow_http=True)
        self._key: AwsKey | None = None

    def fetch(self, rest: str) -> Given:
        at = place("aws-sm", rest, known=("version", "stage"))
        wanted = {"SecretId": at.path}
        if at.options.get("version"):
            wanted["VersionId"] = at.options["version"]
        if at.options.get("stage"):
            wanted["VersionStage"] = at.options["stage"]
        answer = self._asked(self._region(at), wanted)
        if answer.status != 200:
            raise self._refusal(at, answer)
        text = answer.get("SecretString")
        if not isinstance(text, str):
            raise SecretUnavailable(at.ref, "its value is binary", "Keep it as text.")
        return Given(member(at, text), str(answer.get("VersionId") or "")[:8])

    def _region(self, at: Place) -> str:
        if at.path.startswith("arn:"):
            return at.path.split(":")[3]
        said = self._environ
        region = self._settings.region or said.get("AWS_REGION") or said.get("AWS_DEFAULT_REGION") or ""
        if not region:
            raise StoreDown(
                "the region of aws-sm is not set", "Set AWS_REGION, or `stores: {aws-sm: {region: ...}}`."
            )
        return region

    def _asked(self, region: str, wanted: Mapping[str, str]) -> Answer:
        said = self._environ
        address = (
            self._settings.address
            or said.get("AWS_ENDPOINT_URL_SECRETS_MANAGER")
            or said.get("AWS_ENDPOINT_URL")
            or f"https://secretsmanager.{region}.amazonaws.com"
        )
        url, body = f"{address.rstrip('/')}/", json.dumps(wanted).encode()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "secretsmanager.GetSecretValue",
        }
        now = datetime.fromtimestamp(self._wall(), UTC)
        lines = signed(
            url, headers, body, self._credentials(), region=region, service="secretsmanager", now=now
        )
        lines.pop("host")  # the client writes the same
        return self._asking.ask("POST", url, lines, data=body)

    def _refusal(self, at: Place, answer: Answer) -> Exception:
        kind = str(answer.get("__type") or "").rpartition("#")[2]
        if kind in _SAYS_NO:
            cure = (
                f"Make it, or correct the name (`aws secretsmanager describe-secret --secret-id {at.path}`)."
            )
            return SecretUnavailable(at.ref, f"aws-sm says {kind}", cure)
        self._key = None
        cure = "Check the key or role, and that it may do secretsmanager:GetSecretValue here."
        return StoreDown(f"aws-sm answered {answer.status} {kind}".rstrip(), cure)

    def _credentials(self) -> AwsKey:
        if self._key is None or self._wall() >= self._key.ends_at - EARLY_S:
            found = from_environ(self._environ) or self._by_web_identity() or from_profile(self._environ)
            self._key = found or self._by_container() or self._by_machine()
        return self._key

    def _by_web_identity(self) -> AwsKey | None:
        said = self._environ
        path, role = said.get("AWS_WEB_IDENTITY_TOKEN_FILE", ""), said.get("AWS_ROLE_ARN", "")
        if not path or not role:
            return None
        region = self._settings.region or said.get("AWS_REGION") or said.get("AWS_DEFAULT_REGION") or ""
        usual = f"https://sts.{region}.amazonaws.com" if region else "https://sts.amazonaws.com"
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": role,
            "RoleSessionName": said.get("AWS_ROLE_SESSION_NAME") or "trunkline",
            "WebIdentityToken": file_text(path),
        }
        address = said.get("AWS_ENDPOINT_URL_STS") or usual
        answer = self._asking.ask("POST", f"{address}/", data=urlencode(form).encode(), headers=_FORM)
        made = answer.get(
            "AssumeRoleWithWebIdentityResponse", "AssumeRoleWithWebIdentityResult", "Credentials"
        )
        if answer.status != 200 or not isinstance(made, dict):
            raise StoreDown(f"AWS STS refused the web identity ({answer.status})", "Check the role's trust.")
        ends_at = float(made.get("Expiration") or 0) or self._wall() + 3600
        return AwsKey(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], ends_at)

    def _by_container(self) -> AwsKey | None:
        said = self._environ
        relative = said.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "")
        url = CONTAINER + relative if relative else said.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
        if not url:
            return None
        token = said.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        if said.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            token = file_text(said["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
        answer = self._machine.ask("GET", url, {"authorization": token} if token else {})
        return _temporary(answer, "the container's role")

    def _by_machine(self) -> AwsKey:
        said = self._environ
        address = (said.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or MACHINE).rstrip("/")
        try:
            if said.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
                raise StoreDown("the machine's metadata is switched off")
            given = self._machine.ask(
                "PUT", f"{address}/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": "300"}
            )
            header = {"x-aws-ec2-metadata-token": given.text}
            at = f"{address}/latest/meta-data/iam/security-credentials/"
            role = self._machine.ask("GET", at, header).text.strip().partition("\n")[0]
            return _temporary(self._machine.ask("GET", at + role, header), "the machine's role")
        except StoreDown as problem:
            cure = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role."
            raise StoreDown(f"there is no AWS credential: {problem.why}", cure) from None


_FORM = {"content-type": "application/x-www-form-urlencoded"}


def _temporary(answer: Answer, whose: str) -> AwsKey:
    access, secret = answer.get("AccessKeyId"), answer.get("SecretAccessKey")
    if answer.status != 200 or not isinstance(access, str) or not isinstance(secret, str):
        raise StoreDown(f"{whose} gave no key ({answer.status})")
    return AwsKey(access, secret, str(answer.get("Token") or ""), _epoch(answer.get("Expiration")))


def _epoch(text: Any) -> float:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return float("inf")

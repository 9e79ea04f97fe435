"""AWS Signature Version 4 for one request without query; pure."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

ALGORITHM = "AWS4-HMAC-SHA256"


class AwsKey(msgspec.Struct, frozen=True, kw_only=True):
    """An access key and what it is used for."""

    access_key_id: str
    secret_access_key: str
    region: str
    service: str

    def __repr__(self) -> str:
        return f"AwsKey({self.region}/{self.service})"


def signed(
    key: AwsKey, method: str, host: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """``headers`` with host, date and authorization; every header is signed. Path is ``/``."""
    stamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    day = stamp[:8]
    named = {name.lower(): text for name, text in headers.items()}
    named |= {"host": host, "x-amz-date": stamp}
    names = ";".join(sorted(named))
    told = "".join(f"{name}:{named[name].strip()}\n" for name in sorted(named))
    request = "\n".join([method, "/", "", told, names, hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{key.region}/{key.service}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    secret = f"AWS4{key.secret_access_key}".encode()
    for part in (day, key.region, key.service, "aws4_request"):
        secret = _hmac(secret, part)
    signature = _hmac(secret, f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex()
    credential = f"Credential={key.access_key_id}/{scope}"
    named["authorization"] = (
        f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    )
    return named


def _hmac(secret: bytes, text: str) -> bytes:
    return hmac.new(secret, text.encode(), hashlib.sha256).digest()

"""describe, describeGlobal and the small read-only resources (S 2.1, S 2.4, S 2.6)."""

from closedwon.devorg.http.exchange import (
    NOT_FOUND,
    Answer,
    http_date,
    parse_http_date,
)
from closedwon.devorg.http.service import Call, Service

VERSION_MIN = 31
VERSION_MAX = 67
SPRING_25 = 63
SEASONS = ("Spring", "Summer", "Winter")


def versions() -> Answer:
    """``GET /services/data``: every version offered, ascending; needs no login."""
    numbers = range(VERSION_MIN, VERSION_MAX + 1)
    return Answer(
        body=[
            {
                "label": _label(number),
                "url": f"/services/data/v{number}.0",
                "version": f"{number}.0",
            }
            for number in numbers
        ]
    )


def resources(_: Service, call: Call) -> Answer:
    """``GET /services/data/vXX.0``: path by resource name."""
    names = ("composite", "limits", "query", "queryAll", "recent", "sobjects")
    return Answer(body={name: call.url(name) for name in names})


def describe_global(service: Service, call: Call) -> Answer:
    """``GET /sobjects``."""
    if _unchanged(service, call):
        return Answer(status=304)
    return Answer(
        body=service.org.describe_global(api_version=call.version), headers=_last_modified(service)
    )


def describe(service: Service, call: Call) -> Answer:
    """``GET /sobjects/T/describe``; 304 when the caller's copy is as new as the schema."""
    if _unchanged(service, call):
        return Answer(status=304)
    body = service.org.describe(call.names["object"], api_version=call.version)
    return Answer(body=body, headers=_last_modified(service))


def summary(service: Service, call: Call) -> Answer:
    """``GET /sobjects/T``: the global entry; nobody views records here, so none is recent."""
    name = service.org.schema.object(call.names["object"]).name
    listed = service.org.describe_global(api_version=call.version)["sobjects"]
    found = next((entry for entry in listed if entry["name"] == name), None)
    if found is None:
        return NOT_FOUND
    return Answer(body={"objectDescribe": found, "recentItems": []})


def recent(_: Service, __: Call) -> Answer:
    """``GET /recent``: nobody views records here."""
    return Answer(body=[])


def limits(service: Service, _: Call) -> Answer:
    """``GET /limits``."""
    return Answer(body=service.budget.limits())


def record_count(service: Service, call: Call) -> Answer:
    """``GET /limits/recordCount?sObjects=A,B``; objects without rows are left out."""
    asked = [name.strip() for name in call.query.get("sObjects", "").split(",") if name.strip()]
    known = [service.org.schema.find(name) for name in asked]
    names = [info.name for info in known if info] if asked else sorted(service.org.schema.objects)
    counts = ((service.org.count(name), name) for name in names)
    return Answer(body={"sObjects": [{"count": n, "name": name} for n, name in counts if n]})


def _label(number: int) -> str:
    releases = number - SPRING_25
    year = 25 + releases // 3 + (1 if releases % 3 == 2 else 0)
    return f"{SEASONS[releases % 3]} '{year}"


def _unchanged(service: Service, call: Call) -> bool:
    since = parse_http_date(call.headers.get("if-modified-since", ""))
    return since is not None and service.described_at <= since


def _last_modified(service: Service) -> dict[str, str]:
    return {"Last-Modified": http_date(service.described_at)}

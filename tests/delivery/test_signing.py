"""Signatures: the vendor's vector, and everything a receiver has to refuse (R277, S32)."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedwon.delivery import sign, verify
from closedwon.delivery.signing import http_date_of, signed_headers
from closedwon.kernel.errors import Refused

SECRET = "correct-horse-battery-staple"
DATE = "Mon, 02 Jan 2006 22:04:05 GMT"
NOW = datetime(2006, 1, 2, 22, 4, 5, tzinfo=UTC)
WIDGET = {
    "id": "b2c9e307-624e-4e7d-a5a4-1b74107d78c4",
    "type": "widget_created",
    "properties": {
        "customer_id": "5f794d50-085a-4db6-8d15-286e518b7225",
        "widget_id": "0891458d-b6f0-4fdd-a41e-380aae1a1e38",
    },
}
BODY = json.dumps(WIDGET, indent=2).encode()
COMPACT = json.dumps(WIDGET, separators=(",", ":")).encode()
EXPECTED = "b82652fa2246cf1d8a27e591f155c865f68b46c19b9213fd9c052f2419b4742b"


def test_r277_s32_the_vendors_vector() -> None:
    assert sign(SECRET, DATE, BODY) == EXPECTED


def test_r277_s32_other_bytes_of_the_same_object_have_another_signature() -> None:
    assert (
        sign(SECRET, DATE, COMPACT)
        == "0028ca5f451c1cb0c187f024a94830d411141db5e5709d596862763ae70ffb07"
    )
    with pytest.raises(Refused, match="R277"):
        verify(SECRET, signed_headers(SECRET, BODY, NOW), COMPACT, NOW)


def test_r277_headers_carry_both_dates_and_the_signature() -> None:
    assert http_date_of(NOW) == DATE
    assert signed_headers(SECRET, BODY, NOW) == {
        "Content-Type": "application/json",
        "X-Metronome-Date": DATE,
        "Date": DATE,
        "Metronome-Webhook-Signature": EXPECTED,
    }


@pytest.mark.parametrize("name", [str.lower, str.upper, str.title])
def test_r277_header_names_have_no_case(name: object) -> None:
    assert callable(name)
    headers = {name(key): text for key, text in signed_headers(SECRET, BODY, NOW).items()}
    verify(SECRET, headers, BODY, NOW)


def test_r277_the_legacy_date_header_is_enough() -> None:
    headers = signed_headers(SECRET, BODY, NOW)
    del headers["X-Metronome-Date"]
    verify(SECRET, headers, BODY, NOW)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=5), -timedelta(minutes=5)])
def test_r277_five_minutes_are_allowed(late: timedelta) -> None:
    verify(SECRET, signed_headers(SECRET, BODY, NOW), BODY, NOW + late)


@pytest.mark.parametrize("late", [timedelta(minutes=5, seconds=1), -timedelta(minutes=6)])
def test_r277_older_and_earlier_messages_are_dropped(late: timedelta) -> None:
    with pytest.raises(Refused, match="5 minutes"):
        verify(SECRET, signed_headers(SECRET, BODY, NOW), BODY, NOW + late)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("Metronome-Webhook-Signature", ""),
        ("Metronome-Webhook-Signature", EXPECTED.upper()),
        ("Metronome-Webhook-Signature", "ü" * 64),
        ("X-Metronome-Date", "Mon, 02 Jan 2006 22:04:06 GMT"),
    ],
)
def test_r277_anything_changed_is_refused(header: str, text: str) -> None:
    headers = {**signed_headers(SECRET, BODY, NOW), header: text}
    with pytest.raises(Refused, match="R277"):
        verify(SECRET, headers, BODY, NOW)


def test_r277_a_signed_date_that_is_none_and_a_missing_secret_are_refused() -> None:
    headers = {"X-Metronome-Date": "soon", "Metronome-Webhook-Signature": sign(SECRET, "soon", b"")}
    with pytest.raises(Refused, match="not an HTTP date"):
        verify(SECRET, headers, b"", NOW)
    with pytest.raises(Refused, match="secret"):
        verify("", signed_headers("", BODY, NOW), BODY, NOW)
    with pytest.raises(Refused, match="does not fit"):
        verify(SECRET, {}, BODY, NOW)


@settings(max_examples=30)
@given(body=st.binary(max_size=200), secret=st.text(min_size=1, max_size=40), flip=st.integers(0))
def test_r277_what_is_signed_verifies_and_one_other_byte_does_not(
    body: bytes, secret: str, flip: int
) -> None:
    headers = signed_headers(secret, body, NOW)
    verify(secret, headers, body, NOW)
    at = flip % (len(body) + 1)
    with pytest.raises(Refused):
        verify(secret, headers, body[:at] + b"!" + body[at:], NOW)

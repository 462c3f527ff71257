"""Law: nothing of a configured secret, and nothing shaped like one, is left in a finished text."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.app.logs.redact import PART_LENGTH, Redactor
from engine.app.secrets import MASK, Secret

KEY_ID = "PK" + "A1B2C3D4E5F6G7H8J9"
VALUE = "s3cr3t/with+signs"


@pytest.mark.parametrize(
    "text",
    [
        f"login with {VALUE}",
        f"key {KEY_ID} was refused",
        f"{{'APCA-API-SECRET-KEY': '{VALUE[:3]}x'}}",
        "Authorization: Bearer abc.def.ghi",
        '{"action":"auth","key":"abc","secret":"def"}',
        "[(b'apca-api-key-id', b'XYZ')]",
        "https://me:pass@host/path",
        "secret_key='abcdef'",
    ],
)
def test_a_secret_is_removed_by_value_or_by_shape(text: str) -> None:
    told = Redactor([Secret(VALUE)])(text)
    assert "*******" in told
    for leaked in (VALUE, KEY_ID, "abc", "def", "XYZ", "pass@", f"{VALUE[:3]}x"):
        assert leaked not in told.replace("APCA-API-SECRET-KEY", "")


@pytest.mark.parametrize(
    "text", ["price=101.5 key levels", "the secret: patience", "wss://host/v2/iex", "Secret('***')"]
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert Redactor([Secret("ab")])(text) == text


anything = st.text(alphabet=st.characters(codec="utf-8"), max_size=80)
secrets = (
    st.text(alphabet="abcDEF123+/=%\"'\\ é", min_size=PART_LENGTH, max_size=40)
    .map(str.strip)
    .filter(lambda text: len(text) >= PART_LENGTH and " " not in text)
)


@given(secrets, anything, anything, st.data())
def test_no_eight_characters_of_a_secret_are_left(secret: str, before: str, after: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(secret) - PART_LENGTH))
    end = data.draw(st.integers(start + PART_LENGTH, len(secret)))
    told = Redactor([Secret(secret)])(before + secret[start:end] + after)
    for at in range(len(secret) - PART_LENGTH + 1):
        assert secret[at : at + PART_LENGTH] not in told


@given(secrets)
def test_a_secret_is_known_however_it_was_written(secret: str) -> None:
    redact = Redactor([Secret(secret)])
    for written in (
        json.dumps(secret),
        repr(secret),
        quote(secret, safe=""),
        base64.b64encode(secret.encode()).decode(),
    ):
        told = redact(f"<{written}>")
        assert MASK in told
        assert written.strip("'\"=") not in told


@given(anything)
def test_without_a_secret_in_it_a_text_stays_as_it_is(text: str) -> None:
    plain = text.replace("=", " ").replace(":", " ")
    assert Redactor([Secret("zz-never-drawn-zz")])(plain) == plain


@pytest.mark.parametrize(
    ("address", "gone", "stays"),
    [
        ("mailtos://robot:pa55word-xyz@mail.example.com", ["pa55word"], "mail.example.com"),
        ("tgram://123456789:AAbbCCddEE/987654321", ["AAbbCCddEE", "123456789", "987654321"], "tgram://"),
        ("https://hooks.example.com/services/T0000000/B11111111/xXyYzZ123456", ["xXyYzZ123456"], "hooks.example.com"),
        ("ntfy://topic-that-is-secret", ["topic-that-is-secret"], "ntfy://"),
    ],
)
def test_of_an_address_its_secret_parts_are_gone_and_its_host_may_stay(
    address: str, gone: list[str], stays: str
) -> None:
    redact = Redactor([Secret(f"critical={address}\nfurther=mailto://other:wordpass99@example.org")])
    assert redact("it is critical") == "it is critical"
    assert redact(f"to {address} it goes") == f"to {MASK} it goes"
    assert redact(stays) == stays
    for part in (*gone, "wordpass99"):
        assert redact(f"({part})") == f"({MASK})"


def test_a_secret_that_is_not_utf_8_is_removed_as_any_other() -> None:
    value = b"s3cr3t\xff\xfewith-bytes".decode("utf-8", "surrogateescape")
    redact = Redactor([Secret(value)])
    assert redact(f"key={value}!") == f"key={MASK}!"
    assert redact(quote(value, errors="surrogateescape")) == MASK

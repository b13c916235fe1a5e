"""Fields that are stored encrypted: who can read them, where, and for how long one key serves."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from trunkline import Api, Model, Money, Service, query
from trunkline.aws import clients, data_keys
from trunkline.aws.data_keys import KmsDataKeys
from trunkline.errors import DeclarationError, DecryptionFailed, RecordChanged
from trunkline.manifest import variables
from trunkline.manifest.model import EncryptNeed
from trunkline.tables.encryption import DATA_KEY
from trunkline.testing import ServiceHarness
from trunkline.testing.clock import MovableClock


class Patient(Model):
    """Somebody with secrets."""

    clinic: str
    number: str
    name: str
    illness: str | None = None
    bill: Money | None = None


class ClinicApi(Api, version=1, service="clinic"):
    """Look at patients."""

    @query("GET", "/look")
    def look(self) -> None:
        """Look."""

    @query("GET", "/count")
    def count(self) -> None:
        """Count."""


service = Service("clinic", entry="-")
patients = service.table(
    "patients", Patient, key="clinic", sort="number", encrypted=["name", "illness", "bill"]
)
visits = service.table("visits", Patient, key="number", encrypted=["name"])
plain = service.table("plain", Patient, key="number")


@service.implements(ClinicApi.look, uses=[patients.read, patients.write, visits.write])
def look() -> None:
    """Names what has encrypted fields."""


@service.implements(ClinicApi.count, uses=[plain.read])
def count() -> None:
    """Names what has none."""


def ann(number: str = "1") -> Patient:
    """Somebody who is not stored yet."""
    bill = Money(amount=10, currency="EUR")
    return Patient(clinic="a", number=number, name="Ann Ümlaut", bill=bill)


@pytest.fixture
def clinic() -> Iterator[ServiceHarness]:
    """The service with nothing stored."""
    with ServiceHarness(service) as harness:
        yield harness


def stored(number: str = "1", table: str = "patients") -> dict[str, Any]:
    """The item as whoever may look at the table sees it."""
    key = {"clinic": {"S": "a"}} if table == "patients" else {}
    answer = clients.client("dynamodb").get_item(
        TableName=f"trunkline-test-clinic-{table}", Key={**key, "number": {"S": number}}
    )
    # Answers are as on the wire, where bytes are base64.
    return {
        name: {"B": base64.b64decode(value["B"])} if "B" in value else value
        for name, value in answer["Item"].items()
    }


def overwrite(item: dict[str, Any], table: str = "patients") -> None:
    """Put an item as somebody does who may write the table and has no key."""
    clients.client("dynamodb").put_item(TableName=f"trunkline-test-clinic-{table}", Item=item)


def test_a_record_comes_back(clinic: ServiceHarness) -> None:
    """By every way to read it."""
    patients.put(ann())
    assert patients.get("a", "1") == ann()
    assert patients.query("a") == [ann()]
    assert patients.page("a").records == (ann(),)
    assert patients.get_many([("a", "1")]) == [ann()]
    found = patients.get("a", "1")
    assert found is not None
    with service.transaction() as transaction:
        transaction.put(patients, found.model_copy(update={"illness": "cold"}))
        transaction.replace(visits, found)
    again = patients.get("a", "1")
    assert again is not None
    assert again.illness == "cold"
    with pytest.raises(RecordChanged):
        patients.put(found.model_copy(update={"illness": "none"}))


def test_the_table_holds_nothing_readable(clinic: ServiceHarness) -> None:
    """Not even whether a field has a value; the keys stay as they are."""
    patients.put(ann())
    item = stored()
    assert {item[name].keys() == {"B"} for name in ("name", "illness", "bill")} == {True}
    assert item["number"] == {"S": "1"}
    everything = b"".join(value["B"] for value in item.values() if "B" in value)
    for secret in ("Ann", "EUR", "null", "illness"):
        assert secret.encode() not in everything


def test_the_same_value_never_looks_the_same(clinic: ServiceHarness) -> None:
    """So nobody can tell which patients share an illness."""
    patients.put(ann())
    patients.put(ann("2"))
    assert stored("1")["name"] != stored("2")["name"]


@pytest.mark.parametrize("part", ["field", "item", "table", "bits", "format", "key"])
def test_a_ciphertext_is_worth_nothing_elsewhere(clinic: ServiceHarness, part: str) -> None:
    """Moved to another field, item or table, or changed in any bit, it is refused by name."""
    patients.put(ann())
    item = stored()
    match part:
        case "field":
            item["illness"] = item["name"]
        case "item":
            item["number"] = {"S": "2"}
        case "table":
            overwrite({**item}, "visits")
        case "bits":
            item["name"] = {"B": item["name"]["B"][:-1] + bytes([item["name"]["B"][-1] ^ 1])}
        case "format":
            item["name"] = {"B": b"\x02" + item["name"]["B"][1:]}
        case _:
            key = item[DATA_KEY]["B"]
            item[DATA_KEY] = {"B": key[:-1] + bytes([key[-1] ^ 1])}
    overwrite(item)
    read = (lambda: visits.get("1")) if part == "table" else (lambda: patients.query("a"))
    with pytest.raises(DecryptionFailed) as caught:
        read()
    assert caught.value.table == ("visits" if part == "table" else "patients")
    assert "Ann" not in str(caught.value)


def test_a_lost_data_key_is_an_error(clinic: ServiceHarness) -> None:
    """An empty field would be a lie."""
    patients.put(ann())
    item = stored()
    del item[DATA_KEY]
    overwrite(item)
    with pytest.raises(DecryptionFailed, match=DATA_KEY):
        patients.get("a", "1")


def test_what_was_stored_before_is_read_and_then_encrypted(clinic: ServiceHarness) -> None:
    """A field can be declared as encrypted when there are records already."""
    overwrite({"clinic": {"S": "a"}, "number": {"S": "1"}, "name": {"S": "Ann"}})
    found = patients.get("a", "1")
    assert found == Patient(clinic="a", number="1", name="Ann")
    patients.replace(found)
    assert "B" in stored()["name"]
    assert patients.get("a", "1") == found


def test_a_new_key_opens_what_an_old_one_closed(
    clinic: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each item names its own key, so another one is used for what is written from now on."""
    patients.put(ann())
    other = clients.client("kms").create_key()["KeyMetadata"]["Arn"]
    monkeypatch.setitem(os.environ, variables.DATA_KEY, other)
    patients.put(Patient(clinic="a", number="2", name="Bob"))
    fresh = KmsDataKeys(variables.encryption_context("clinic", "patients"))
    for number in "12":
        assert len(fresh.unwrap(stored(number)[DATA_KEY]["B"])) == 32
    assert [patient.name for patient in patients.query("a")] == ["Ann Ümlaut", "Bob"]


def asked(monkeypatch: pytest.MonkeyPatch, operation: str) -> list[dict[str, Any]]:
    """Collects what KMS is asked."""
    kms = clients.client("kms")
    ask = getattr(kms, operation)
    requests: list[dict[str, Any]] = []

    def note(**request: Any) -> Any:
        requests.append(request)
        return ask(**request)

    monkeypatch.setattr(kms, operation, note)
    return requests


def test_one_data_key_serves_a_limited_number_for_a_limited_time(
    clinic: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KMS is asked once, until the key is old or has encrypted enough."""
    monkeypatch.setattr(data_keys, "MAX_ITEMS", 3)
    requests = asked(monkeypatch, "generate_data_key")
    keys = KmsDataKeys({"trunkline:service": "clinic"})
    clock = MovableClock()
    with clock.ticking():
        made = [keys.for_writing().plain for _ in range(7)]
        assert [made.count(key) for key in dict.fromkeys(made)] == [3, 3, 1]
        clock.advance(data_keys.MAX_SECONDS + 1)
        assert keys.for_writing().plain not in made
    assert len(requests) == 4
    assert {json.dumps(request["EncryptionContext"]) for request in requests} == {
        '{"trunkline:service": "clinic"}'
    }


def test_a_decrypted_data_key_is_remembered_for_a_limited_time(
    clinic: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of many records asks KMS once; few keys are in memory at a time."""
    monkeypatch.setattr(data_keys, "MAX_REMEMBERED", 2)
    context = variables.encryption_context("clinic", "patients")
    wrapped = [KmsDataKeys(context).for_writing().wrapped for _ in range(3)]
    requests = asked(monkeypatch, "decrypt")
    keys = KmsDataKeys(context)
    clock = MovableClock()
    with clock.ticking():
        for index in (0, 0, 1, 2, 2, 0):
            keys.unwrap(wrapped[index])
        assert len(requests) == 4
        clock.advance(data_keys.MAX_SECONDS + 1)
        keys.unwrap(wrapped[0])
    assert len(requests) == 5


def test_another_tables_data_key_is_none(clinic: ServiceHarness) -> None:
    """KMS itself refuses it: the context is another."""
    key = KmsDataKeys(variables.encryption_context("clinic", "patients")).for_writing()
    with pytest.raises(ValueError, match="no such data key"):
        KmsDataKeys(variables.encryption_context("clinic", "visits")).unwrap(key.wrapped)


def test_the_manifest_asks_for_the_key_where_it_is_used() -> None:
    """Reading decrypts, writing encrypts, and a table without encrypted fields asks for nothing."""
    assert patients.read.granted().needs >= {EncryptNeed(table="patients", access="read")}
    assert patients.write.granted().needs >= {EncryptNeed(table="patients", access="write")}
    assert plain.read.granted().needs == {plain.read.need}
    needs = service.manifest().function("api").needs
    assert [need for need in needs if isinstance(need, EncryptNeed)] == [
        EncryptNeed(table="patients", access="read"),
        EncryptNeed(table="patients", access="write"),
        EncryptNeed(table="visits", access="write"),
    ]


@pytest.mark.parametrize("field", ["clinic", "number"])
def test_keys_cannot_be_encrypted(field: str) -> None:
    """DynamoDB could not find the item any more."""
    with pytest.raises(DeclarationError, match=f"needs to read field '{field}'"):
        Service("x").table("p", Patient, key="clinic", sort="number", encrypted=[field])


def test_an_encrypted_field_cannot_be_compared() -> None:
    """Nobody but this service can read it, DynamoDB neither; a field must exist, too."""
    with pytest.raises(DeclarationError, match="'name' is stored encrypted"):
        patients.field("name")
    with pytest.raises(DeclarationError, match="no field 'nme'"):
        Service("x").table("p", Patient, key="clinic", encrypted=["nme"])

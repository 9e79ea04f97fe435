import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from closedwon.deals.mapping import json_schema, schema_text
from closedwon.deals.mapping.document import Node, Scalar, Sequence, Table, parse
from deals import cpq_org as org


def plain(node: Node) -> Any:
    """As an editor reads YAML 1.2: ``on`` is a name like any other."""
    match node:
        case Scalar():
            return node.text
        case Sequence():
            return [plain(one) for one in node.nodes]
        case Table():
            return {entry.key.text: plain(entry.value) for entry in node.entries}


FILE = org.ROOT / "mappings" / "mapping.schema.json"


def test_the_published_schema_is_the_one_the_loader_reads_by() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text()


def test_the_shipped_mapping_is_valid_in_an_editor() -> None:
    Draft202012Validator.check_schema(json_schema())
    written = plain(parse(org.cpq_text(), "cpq.yaml"))

    assert list(Draft202012Validator(json_schema()).iter_errors(written)) == []


@pytest.mark.parametrize("junk", [{"rule": []}, {"rules": [{"id": "x", "otherwise": "maybe"}]}])
def test_an_editor_sees_a_wrong_key_or_word(junk: dict[str, object]) -> None:
    written = {**plain(parse(org.cpq_text(), "cpq.yaml")), **junk}

    assert not Draft202012Validator(json.loads(schema_text())).is_valid(written)

"""The examples of the document can be recorded again from a server of today.

Which of several calls is shown follows the cases there are, so values may differ until `make docs`;
that each is a request and an answer of its route, ``test_openapi.py`` says.
"""

import pytest

from api.examples import FOLDER, recorded


@pytest.mark.timeout(300)
def test_every_example_is_still_recorded() -> None:
    found = recorded()

    assert {file.stem for file in FOLDER.glob("*.json")} <= set(found)
    assert all("answer" in one or one["path"].endswith("/pdf") for one in found.values())

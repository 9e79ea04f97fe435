"""SOQL errors with Salesforce's caret text."""

from closedwon.devorg.errors import OrgError

NOT_A_COLUMN = (
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom "
    "field name. Please reference your WSDL or the describe call for the appropriate names."
)
NOT_AN_OBJECT = (
    "If you are attempting to use a custom object, be sure to append the '__c' after the entity "
    "name. Please reference your WSDL or the describe call for the appropriate names."
)


class Text:
    """The statement an error points into."""

    def __init__(self, soql: str) -> None:
        self.soql = soql

    def fault(self, code: str, message: str, offset: int) -> OrgError:
        """``message`` under the line of ``offset`` with a caret, as the query resource words it."""
        row = self.soql.count("\n", 0, offset) + 1
        start = self.soql.rfind("\n", 0, offset) + 1
        column = offset - start + 1
        line = self.soql[start:].split("\n", 1)[0]
        caret = " " * (column - 1) + "^"
        return OrgError(code, f"\n{line}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")

    def no_column(self, name: str, entity: str, offset: int) -> OrgError:
        """INVALID_FIELD: the same for "not there" and "not readable"."""
        message = f"No such column '{name}' on entity '{entity}'. {NOT_A_COLUMN}"
        return self.fault("INVALID_FIELD", message, offset)

    def no_relationship(self, name: str, offset: int) -> OrgError:
        """INVALID_FIELD for a parent path."""
        message = (
            f"Didn't understand relationship '{name}' in field path. If you are attempting to use "
            "a custom relationship, be sure to append the '__r' after the custom relationship "
            "name. Please reference your WSDL or the describe call for the appropriate names."
        )
        return self.fault("INVALID_FIELD", message, offset)

    def no_object(self, name: str, offset: int) -> OrgError:
        """INVALID_TYPE: unknown object."""
        message = f"sObject type '{name}' is not supported. {NOT_AN_OBJECT}"
        return self.fault("INVALID_TYPE", message, offset)

    def malformed(self, message: str, offset: int | None = None) -> OrgError:
        """MALFORMED_QUERY, with a caret when the place is known."""
        if offset is None:
            return OrgError("MALFORMED_QUERY", message)
        return self.fault("MALFORMED_QUERY", message, offset)

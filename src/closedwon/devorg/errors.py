"""What a Salesforce org answers when it refuses: a code, a text and the fields it is about."""


class OrgError(Exception):
    """A refusal in Salesforce's own words (salesforce.md 2.7).

    ``code`` is the errorCode (or, per record, statusCode), ``status`` the HTTP status of a single
    call, ``fields`` the API names the refusal is about, ``ids`` the records of a 300 answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        fields: tuple[str, ...] = (),
        status: int = 400,
        ids: tuple[str, ...] = (),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = fields
        self.status = status
        self.ids = ids

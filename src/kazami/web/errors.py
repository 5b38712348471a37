"""What can be wrong with a request, as HTTP says it."""

from __future__ import annotations

from kazami.errors import KazamiError


class RefusedError(KazamiError):
    """A request that is not carried out: `status` as in RFC 9110, `code` for programs, the text for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def missing(what: str = "there is nothing here") -> RefusedError:
    """Not there, or not for this person: the two look alike."""
    return RefusedError(404, "not_found", what)


def forbidden(what: str = "this needs another role") -> RefusedError:
    """Signed in, and not allowed."""
    return RefusedError(403, "forbidden", what)

"""Errors of the server; `temporary` alone decides whether anything is tried again.

ServiceError
├── BadRequest      400   ├── Conflict     409   ├── Unavailable   503, temporary
├── Unauthorized    401   ├── TooLarge     413   │   └── OutOfRoom 503
├── Forbidden       403   └── RateLimited  429, temporary
├── NotFound        404   ├── UnsupportedMedia 415
└── Gone            410
"""

from __future__ import annotations


class ServiceError(Exception):
    """A refusal that a caller may read: what is wrong and what to do."""

    status = 500
    code = "internal_error"
    temporary = False

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class BadRequest(ServiceError):
    """The request cannot be understood or breaks a rule."""

    status = 400
    code = "validation_error"


class Unauthorized(ServiceError):
    """No key, or one that is wrong, revoked or expired."""

    status = 401
    code = "unauthorized"


class StaleTimestamp(Unauthorized):
    """A signed moment that is too far away; `server_time` is in milliseconds."""

    code = "timestamp_out_of_range"

    def __init__(self, message: str, *, server_time: int) -> None:
        super().__init__(message)
        self.server_time = server_time


class Forbidden(ServiceError):
    """The key is good but does not carry the needed scope."""

    status = 403
    code = "forbidden"


class NotFound(ServiceError):
    """Missing, or another org's: the two look the same."""

    status = 404
    code = "not_found"


class Conflict(ServiceError):
    """The name is taken, or the same key came with another body."""

    status = 409
    code = "conflict"


class Gone(ServiceError):
    """It was good once: its time has passed."""

    status = 410
    code = "expired"


class TooLarge(ServiceError):
    """More bytes than the limit."""

    status = 413
    code = "too_large"


class UnsupportedMedia(ServiceError):
    """A body in a form that is not read."""

    status = 415
    code = "unsupported_media"


class RateLimited(ServiceError):
    """Too many calls; `retry_after` is in seconds."""

    status = 429
    code = "rate_limit_exceeded"
    temporary = True

    def __init__(self, message: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Unavailable(ServiceError):
    """The store or a needed part cannot answer now; `retry_after` is in seconds."""

    status = 503
    code = "unavailable"
    temporary = True
    retry_after = 5


class OutOfRoom(Unavailable):
    """The disk is full, or nearly so."""

    code = "insufficient_storage"
    retry_after = 60

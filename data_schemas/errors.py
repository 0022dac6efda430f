"""Errors that a user can act on: each holds what is wrong, where, and the remedy."""

from __future__ import annotations


class UserError(Exception):
    """A failure with its remedy; the command prints it without a traceback.

    message: what is wrong and where (file, row, column, rule as far as they apply). remedy: what to do.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}. {remedy}")
        self.message = message
        self.remedy = remedy


class ContractError(UserError):
    """Wrong usage or a broken contract (exit code 2): schema, config, header, bundle or option at fault."""


class UnlikeTrainingError(UserError):
    """A batch that is unlike the training rows, where the user asked to stop at that (exit code 4)."""


class RunError(UserError):
    """The run failed (exit code 1): an unreadable file, a full disk, a missing model."""

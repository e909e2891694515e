"""What goes wrong on purpose: faults as values, and answers that are broken by them."""

from __future__ import annotations

from chatdouble.faults.breaking import Sending, instead, sending
from chatdouble.faults.saying import NOTHING
from chatdouble.faults.values import (
    HEADER,
    KNOWN,
    Chance,
    Fault,
    Written,
    asked,
    due,
    faults_of,
    written,
)

__all__ = [
    "HEADER",
    "KNOWN",
    "NOTHING",
    "Chance",
    "Fault",
    "Sending",
    "Written",
    "asked",
    "due",
    "faults_of",
    "instead",
    "sending",
    "written",
]

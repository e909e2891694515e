"""Answers from the completions that a session documents."""

from __future__ import annotations

from chatdouble.answers import Answer, ApiError, Document
from chatdouble.calls import Call
from chatdouble.sources.source import Choice, Miss
from chatdouble.wire.response import Stamp
from chatdouble.wire.stored import Deletion, Listing, Messages, Retrieval, Update, documents
from chatdouble.wire.stored.documents import Kept


class Stored:
    """Keeps the completions of requests with ``store: true``, and answers what is asked of them.

    Args:
        limit: how many are kept; the oldest is forgotten for a newer one.
        byte_limit: how many bytes they and their requests' messages may have together.
    """

    name = "stored"

    def __init__(self, limit: int = 10_000, byte_limit: int = 32 * 1024 * 1024) -> None:
        self._limit = limit
        self._byte_limit = byte_limit
        self._bytes = 0
        # by completion id, in the order in which they were made
        self._kept: dict[str, Kept] = {}

    def keep(self, call: Call, answer: Answer, stamp: Stamp) -> None:
        """Store what the call was answered with, if it asks for that and it is a completion."""
        made = documents.kept(call, answer, stamp)
        if made is not None:
            self._put(made)

    def _put(self, made: Kept) -> None:
        before = self._kept.get(made.completion.id)
        self._kept[made.completion.id] = made
        self._bytes += made.size - (before.size if before else 0)
        while len(self._kept) > self._limit or self._bytes > self._byte_limit:
            self._forget(next(iter(self._kept)))

    async def answer(self, call: Call) -> Choice | None:
        """What is stored, or the refusal of what is not."""
        match call.asked:
            case None:
                return None
            case Listing() as listing:
                return Choice(self._list(listing), f"stored completions: {len(self._kept)}")
            case asked if asked.id in self._kept:
                return Choice(self._one(asked), f"{asked.id} is stored")
            case asked:
                return Choice(documents.not_found(asked.id), "no completion of this id is stored")

    def why_not(self, call: Call) -> Miss:
        """Nothing to report: what is not asked of the store is for the other sources."""
        return Miss()

    def _list(self, listing: Listing) -> Document | ApiError:
        completions = sorted(
            (kept.completion for kept in self._kept.values()), key=lambda one: one.created
        )
        if listing.page.order != "asc":
            completions.reverse()
        return documents.listed(
            completions,
            listing.page,
            lambda one: one,
            lambda one: (
                listing.model in (None, one.model)
                and listing.metadata.items() <= one.metadata.items()
            ),
        )

    def _one(self, asked: Retrieval | Update | Deletion | Messages) -> Document | ApiError:
        kept = self._kept[asked.id]
        match asked:
            case Messages(page=page):
                messages = kept.messages[:: -1 if page.order == "desc" else 1]
                return documents.listed(messages, page, lambda one: one.document)
            case Deletion():
                self._forget(asked.id)
                return documents.deleted(asked.id)
            case Update(metadata=metadata):
                kept = documents.updated(kept, metadata)
                self._put(kept)
        return Document(kept.completion, compact=True)

    def _forget(self, id: str) -> None:  # noqa: A002 - what it is
        self._bytes -= self._kept.pop(id).size

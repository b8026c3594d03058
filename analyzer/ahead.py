"""A thread that makes things one ahead of whoever takes them.

The kernels hold no lock, so reading and correlating use two cores. What comes out does not depend on it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class _Failure:
    """An exception on its way from the reading thread."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Ahead(Generic[T]):
    """Things (batches) made in a thread, one ahead of whoever takes them.

    ``make`` is called in the thread; what it returns gives the next one each time, None when there are no more.
    """

    def __init__(self, make: Callable[[], Callable[[], T | None]]) -> None:
        # One batch is taken, one waits, one is being made: no window is used again while it is looked at.
        self._queue: queue.Queue[T | _Failure | None] = queue.Queue(maxsize=1)
        self._stop = threading.Event()
        self._following = make
        self._thread = threading.Thread(target=self._make, name="sipcause-reader", daemon=True)
        self._thread.start()

    def _make(self) -> None:
        try:
            following = self._following()
            while not self._stop.is_set():
                batch = following()
                self._put(batch)
                if batch is None:
                    return
        except BaseException as error:
            self._put(_Failure(error))

    def _put(self, item: T | _Failure | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.2)
                return
            except queue.Full:
                continue

    def __enter__(self) -> Iterator[T]:
        return self._taken()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _taken(self) -> Iterator[T]:
        while True:
            item = self._queue.get()
            if isinstance(item, _Failure):
                raise item.error
            if item is None:
                return
            yield item

"""One session with one Redis: a command, its answer, within a deadline. redis-py packs and parses; RESP 2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from redis._parsers import Encoder, _RESP2Parser
from redis.connection import PythonRespSerializer
from redis.exceptions import ConnectionError as Closed
from redis.exceptions import RedisError, ResponseError

from pytest_prodcheck.targets.cache.stream import Stream, TooMuch
from pytest_prodcheck.targets.guard import redis as guard

if TYPE_CHECKING:
    from pytest_prodcheck.targets.guard.redis import Word

Answer = None | bytes | int | list["Answer"]
_READ_SIZE = 65536
_WORD = re.compile(r"[A-Z]{2,20}(?=\s|$)")
_ECHO = re.compile(r",? with args beginning with.*", re.DOTALL)
"""A server that does not know a command repeats its arguments: of AUTH, the password."""
_LONGEST = 300


class Said(ResponseError):
    """An error of the server, whole: redis-py drops the code word (`WRONGPASS`, `NOAUTH`) of those that it knows."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(_ECHO.sub("", text).split())[:_LONGEST]
        super().__init__(self.text)

    @property
    def word(self) -> str:
        """The code word; empty where it has none."""
        found = _WORD.match(self.text)
        return found[0] if found else ""


class Garbage(Exception):
    """What came is not RESP; `head` is its beginning."""

    def __init__(self, text: str, head: bytes = b"") -> None:
        self.head = head
        super().__init__(text)


_encoder: Any = Encoder  # redis-py leaves these two without types


class _Parser(_RESP2Parser):
    @classmethod
    def parse_error(cls, response: str) -> Said:
        """The error as the server said it."""
        return Said(response)


class Session:
    """Asks over one stream. After anything but an answer or a refusal, it is closed."""

    def __init__(self, stream: Stream) -> None:
        self.stream = self._sock = stream
        self.socket_timeout = None
        self.encoder: Any = _encoder("utf-8", "surrogateescape", False)
        parser: Any = _Parser
        self._parser = parser(_READ_SIZE)
        self._parser.on_connect(self)
        self._serializer: Any = PythonRespSerializer(_READ_SIZE, self.encoder.encode)
        self.asked = 0

    def ask(self, *command: Word) -> Answer:
        """The answer to one command that reads. Raises Refused before it is sent; Said where the server refuses it;
        Garbage, TooMuch, TimeoutError or OSError where no answer came."""
        guard.check(command)
        return self._exchanged(command)

    def step(self, *command: Word) -> Answer:
        """The same of a step of the log-in, or of the licensed write: what the stream lets pass."""
        return self._exchanged(command)

    def must(self, wanted: bytes, name: str, *arguments: Word) -> None:
        """A step that has one right answer: another service's first word may read as RESP, too. Raises Garbage for
        any other answer, and what `ask` raises."""
        if self._exchanged((name, *arguments)) != wanted:
            raise Garbage(f"{name} is not answered {wanted.decode()}", self.stream.head)

    def close(self) -> None:
        """Ends the session."""
        self.stream.close()
        self._parser.on_disconnect()

    def _exchanged(self, command: tuple[Word, ...]) -> Answer:
        self.asked += 1
        sent: OSError | None = None
        try:
            self.stream.sendall(b"".join(self._serializer.pack(*command)))
        except TimeoutError:
            raise
        except OSError as error:
            sent = error  # a server that takes nobody says why before it closes, and that may lie there
        try:
            answer = self._parser.read_response(disable_decoding=True)
        except Closed:
            raise sent or ConnectionResetError("the server closed the connection") from None
        except (RedisError, ValueError, RecursionError):
            if self.stream.timed_out:
                raise TimeoutError("no answer in time") from None
            raise Garbage("the answer is no RESP", self.stream.head) from None
        if isinstance(answer, Said):
            raise answer
        return answer  # type: ignore[no-any-return]


__all__ = ["Answer", "Garbage", "Said", "Session", "TooMuch"]

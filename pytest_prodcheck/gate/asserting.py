"""A test asserts: a value that it returns is judged by nobody, whoever runs the test."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from _pytest.unittest import TestCaseFunction


@contextmanager
def held(item: pytest.Item) -> Iterator[None]:
    """While it runs: a coroutine function, which a plugin runs, and a method of unittest's return nothing either."""
    in_class = isinstance(item, TestCaseFunction)
    if not isinstance(item, pytest.Function) or not (in_class or inspect.iscoroutinefunction(item.obj)):
        yield
        return
    body, instance = item.obj, item.instance
    item.obj = returning_nothing(body)
    if in_class:  # unittest itself looks its coroutine functions up
        setattr(instance, item.name, item.obj)
    try:
        yield
    finally:
        item.obj = body
        if in_class:
            vars(instance).pop(item.name, None)


def returning_nothing(body: Callable[..., Any]) -> Callable[..., Any]:
    """The test function; a value that it returns fails it, for nobody would judge `return answer.status == 200`."""

    @functools.wraps(body)
    def called(*args: Any, **kwargs: Any) -> Any:
        value = body(*args, **kwargs)
        return value if inspect.isawaitable(value) or inspect.isasyncgen(value) else _nothing(value)

    @functools.wraps(body)
    async def awaited(*args: Any, **kwargs: Any) -> None:
        _nothing(await body(*args, **kwargs))

    return awaited if inspect.iscoroutinefunction(body) else called


def _nothing(value: object) -> None:
    if value is not None:
        pytest.fail(f"the test returned a value ({type(value).__name__}) instead of asserting it", pytrace=False)

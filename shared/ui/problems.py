"""What a visitor sees when something goes wrong: one sentence, never a stack trace."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from shared.problems import Problem

logger = logging.getLogger("glasshouse")
UNEXPECTED = "Something went wrong here, not with your input; reload the page or try another model."


def sentence(error: Exception) -> str:
    """The sentence for ``error``; anything that is not a ``Problem`` is logged and apologized for."""
    if isinstance(error, Problem):
        return str(error)
    logger.exception("unexpected error", exc_info=error)
    return UNEXPECTED


def shown_as_error(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an endpoint's function so that every failure reaches the caller as ``gr.Error`` with one sentence."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        try:
            return function(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(sentence(error), print_exception=False) from error

    return wrapped

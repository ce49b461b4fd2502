"""Say how far a long job is: a bar on a terminal, a line at every tenth elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Advance = Callable[[int], None]
Show = Callable[[str, int], AbstractContextManager[Advance]]


def quiet(count: int) -> None:
    """Tell nobody."""


@contextmanager
def silent(what: str, total: int) -> Iterator[Advance]:
    """Show nothing."""
    yield quiet


@contextmanager
def track(what: str, total: int, *, console: Console | None = None) -> Iterator[Advance]:
    """Yield a function to call with how much more is done of `total`."""
    console = console or Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(what, total=total or None)
            yield lambda count: bar.advance(task, count)
        return
    state = {"done": 0, "said": 0}

    def advance(count: int) -> None:
        state["done"] += count
        tenth = 10 * state["done"] // total if total else 0
        if tenth > state["said"]:
            state["said"] = tenth
            console.print(f"{what}: {state['done']:,} of {total:,}", highlight=False)

    yield advance

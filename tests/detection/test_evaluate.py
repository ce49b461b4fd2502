"""How the detectors are asked: in blocks, remembering what they learned of the day."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detection import evaluate
from detection.catalogue import DETECTORS
from detection.detector import Bools, Chunk, Marks
from detection.engine import Engine
from detection.episode import Book, Episode
from detection.kernels.runs import held, run_length
from detection.masks import Masks
from detection.policy import Policy
from detection.reads import Memory
from detection.roster import Site
from tests.detection.builders import DAY, HOUR, T0, factory, home, late, live, play, register, roster
from tests.detection.test_engine import STREAM, TOWN, WHOLE, facts

FACTORY = Site(1, "f-1", sector="industrial", q3_lph=25_000, shifts="mo-fr 06:00-22:00")


@pytest.mark.parametrize("every_s", [60 * DAY, 3 * DAY])
def test_blocks_on_several_threads_come_out_like_the_whole(
    every_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "BLOCK", 2)
    engine = Engine(TOWN)
    play(engine, STREAM, every_s=every_s)
    assert [facts(e) for e in live(engine)] == [facts(e) for e in live(WHOLE)]


def test_screens_let_pass_whatever_would_be_raised() -> None:
    without = {name: replace(d, screen=None) for name, d in DETECTORS.items()}
    engine = Engine(TOWN, detectors=without)
    play(engine, STREAM)
    assert [facts(e) for e in live(engine)] == [facts(e) for e in live(WHOLE)]


@given(arrays(np.bool_, st.tuples(st.integers(1, 4), st.integers(1, 30))), st.integers(1, 31))
@settings(max_examples=100, deadline=None)
def test_held_is_a_run_of_that_length(mask: Bools, slots: int) -> None:
    np.testing.assert_array_equal(held(mask, slots), run_length(mask) >= slots)


class Learner:
    """A detector that learns the mean of a week and notes when it had to."""

    def __init__(self) -> None:
        self.learned: list[int] = []
        self.said: list[float] = []

    def mark(self, chunk: Chunk) -> Marks:
        index = np.arange(len(chunk.rows))
        (mean,) = chunk.learn("mean", index, lambda lacking: (self._mean(chunk, lacking),))
        self.said += mean.tolist()
        none = np.zeros((len(index), chunk.hi - chunk.lo), bool)
        return Marks(none, none, np.ones(len(index), np.int64))

    def _mean(self, chunk: Chunk, index: np.ndarray[tuple[int], np.dtype[np.intp]]) -> np.ndarray:  # type: ignore[type-arg]
        self.learned.append(len(index))
        values, covered = chunk.history(index, 7)
        return np.where(covered, values, 0).sum(axis=1) / np.maximum(covered.sum(axis=1), 1)


def learning(*policies: Policy) -> tuple[Engine, Learner]:
    learner = Learner()
    detector = replace(DETECTORS["off_shift"], name="learner", screen=None, mark=learner.mark)
    return Engine(roster(FACTORY), policies, detectors={"learner": detector}), learner


def test_what_was_learned_is_asked_for_once_a_day() -> None:
    engine, learner = learning()
    play(engine, register(1, factory(3 * 24)), every_s=HOUR)
    assert learner.learned == [1, 1, 1] and len(learner.said) == 72


def test_late_readings_of_an_earlier_day_have_it_learned_again() -> None:
    engine, learner = learning()
    batch = register(1, factory(10 * 24))
    told = np.isin(np.arange(len(batch)), [4 * 24 + 10], invert=True)
    play(engine, batch.take(told))
    learner.learned.clear()
    learner.said.clear()
    late(engine, batch, T0 + (4 * 24 + 9) * HOUR, T0 + (4 * 24 + 10) * HOUR, T0 + 10 * DAY)
    assert len(learner.learned) == 6  # the day of the reading, and those after it
    whole, other = learning()
    play(whole, batch)
    assert learner.said == list(dict.fromkeys(other.said))[-6:]


def test_verdict_takes_its_period_out_of_what_is_learned_at_once() -> None:
    engine, learner = learning()
    volumes = factory(10 * 24)
    volumes[5 * 24 : 6 * 24] += 5000
    batch = register(1, volumes)
    play(engine, batch.take(batch.ts <= (T0 + 8 * DAY + 6 * HOUR) * 10**6), every_s=HOUR)
    before = learner.said[-1]
    engine.judge({1: [(T0 + 5 * DAY, T0 + 6 * DAY)]})
    play(engine, batch.take(batch.ts > (T0 + 8 * DAY) * 10**6), until_s=T0 + 8 * DAY + 8 * HOUR)
    assert learner.said[-1] < before - 500
    engine.judge({})
    play(engine, batch.take(batch.ts > (T0 + 8 * DAY + 2 * HOUR) * 10**6), until_s=T0 + 8 * DAY + 9 * HOUR)
    assert learner.said[-1] == before


def test_other_policies_have_it_learned_again() -> None:
    engine, learner = learning(Policy(1, "learner", params={"k_sigma": 9}, valid_from_s=T0 + DAY + 6 * HOUR))
    play(engine, register(1, factory(2 * 24)), every_s=HOUR)
    assert learner.learned == [1, 1, 1]


def test_what_is_shared_is_learned_once_for_detectors_that_leave_out_the_same() -> None:
    asked: list[str] = []

    def mark(chunk: Chunk) -> Marks:
        index = np.arange(len(chunk.rows))
        assert chunk.learn("x", index, note("kept"), shared=True)[0].tolist() == index.tolist()
        assert chunk.once("y", index, lambda: note("page")(index))[0].tolist() == index.tolist()
        none = np.zeros((len(index), chunk.hi - chunk.lo), bool)
        return Marks(none, none, np.ones(len(index), np.int64))

    def note(what: str):  # type: ignore[no-untyped-def]
        return lambda index: (asked.append(what), (index,))[1]

    base = replace(DETECTORS["off_shift"], screen=None, mark=mark)
    detectors = {n: replace(base, name=n) for n in ("one", "two")}
    detectors["other"] = replace(base, name="other", leaves_out=frozenset({"other"}))
    play(Engine(roster(FACTORY), detectors=detectors), register(1, factory(23)), every_s=DAY)
    assert sorted(asked) == ["kept", "kept", "page", "page"]


def test_memory_grows_and_keeps_rows_apart() -> None:
    memory, asked = Memory(), []

    def learn(rows: np.ndarray, lacking: np.ndarray) -> tuple[np.ndarray]:  # type: ignore[type-arg]
        asked.append(rows[lacking].tolist())
        return (rows[lacking] * 10.0,)

    for rows in ([5, 2], [2, 7, 5], [0, 90], [90, 0, 7]):
        at = np.array(rows)
        (made,) = memory.recall(("m",), None, 3, at, lambda lacking, at=at: learn(at, lacking))  # type: ignore[misc]
        assert made.tolist() == [10.0 * r for r in rows]
    assert asked == [[5, 2], [7], [0, 90]]
    memory.forget(("m",), np.array([2, 90]), np.array([3, 1]))  # row 2 changed on the day, row 90 before it
    memory.recall(("m",), None, 3, np.array([2, 90]), lambda lacking: learn(np.array([2, 90]), lacking))
    assert asked[-1] == [90]


def test_mask_is_what_was_known_when_the_day_began() -> None:
    """An alarm that began two days ago is masked as going on, whether it ends during the day or not."""
    day_lo = T0 // HOUR + 10 * 24
    open_one = Episode("burst", 1, T0 + 8 * DAY, T0 + 8 * DAY, T0 + 8 * DAY, T0 + 9 * DAY, 1.0, 0.0, {})
    ended = replace(open_one, closed_s=T0 + 10 * DAY + HOUR, cleared_s=T0 + 10 * DAY - HOUR)
    short = replace(ended, onset_s=T0 + 9 * DAY, closed_s=T0 + 9 * DAY + HOUR, cleared_s=T0 + 9 * DAY + HOUR)
    later = replace(open_one, detected_s=T0 + 10 * DAY + HOUR)
    for episode, hours in ((open_one, 48), (ended, 48), (short, 0), (later, 0)):
        book = Book()
        book.add(episode)
        masked = Masks(book, frozenset({"burst"}), {}, np.array([1]), HOUR, day_lo)
        inside = masked(np.array([0]), day_lo - 96, day_lo)
        assert inside.sum() == hours and (not hours or inside[0, -48:].all())


def test_day_in_pieces_is_masked_like_the_day_at_once() -> None:
    volumes = home(30 * 24)
    volumes[20 * 24 + 5 : 25 * 24 + 5] += 700
    site = Site(1, "m-1", q3_lph=2500)
    at_once, pieces = Engine(roster(site)), Engine(roster(site))
    play(at_once, register(1, volumes), every_s=60 * DAY)
    play(pieces, register(1, volumes), every_s=HOUR)
    assert [facts(e) for e in live(pieces)] == [facts(e) for e in live(at_once)]

"""When was each meter last heard, and who has been silent for too long.

Silence is about receipts, not about the time that readings carry: what a gateway kept and sent later was not
heard before. Nothing need come in for a meter to fall silent, so it is looked at in every cycle. A silence is
known by its ends alone, so that one cycle a day finds what one a minute finds.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.episode import Book, Episode
from detection.kernels.silent import limit_s, together
from detection.policy import Policies, Resolved
from detection.roster import DMA, Roster

NAME = "silent"
_GOING = 2**61
_KEPT_S = 40 * 86_400
#: A silence that lasts is told anew when it has grown by this factor.
_GROWN = 1.25

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Gaps:
    """Silences: position in the roster, last receipt and the next one (seconds; far ahead: it lasts).

    `step_s` is how long before the last receipt the one before it came, if not together; 0 if there was none:
    a meter that sends once a day is not silent after three hours.
    """

    site: NDArray[np.intp]
    start_s: Ints
    end_s: Ints
    step_s: Ints

    def take(self, index: NDArray[np.intp] | Bools) -> "Gaps":
        """Return those at `index`."""
        return Gaps(*(column[index] for column in self.columns()))

    def columns(self) -> tuple[Any, ...]:
        """Return the columns."""
        return self.site, self.start_s, self.end_s, self.step_s


def _join(*parts: Gaps) -> Gaps:
    return Gaps(*(np.concatenate(columns) for columns in zip(*(p.columns() for p in parts), strict=True)))


def _none() -> Gaps:
    return Gaps(np.empty(0, np.intp), *(np.empty(0, np.int64) for _ in range(3)))


class Silence:
    """The last receipt of every meter, and the silences that have ended."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._heard = self._step = np.zeros(len(roster), np.int64)
        self._ended = _none()
        self._settled_s = 0
        self.know(roster, Policies([], {}, roster))

    def know(self, roster: Roster, policies: Policies) -> None:
        """Take over who the meters are."""
        at = roster.find(self._roster.meter_id)
        heard, step = np.zeros(len(roster), np.int64), np.zeros(len(roster), np.int64)
        heard[at[at >= 0]], step[at[at >= 0]] = self._heard[at >= 0], self._step[at >= 0]
        _, start_s, end_s, step_s = self._ended.columns()
        moved = Gaps(at[self._ended.site], start_s, end_s, step_s)
        self._ended = moved.take(moved.site >= 0)
        self._roster, self._policies, self._heard, self._step = roster, policies, heard, step
        is_dma = roster.kind == DMA
        ids = zip(roster.dma_id[is_dma].tolist(), roster.meter_id[is_dma].tolist(), strict=True)
        self.districts: dict[int, int] = dict(ids)

    def hear(self, site: NDArray[np.intp], received_s: Ints, *, evaluate: bool) -> None:
        """Take in receipts, in any order; what was silent before is of no account if it isn't evaluated."""
        new = (site >= 0) & (received_s > self._heard[site])
        order = np.lexsort((received_s[new], site[new]))
        site, at = site[new][order], received_s[new][order]
        if len(site) == 0:
            return
        first = np.ones(len(site), bool)
        first[1:] = site[1:] != site[:-1]
        before = np.where(first, self._heard[site], np.roll(at, 1))
        gap = np.where(before > 0, at - before, 0)
        apart = 2 * gap >= self._roster.interval_s[site]  # else they came together
        index = np.arange(len(gap))
        newest = np.maximum.accumulate(np.where(apart, index, -1))
        begin = np.maximum.accumulate(np.where(first, index, 0))
        step_now = np.where(newest >= begin, gap[newest], self._step[site])
        step = np.where(first, self._step[site], np.roll(step_now, 1))
        ended = np.flatnonzero(evaluate & (gap >= 3 * np.maximum(self._roster.interval_s[site], 900)))
        if len(ended):
            kept = self._ended.take(self._ended.end_s > int(at.max()) - _KEPT_S)
            self._ended = _join(kept, Gaps(site[ended], before[ended], at[ended], step[ended]))
        last = np.append(first[1:], True)
        self._heard[site[last]], self._step[site[last]] = at[last], step_now[last]

    def heard(self, meter_ids: Ints, received_s: Ints) -> None:
        """Take over the last receipts of meters of which there are no readings here."""
        site = self._roster.find(meter_ids)
        lack = (site >= 0) & (self._heard[site] == 0)
        self._heard[site[lack]] = received_s[lack]

    def settle(self, now_s: int, book: Book) -> set[tuple[str, int]]:
        """Bring the book up to `now_s`; return the alarms that changed."""
        settings = self._policies.at(NAME, now_s)
        since = now_s - self._heard
        lasting = np.flatnonzero(settings.enabled & (self._heard > 0) & (since > 0) & (since <= _KEPT_S))
        ended = self._ended.take((self._ended.end_s > self._settled_s) & settings.enabled[self._ended.site])
        far = np.full(len(lasting), _GOING)
        gaps = _join(ended, Gaps(lasting, self._heard[lasting], far, self._step[lasting]))
        turn = _Turn(self, self._roster, gaps, settings, now_s, book)
        turn.close()
        turn.gateways()
        turn.meters()
        self._settled_s = now_s
        return {(NAME, meter) for meter in turn.changed}

    def heard_after(self, site: int, at_s: int) -> int:
        """Return the first receipt of a meter after one at `at_s`, `_GOING` if there was none."""
        last = int(self._heard[site])
        if last <= at_s:
            return _GOING
        mine = (self._ended.site == site) & (self._ended.start_s >= at_s)
        return int(self._ended.end_s[mine].min(initial=last))


class _Turn:
    """One look at all silences."""

    def __init__(
        self, silence: Silence, roster: Roster, gaps: Gaps, settings: Resolved, now_s: int, book: Book
    ) -> None:
        self.silence, self.roster, self.book, self.now_s = silence, roster, book, now_s
        self.enabled, self.params = settings.enabled, settings.params
        self.within_s = np.maximum(roster.interval_s, 3600)
        self.own_s = limit_s(roster.interval_s, self.params["intervals"], self.params["least_h"])
        steps = np.maximum(roster.interval_s[gaps.site], gaps.step_s)
        at = gaps.site
        together_s = limit_s(steps, np.full(len(at), 3, np.float32), self.params["gateway_h"][at])
        self.together_s = np.where(gaps.step_s > 0, np.minimum(together_s, self.own_s[at]), self.own_s[at])
        order = np.lexsort((gaps.site, gaps.start_s))
        long = (np.minimum(gaps.end_s, now_s) - gaps.start_s > self.together_s)[order]
        self.gaps, self.together_s = gaps.take(order[long]), self.together_s[order[long]]
        self.changed: set[int] = set()
        #: By DMA the silences of gateways: first start, and the instant at which it was over.
        self.spans: dict[int, list[tuple[int, int]]] = {}

    def _put(self, meter: int, made: Episode, old: Episode | None) -> None:
        if made == old:
            return
        listed = [e for e in self.book.of(NAME).get(meter, ()) if e.raised_s != made.raised_s]
        self.book.put(NAME, meter, sorted([*listed, made], key=lambda e: e.raised_s))
        self.changed.add(meter)

    def _made(
        self,
        meter: int,
        onset_s: int,
        raised_s: int,
        end_s: int,
        evidence: dict[str, Any],
        old: Episode | None,
    ) -> Episode:
        over = end_s <= self.now_s
        hours = (min(end_s, self.now_s) - onset_s) / 3600
        if not over:  # told in steps, so that nothing changes in between
            least = (raised_s - onset_s) / 3600
            hours = least * _GROWN ** math.floor(math.log(max(hours / least, 1.0)) / math.log(_GROWN) + 1e-9)
        last_s = end_s if over else onset_s + int(hours * 3600)
        site = int(self.roster.find(np.array([meter]))[0])
        account_no, dma = str(self.roster.account_no[site]), ""
        if old is not None:
            account_no, dma = old.account_no, old.dma
        elif self.roster.kind[site] == DMA:
            account_no, dma = "", str(self.roster.dma[site])
        return Episode(
            detector=NAME,
            meter_id=meter,
            raised_s=raised_s,
            onset_s=onset_s,
            detected_s=old.detected_s if old else raised_s,
            last_s=max(last_s, raised_s),
            magnitude=round(hours, 3),
            loss_l=0.0,
            evidence={**evidence, "hours": round(hours, 1)},
            closed_s=end_s if over else None,
            cleared_s=end_s if over else None,
            account_no=account_no,
            dma=dma,
        )

    def close(self) -> None:
        """Close what is open of meters that were heard again, or are no longer asked."""
        listed = self.book.of(NAME)
        ids = np.fromiter(listed, np.int64, len(listed))
        for meter, site in zip(ids.tolist(), self.roster.find(ids).tolist(), strict=True):
            last = listed[meter][-1]
            if last.closed_s is not None or site < 0 or self.roster.kind[site] == DMA:
                continue
            end_s = self.silence.heard_after(site, last.onset_s)
            if not self.enabled[site]:
                end_s = min(end_s, max(self.now_s, last.raised_s))
            self._put(meter, self._made(meter, last.onset_s, last.raised_s, end_s, last.evidence, last), last)

    def gateways(self) -> None:
        """Tell the silences of a DMA that began together as one."""
        dma = self.roster.dma_id[self.gaps.site]
        known = {d for d, meter in self.silence.districts.items() if meter in self.book.of(NAME)}
        for district in sorted({int(d) for d in np.unique(dma)} | known):
            meter = self.silence.districts.get(district)
            if meter is None:
                continue
            mine = np.flatnonzero(dma == district)
            for old in list(self.book.of(NAME).get(meter, ())):
                mine = self._again(meter, old, mine)
            least = self._least(district, meter)
            while len(mine) >= least:
                gaps = self.gaps.take(mine)
                found = together(
                    gaps.start_s, gaps.end_s, self.together_s[mine], self.within_s[gaps.site], least
                )
                if found is None or found[1] > self.now_s:
                    break
                members = gaps.take(found[0])
                onset_s = int(members.start_s.min())
                self._gateway(meter, members, onset_s, found[1], None)
                mine = mine[~self._began_with(gaps, onset_s)]

    def _least(self, district: int, meter: int) -> int:
        site = int(self.roster.find(np.array([meter]))[0])
        members = int(((self.roster.dma_id == district) & (self.roster.kind != DMA)).sum())
        share = math.ceil(float(self.params["gateway_share"][site]) * members)
        return max(int(self.params["gateway_meters"][site]), share)

    def _began_with(self, gaps: Gaps, onset_s: int) -> Bools:
        return (gaps.start_s >= onset_s) & (gaps.start_s <= onset_s + self.within_s[gaps.site])

    def _again(self, meter: int, old: Episode, mine: NDArray[np.intp]) -> NDArray[np.intp]:
        """Bring a gateway's silence up to date; return the silences that are not part of it."""
        gaps = self.gaps.take(mine)
        inside = self._began_with(gaps, old.onset_s)
        if old.closed_s is None:
            here = set(self.roster.serial[gaps.site[inside]].tolist())
            others = [
                self.roster.meters_of.get(("meter", s), [-1])[0]
                for s in old.evidence["meters"]
                if s not in here
            ]
            back = self.roster.find(np.array(others, np.int64))
            back = back[back >= 0]
            ends = np.array([self.silence.heard_after(int(s), old.onset_s) for s in back], np.int64)
            zero = np.zeros(len(back), np.int64)
            returned = Gaps(back, zero + old.onset_s, ends, zero)
            self._gateway(meter, _join(gaps.take(inside), returned), old.onset_s, old.raised_s, old)
        else:
            self._span(old)
        return mine[~inside]

    def _gateway(self, meter: int, members: Gaps, onset_s: int, raised_s: int, old: Episode | None) -> None:
        serials = sorted(self.roster.serial[members.site].tolist())
        over_s = int(np.sort(members.end_s)[(len(members.end_s) - 1) // 2])  # half of them were heard again
        evidence = {"reason": "gateway", "meters": serials}
        made = self._made(meter, onset_s, raised_s, max(over_s, raised_s), evidence, old)
        self._put(meter, made, old)
        self._span(made)

    def _span(self, made: Episode) -> None:
        site = int(self.roster.find(np.array([made.meter_id]))[0])
        over_s = _GOING if made.closed_s is None else made.closed_s
        self.spans.setdefault(int(self.roster.dma_id[site]), []).append((made.onset_s, over_s))

    def meters(self) -> None:
        """Tell the other silences one by one."""
        gaps, listed = self.gaps, self.book.of(NAME)
        own_s = self.own_s[gaps.site]
        going = [m for m, episodes in listed.items() if episodes[-1].closed_s is None]
        told = np.isin(self.roster.meter_id[gaps.site], np.array(going, np.int64)) & (gaps.end_s == _GOING)
        for i in np.flatnonzero(~told & (np.minimum(gaps.end_s, self.now_s) - gaps.start_s > own_s)):
            site, start_s, end_s = int(gaps.site[i]), int(gaps.start_s[i]), int(gaps.end_s[i])
            meter, raised_s = int(self.roster.meter_id[site]), start_s + int(own_s[i])
            for onset_s, over_s in self.spans.get(int(self.roster.dma_id[site]), ()):
                if onset_s <= start_s <= onset_s + self.within_s[site]:
                    raised_s = max(raised_s, over_s + int(self.together_s[i]))
            known = any(e.onset_s == start_s for e in listed.get(meter, ()))
            if raised_s < min(end_s, self.now_s) and not known:
                made = self._made(meter, start_s, raised_s, end_s, {"reason": "meter"}, None)
                self._put(meter, made, None)

"""docs/detectors.md: the table of each detector, made from the catalogue."""

from detection.catalogue import DETECTORS
from detection.detector import Detector, Param


def table(detector: Detector) -> str:
    """Return a detector's parameters as a Markdown table."""
    lines = ["| parameter | default | unit | meaning | source |", "|---|---|---|---|---|"]
    lines += [
        f"| `{p.name}` | {_default(p)} | {p.unit} | {p.meaning} | {p.source} |" for p in detector.params
    ]
    return "\n".join(lines)


def _default(param: Param) -> str:
    others = [f"{name} {value:g}" for name, value in sorted(param.by_class.items())]
    return "; ".join([f"{param.default:g}", *others])


def facts(detector: Detector) -> str:
    """Return a detector's group, unit and whom it is for, as one line."""
    whom = ", ".join(sorted(detector.sectors) or sorted(detector.kinds))
    per = "one event a DMA" if detector.by_dma else "one event a meter"
    return f"Group `{detector.group}`, magnitude in {detector.unit}, {per}; for: {whom}."


def filled(page: str) -> str:
    """Return the page with what stands between `<!-- made: NAME -->` and `<!-- end -->` made anew."""
    for name, detector in DETECTORS.items():
        begin, end = f"<!-- made: {name} -->", "<!-- end -->"
        head, _, rest = page.partition(begin)
        _, _, tail = rest.partition(end)
        made = f"{detector.finds}\n{facts(detector)}\n\n{table(detector)}"
        page = f"{head}{begin}\n{made}\n{end}{tail}"
    return page

"""The field's standard terms as enumerations; their values are what stands in SQL, JSON and topics."""

from enum import IntEnum, IntFlag, StrEnum


def for_readers(text: str) -> str:
    """Mark a text that people read, where its place does not tell, for who translates it."""
    return text


class Reason(StrEnum):
    """Why a payload, or part of one, was put in quarantine."""

    MALFORMED = "malformed"
    UNKNOWN_METER = "unknown_meter"
    WRONG_METER = "wrong_meter"
    BAD_VALUE = "bad_value"
    FUTURE_TIMESTAMP = "future_timestamp"
    TOO_OLD = "too_old"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"
    UNSUPPORTED = "unsupported"


class Quality(IntEnum):
    """How an interval volume came about."""

    MEASURED = 0
    INTERPOLATED = 1
    ESTIMATED = 2
    EDITED = 3


class Flag(IntFlag):
    """Status bits that a meter reports with a reading; the payload carries their lower-case names."""

    LEAK = 1
    BURST = 2
    BACKFLOW = 4
    TAMPER = 8
    LOW_BATTERY = 16
    DRY = 32
    FREEZE = 64
    SENSOR_FAULT = 128
    MAGNETIC = 256
    REMOVED = 512


class Severity(StrEnum):
    """How bad an event is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Sector(StrEnum):
    """What a customer does with the water."""

    RESIDENTIAL = "residential"
    INDUSTRIAL = "industrial"
    COMMERCIAL = "commercial"
    INSTITUTIONAL = "institutional"


class Segment(StrEnum):
    """How a customer is looked after."""

    LARGE = "large"
    SPECIAL = "special"
    VULNERABLE = "vulnerable"
    GENERAL = "general"


class MeterKind(StrEnum):
    """What a meter measures; a storage meter's register is the volume the tank holds."""

    CUSTOMER = "customer"
    DMA_INLET = "dma_inlet"
    DMA_OUTLET = "dma_outlet"
    PRESSURE = "pressure"
    STORAGE = "storage"


class Scope(StrEnum):
    """Where a detector policy applies; later ones override earlier ones."""

    DEFAULT = "default"
    SECTOR = "sector"
    SEGMENT = "segment"
    DMA = "dma"
    CUSTOMER = "customer"
    METER = "meter"

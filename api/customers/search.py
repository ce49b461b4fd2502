"""GET /v1/search."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.answers import answers
from api.auth import Caller, needs
from api.customers.schemas import BRIEF, CustomerBrief
from api.fields import Name
from service.search import MOST, search

router = APIRouter(prefix="/v1/search", tags=["customers"])


class Asked(BaseModel):
    """What is known of the customer."""

    model_config = ConfigDict(extra="forbid")

    q: Name = Field(
        description="Name (Chinese, pinyin, initials or Latin), account number, address, phone, e-mail or"
        " meter; several words narrow it down. One wrong letter or character is put up with."
    )
    limit: int = Field(20, ge=1, le=MOST, description="Most customers to return.")


class Found(CustomerBrief):
    """A customer, and why."""

    phone: str | None
    matched: Literal[
        "account_no", "meter", "phone", "email", "name", "address", "name and address", "similar name"
    ] = Field(description="What fits.")
    value: str | None = Field(description="How that is written in the record.")
    score: float = Field(description="How well it fits, 0 to 1; exact ones above 0.95.")


class FoundList(BaseModel):
    """The customers that are likeliest meant, the best first."""

    items: list[Found]


EXAMPLE: dict[str, Any] = {
    "items": [
        {
            **BRIEF,
            "phone": "+86 27 5550 0147",
            "matched": "name",
            "value": BRIEF["name"],
            "score": 0.97,
        }
    ]
}


@router.get("", operation_id="findCustomers", responses=answers(EXAMPLE))
def find_customers(
    caller: Annotated[Caller, needs("customers:read")], asked: Annotated[Asked, Query()]
) -> FoundList:
    """Find customers by whatever is known of them, the likeliest first."""
    with caller.transaction() as conn:
        return FoundList(items=[Found(**hit) for hit in search(conn, asked.q, asked.limit)])

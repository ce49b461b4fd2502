"""What a role may do in the console: no more than its page in docs/console.md says."""

from api.keys import SCOPES
from web.rights import SCOPES_OF


def test_a_reader_changes_nothing_and_only_an_administrator_sees_keys_and_audit() -> None:
    assert not [scope for scope in SCOPES_OF["reader"] if not scope.endswith(":read")]
    for role, scopes in SCOPES_OF.items():
        secret = {"keys:read", "keys:write", "audit:read"}
        assert scopes & secret == (secret if role == "admin" else set()), role
        assert "self:issue" not in scopes, "a customer's token is for programs to make"


def test_a_manager_sees_neither_the_machine_room_nor_settles_what_holds_for_all() -> None:
    for scope in ("quarantine:read", "jobs:read", "policies:write", "outages:write", "settings:write"):
        assert scope not in SCOPES_OF["manager"]


def test_health_and_what_was_sent_to_whom_is_not_for_who_only_reads() -> None:
    for scope in ("quarantine:read", "jobs:read", "metrics:read", "messages:read"):
        assert scope not in SCOPES_OF["reader"]
        assert scope in SCOPES_OF["operations"]
    assert "messages:read" in SCOPES_OF["manager"]


def test_an_administrator_may_all_that_people_may() -> None:
    assert set(SCOPES) - SCOPES_OF["admin"] == {"self:issue"}

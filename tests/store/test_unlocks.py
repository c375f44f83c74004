"""Unlock marks: seen once, in order, and not kept for ever."""

from aiproxy.store import unlocks


def test_marks_made_after_a_start_are_listed_in_order(db):
    unlocks.mark(db, "before", now=1)
    start = unlocks.last_id(db)
    unlocks.mark(db, "Admin", now=2)
    unlocks.mark(db, "", now=3)

    assert [key for _, key in unlocks.list_after(db, start)] == ["admin", ""]


def test_a_server_that_has_seen_a_mark_does_not_see_it_again(db):
    unlocks.mark(db, "admin", now=1)
    [(mark_id, _)] = unlocks.list_after(db, 0)

    assert unlocks.list_after(db, mark_id) == []


def test_old_marks_are_deleted(db):
    for number in range(unlocks.KEPT + 10):
        unlocks.mark(db, f"user{number}", now=number)

    assert len(unlocks.list_after(db, 0)) == unlocks.KEPT

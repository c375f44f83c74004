"""Keys that an admin makes for others, and what a key is worth."""

from __future__ import annotations

import re


def test_an_admin_makes_a_key_for_a_member(site, admin):
    answer = admin.post(f"/user/keys/new/{site.member_id}", {"name": "for mia"})
    page = admin.follow(answer)
    (key,) = set(re.findall(r"aip_[A-Za-z0-9_-]{43}", page.text))
    digests = site.services.snapshot.keys

    assert [k.user_id for k in digests.values()] == [site.member_id]
    assert key not in admin.get(f"/users?edit={site.member_id}").text


def test_an_admin_revokes_anybodys_key(site, admin):
    key = site.make_key(site.member_id)
    (row,) = site.services.snapshot.keys.values()
    answer = admin.post(f"/user/keys/revoke/{row.id}")

    assert answer.status == 303
    (row,) = site.services.snapshot.keys.values()
    assert row.revoked_at is not None
    assert key not in admin.follow(answer).text


def test_a_script_makes_and_revokes_one(site, script):
    made = script.post(f"/user/keys/new/{site.member_id}", {"name": "x"})
    assert made.status == 201
    gone = script.post(f"/user/keys/revoke/{made.json()['id']}")

    assert (gone.status, gone.json()) == (200, {})


def test_a_key_of_nobody_is_not_found(script):
    assert script.post("/user/keys/revoke/999").status == 404
    assert script.post("/user/keys/new/999", {"name": "x"}).status == 404


def test_a_member_makes_no_keys_for_others(site, member):
    assert member.post(f"/user/keys/new/{site.admin_id}", {"name": "x"}).status == 403

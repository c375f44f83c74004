"""Help lists every address, and says what to check."""

from __future__ import annotations


def test_every_base_url_is_listed(admin, script):
    page = admin.get("/help")

    assert "http://127.0.0.1:8000/v1/messages/openrouter" in page.words
    assert "Nothing arrives?" in page.words
    addresses = script.get("/help").json()["base_urls"]
    assert addresses[""] == "http://127.0.0.1:8000"
    assert addresses["chutes"] == "http://127.0.0.1:8000/v1/messages/chutes"


def test_a_member_may_read_it(member):
    assert member.get("/help").status == 200


def test_a_script_hides_the_checklist_of_its_user(site, script):
    assert script.post("/checklist", {"hidden": True}).json() == {
        "hide_checklist": True
    }
    assert site.services.snapshot.users[site.admin_id].hide_checklist
    script.post("/checklist", {"hidden": False})
    assert not site.services.snapshot.users[site.admin_id].hide_checklist

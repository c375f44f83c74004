"""Icons and times are HTML; whatever comes from a stranger is escaped in them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from aiproxy.web import markup


@pytest.mark.parametrize("name", markup.ICONS)
def test_every_icon_is_well_formed_and_hidden_beside_its_word(name):
    drawing = ElementTree.fromstring(markup.icon(name))  # noqa: S314 - our own

    assert drawing.get("aria-hidden") == "true"
    assert len(drawing) > 0


def test_an_icon_alone_has_a_name():
    assert 'aria-label="&lt;b&gt;"' in markup.icon("check", "<b>")


def test_a_moment_is_written_in_utc_for_people_and_machines():
    assert markup.clock(1_700_000_000) == (
        '<time datetime="2023-11-14T22:13:20Z">14 Nov 2023, 22:13 UTC</time>'
    )


def test_a_moment_that_never_was_is_a_word():
    assert markup.clock(None) == "never"
    assert markup.ago(None, 5, "<never>") == "&lt;never&gt;"


def test_an_age_is_the_difference():
    assert markup.ago(1_700_000_000, 1_700_000_180) == (
        '<time datetime="2023-11-14T22:13:20Z" data-ago>3 min ago</time>'
    )


def test_quoted_words_become_code():
    assert markup.with_code("Use `-custom` <here>") == (
        'Use <code class="nowrap">-custom</code> &lt;here&gt;'
    )


def test_an_address_breaks_after_its_slashes():
    assert markup.breakable("http://h/v1/<x>") == "http://h/<wbr>v1/<wbr>&lt;x&gt;"

"""A setting's text becomes its value, or a sentence for the form."""

import pytest

from aiproxy.store.setting_types import Unfit
from aiproxy.store.settings import SETTINGS


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("server_port", "9000", 9000),
        ("server_port", 9000, 9000),
        ("server_port", " 0 ", 0),
        ("enable_streaming", "on", True),
        ("enable_streaming", "FALSE", False),
        ("enable_streaming", "0", False),
        ("enable_streaming", True, True),
        ("enable_streaming", 1, True),
        ("proxy_auth", "Required", "required"),
        ("log_level", "debug", "DEBUG"),
        (
            "trusted_proxies",
            "10.0.0.1, 192.168.0.7/16",
            ("10.0.0.1/32", "192.168.0.0/16"),
        ),
        ("trusted_proxies", ["::1"], ("::1/128",)),
        ("allowed_hosts", "AI.Example.org\n[::1]", ("ai.example.org", "::1")),
        ("allowed_hosts", "", ()),
        ("base_path", "aiproxy/", "/aiproxy"),
        ("base_path", "/", ""),
        ("public_url", "https://ai.example.org/x/", "https://ai.example.org/x"),
        ("public_url", "", ""),
        ("server_host", "[::]", "::"),
        ("server_host", "0.0.0.0", "0.0.0.0"),
        ("log_dir", "/var/log/ai proxy", "/var/log/ai proxy"),
    ],
)
def test_usual_ways_to_write_a_value_are_understood(name, raw, value):
    assert SETTINGS[name].parse(raw) == value


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("server_port", "65536"),
        ("server_port", "-1"),
        ("server_port", "80a"),
        ("server_port", "٣"),
        ("server_port", "1" * 500),
        ("server_port", True),
        ("server_port", 80.5),
        ("server_port", None),
        ("server_port", [80]),
        ("request_timeout", "0"),
        ("enable_streaming", "maybe"),
        ("enable_streaming", {}),
        ("proxy_auth", "none"),
        ("proxy_auth", 5),
        ("trusted_proxies", "10.0.0.0/99"),
        ("trusted_proxies", "proxy.example.org"),
        ("trusted_proxies", {"a": 1}),
        ("trusted_proxies", [7]),
        ("allowed_hosts", "a.example.org:8000"),
        ("allowed_hosts", "https://a.example.org"),
        ("allowed_hosts", "*"),
        ("base_path", "/a b"),
        ("base_path", "/a/../b"),
        ("public_url", "ftp://x.example"),
        ("public_url", "https://"),
        ("public_url", "https://user@x.example"),
        ("public_url", "https://x.example/?a=1"),
        ("public_url", "https://x.example:99999"),
        ("public_url", "javascript:alert(1)"),
        ("public_url", "http://["),
        ("public_url", "https://x.example/$(reboot)"),
        ("public_url", "https://x.example/'\";<script>"),
        ("public_url", "http://\u2100.example"),
        ("server_host", "a b"),
        ("server_host", ""),
        ("secret_key", "short"),
        ("log_dir", ""),
        ("log_dir", "a\nb"),
        ("public_url", "https://x.example/" + "a" * 3000),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(name, raw):
    with pytest.raises(Unfit) as caught:
        SETTINGS[name].parse(raw)

    assert str(caught.value).endswith(".")

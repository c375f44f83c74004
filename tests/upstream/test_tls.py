"""TLS: always verified, one context for all, failures that say what to do."""

from __future__ import annotations

import os
import ssl
import sys

import pytest

from aiproxy.errors import UpstreamUnreachable
from aiproxy.upstream.tls import TLSContexts, describe_failure


def test_all_connections_share_one_context():
    contexts = TLSContexts()

    assert contexts.get("") is contexts.get("")


def test_every_context_verifies_name_and_certificate(certificate):
    contexts = TLSContexts()
    for context in (contexts.get(""), contexts.get(str(certificate.cert))):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_ca_file_counts_beside_the_systems_certificates(certificate):
    contexts = TLSContexts()
    own = len(contexts.get(str(certificate.cert)).get_ca_certs())

    assert own == len(contexts.get("").get_ca_certs()) + 1


def test_a_ca_file_that_was_replaced_is_read_again(certificate, tmp_path):
    copy = tmp_path / "ca.pem"
    copy.write_bytes(certificate.cert.read_bytes())
    contexts = TLSContexts()
    first = contexts.get(str(copy))
    os.utime(copy, (1, 1))

    assert contexts.get(str(copy)) is not first


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_ca_file_of_no_use_is_named_without_its_folder(content, tmp_path):
    path = tmp_path / "company.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UpstreamUnreachable, match=r"company\.pem") as caught:
        TLSContexts().get(str(path))

    assert caught.value.kind == "tls"
    assert str(tmp_path) not in caught.value.message


def test_comments_of_any_encoding_stand_between_certificates(certificate, tmp_path):
    copy = tmp_path / "ca.pem"
    copy.write_bytes("# Autorité de Köln\n".encode() + certificate.cert.read_bytes())
    before = len(TLSContexts().get("").get_ca_certs())

    assert len(TLSContexts().get(str(copy)).get_ca_certs()) == before + 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a FIFO and a device")
def test_what_would_be_read_for_ever_is_not_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (str(pipe), "/dev/zero", str(tmp_path)):
        with pytest.raises(UpstreamUnreachable, match="CA file"):
            TLSContexts().get(path)


def test_a_connection_that_ended_in_the_handshake_is_described():
    assert "it was closed" in describe_failure("example.com", OSError())

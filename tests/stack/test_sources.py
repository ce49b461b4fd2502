from pathlib import Path

from jobs.stack.sources import Source, debian_uris, machine_sources, parse_list, parse_sources

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb cdrom:[Debian 12]/ bookworm main
deb [arch=amd64 signed-by=/keys/a.gpg trusted=yes] http://one.example/debian bookworm main contrib # tail
deb-src http://one.example/debian bookworm main
deb http://flat.example/repo ./
"""

DEB822 = """\
Types: deb deb-src
URIs: http://two.example/debian http://three.example/debian
# a comment inside
Suites: trixie trixie-updates trixie-backports
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb
URIs: http://inline.example
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_one_line_sources_are_read_with_their_key() -> None:
    found = list(parse_list(ONE_LINE))
    assert found[1] == Source(
        ("http://one.example/debian",), ("bookworm",), ("main", "contrib"), "/keys/a.gpg"
    )
    assert found[2].suites == ("./",)
    assert "trusted" not in found[1].stanza()


def test_deb822_sources_are_read_with_path_or_inline_key_and_disabled_ones_are_not() -> None:
    first, inline = parse_sources(DEB822)
    assert first.uris == ("http://two.example/debian", "http://three.example/debian")
    assert first.signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert "Signed-By: -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END" in inline.stanza()


def test_written_stanza_reads_as_the_same_source() -> None:
    for source in parse_sources(DEB822):
        assert list(parse_sources(source.stanza())) == [source]


def test_machine_sources_leave_out_media_backports_and_components_that_hold_nothing_we_need(
    tmp_path: Path,
) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "old.list.disabled").write_text(
        "deb http://disabled.example trixie main\n"
    )
    found = machine_sources(tmp_path)
    assert [source.uris[0].split(":")[0] for source in found].count("cdrom") == 0
    assert found[0].components == ("main",)
    assert found[2].suites == ("trixie", "trixie-updates")
    assert not any("disabled" in uri for source in found for uri in source.uris)


def test_debian_mirror_is_the_one_that_debians_key_signs() -> None:
    other = Source(("http://other.example",), ("bookworm",), ("main",), "/keys/other.gpg")
    debian = Source(
        ("mirror+file:///etc/apt/mirrors/debian.list",), ("bookworm",), ("main",), "/k/debian-archive.gpg"
    )
    release = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
    assert debian_uris([other, debian], release) == debian.uris
    assert debian_uris([other, debian], {"ID": "ubuntu", "VERSION_CODENAME": "noble"}) == ()
    assert debian_uris([], release) == ()

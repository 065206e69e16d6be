"""Which files of a mail another program may be asked to open; pure.

What is not known to be only looked at is refused: a name says how a desktop opens a file, and the
first bytes say whether it would rather be run.
"""

from __future__ import annotations

_SEEN = frozenset(
    {"png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "heic"}  # pictures
    | {"txt", "csv", "tsv", "log", "md", "json", "ics", "vcf", "eml"}  # text
    | {"pdf", "docx", "xlsx", "pptx", "odt", "ods", "odp", "rtf"}  # papers, without macros
    | {"mp3", "wav", "ogg", "flac", "m4a", "mp4", "webm", "mov", "mkv"}  # sound, films
)
_PROGRAM = frozenset(
    {"exe", "com", "bat", "cmd", "scr", "msi", "ps1", "vbs", "js", "jse", "wsf", "hta", "jar"}
    | {"sh", "bash", "zsh", "py", "pl", "rb", "php", "app", "command", "desktop", "run", "bin"}
    | {"lnk", "url", "webloc", "reg", "dll", "so", "apk", "deb", "rpm", "dmg", "pkg", "iso", "img"}
)
_MACROS = frozenset({"docm", "dotm", "xlsm", "xltm", "xlam", "pptm", "potm", "doc", "xls", "ppt"})
_PAGE = frozenset({"html", "htm", "xhtml", "mht", "mhtml", "svg", "xml", "xsl"})
_PACKED = frozenset({"zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz", "cab"})
_WHY = (
    (_PROGRAM, "it is a program, or starts one"),
    (_MACROS, "such papers can hold programs"),
    (_PAGE, "such pages can run scripts and call home"),
    (_PACKED, "it is an archive; look into it with care"),
)
_RUNS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe")
_STARTS = (b"[desktop entry]", b"<script", b"<!doctype html", b"<html", b"<?php", b"<svg")
_HEAD = 512  # bytes in which a beginning is looked for


def refusal(name: str) -> str:
    """Say why a file of this name is not opened; empty where it may be."""
    ending = name.rpartition(".")[2].casefold() if "." in name else ""
    for endings, why in _WHY:
        if ending in endings:
            return why
    return "" if ending in _SEEN else "it is not known what would open it"


def refusal_of(content: bytes) -> str:
    """Say why a file that begins so is not opened, whatever it is called."""
    head = content[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    if content.startswith(_RUNS) or head.lower().startswith(_STARTS):
        return "inside it is a program or a page, not what its name says"
    return ""

from typing import Any


def lit(rig: Any) -> list[str]:
    """What is marked in the reader, line by line."""
    reader = rig.main.reader
    found = [
        [span[0] for span in reader._lines[number] if reader._wanted.search(span[0])]
        for number in reader._hits
    ]
    return [" ".join(parts) for parts in found]


async def test_words_are_found_in_folded_mail_too(rig: Any) -> None:
    async with rig.on():
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("ctrl+f")
        await rig.type("WET")
        await rig.until_seen("lines")
        await rig.press("enter")
        count = len(lit(rig))
        assert count >= 2
        assert rig.said.startswith(f"hit 1 of {count}")
        await rig.press("n")
        await rig.until(lambda: rig.said.startswith(f"hit 2 of {count}"), "n did not go on")
        await rig.press("N")
        await rig.until(lambda: rig.said.startswith(f"hit 1 of {count}"), "N did not go back")
        hit = rig.main.reader._hits[0] - rig.main.reader.scroll_offset.y
        styles = {
            segment.text: segment.style
            for segment in rig.main.reader.render_line(hit)
            if segment.text.casefold() == "wet"
        }
        assert styles
        await rig.press("escape")
        assert not rig.main.reader.finding
        assert rig.main.reading
        await rig.press("escape")
        assert not rig.main.reading


async def test_what_is_not_there_is_told(rig: Any) -> None:
    async with rig.on():
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("ctrl+f")
        await rig.type("zebra")
        await rig.until_seen("on 0 lines")
        await rig.press("enter")
        assert rig.said == "not in this thread"
        assert not rig.main.reader.finding
        await rig.press("N")
        assert rig.said == "ctrl+f finds in this thread"


async def test_words_are_no_pattern_and_another_thread_ends_it(rig: Any) -> None:
    async with rig.on():
        await rig.press("enter")
        await rig.until_mail()
        assert rig.main.reader.find("(.*") == 0
        assert rig.main.reader.find("wet") > 0
        await rig.press("J")
        await rig.until_mail()
        assert not rig.main.reader.finding

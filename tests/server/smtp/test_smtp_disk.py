"""A disk that is nearly full: mail is refused before DATA, and taken again without a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.server.test_disk_room import FLOOR, Disk

if TYPE_CHECKING:
    from tests.server.smtp.conftest import World


async def test_mail_is_refused_until_there_is_room(world: World) -> None:
    disk = Disk()
    await world.listen(disk=disk.room())
    line = await world.connect()
    await line.say("EHLO client.test")
    assert (await line.say("MAIL FROM:<ann@sender.test>")).startswith("452 4.3.1")
    assert (await line.say("RCPT TO:<agent@agents.test>")).startswith("503")
    assert (await line.say("DATA")).startswith("503")
    disk.free = FLOOR
    await line.begin()
    assert (await line.say("Subject: Hi\r\n\r\nText\r\n.")).startswith("250 2.0.0")
    assert len(await world.mails()) == 1

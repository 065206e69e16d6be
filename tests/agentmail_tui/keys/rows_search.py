"""Keys of the search, of kept searches, of pages that are found in, of files that are opened."""

from agentmail_tui.keys import Place
from agentmail_tui.mailbox.searches import load_searches, named
from tests.agentmail_tui.keys.desk import WAYS, Desk
from tests.agentmail_tui.keys.probes import SECOND, listed, screen
from tests.agentmail_tui.keys.row import Row, less, more, other

WAYS.setdefault(Place.FIELD, "/")
PAGE_FOUND = '/ ~Find "far enter'


async def _asked(desk: Desk) -> str:
    """See what is asked of the server."""
    return desk.state.search.query if desk.state.search else ""


async def _typed(desk: Desk) -> str:
    """See what stands in the search field."""
    return desk.main.search_bar.field.value


async def _completion(desk: Desk) -> int:
    """See which completion was gone to, -1 for none."""
    at = desk.main.search_bar.completions.info.at
    return -1 if at is None else at


async def _kept(desk: Desk) -> list[tuple[str, str]]:
    """See the searches that are on disk."""
    return [(each.name, each.query) for each in load_searches(desk.folder, desk.state.server)]


async def _keep_two(desk: Desk) -> None:
    desk.main._keep_searches((named("One", "VAT"), named("Two", "story")))
    await desk.until(
        lambda: len(load_searches(desk.folder, desk.state.server)) == 2, "the searches on disk"
    )


async def _page_hit(desk: Desk) -> int:
    """See the number of the hit on the page, from 1; 0 while nothing is looked for."""
    page = getattr(desk.app.screen, "page", None)
    return page._hit + 1 if page is not None and page.finding else 0


async def _call(desk: Desk) -> bool:
    """See whether a call was copied, without the key, that fetches a mail of this server."""
    copied = desk.app.clipboard
    return copied.startswith(
        'curl -sS -H "Authorization: Bearer $COMMUNE_API_KEY" http://127.0.0.1:'
    ) and "/v1/messages/" in copied and desk.home.key not in copied  # fmt: skip


async def _asked_to_open(desk: Desk) -> bool:
    """See whether it is asked, or said that there is no desktop to open anything on."""
    notice = desk.state.notice
    return "Open mug.png?" in desk.text or (
        notice is not None and "nothing here can open files" in notice.text
    )


ROWS = (
    Row("find.like", listed, other),
    Row("find.exact", _asked, "=VAT", before='/ "VAT enter ~hit', first="VAT"),
    Row("find.keep", _kept, [("Taxes", "VAT")], before='/ "VAT enter ~hit',
        after='~Keep_this ctrl+u "Taxes enter', alone=True),
    Row("find.kept", listed, [SECOND], prepare=_keep_two, after="~Kept_searches enter ~hit",
        alone=True),
    Row("picker.rename", _kept, [("Tax", "VAT"), ("Two", "story")], prepare=_keep_two,
        before="escape g / ~Kept_searches", after='~Call_this ctrl+u "Tax enter', alone=True),
    Row("picker.delete", _kept, [("Two", "story")], prepare=_keep_two,
        before="escape g / ~Kept_searches", alone=True),
    Row("field.complete", _typed, "tag:", before='"ta', first="ta"),
    Row("field.next", _completion, 0, before='"status:', first=-1),
    Row("field.previous", _completion, less, before='"status: down down', first=1),
    Row("field.exact", _typed, "=VAT", before='"VAT', first="VAT"),
    Row("page.find", _page_hit, 1, after='~Find "parcel enter'),
    Row("page.next", _page_hit, more, before=PAGE_FOUND, first=1),
    Row("page.previous", _page_hit, less, before=f"{PAGE_FOUND} n", first=2),
    Row("view.markdown", screen, "PageScreen"),
    Row("copy.curl", _call, True),
    Row("file.open", _asked_to_open, True),
)  # fmt: skip

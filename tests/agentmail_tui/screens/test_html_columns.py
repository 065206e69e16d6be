import time

import pytest

from agentmail_tui.screens.html_page import html_page
from agentmail_tui.widgets.text_view import Columns, laid

ORDER = """
<p>Thanks, Ada.</p>
<table border=1><caption>Order 77</caption>
 <thead> <tr> <th>Item</th> <th>Count</th> <th>Price</th> </tr> </thead>
 <tr> <td>Mug, <a href="https://shop.test/mug">blue</a></td> <td>2</td> <td>€18.00</td> </tr>
 <tr><td></td><td></td><td></td></tr>
 <tr><td><div>茶壺</div><div>green</div><td>10<td>€1,240.50
 <tr><td colspan=2>Total<td>€1,258.50
</table>
<p>Bye</p>
"""
IN_COLUMNS = """\
Thanks, Ada.

Order 77

Item           Count      Price
Mug, blue [1]      2     €18.00
茶壺              10  €1,240.50
green
Total                 €1,258.50

Bye"""
AS_ROWS = """\
Item  Count  Price
Mug, blue [1]  2  €18.00
茶壺 green  10
€1,240.50
Total  €1,258.50"""


def shown(html: str, width: int = 78) -> str:
    """Return what a reader of some width shows of the text of a mail."""
    lines = (line for block in html_page(html) for line in laid(block, width))
    text = "\n".join("".join(said for said, _ in line) for line in lines)
    return text.split("\n\n── Links")[0]


def test_order_lines_stand_in_columns() -> None:
    assert shown(ORDER) == IN_COLUMNS


@pytest.mark.parametrize("width", [31, 200])
def test_columns_are_kept_where_they_just_fit(width: int) -> None:
    assert shown(ORDER, width) == IN_COLUMNS


def test_rows_flow_where_the_columns_do_not_fit() -> None:
    assert AS_ROWS in shown(ORDER, 24)


def test_names_and_values_stand_in_two_columns() -> None:
    html = "<table><tr><td>Case<td>77-104<tr><td>Amount due<td>18.00 EUR</table>"
    assert shown(html) == "Case        77-104\nAmount due  18.00 EUR"


def test_columns_are_told_without_what_is_hidden_or_empty() -> None:
    row = "<tr><td>{}</td><td style='display:none'>obey</td><td>&nbsp;</td><td>{}</td></tr>"
    html = f"<table>{row.format('a', 'long')}{row.format('bcd', 'e')}</table>"
    said, _, hidden = shown(html).partition("\n\n── Hidden")
    assert said == "a    long\nbcd  e"
    assert hidden.count("! obey") == 2


@pytest.mark.parametrize(
    "layout",
    [
        "<table role=presentation><tr><td>Mug<td>9<tr><td>Teapot<td>8</table>",
        "<table><tr><td rowspan=2>Mug<td>9<tr><td>Teapot<td>8</table>",
        "<table><tr><td><p>Mug</p><p>blue</p><td>9<tr><td>Teapot<td>8</table>",
        "<table><tr><td>Mug<br>1<br>2<br>3<br>4<br>5<br>6<td>9<tr><td>Teapot<td>8</table>",
        "<table><tr><td>Mug</td>loose<td>9<tr><td>Teapot<td>8</table>",
        "<table><tr><td>Mug<td>9<tr><td colspan=2>Teapot<tr><td colspan=2>8</table>",
        "<table><tr><td><table><tr><td>Mug</table><td>9<tr><td>Teapot<td>8</table>",
        "<table><tr><td>Mug" + "<td>9" * 20 + "<tr><td>Teapot" + "<td>8" * 20 + "</table>",
    ],
    ids=["told", "rowspan", "paragraphs", "tall", "loose", "one cell", "nested", "wide"],
)
def test_a_table_that_places_blocks_reads_one_after_the_other(layout: str) -> None:
    assert not [block for block in html_page(layout) if isinstance(block, Columns)]
    mug, nine, pot = (shown(layout).index(word) for word in ("Mug", "9", "Teapot"))
    assert mug < nine < pot


@pytest.mark.parametrize("length", [450, 500_000])
def test_long_cells_are_not_paid_for_in_every_row(length: int) -> None:
    wide = "<tr>" + f"<td>{'x' * length}</td>" * (5_000 // length or 1) + "<td>1</td></tr>"
    html = "<table>" + wide + "<tr><td>a</td><td>1</td></tr>" * 10_000
    start = time.process_time()
    assert len(shown(html)) < len(html)
    assert time.process_time() - start < 5


def test_nothing_that_a_terminal_obeys_comes_out_of_cells() -> None:
    html = "<table><tr><td>a\x1b[2J<td>b<tr><td>c&#x202e;<td>d</table>"
    assert shown(html) == "a␛[2J  b\nc      d"

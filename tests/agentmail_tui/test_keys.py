from itertools import combinations

import pytest

from agentmail_tui.keys import (
    BY_ID,
    FOOTERS,
    KEYS,
    MAIL,
    PREFIXES,
    Chord,
    Chords,
    Keymap,
    Place,
    keys_markdown,
    resolve,
)


def test_every_act_has_its_own_id() -> None:
    assert len(BY_ID) == len(KEYS)


@pytest.mark.parametrize("place", list(Place))
def test_no_stroke_means_two_things_in_one_place(place: Place) -> None:
    for one, other in combinations(Keymap().at(place), 2):
        assert not set(one.keys) & set(other.keys), f"{one.id} and {other.id}"


def test_no_stroke_is_a_prefix_and_a_key_at_once() -> None:
    singles = {stroke for place in MAIL for key in Keymap().at(place) for stroke in key.keys}
    assert not singles & set(PREFIXES)


def test_no_key_needs_what_old_terminals_cannot_tell_apart() -> None:
    strokes = {stroke for key in KEYS for stroke in key.keys if key.keys == (stroke,)}
    assert not strokes & {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+[", "ctrl+enter", "shift+enter"}


def test_footers_name_acts_that_exist() -> None:
    for rows in FOOTERS.values():
        for ids, _ in rows:
            assert all(key_id in BY_ID for key_id in ids.split())


def test_a_user_moves_a_key() -> None:
    keymap = resolve({"triage.close": "E"})
    assert keymap.of("triage.close").keys == ("E",)
    assert keymap.problems == ()
    assert ("E", "close", "status('closed')") in keymap.footer(Place.LIST)


def test_two_keys_may_change_places() -> None:
    keymap = resolve({"triage.close": "w", "triage.wait": ["e"]})
    assert keymap.problems == ()
    assert keymap.of("triage.close").keys == ("w",)
    assert keymap.of("triage.wait").keys == ("e",)


def test_a_key_may_become_a_choice_after_a_prefix() -> None:
    keymap = resolve({"mail.compose": "g  m", "go.mine": ""})
    assert keymap.problems == ()
    assert Chords(keymap).feed("g") == (Chord.STARTED, None)
    assert dict(keymap.choices("g"))["m"].id == "mail.compose"


def test_a_taken_stroke_is_told_and_left_as_it_was() -> None:
    keymap = resolve({"triage.close": "r"})
    assert keymap.problems == ("keymap: triage.close wants r, which is mail.reply",)
    assert keymap.of("triage.close").keys == BY_ID["triage.close"].keys


def test_an_unknown_act_is_told() -> None:
    assert resolve({"mail.teleport": "x"}).problems == (
        "keymap: there is no act called mail.teleport",
    )


def test_a_prefix_cannot_be_taken_as_a_key() -> None:
    (problem,) = resolve({"mail.compose": "g"}).problems
    assert problem == "keymap: mail.compose wants g, which starts the go keys"


def test_a_choice_needs_a_prefix_that_exists() -> None:
    (problem,) = resolve({"mail.compose": "x x"}).problems
    assert problem == "keymap: mail.compose wants x x, but x is no prefix"


def test_a_key_left_out_does_not_take_the_stroke_of_another() -> None:
    # close keeps e because it cannot have r; then wait cannot have e either.
    keymap = resolve({"triage.close": "r", "triage.wait": "e"})
    assert keymap.of("triage.close").keys == BY_ID["triage.close"].keys
    assert keymap.of("triage.wait").keys == BY_ID["triage.wait"].keys
    assert len(keymap.problems) == 2


def test_a_prefix_waits_for_its_choice() -> None:
    chords = Chords(Keymap())
    assert chords.feed("g") == (Chord.STARTED, None)
    assert chords.pending == "g"
    chord, key = chords.feed("i")
    assert chord is Chord.CHOSEN
    assert key is not None
    assert key.id == "go.inboxes"
    assert chords.pending is None


def test_a_stroke_that_no_prefix_knows_ends_it() -> None:
    chords = Chords(Keymap())
    chords.feed("s")
    assert chords.feed("q") == (Chord.LOST, None)
    assert chords.feed("q") == (Chord.NONE, None)


def test_the_markdown_table_has_a_row_for_every_listed_act() -> None:
    table = keys_markdown()
    untold = {Place.PICKER, Place.QUESTION, Place.SECRET}
    told = set(Place) - untold
    listed = [key for key in KEYS if key.listed and key.keys and set(key.places) & told]
    assert len(table.splitlines()) == len(listed) + 2
    assert "| `e` `s c` | close, go to next | triage |" in table
    assert "`1 … 9`" in table

"""How much of a prompt was heard (invariant I2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import LOST, MISSING, SHORT, hung_up, key, whole
from informativa.model import Ending, Length, Playback, Prompt
from informativa.playback import MARGIN, judge

SEVERAL = Prompt("p", (Length(80_000, 8000), Length(160_000, 16_000), Length(480_000, 48_000)))


def test_whole() -> None:
    """A prompt that ended by itself at its length, after its time, was heard whole."""
    heard = judge(whole(SHORT), SHORT)
    assert (heard.ending, heard.seconds, heard.length) == (Ending.WHOLE, 10.0, 10.0)


@pytest.mark.parametrize(
    ("playback", "ending", "seconds"),
    [
        (hung_up(0), Ending.HUNG_UP, 0),
        (hung_up(2.5), Ending.HUNG_UP, 2.5),
        (hung_up(10), Ending.HUNG_UP, 10),
        (key("1", 3), Ending.KEY, 3),
        (MISSING, Ending.NOT_PLAYABLE, 0),
        (Playback(0, 0, 0.01, alive=True), Ending.NOT_PLAYABLE, 0),
        (Playback(0, 40_000, 5, alive=True), Ending.CUT_SHORT, 5),
        (Playback(0, 80_000, 0.5, alive=True), Ending.CUT_SHORT, 10),
        (LOST, Ending.CONNECTION_LOST, 0),
        (Playback(0, 120_000, 15, alive=True), Ending.CUT_SHORT, 10),
    ],
)
def test_i2_less_than_whole_has_a_name_of_its_own(playback: Playback, ending: Ending, seconds: float) -> None:
    """I2: hung up, key, missing file, cut short, faster than sound, lost: none of them is whole."""
    heard = judge(playback, SHORT)
    assert (heard.ending, heard.seconds) == (ending, seconds)


@pytest.mark.parametrize("length", SEVERAL.lengths)
def test_position_is_read_at_the_rate_of_the_file_that_was_played(length: Length) -> None:
    """With several formats installed, the whole of each counts as ten seconds."""
    heard = judge(Playback(0, length.samples, 10.0, alive=True), SEVERAL)
    assert (heard.ending, heard.seconds) == (Ending.WHOLE, 10.0)


def test_i2_half_of_one_format_is_not_the_whole_of_another() -> None:
    """I2: 80,000 samples are all of the .wav but half of the .sln16; the time that passed tells."""
    heard = judge(Playback(-1, 80_000, 5.1, alive=False), SEVERAL)
    assert (heard.ending, heard.seconds) == (Ending.HUNG_UP, 5.0)
    assert judge(Playback(0, 80_000, 5.1, alive=True), SEVERAL).ending is Ending.CUT_SHORT


@given(
    st.integers(-1, 127),
    st.integers(0, 10**9),
    st.floats(0, 100),
    st.booleans(),
    st.booleans(),
)
def test_i2_whole_needs_everything(result: int, endpos: int, seconds: float, alive: bool, lost: bool) -> None:
    """I2: nothing is whole unless it ended by itself at its length and took about that long."""
    heard = judge(Playback(result, endpos, seconds, alive, lost), SHORT)
    assert 0 <= heard.seconds <= heard.length
    if heard.ending is Ending.WHOLE:
        assert result == 0
        assert not lost
        assert endpos >= 80_000 - MARGIN * 8000
        assert seconds >= 9.5
        assert endpos <= 80_000 + MARGIN * 8000


def test_a_prompt_without_files_is_never_whole() -> None:
    """Unknown length: not delivered."""
    assert judge(Playback(0, 80_000, 10, alive=True), Prompt("p", ())).ending is not Ending.WHOLE

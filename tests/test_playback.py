"""The part of a prompt that was heard (invariant I2). In literal numbers: 10 s at 8 kHz are 80,000
samples."""

import pytest
from hypothesis import event, find, given, target
from hypothesis import strategies as st

from doubles import LOST, MISSING, SHORT, heard_whole, hung_up, key
from informativa.call.playback import judge, nothing, status
from informativa.model import Ending, Heard, Keys, Length, Playback, Prompt, Status

SEVERAL = Prompt("p", (Length(80_000, 8000), Length(160_000, 16_000), Length(480_000, 48_000)))


def ended(endpos: int, seconds: float) -> Playback:
    """Return what Asterisk reports of a file that ended by itself."""
    return Playback(0, endpos, seconds, alive=True)


def test_whole() -> None:
    """A prompt that ended by itself at its length, after its time, was heard whole."""
    heard = judge(heard_whole(SHORT), SHORT)
    assert (heard.ending, heard.seconds, heard.length, heard.key) == (Ending.WHOLE, 10.0, 10.0, "")


@pytest.mark.parametrize(
    ("playback", "ending", "seconds"),
    [
        (hung_up(0), Ending.HUNG_UP, 0),
        (hung_up(2.5), Ending.HUNG_UP, 2.5),
        (hung_up(10), Ending.HUNG_UP, 10),
        (key("1", 3), Ending.KEY, 3),
        (key("1", 10), Ending.KEY, 10),
        (Playback(1, 8000, 1.0, alive=True), Ending.KEY, 1),
        (MISSING, Ending.NOT_PLAYABLE, 0),
        (Playback(-1, 8000, 1.0, alive=True), Ending.NOT_PLAYABLE, 1),
        (Playback(-1, 80_000, 10.0, alive=True), Ending.NOT_PLAYABLE, 10),
        (ended(0, 0.01), Ending.NOT_PLAYABLE, 0),
        (ended(0, 10.0), Ending.NOT_PLAYABLE, 0),
        (ended(1, 0.01), Ending.CUT_SHORT, 1 / 8000),
        (ended(40_000, 5), Ending.CUT_SHORT, 5),
        (ended(80_000, 0.5), Ending.CUT_SHORT, 10),
        (LOST, Ending.CONNECTION_LOST, 0),
        (Playback(0, 80_000, 10.0, alive=True, lost=True), Ending.CONNECTION_LOST, 0),
        (Playback(49, 24_000, 3.0, alive=True, lost=True), Ending.CONNECTION_LOST, 0),
        (ended(120_000, 15), Ending.CUT_SHORT, 10),
    ],
)
def test_i2_less_than_whole_has_a_name_of_its_own(playback: Playback, ending: Ending, seconds: float) -> None:
    """I2: hung up, key, missing file, cut short, faster than sound, lost: none of them is whole."""
    heard = judge(playback, SHORT)
    assert (heard.ending, heard.seconds, heard.length) == (ending, seconds, 10.0)


@pytest.mark.parametrize(
    ("endpos", "seconds", "ending"),
    [
        (79_199, 10.0, Ending.CUT_SHORT),  # a tenth of a second, and one sample more
        (79_200, 10.0, Ending.WHOLE),
        (80_800, 10.0, Ending.WHOLE),
        (80_801, 10.0, Ending.CUT_SHORT),  # more than there is: it was another file
        (80_000, 9.499, Ending.CUT_SHORT),  # faster than Asterisk plays
        (80_000, 9.5, Ending.WHOLE),
        (79_200, 9.5, Ending.WHOLE),
        (80_000, 60.0, Ending.WHOLE),  # a machine that stood still
    ],
)
def test_i2_edges_of_whole(endpos: int, seconds: float, ending: Ending) -> None:
    """I2: a tenth of a second may be missing of the sound, and a twentieth of the time that it takes."""
    assert judge(ended(endpos, seconds), SHORT).ending is ending


@pytest.mark.parametrize(
    ("result", "pressed"), [(48, "0"), (57, "9"), (35, "#"), (42, "*"), (185, "9"), (127, "\x7f")]
)
def test_key_that_was_pressed(result: int, pressed: str) -> None:
    """The result is the key's ASCII code, of seven bits."""
    heard = judge(Playback(result, 16_000, 2.0, alive=True), SHORT)
    assert (heard.ending, heard.seconds, heard.key) == (Ending.KEY, 2.0, pressed)


@pytest.mark.parametrize("length", SEVERAL.lengths)
def test_position_is_read_at_the_rate_of_the_file_that_was_played(length: Length) -> None:
    """With several formats installed, the whole of each counts as ten seconds."""
    heard = judge(ended(length.samples, 10.0), SEVERAL)
    assert (heard.ending, heard.seconds) == (Ending.WHOLE, 10.0)


@pytest.mark.parametrize(
    ("endpos", "passed", "heard"),
    [
        (80_000, 5.1, 5.0),  # half of the .sln16
        (80_000, 9.6, 10.0),  # all of the .wav
        (80_000, 9.5, 10.0),  # … as fast as can be
        (80_000, 9.4, 5.0),  # nearer to ten seconds, of which so many cannot have been heard
        (80_000, 8.5, 5.0),
        (80_000, 1.7, 80_000 / 48_000),
        (80_000, 0.5, 80_000 / 48_000),  # nothing fits: the nearest
        (240_000, 5.1, 5.0),  # half of the .sln48, and three times the .wav
        (900_000, 10.0, 10.0),  # beyond all of them
    ],
)
def test_i2_half_of_one_format_is_not_the_whole_of_another(endpos: int, passed: float, heard: float) -> None:
    """I2: 80,000 samples are all of the .wav but half of the .sln16; the time that passed tells."""
    hearing = judge(Playback(-1, endpos, passed, alive=False), SEVERAL)
    assert (hearing.ending, hearing.seconds) == (Ending.HUNG_UP, heard)
    assert judge(ended(endpos, passed), SEVERAL).ending is (
        Ending.WHOLE if (endpos, heard) == (80_000, 10.0) else Ending.CUT_SHORT
    )


@pytest.mark.parametrize(
    ("endpos", "ending", "seconds"),
    [
        (157_999, Ending.CUT_SHORT, 157_999 / 16_000),  # of the longer one more than a tenth is missing
        (158_399, Ending.CUT_SHORT, 158_399 / 16_000),
        (158_400, Ending.WHOLE, 9.9),
        (159_200, Ending.WHOLE, 9.95),
        (160_799, Ending.WHOLE, 9.95),
        (160_801, Ending.CUT_SHORT, 10.0),  # beyond the file that it would be of: of which, nobody knows
    ],
)
def test_i2_end_is_that_of_the_file_and_whole_what_the_longest_lasts(
    endpos: int, ending: Ending, seconds: float
) -> None:
    """I2: of formats that differ by a rounding, 10 s and 9.95 s here, each has its own end."""
    prompt = Prompt("p", (Length(80_000, 8000), Length(159_200, 16_000)))
    heard = judge(ended(endpos, 10.0), prompt)
    assert (heard.ending, heard.seconds) == (ending, seconds)


def test_i2_exactly_a_tenth_of_a_second_may_be_missing() -> None:
    """I2: 0.1 of 0.2 s, where the difference is exact in binary too."""
    prompt = Prompt("p", (Length(1600, 8000),))
    assert judge(ended(800, 0.2), prompt).ending is Ending.WHOLE
    assert judge(ended(799, 0.2), prompt).ending is Ending.CUT_SHORT


PLAYBACKS = st.builds(
    Playback,
    st.sampled_from([0, 0, 0, 0, -1, 1, 57]),
    st.one_of(
        st.integers(0, 500_000),
        st.sampled_from([0, 80_000, 160_000, 480_000]),
        st.integers(79_190, 79_210) | st.integers(80_790, 80_810),
        st.integers(158_390, 158_410) | st.integers(161_590, 161_610),
        st.integers(475_190, 475_210) | st.integers(484_790, 484_810),
    ),
    st.one_of(st.floats(0, 100), st.floats(9.45, 9.55), st.sampled_from([9.5, 10.0])),
    st.sampled_from([True, True, False]),
    st.sampled_from([False, False, False, True]),
)
WHOLE_ENDS = {8000: (79_200, 80_800), 16_000: (158_400, 161_600), 48_000: (475_200, 484_800)}


@pytest.mark.parametrize("prompt", [SHORT, SEVERAL], ids=["one", "several"])
@given(playback=PLAYBACKS)
def test_i2_whole_needs_everything(prompt: Prompt, playback: Playback) -> None:
    """I2: it is whole if, and only if, a file ended by itself at its length and took about that long."""
    heard = judge(playback, prompt)
    event(heard.ending)
    target(-abs(playback.seconds - 9.5), label="near the shortest time")
    assert heard.length == 10.0
    assert 0 <= heard.seconds <= 10.0
    at_an_end = any(
        first <= playback.endpos <= last
        for rate, (first, last) in WHOLE_ENDS.items()
        if rate in [length.rate for length in prompt.lengths]
    )
    everything = playback.result == 0 and not playback.lost and at_an_end and playback.seconds >= 9.5
    assert (heard.ending is Ending.WHOLE) == everything


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "ending", [one for one in Ending if one not in (Ending.SERVICE_STOPPED, Ending.CHANGED)]
)
def test_every_ending_is_among_what_is_tried(ending: Ending) -> None:
    """The property above is worth what its examples reach."""
    example = find(PLAYBACKS, lambda playback: judge(playback, SEVERAL).ending is ending)
    assert judge(example, SEVERAL).ending is ending


@pytest.mark.parametrize("endpos", [1, 799, 800, 80_000])
@pytest.mark.parametrize("lengths", [(), (Length(0, 8000),)], ids=["no file", "empty file"])
def test_a_prompt_without_sound_is_never_whole(lengths: tuple[Length, ...], endpos: int) -> None:
    """Unknown length, or none: not delivered, however near to it a position is."""
    heard = judge(ended(endpos, 10.0), Prompt("p", lengths))
    assert (heard.ending, heard.seconds, heard.length) == (Ending.CUT_SHORT, 0.0, 0.0)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ((), Heard(Ending.NOT_PLAYABLE, 0, 0, 8000)),
        ((Length(8000, 8000), Length(48_000, 16_000)), Heard(Ending.NOT_PLAYABLE, 0, 48_000, 16_000)),
    ],
)
def test_nothing_was_heard_of_so_much(lengths: tuple[Length, ...], expected: Heard) -> None:
    """Of the longest of its files, in that one's samples; of none where there is no file."""
    assert nothing(Ending.NOT_PLAYABLE, Prompt("short", lengths)) == expected


@pytest.mark.parametrize(
    ("ending", "pressed", "keys", "expected"),
    [
        (Ending.WHOLE, "", Keys(), Status.PLAYED),
        (Ending.KEY, "1", Keys(), Status.PARTIAL),
        (Ending.KEY, "#", Keys(skip="#"), Status.PARTIAL),
        (Ending.KEY, "#", Keys(skip="#", skip_informs=True), Status.SKIPPED),
        (Ending.KEY, "1", Keys(skip="#", skip_informs=True), Status.PARTIAL),
        (Ending.WHOLE, "", Keys(skip_informs=True), Status.PLAYED),
        (Ending.HUNG_UP, "", Keys(skip_informs=True), Status.PARTIAL),
        (Ending.CUT_SHORT, "", Keys(), Status.PARTIAL),
        (Ending.CONNECTION_LOST, "", Keys(), Status.PARTIAL),
        (Ending.SERVICE_STOPPED, "", Keys(), Status.PARTIAL),
        (Ending.NOT_PLAYABLE, "", Keys(), Status.FAILED),
        (Ending.CHANGED, "", Keys(), Status.FAILED),
    ],
)
def test_status_by_ending(ending: Ending, pressed: str, keys: Keys, expected: Status) -> None:
    """Only who knowingly skips it, where the company counts that, needs not hear it to its end."""
    assert status(Heard(ending, 8000, 80_000, key=pressed), keys) is expected

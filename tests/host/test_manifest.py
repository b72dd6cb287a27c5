# SPDX-License-Identifier: Apache-2.0
"""Lists of what is to be made, and the manifest that says how far each unit is."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from duotap_host.provision.manifest import Manifest, ManifestError, State
from duotap_host.provision.profile import Profile
from duotap_host.provision.sheet import SheetError, read

HEAD = "unit,role,holder,merchant,name_en,name_zh,balance_max,days\n"
GOOD = 'A-1,person,7,,,,,\nA-2,stand,,3,Noodle Bar,面馆,,\n\nA-3,stand,,4,"Tea, hot",,1000.00,30\n'
ID, OTHER = bytes(16), b"\1" * 16


def _file(folder: Path, text: str | bytes) -> Path:
    path = folder / "fleet.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    made = Manifest(tmp_path / "fleet.sqlite")
    made.enter(read(_file(tmp_path, HEAD + GOOD)))
    return made


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_list_is_read(tmp_path: Path, mark: bytes, end: bytes) -> None:
    """With a byte order mark and with the line ends of a spreadsheet."""
    raw = mark + (HEAD + GOOD).encode().replace(b"\n", end)
    rows = read(_file(tmp_path, raw))
    assert [(row.line, row.name) for row in rows] == [(2, "A-1"), (3, "A-2"), (5, "A-3")]
    assert rows[1].cells == {
        "role": "stand",
        "merchant": "3",
        "name_en": "Noodle Bar",
        "name_zh": "面馆",
    }


def test_a_holders_name_is_on_the_label_only(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "fleet.sqlite")
    manifest.enter(read(_file(tmp_path, HEAD + "A-1,person,7,,Li Lei,李雷,,\n")))
    (unit,) = manifest.units()
    assert unit.names() == ("李雷", "Li Lei")
    assert unit.profile == Profile.person(7)


def test_what_is_asked_for_is_a_profile(manifest: Manifest) -> None:
    person, stand, tea = (unit.profile for unit in manifest.units())
    assert person == Profile.person(7)
    assert stand == Profile.stand(3, "Noodle Bar", "面馆")
    names = [unit.names() for unit in manifest.units()]
    assert names == [("持有人 7", "Holder 7"), ("面馆", "Noodle Bar"), ("Tea, hot",)]
    assert (tea.name_en, tea.limits.balance, tea.epochs) == ("Tea, hot", 100_000, 30)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("A 1,person,7,,,,,", "'A 1' is no name of a unit"),
        (",person,7,,,,,", "'' is no name of a unit"),
        ("A-1,person,8,,,,,", "unit A-1 is on line 2 already"),
        ("B,till,7,,,,,", "role is person or stand, not 'till'"),
        ("B,person,,,,,,", "holder is a number from 1 to 1073741823, not ''"),
        ("B,person,0,,,,,", "holder is a number from 1 to 1073741823, not '0'"),
        ("B,person,٣,,,,,", "holder is a number from 1 to 1073741823"),
        ("B,person,7,3,,,,", "a person has a holder and no merchant"),
        ("B,stand,7,3,X,,,", "a stand has a merchant and no holder"),
        ("B,stand,,3,,,,", "a stand needs name_en"),
        ("B,person,7,," + "x" * 33 + ",,,", "name_en is above 32 bytes"),
        ("B,stand,,3,X," + "面" * 17 + ",,", "name_zh is above 48 bytes"),
        ("B,person,7,,,,-5,", "balance_max: -5 is negative"),
        ("B,person,7,,,,,3661", "days is a number from 1 to 3660, not '3661'"),
        ("B,person,7", "3 cells in the place of 8"),
        ('B,"person"x,7,,,,,', "',' expected after '\"'"),
    ],
)
def test_a_bad_row_is_told_with_its_line(tmp_path: Path, row: str, why: str) -> None:
    with pytest.raises(SheetError) as wrong:
        read(_file(tmp_path, f"{HEAD}A-1,person,7,,,,,\n{row}\nB-9,person,7,,,,,\n"))
    (told,) = wrong.value.told
    assert told.startswith(f"{tmp_path}/fleet.csv line 3: ")
    assert why in told


def test_every_bad_row_is_told(tmp_path: Path) -> None:
    with pytest.raises(SheetError) as wrong:
        read(_file(tmp_path, f"{HEAD}A,x,,,,,,\nB,person,7,,,,,\nC,y,,,,,,\n"))
    assert [each.partition("line ")[2][0] for each in wrong.value.told] == ["2", "4"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "line 1: there is no column unit"),
        (b"unit,role,colour\n", "line 1: a column 'colour' is not known"),
        (b"unit,role,role\n", "line 1: column role is there twice"),
        (b"unit,role\n\n", "fleet.csv has no unit"),
        (b"unit,role\nA,\xff\n", "is not UTF-8: save it as CSV UTF-8"),
    ],
)
def test_what_is_no_list(tmp_path: Path, text: bytes, why: str) -> None:
    with pytest.raises(SheetError, match=why):
        read(_file(tmp_path, text))


def test_a_missing_list(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match=r"cannot read .*none\.csv: No such file"):
        read(tmp_path / "none.csv")


STEPS = {
    "certify": lambda manifest: manifest.certify(1, ID, b"certificate"),
    "confirm": lambda manifest: manifest.confirm(ID),
    "retire": lambda manifest: manifest.retire(ID),
}
# What a step leads to, of unit 1; a pair that is not here changes nothing.
LEADS = {
    (State.INTENT, "certify"): State.UNCONFIRMED,
    (State.UNCONFIRMED, "confirm"): State.CONFIRMED,
    (State.UNCONFIRMED, "retire"): State.RETIRED,
    (State.CONFIRMED, "retire"): State.RETIRED,
}


@pytest.mark.parametrize("steps", list(itertools.product(STEPS, repeat=4)), ids="-".join)
def test_states_and_steps(manifest: Manifest, steps: tuple[str, ...]) -> None:
    """Every four steps, one after the other: only what the table allows moves the unit."""
    state = State.INTENT
    for step in steps:
        try:
            STEPS[step](manifest)
        except ManifestError:
            assert (state, step) not in LEADS
        state = LEADS.get((state, step), state)
        first, *others = manifest.units()
        assert first.state == state
        assert (first.certificate == b"certificate") == (state != State.INTENT)
        assert {unit.state for unit in others} == {State.INTENT}
        assert manifest.counts()[state] >= 1


def test_a_device_is_certified_once(manifest: Manifest) -> None:
    manifest.certify(1, ID, b"one")
    with pytest.raises(ManifestError, match="UNIQUE"):
        manifest.certify(2, ID, b"two")
    with pytest.raises(ManifestError, match="not in the state"):
        manifest.certify(1, OTHER, b"three")
    assert manifest.find(OTHER) is None
    found = manifest.find(ID)
    assert found is not None
    assert (found.name, found.certificate) == ("A-1", b"one")


def test_an_intent_may_change_and_nothing_else(manifest: Manifest, tmp_path: Path) -> None:
    manifest.certify(1, ID, b"one")
    changed = HEAD + "A-4,person,1,,,,,\nA-2,person,9,,,,,\n"
    manifest.enter(read(_file(tmp_path, changed)))
    assert [unit.name for unit in manifest.units()] == ["A-1", "A-2", "A-3", "A-4"]
    assert manifest.units()[1].profile == Profile.person(9)
    wrong = HEAD + "A-5,person,1,,,,,\nA-1,person,9,,,,,\n"
    with pytest.raises(ManifestError, match="line 3: unit A-1 is unconfirmed with other values"):
        manifest.enter(read(_file(tmp_path, wrong)))
    assert manifest.counts()[State.INTENT] == 3, "all rows, or none"


def test_one_line_at_a_time(manifest: Manifest) -> None:
    manifest.claim()
    other = Manifest(manifest.path)
    with pytest.raises(ManifestError, match="another line is at work"):
        other.claim()
    assert len(other.units()) == 3  # whoever only looks may
    manifest.close()
    other.claim()


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("milk, eggs\n" * 100)
    with pytest.raises(ManifestError, match="file is not a database"):
        Manifest(path)
    assert path.read_text() == "milk, eggs\n" * 100


WRITER = """
import sys
from pathlib import Path
from duotap_host.provision.manifest import Manifest
manifest = Manifest(Path(sys.argv[1]))
for unit in manifest.units():
    device = unit.number.to_bytes(16, "big")
    manifest.certify(unit.number, device, b"c" * 700)
    print(unit.number, flush=True)
    manifest.confirm(device)
"""


def test_what_was_told_is_kept_when_the_process_is_killed(tmp_path: Path) -> None:
    """SIGKILL while it writes, after so many lines that it told."""
    rows = "".join(f"U-{each},person,7,,,,,\n" for each in range(200))
    path = tmp_path / "fleet.sqlite"
    manifest = Manifest(path)
    manifest.enter(read(_file(tmp_path, HEAD + rows)))
    manifest.close()
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(37)][-1]
        writer.kill()
    units = Manifest(path).units()
    assert len(units) == 200
    assert all(unit.certificate == b"c" * 700 for unit in units[:told])
    assert all(unit.state is State.CONFIRMED for unit in units[: told - 1])
    assert sum(unit.state is State.UNCONFIRMED for unit in units) <= 1

"""How near two paths are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.cognition.file_paths import Nearness, Surroundings

paths = st.lists(
    st.sampled_from(["src", "api", "a.py", "b.py", "..", ".", "", "C:"]), min_size=1
).map("/".join)


def nearest(files: list[str], wanted: list[str]) -> Nearness:
    return Surroundings(wanted).nearness(files)


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("src/api/client.py", "src/api/client.py"),
        ("src/api/client.py", "./src/api//client.py"),
        ("src\\api\\client.py", "src/api/client.py"),
        ("src/api/client.py", "/home/ana/shop/src/api/client.py"),
        ("C:\\shop\\src\\api\\client.py", "src/api/client.py"),
        ("src/db/../api/client.py", "src/api/client.py"),
        ("src/api/", "src/api"),
    ],
)
def test_the_same_file_is_known_however_it_is_written(file: str, wanted: str) -> None:
    assert nearest([file], [wanted]) is Nearness.FILE
    assert nearest([wanted], [file]) is Nearness.FILE


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("src/api/client.py", "src/api/server.py"),
        ("src/api/client.py", "/home/ana/shop/src/api/server.py"),
        ("src/api/client.py", "src/api/"),
        ("src/api", "src/api/client.py"),
        ("README.md", "setup.py"),
        ("README.md", "."),
    ],
)
def test_a_file_beside_another_one_is_in_its_folder(file: str, wanted: str) -> None:
    assert nearest([file], [wanted]) is Nearness.FOLDER
    assert nearest([wanted], [file]) is Nearness.FOLDER


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("src/api/client.py", "src/db/client.py"),
        ("src/api/client.py", "src/api/v2/client.py"),
        ("src/api/client.py", "/home/ana/shop/mysrc/api/client.py"),
        ("/one/src/a.py", "/two/one/src/a.py"),
        ("README.md", "src/setup.py"),
        ("README.md", "/home/ana/setup.py"),
        ("src/api/client.py", "client.py"),
    ],
)
def test_other_files_are_not_near(file: str, wanted: str) -> None:
    assert nearest([file], [wanted]) is Nearness.NONE
    assert nearest([wanted], [file]) is Nearness.NONE


def test_the_nearest_of_several_pairs_counts() -> None:
    files = ["docs/index.md", "src/api/client.py"]
    assert nearest(files, ["tests/a.py", "src/api/server.py"]) is Nearness.FOLDER
    assert nearest(files, ["src/api/server.py", "docs/index.md"]) is Nearness.FILE


@pytest.mark.parametrize(("files", "wanted"), [([], ["a.py"]), (["a.py"], []), ([], [])])
def test_without_a_file_nothing_is_near(files: list[str], wanted: list[str]) -> None:
    assert nearest(files, wanted) is Nearness.NONE


@given(paths, paths)
def test_it_does_not_matter_which_of_two_paths_is_asked_about(one: str, other: str) -> None:
    assert nearest([one], [other]) is nearest([other], [one])
    assert nearest([one], [one]) is Nearness.FILE

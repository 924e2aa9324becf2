"""The recipe: what is written is read back, and what nobody wrote is refused with one clear error."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import BAYER, CFAS, MATRIX, recipe_of

from rawback.errors import RawbackError
from rawback.files import recipe_xmp
from rawback.recipe import DNG_NUMBERS, MAX_SIDE, Recipe
from rawback.recipe_text import from_fields, to_fields

FIELDS = to_fields(recipe_of(60, 80))


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Any valid recipe, with whatever a RAW file may say."""
    width, height = draw(st.integers(1, MAX_SIDE)), draw(st.integers(1, MAX_SIDE))
    cfa = draw(st.sampled_from(list(CFAS.values())))
    off = draw(st.lists(numbers(-0.8, 0.4), min_size=6, max_size=6))
    matrix = ((1 - off[0] - off[1], *off[:2]), (off[2], 1 - off[2] - off[3], off[3]), (*off[4:], 1 - off[4] - off[5]))
    left, top = draw(numbers(0, width - 1)), draw(numbers(0, height - 1))
    crop = (left, top, width - left, height - top)
    recipe = Recipe(
        width=width, height=height, cfa=cfa,
        black=tuple(draw(st.lists(numbers(0, 4000), min_size=len(cfa) ** 2, max_size=len(cfa) ** 2))),
        white=draw(numbers(4001, 65535)),
        neutral=draw(st.tuples(*[numbers(1e-3, 1)] * 3)),
        matrix=matrix,
        camera=draw(st.text(max_size=40)),
        exposure=draw(numbers(-10, 10)),
        shoulder=draw(numbers(0.01, 10)),
        refined=draw(st.booleans()),
        orientation=draw(st.integers(1, 8)),
        margins=draw(st.tuples(*[st.integers(0, MAX_SIDE)] * 4)),
        crop=draw(st.sampled_from([None, crop])),
        scale=draw(st.tuples(numbers(0.1, 10), numbers(0.1, 10))),
        baseline_exposure=draw(numbers(-5, 5)),
        noise=draw(st.sampled_from([(), (3.3e-5, 1.5e-7)])),
        dng={name: draw(st.tuples(*[numbers(-5, 5)] * n)) for name, n in DNG_NUMBERS.items() if draw(st.booleans())},
        picture_sha256="ab" * 32,
        thumbnail=draw(st.binary(min_size=384, max_size=384)),
    )  # fmt: skip
    sane = min(crop[2:]) >= 1 and np.linalg.cond(matrix) < 1e3
    return recipe if sane else dataclasses.replace(recipe, crop=None, matrix=MATRIX)


@settings(max_examples=200, deadline=None)
@given(recipes())
def test_what_is_written_into_xmp_is_read_back(recipe: Recipe):
    """To nine digits, all but characters that XML cannot hold; and a second time exactly."""
    found = from_fields(recipe_xmp.parse(recipe_xmp.build(to_fields(recipe.validate()))))
    for entry in dataclasses.fields(Recipe):
        expected, value = getattr(recipe, entry.name), getattr(found, entry.name)
        if isinstance(expected, str):
            assert value.split() == re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", expected).split()
        elif isinstance(expected, dict):
            assert expected.keys() == value.keys()
            assert all(np.allclose(value[k], expected[k], rtol=1e-8) for k in expected)
        elif isinstance(expected, (float, tuple)) and expected != ():
            assert np.allclose(np.array(value), np.array(expected), rtol=1e-8, atol=1e-12), entry.name
        else:
            assert value == expected
    assert from_fields(recipe_xmp.parse(recipe_xmp.build(to_fields(found)))) == found


@pytest.mark.parametrize("fields", [
    {"Width": "0"}, {"Width": "-8"}, {"Width": "65501"}, {"Height": "1e9"}, {"Height": "99999999999999999999"},
    {"Width": "8.5"}, {"Width": "9" * 5000}, {"White": "nan"}, {"White": "inf"}, {"White": "0"}, {"White": "100"},
    {"Black": "nan"}, {"Black": "-1"}, {"Black": "1 2 3"}, {"Black": "1 2 3 4 5"}, {"Black": ""}, {"Black": "5000"},
    {"CFAPattern": "0 1; 1"}, {"CFAPattern": ""}, {"CFAPattern": "0 1; 1 3"}, {"CFAPattern": "1 1; 1 1"},
    {"CFAPattern": "0 1 2; 0 1 2; 0 1 2"}, {"CFAPattern": "0 -1; 1 2"}, {"Neutral": "0 1 1"}, {"Neutral": "nan 1 1"},
    {"Neutral": "1 1"}, {"Neutral": "1 1 2"}, {"Neutral": "-1 1 1"}, {"Matrix": "1 0 0; 0 1 0; 0 0 0"},
    {"Matrix": "1 2 3; 2 4 6; 1 1 1"}, {"Matrix": "nan 0 0; 0 1 0; 0 0 1"}, {"Matrix": "1 0 0"},
    {"Matrix": "1e999 0 0; 0 1 0; 0 0 1"}, {"Matrix": "1 0 0; 0 1 0; 0 0 1e-9"}, {"Matrix": "1 0; 0 1"},
    {"Matrix": "a b c"}, {"Exposure": "1000"}, {"Exposure": "-inf"}, {"Shoulder": "0"}, {"Shoulder": "-1"},
    {"Pedestal": "7"}, {"Centroids": "9 9 9"}, {"Centroids": "0 0"}, {"Orientation": "9"}, {"Orientation": "0"},
    {"Orientation": "x"}, {"Margins": "1 2 3"}, {"Margins": "-1 0 1 1"}, {"Crop": "0 0 81 60"}, {"Crop": "-1 0 8 8"},
    {"Crop": "0 0 nan 8"}, {"Crop": "0 0 0 0"}, {"Crop": "1 2"}, {"Scale": "0 1"}, {"Scale": "1"},
    {"BaselineExposure": "1e30"}, {"Noise": "nan 0"}, {"Noise": "1"}, {"Refined": "maybe"}, {"Thumbnail": "!!!"},
    {"Thumbnail": "AAAA"}, {"Thumbnail": "A"}, {"ColorMatrix1": "1 2 3"}, {"ColorMatrix1": "nan 0 0 0 0 0 0 0 0"},
    {"ColorMatrix2": "x"}, {"CalibrationIlluminant1": "1e9"},
])  # fmt: skip
def test_forged_values_are_one_clear_error(fields: dict[str, str]):
    with pytest.raises(RawbackError, match=r"the recipe inside is not valid \(.*tampered") as caught:
        from_fields(FIELDS | fields)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["Width", "Height", "CFAPattern", "Black", "White", "Neutral", "Matrix"])
def test_missing_values_are_named(name: str):
    with pytest.raises(RawbackError, match=f"lacks {name}"):
        from_fields({k: v for k, v in FIELDS.items() if k != name})


@pytest.mark.parametrize("version", ["4", "999", "", "one", "-1", "1.5", "²", "9" * 5000])
def test_a_recipe_of_a_later_version_asks_for_an_update(version: str):
    with pytest.raises(RawbackError, match="update rawback") as caught:
        from_fields(FIELDS | {"Version": version})
    assert len(str(caught.value)) < 200


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FIELDS)), st.text(max_size=30) | st.from_regex(r"[-0-9. ;einfa]{0,20}", fullmatch=True))
def test_any_text_in_any_field_is_read_or_refused(name: str, text: str):
    try:
        from_fields(FIELDS | {name: text}).validate()
    except RawbackError as error:
        assert str(error)


def test_one_black_level_stands_for_all_positions():
    for cfa in CFAS.values():
        recipe = recipe_of(60, 80, cfa)
        assert to_fields(recipe)["Black"] == "256" and from_fields(to_fields(recipe)).black == recipe.black


def test_equal_numbers_elsewhere_are_not_shortened():
    recipe = recipe_of(60, 80, BAYER["RGGB"], margins=(70, 70, 70, 70), crop=(8.0, 8.0, 8.0, 8.0))
    assert from_fields(to_fields(recipe)) == recipe

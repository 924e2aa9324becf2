"""What stands in contrib/: darktable's script, run by a Lua inside Python, and exiftool's view of a file."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "contrib" / "darktable"
PROGRAM = f"{shlex.quote(sys.executable)} -m rawback"
AWKWARD = 'it\'s a "name" with $HOME; `ls`.jpg'


@pytest.fixture
def lua() -> Any:
    lupa = pytest.importorskip("lupa", reason="darktable's script is tested with lupa")
    runtime = lupa.LuaRuntime(unpack_returned_tuples=True)
    runtime.execute(f"package.path = {json.dumps(str(FOLDER))} .. '/?.lua;' .. package.path")
    return runtime


def test_commands_are_what_a_shell_understands(lua: Any, tmp_path: Path):
    commands = lua.require("rawback_commands")[0]
    assert commands.parts("/a/b.c/IMG.CR2") == ("/a/b.c/", "IMG", "cr2") and commands.parts("IMG") == ("", "IMG", "")
    line, target = commands.render("rawback", "/a/IMG.CR2", "/out/", "--keep lossless", False)
    assert shlex.split(line) == ["rawback", "render", "/a/IMG.CR2", "-o", "/out/IMG_raw.jpg", "--keep", "lossless"]
    line, target = commands.recover("rawback", str(tmp_path / AWKWARD), "", False)
    said = subprocess.run(["sh", "-c", line.replace("rawback", "printf '%s\\n'", 1)], capture_output=True, text=True).stdout
    assert said.splitlines() == ["recover", str(tmp_path / AWKWARD), "-o", target] and target.endswith("_recovered.dng")
    assert (
        commands.recover("rawback", "C:\\x\\a b.jpg", "", True)[0]
        == 'rawback recover "C:\\x\\a b.jpg" -o "C:\\x\\a b_recovered.dng"'
    )
    assert commands.is_photo("a.JPG") and not commands.is_photo("a.CR2")


DARKTABLE = """
imported, printed, preferences, action, store = {}, {}, {}, nil, nil
package.preload.darktable = function() return {
  configuration = { running_os = "linux" },
  preferences = { register = function(_, name, _, _, _, default) preferences[name] = default end,
                  read = function(_, name) return preferences[name] end },
  print = function(text) table.insert(printed, text) end, print_log = function() end,
  database = { import = function(path)
    table.insert(imported, path)
    return { group_with = function() grouped = true end }
  end },
  gui = { libs = { image = { register_action = function(_, _, call) action = call end } } },
  register_storage = function(_, _, call) store = call end,
} end
"""
"""As much of darktable as the script asks for."""


def test_the_script_recovers_into_the_library_and_exports(lua: Any, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    raw, photo = files
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    lua.execute(DARKTABLE)
    lua.require("rawback")
    lua.globals().preferences.program = PROGRAM
    folder = str(raw.parent)
    image, other = (lua.table_from({"path": folder, "filename": path.name}) for path in (photo, raw))
    lua.globals().action("event", lua.table_from([image, other]))
    assert list(lua.globals().imported.values()) == [f"{folder}/b_recovered.dng"] and lua.globals().grouped
    developed = raw.parent / "developed.tif"
    developed.touch()
    lua.globals().store(None, other, None, str(developed))
    assert (raw.parent / "b_recovered.dng").is_file() and (raw.parent / "a_raw.jpg").is_file() and not developed.exists()
    assert list(lua.globals().printed.values()) == ["rawback: 1 done"]


@pytest.mark.skipif(not shutil.which("exiftool"), reason="needs exiftool")
def test_exiftool_shows_the_recipe_by_its_names(files: tuple[Path, Path]):
    config = ROOT / "contrib" / "exiftool" / "rawback.config"
    line = ["exiftool", "-config", config, "-j", "-RawInside", "-RawWithinDecibels", "-XMP-rawback:all", files[1]]
    done = subprocess.run(line, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    (facts,) = json.loads(done.stdout)
    assert done.stderr == "" and facts["RawInside"].startswith("yes, of ") and 30 < facts["RawWithinDecibels"] < 90
    assert {"ColorFilters", "BlackLevel", "WhiteLevel", "Matrix", "Seal"} <= set(facts)

--[[
rawback in darktable: recovers photos into the library, and exports JPEGs that contain their RAW.

Copy this file and rawback_commands.lua into darktable's folder lua/ (~/.config/darktable/lua on Linux), and add to luarc there:

    require "rawback"

"selected images" in the lighttable then has "recover RAW (rawback)": of each selected JPEG a DNG is made beside it, imported, and
grouped with it. "export selected" has the target "JPEG with RAW inside (rawback)": it renders the RAW files themselves into a
folder, in the look of their camera; what darktable develops meanwhile is not used. The program, the folder and more options are in
the preferences, under "lua options".
]]

local darktable = require "darktable"
local commands = require "rawback_commands"

local NAME = "rawback"
local WINDOWS = darktable.configuration.running_os == "windows"

darktable.preferences.register(NAME, "program", "string", "rawback: program", "how rawback is called", "rawback")
darktable.preferences.register(NAME, "folder", "string", "rawback: folder of JPEGs", "where JPEGs go; empty: beside the RAW", "")
darktable.preferences.register(NAME, "render", "string", "rawback: options of render", "e.g. --keep lossless", "")
darktable.preferences.register(NAME, "recover", "string", "rawback: options of recover", "e.g. --force", "")

local function preference(name)
  return darktable.preferences.read(NAME, name, "string")
end

local function path_of(image)
  return image.path .. (WINDOWS and "\\" or "/") .. image.filename
end

-- Whether a command went well.
local function succeeded(command)
  darktable.print_log(command)
  local result = os.execute(command)
  return result == true or result == 0
end

local function recover(_, images)
  local done, all = 0, 0
  for _, image in ipairs(images) do
    if commands.is_photo(image.filename) then
      all = all + 1
      local command, target = commands.recover(preference("program"), path_of(image), preference("recover"), WINDOWS)
      if succeeded(command) then
        local raw = darktable.database.import(target)
        if raw then
          raw:group_with(image)
        end
        done = done + 1
      end
    end
  end
  darktable.print(commands.summary(done, all))
end

-- Called for each image of an export, whose developed file is not needed.
local function store(_, image, _, developed)
  os.remove(developed)
  local folder = preference("folder")
  local command = commands.render(
    preference("program"), path_of(image), folder ~= "" and folder or image.path, preference("render"), WINDOWS)
  if not succeeded(command) then
    darktable.print(commands.summary(0, 1))
  end
end

darktable.gui.libs.image.register_action(
  NAME, "recover RAW (rawback)", recover, "make a DNG of each selected photo, and import it")
darktable.register_storage(NAME, "JPEG with RAW inside (rawback)", store)

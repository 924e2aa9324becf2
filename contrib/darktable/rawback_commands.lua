-- The commands that rawback.lua runs: plain Lua, without darktable, so that it can be tested anywhere.

local commands = {}

local PHOTOS = { jpg = true, jpeg = true, jxl = true, heic = true, heif = true, png = true, webp = true, avif = true }

-- A word as a shell takes it for one, whatever is in it.
function commands.quoted(word, windows)
  if windows then
    return '"' .. word:gsub('"', '') .. '"'
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- Folder (with its separator), stem and suffix (without its dot, in lower case) of a path.
function commands.parts(path)
  local folder, name = path:match("^(.*[/\\])([^/\\]*)$")
  folder, name = folder or "", name or path
  local stem, suffix = name:match("^(.+)%.([^.]*)$")
  return folder, stem or name, (suffix or ""):lower()
end

function commands.is_photo(path)
  local _, _, suffix = commands.parts(path)
  return PHOTOS[suffix] == true
end

-- Words of a command, and more that the user wants, as one line.
local function joined(words, options)
  if options and options ~= "" then
    table.insert(words, options)
  end
  return table.concat(words, " ")
end

-- Render a RAW into a folder; the JPEG that rawback did not make stays beside it under its own name. options: more words.
function commands.render(program, raw, folder, options, windows)
  local _, stem = commands.parts(raw)
  local target = folder:gsub("[/\\]+$", "") .. (windows and "\\" or "/") .. stem .. "_raw.jpg"
  local words = { program, "render", commands.quoted(raw, windows), "-o", commands.quoted(target, windows) }
  return joined(words, options), target
end

-- Recover a JPEG or another photo into a DNG beside it.
function commands.recover(program, photo, options, windows)
  local folder, stem = commands.parts(photo)
  local target = folder .. stem .. "_recovered.dng"
  local words = { program, "recover", commands.quoted(photo, windows), "-o", commands.quoted(target, windows) }
  return joined(words, options), target
end

-- What to say of so many that were done, of all.
function commands.summary(done, all)
  if done == all then
    return "rawback: " .. done .. " done"
  end
  return "rawback: " .. done .. " of " .. all .. " done; start darktable in a terminal to see why not all"
end

return commands

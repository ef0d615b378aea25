-- Wireshark dissector for GUE variant 0 with a sid and a key, as Sluice's tunnels write it.
--
--   tshark -X lua_script:sluice.lua -r capture.pcapng -Y sluice
--
-- or put it into Wireshark's folder of personal Lua plugins (Help, About, Folders). Any UDP port is looked at: what
-- is GUE with these fields has a first word that little else has.
--
--    0               1               2               3
--   |ver 2|C|hlen 5 | proto / ctype |            flags              |
--   | service                       | group                         |
--   | key, 128 bits                                                 |
--   | tunnel (pings that name it)                                   |
--
-- Signed pings and their answers have a MAC in place of the key, then the tunnel, the ping's time (64 bits) and, the longer
-- ones, a challenge (64 bits). An answer has the far end's clock (64 bits), the address of the ping's sender as the far end
-- sees it (128 bits), its port and the result (16 bits each).

local sluice = Proto("sluice", "GUE with sid and key")

local types = { [4] = "IPv4", [41] = "IPv6" }
local FLAGS = 0xa000
local PING, SIGNED_PING, PING_ANSWER = 1, 2, 3
local controls = { [PING] = "ping", [SIGNED_PING] = "signed ping", [PING_ANSWER] = "ping answer" }
local results = { [0] = "heard", [1] = "moved", [2] = "challenged" }

local f = {
	version = ProtoField.uint8("sluice.version", "Version", base.DEC, nil, 0xc0),
	control = ProtoField.bool("sluice.control", "Control", 8, nil, 0x20),
	hlen = ProtoField.uint8("sluice.hlen", "Header length, in words", base.DEC, nil, 0x1f),
	proto = ProtoField.uint8("sluice.proto", "Inner protocol", base.DEC, types),
	ctype = ProtoField.uint8("sluice.ctype", "Control type", base.DEC, controls),
	flags = ProtoField.uint16("sluice.flags", "Flags", base.HEX),
	service = ProtoField.uint16("sluice.service", "Service id"),
	group = ProtoField.uint16("sluice.group", "Group id"),
	key = ProtoField.bytes("sluice.key", "Key"),
	tunnel = ProtoField.uint32("sluice.tunnel", "Tunnel id"),
	mac = ProtoField.bytes("sluice.mac", "MAC"),
	time = ProtoField.uint64("sluice.time", "Time of the ping, ns (CLOCK_TAI)"),
	challenge = ProtoField.uint64("sluice.challenge", "Challenge", base.HEX),
	now = ProtoField.uint64("sluice.now", "Clock of the far end, ns (CLOCK_TAI)"),
	from = ProtoField.ipv6("sluice.from", "Sender as the far end sees it"),
	port = ProtoField.uint16("sluice.port", "Its port"),
	result = ProtoField.uint16("sluice.result", "Result", base.DEC, results),
}
sluice.fields = f

local e_short = ProtoExpert.new(
	"sluice.short", "The header is cut", expert.group.MALFORMED, expert.severity.ERROR)
sluice.experts = { e_short }

local ip = Dissector.get("ip")
local ipv6 = Dissector.get("ipv6")

-- What the first word says, or nil where it is none of ours.
local function read_word(tvb)
	if tvb:len() < 4 then return nil end
	local first = tvb(0, 1):uint()
	local word = {
		version = bit.rshift(first, 6),
		control = bit.band(first, 0x20) ~= 0,
		hlen = bit.band(first, 0x1f),
		proto = tvb(1, 1):uint(),
		flags = tvb(2, 2):uint(),
	}
	if word.version ~= 0 then return nil end
	local keyed = word.flags == FLAGS
	if word.control then
		local open = word.hlen == 1 and (word.flags == 0 or keyed)
		local full = keyed and (word.hlen == 5 or word.hlen == 6)
		local signed = keyed and word.proto == SIGNED_PING and (word.hlen == 8 or word.hlen == 10)
		local answer = keyed and word.proto == PING_ANSWER and word.hlen == 17
		return (word.proto == PING and (open or full) or signed or answer) and word or nil
	end
	return keyed and word.hlen == 5 and types[word.proto] and word or nil
end

local function add_fields(tree, tvb, word)
	local info = {}
	if word.hlen >= 5 then
		tree:add(f.service, tvb(4, 2))
		tree:add(f.group, tvb(6, 2))
		tree:add(word.control and word.proto ~= PING and f.mac or f.key, tvb(8, 16))
		info[#info + 1] = string.format("service %d %d", tvb(4, 2):uint(), tvb(6, 2):uint())
	end
	if word.hlen == 1 or word.hlen == 6 then
		local at = 4 * word.hlen
		tree:add(f.tunnel, tvb(at, 4))
		info[#info + 1] = string.format("tunnel %d", tvb(at, 4):uint())
	end
	if word.hlen >= 8 then
		tree:add(f.tunnel, tvb(24, 4))
		info[#info + 1] = string.format("tunnel %d", tvb(24, 4):uint())
		tree:add(f.time, tvb(28, 8))
	end
	if word.hlen >= 10 then tree:add(f.challenge, tvb(36, 8)) end
	if word.hlen == 17 then
		tree:add(f.now, tvb(44, 8))
		tree:add(f.from, tvb(52, 16))
		tree:add(f.port, tvb(68, 2))
		tree:add(f.result, tvb(70, 2))
		info[#info + 1] = results[tvb(70, 2):uint()] or "unknown result"
	end
	return table.concat(info, " ")
end

function sluice.dissector(tvb, pinfo, root)
	local word = read_word(tvb)
	if not word then return 0 end
	local size = 4 + 4 * word.hlen
	pinfo.cols.protocol = "GUE"
	local tree = root:add(sluice, tvb(0, math.min(size, tvb:len())))
	tree:add(f.version, tvb(0, 1))
	tree:add(f.control, tvb(0, 1))
	tree:add(f.hlen, tvb(0, 1))
	tree:add(word.control and f.ctype or f.proto, tvb(1, 1))
	tree:add(f.flags, tvb(2, 2))
	if tvb:len() < size then
		tree:add_proto_expert_info(e_short)
		return tvb:len()
	end
	local info = add_fields(tree, tvb, word)
	tree:append_text(", " .. info)
	if word.control then
		pinfo.cols.info = "GUE " .. controls[word.proto] .. ", " .. info
		return size
	end
	local inner = tvb(size):tvb()
	if word.proto == 4 then ip:call(inner, pinfo, root) else ipv6:call(inner, pinfo, root) end
	return tvb:len()
end

sluice:register_heuristic("udp", function(tvb, pinfo, root)
	if not read_word(tvb) then return false end
	sluice.dissector(tvb, pinfo, root)
	return true
end)

#!/usr/bin/env bash
# A TCP and UDP echo server behind tubectl, in a host of its own: all TCP ports
# and one UDP port of two subnets lead to sockets that are bound to loopback
# addresses, and each reply comes from the address that was asked.
#
# Usage: run.sh        (as root; needs netcat-openbsd)

# shellcheck source=SCRIPTDIR/../lib/host.sh
source "$(dirname "$(realpath "$0")")/../lib/host.sh"

here=$(dirname "$(realpath "$0")")
ln -s "$here/dist/echo-server.cjs" "$work/bin/echo-server"
ln -s "$here/dist/supervise.cjs" "$work/bin/supervise"
ln -s "$(command -v nc.openbsd)" "$work/bin/nc"

# Sends a line and demands it back. Usage: echoes NC-OPTION… ADDRESS PORT
echoes() {
	local seconds answer
	for seconds in 1 4 16; do
		answer=$(echo "$USER" | nc -w "$seconds" "$@") || true
		if [[ -n $answer ]]; then break; fi
	done
	same "the echo of $*" "$answer" "$USER"
}

echo '# load tubular & create bindings'
step 'tubectl load'
step 'tubectl bind example tcp 127.0.0.128/25 0'
step 'tubectl bind example udp 127.0.0.128/25 1234'
step 'ip -6 route add local 2001:db8::/64 dev lo'
step 'tubectl bind example tcp 2001:db8::/64 0'
step 'tubectl bind example udp 2001:db8::/64 1234'

echo '# run server and register sockets'
sed "s,/usr/local/bin,$work/bin," "$here/systemd/echo-server.service" >"$work/echo-server.service"
# shellcheck disable=SC2016
echo '$ supervise echo-server.service &'
supervise "$work/echo-server.service" >"$work/state" &
server=$!
await grep -q started "$work/state"

# shellcheck disable=SC2016
step 'tubectl list | tee "$work/listing"'
# Cookies are as wide as they happen to be.
sockets_aside() {
	sed 's/ *sk:[0-9a-f]*/ sk/; s/ *socket/ socket/' "$1"
}
same 'the listing' "$(sockets_aside "$work/listing")" "$(sockets_aside "$here/listing.txt")"

echo '# send a TCP packet to a random port'
# shellcheck disable=SC2016
step 'echo $USER | nc -q 1 127.0.0.128 $((1 + $RANDOM))'
echo '# send a TCP packet to an different IP in 127.0.0.128/25'
# shellcheck disable=SC2016
step 'echo $USER | nc -q 1 127.0.0.242 $((1 + $RANDOM))'
echo '# send a UDP packet to an IP in one of the prefixes'
# shellcheck disable=SC2016
step 'echo $USER | nc -w 1 -u 127.0.0.129 1234'
# shellcheck disable=SC2016
step 'echo $USER | nc -w 1 -u 2001:db8::2342 1234'
echoes 127.0.0.200 80
echoes 2001:db8::80 80
echoes -u 127.0.0.255 1234
echoes -u 2001:db8::1 1234

echo '# clean up'
kill "$server"
wait "$server"
step 'ip -6 route del local 2001:db8::/64 dev lo'
step 'tubectl unload'

#!/usr/bin/env bash
# tubectl's quickstart, in a host of its own: a netcat server on one port of one
# address gets the traffic of subnets and of every port.
#
# Usage: run.sh        (as root; needs netcat-openbsd)

# shellcheck source=SCRIPTDIR/../lib/host.sh
source "$(dirname "$(realpath "$0")")/../lib/host.sh"

# netcat has several makers; this one's -q is meant.
ln -s "$(command -v nc.openbsd)" "$work/bin/nc"

listens() {
	[[ -n $(ss -Htln "sport = 9999") ]]
}

step 'tubectl load'

echo '# Send port 4321 traffic on all loopback IPs to the foo label.'
step 'tubectl bind foo tcp 127.0.0.0/8 4321'

echo '# Set up a server and register the listening socket under the foo label'
# shellcheck disable=SC2016
echo '$ nc -k -l 127.0.0.1 9999 &'
nc -k -l 127.0.0.1 9999 >"$work/received" &
server=$!
await listens
step "tubectl register-pid $server foo tcp 127.0.0.1 9999"

echo '# Send a message!'
# shellcheck disable=SC2016
step 'echo $USER | nc -q 1 127.0.0.23 4321'
await grep -q . "$work/received"

echo '# Send HTTP traffic on a /24 to the foo label.'
step 'tubectl bind foo tcp 127.0.0.0/24 80'
# shellcheck disable=SC2016
step 'echo $USER | nc -q 1 127.0.0.123 80'

echo '# Send TCP traffic on all ports of a specific IP to the foo label.'
step 'tubectl bind foo tcp 127.0.0.22 0'
# shellcheck disable=SC2016
step 'echo $USER | nc -q 1 127.0.0.22 $((1 + $RANDOM))'

all_received() {
	[[ $(wc -l <"$work/received") == 3 ]]
}
await all_received
cat "$work/received"
same 'what the server received' "$(<"$work/received")" "$USER"$'\n'"$USER"$'\n'"$USER"
step 'tubectl status foo'
step 'tubectl unload'

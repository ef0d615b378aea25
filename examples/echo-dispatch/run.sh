#!/usr/bin/env bash
# One listening socket serves several ports, in a host of its own ("vm") with a
# neighbour ("host") that scans it: an sk_lookup program of thirty lines, bpftool
# and the two commands of the sk-lookup package.
#
# Usage: run.sh        (as root; needs bpftool, ncat and nmap)

# shellcheck source=SCRIPTDIR/../lib/host.sh
source "$(dirname "$(realpath "$0")")/../lib/host.sh"

# The walk-through's netcat is nmap's.
ln -s "$(command -v ncat)" "$work/bin/nc"
cp "$root/bpf/dist/echo_dispatch.bpf.o" "$work"
cd "$work"

vm=192.168.122.247
# The neighbour is a network namespace, held by a process, at the other end of a cable.
unshare --net sleep infinity &
neighbour=$!
await test ! /proc/self/ns/net -ef "/proc/$neighbour/ns/net"
ip link add eth0 type veth peer name eth0 netns "$neighbour"
ip addr add "$vm/24" dev eth0
ip link set eth0 up
nsenter -t "$neighbour" -n ip addr add 192.168.122.1/24 dev eth0
nsenter -t "$neighbour" -n ip link set eth0 up
await nsenter -t "$neighbour" -n ping -c 1 -W 1 "$vm"

# What the walk-through takes for a machine's usual SSH server.
nc -4kl "$vm" 22 2>/dev/null &

on_host() {
	nsenter -t "$neighbour" -n "$@"
}

# Scans the vm, as all but the lines that differ each time.
nmap() {
	on_host nmap -n "$@" | tee scan | grep -v '^Starting\|^Nmap done\|^MAC\|latency'
}

ports() {
	grep -o '^[0-9]*/tcp *open' scan | tr -d ' \n'
}

# Sends a line and demands it back. netcat leaves with its input, so on a slow
# machine the pause before that has to be longer than the one that is printed.
ask() {
	local pause answer
	printf "%s $ { echo '%s'; sleep 0.1; } | nc -4 %s %s\n" "$prompt" "$@"
	for pause in 0.1 1 4 16; do
		answer=$({
			echo "$1"
			sleep "$pause"
		} | nc -4 "$2" "$3")
		if [[ -n $answer ]]; then break; fi
	done
	echo "$answer"
	same 'the answer' "$answer" "$1"
}

prompt='vm'
echo '# Start the echo server and test it'
echo 'vm $ nc -4kle /bin/cat 127.0.0.1 7777 &'
nc -4kle /bin/cat 127.0.0.1 7777 2>scan-complaints &
server=$!
listens() {
	[[ -n $(ss -4Htln sport = "$1") ]]
}
await listens 7777
await listens 22
step 'ss -4tlpn sport = 7777'
ask test 127.0.0.1 7777

echo '# Find VM IP and check open ports'
step 'ip -4 addr show eth0'
prompt='host'
step "nmap -sT -p 1-1000 $vm"
same 'the open ports' "$(ports)" 22/tcpopen

echo '# Load echo_dispatch BPF program'
prompt='vm'
step 'bpftool prog load ./echo_dispatch.bpf.o /sys/fs/bpf/echo_dispatch_prog'
step 'bpftool prog show pinned /sys/fs/bpf/echo_dispatch_prog'

echo '# Pin BPF maps used by echo_dispatch'
step 'mkdir bpffs'
step 'mount -t bpf none bpffs'
# Not by name alone, as in a host with no other such program: the kernel's names are everybody's.
maps=$(bpftool --json prog show pinned /sys/fs/bpf/echo_dispatch_prog | grep -o '"map_ids":\[[^]]*\]' | tr -cd '0-9,' | tr , ' ')
for id in $maps; do
	case $(bpftool map show id "$id") in
	*'name echo_ports'*) ports_id=$id ;;
	*'name echo_socket'*) socket_id=$id ;;
	esac
done
step "bpftool map show id $ports_id"
step "bpftool map pin id $ports_id bpffs/echo_ports"
step "bpftool map show id $socket_id"
step "bpftool map pin id $socket_id bpffs/echo_socket"

echo '# Insert Ncat socket into echo_socket map'
step 'ss -tlpne "sport = 7777"'
fd=$(ss -Htlpne 'sport = 7777' | grep -o 'fd=[0-9]*' | cut -d= -f2)
cookie=$(ss -Htlpne 'sport = 7777' | grep -o 'sk:[0-9a-f]*' | cut -d: -f2)
step "sockmap-update $server $fd bpffs/echo_socket"
step 'bpftool map dump pinned bpffs/echo_socket | tee dump'
stored=$(grep -o 'value: .*' dump | cut -d' ' -f2-9 | awk '{ for (i = 8; i > 0; i--) printf "%s", $i }')
same 'the cookie in the map' "$((16#$stored))" "$((16#$cookie))"

echo '# Attach echo_dispatch to network namespace'
step 'sk-lookup-attach /sys/fs/bpf/echo_dispatch_prog /sys/fs/bpf/echo_dispatch_link'
step 'bpftool link show pinned /sys/fs/bpf/echo_dispatch_link | tee link'
step 'ls -l /proc/self/ns/net'
same 'the namespace of the link' "$(grep -o 'netns_ino [0-9]*' link | cut -d' ' -f2)" "$(stat -Lc %i /proc/self/ns/net)"

echo '# Enable echo service on ports 7, 77, 777'
step 'bpftool map update pinned bpffs/echo_ports key 0x07 0x00 value 0x00'
step 'bpftool map update pinned bpffs/echo_ports key 0x4d 0x00 value 0x00'
step 'bpftool map update pinned bpffs/echo_ports key 0x09 0x03 value 0x00'
step 'bpftool map dump pinned bpffs/echo_ports'

echo '# Re-scan open ports on VM'
prompt='host'
step "nmap -sT -p 1-1000 $vm"
same 'the open ports' "$(ports)" 7/tcpopen22/tcpopen77/tcpopen777/tcpopen

echo '# Test the echo service on all open ports'
nc() {
	on_host "$work/bin/nc" "$@"
}
ask Hip "$vm" 7
ask hip "$vm" 77
ask 'hooray!' "$vm" 777

umount bpffs

# SPDX-License-Identifier: GPL-2.0-only
# What the cases of cases.py call; runs in L1, before the lines of the case.
# shellcheck shell=sh

# Debian's kernel with the initramfs of demo/.
debian()
{
	append="console=ttyS0 quiet $1"
	shift
	kitectl run --kernel /guest/vmlinuz --initrd /guest/initrd.gz --append "$append" "$@"
}

# One of the flat guests; in protected mode unless the caller says otherwise.
flat()
{
	name=$1
	shift
	kitectl run --timeout 4 --flat-mode "${mode:-protected}" --kernel "/guest/$name.bin" "$@"
}

# want STATUS COMMAND...
want()
{
	expected=$1
	shift
	# What kitectl says must not come in the middle of a line of the guest's.
	"$@" 2>/stderr
	status=$?
	cat /stderr
	if [ "$status" -ne "$expected" ]; then
		echo "exit status $status instead of $expected: $*" >&2
		exit 1
	fi
}

# The lists of free pages that each CPU keeps are many MiB, and no part of MemFree.
free_kb()
{
	awk '/^MemFree/ { kb += $2 } / count:/ { kb += 4 * $2 } END { print kb }' \
		/proc/meminfo /proc/zoneinfo
}

# until_line FILE TEXT: wait until a guest has printed it.
until_line()
{
	tries=0
	until grep -q "$2" "$1"; do
		tries=$((tries + 1))
		if [ $tries -gt 3000 ]; then
			echo "no \"$2\" in $1" >&2
			exit 1
		fi
		usleep 10000
	done
}

# kill_guest SIGNAL STATUS GUEST [OPTIONS]: kitectl ends with STATUS and nothing is left of the VM.
kill_guest()
{
	signal=$1
	expected=$2
	guest=$3
	shift 3
	# The first run leaves caches of the kernel filled.
	flat triple_fault >/dev/null 2>&1
	before=$(free_kb)
	: >/out
	mode=protected
	kitectl run --flat-mode $mode --kernel "/guest/$guest.bin" "$@" >/out 2>&1 &
	pid=$!
	until_line /out ready
	usleep 50000
	kill -"$signal" $pid
	wait $pid
	status=$?
	[ $status -eq "$expected" ] || { echo "exit status $status instead of $expected" >&2; exit 1; }
	# Freeing goes through RCU and may take its time.
	tries=0
	while [ "$(free_kb)" -lt $((before - 2048)) ]; do
		tries=$((tries + 1))
		[ $tries -lt 500 ] || { echo "$((before - $(free_kb))) KiB are missing" >&2; exit 1; }
		usleep 10000
	done
	echo "kill $signal: all freed"
}

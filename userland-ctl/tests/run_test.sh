#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Contract: kitectl's commands, exit statuses and messages, with a scripted
# module (fake_kite.c) in place of the real one. KTAP on standard output.
#
#   run_test.sh             with sanitizers, which keep it from confining itself
#   run_test.sh confined    as it is installed

kitectl=$OUT/kitectl-fake
free=--no-confine
[ "$1" = confined ] && kitectl=$OUT/kitectl-confined free=
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
number=0
failed=0

# guest SCRIPT: the flat binary; \x escapes make bytes
guest() {
	printf %b "$1" >"$dir/guest"
}

# run [OPTIONS]: its status in $status, its output in $dir/out and $dir/err
run() {
	timeout 60 "$kitectl" run $free --kernel "$dir/guest" --flat-mode real --mem 2M "$@" \
		>"$dir/out" 2>"$dir/err"
	status=$?
}

# ok NAME CONDITION...: one result
ok() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number $name"
	else
		echo "# failed: $*; status $status"
		sed 's/^/# err: /' "$dir/err" | head -40
		echo "not ok $number $name"
		failed=$((failed + 1))
	fi
}

status_is() {
	[ "$status" -eq "$1" ] && { [ -z "$2" ] || grep -q -e "$2" "$dir/err"; }
}

out_is() {
	[ "$status" -eq "$1" ] && [ "$(cat "$dir/out")" = "$2" ]
}

err_has() {
	local word
	for word; do
		grep -q -e "$word" "$dir/err" || return 1
	done
}

echo "KTAP version 1"

# endings: script, exit status, a word of the message
while IFS='|' read -r name script want word; do
	guest "$script"
	run </dev/null
	ok "$name" status_is "$want" "$word"
done <<'EOF'
power-off|O\x00\x06\x34|0|
debug exit 0|O\xf4\x00\x00|1|
debug exit 0x10|O\xf4\x00\x10|33|
reset by i8042|O\x64\x00\xfe|6|reset
reset by port 92|O\x92\x00\x01|6|reset
reset by cf9|O\xf9\x0c\x06|6|reset
triple fault|T|8|triple fault
internal error|X|10|internal error
failed VM entry|F|12|invalid guest state
broken rule|F|12|GUEST_FS_ACCESS_RIGHTS (VMCS field 0x481c) is 0xc091, against rule 622: it has a granularity
section of the rule|F|12|section "Checks on Guest Segment Registers"
VMfail|V|12|invalid control field
no broken rule|V|12|no rule that Kite knows is broken
host has no page|P|4|0x5000.*Bad address
no memory there|Q|20|vCPU 0: no memory at guest address 0xd0000000
unknown exit|U|4|exit reason 99
error of the ioctl|R|4|Input/output error
interrupted, then power-off|NNO\x00\x06\x34|0|
timer interrupt|O\x21\x00\xfeO\x43\x00\x34O\x40\x00\xa9O\x40\x00\x04KBE\xf4\x00|17|
spurious interrupt|BE\xf4\x00|31|
unclaimed port reads all ones|I\x34\x12E\xf4\x00|255|
unclaimed memory reads all ones|ME\xf4\x00|255|
EOF

# The same from the third of four vCPUs: the first two wait, the last never starts.
while IFS='|' read -r name script want word; do
	guest "A\x01\x07A\x02\x08HH$script"
	run --cpus 4 </dev/null
	ok "vCPU 2: $name" status_is "$want" "$word"
done <<'EOF'
power-off|O\x00\x06\x34|0|
debug exit 0x10|O\xf4\x00\x10|33|
reset by cf9|O\xf9\x0c\x06|6|reset
triple fault|T|8|triple fault
internal error|X|10|vCPU 2 guest state:
failed VM entry|F|12|vCPU 2 guest state:
no memory there|Q|20|vCPU 2: no memory
error of the ioctl|R|4|Input/output error
EOF

# Both ask at once: the first call decides, and the status is one of the two.
guest 'A\x01\x06O\xf4\x00\x01O\xf4\x00\x01'
run --cpus 2 </dev/null
ok "two vCPUs end the VM" status_is 3

guest 'O\xf8\x03KO\xf8\x03iS\xf8\x03\x03O\x00\x06\x34'
run </dev/null
ok "console output" out_is 0 Kisss
run --console none </dev/null
ok "console none" out_is 0 ""
run --console "$dir/console" </dev/null
ok "console to a file" test "$(cat "$dir/console")" = Kisss
run --console "$dir" </dev/null
ok "console to a directory" status_is 4 "directory"

guest 'O\xe9\x00dO\x00\x06\x34'
run </dev/null
ok "no debug console by default" out_is 0 ""
run --debugcon </dev/null
ok "debug console" out_is 0 d

# RTS, OUT2, receive interrupt; wait, read, write; then read 0 bytes at the end of input
guest 'O\xfc\x03\x0bO\xf9\x03\x01LI\xf8\x03E\xf8\x03LI\xf8\x03E\xf8\x03O\x00\x06\x34'
run < <(printf hi)
ok "console input by interrupt" out_is 0 hi

# An echo of a lot of input: 0xff ends it.
guest 'O\xfc\x03\x0bO\xf9\x03\x01LI\xf8\x03E\xf8\x03ZO\x00\x06\x34'
seq 20000 >"$dir/input"
printf '\xff' >>"$dir/input"
run <"$dir/input"
ok "all input arrives, in order" cmp "$dir/input" "$dir/out"

# The reader goes away: the guest runs on and ends by itself.
guest 'S\xf8\x03\xffS\xf8\x03\xffO\xf4\x00\x02'
timeout 60 "$kitectl" run $free --kernel "$dir/guest" --flat-mode real --mem 2M </dev/null \
	2>"$dir/err" | true
status=${PIPESTATUS[0]}
ok "output to a closed pipe" status_is 5

guest 'H'
run --timeout 1 </dev/null
ok "timeout" status_is 14 "time is up"

# await CONDITION...: for 20 seconds
await() {
	local i
	for ((i = 0; i < 400; i++)); do
		"$@" && return
		sleep 0.05
	done
	echo "# not within 20 s: $*"
}

threads_are() {
	[ "$(cat /proc/"$1"/task/*/comm | grep -c '^kite-vcpu[0-7]$')" -eq "$2" ]
}

# started [OPTIONS]: process $pid runs a guest that waits; descriptor 9 was open when it began.
started() {
	guest 'O\xf8\x03rH'
	: >"$dir/out"
	"$kitectl" run $free --kernel "$dir/guest" --flat-mode real --mem 2M --timeout 60 "$@" \
		9</dev/zero </dev/null >"$dir/out" 2>"$dir/err" &
	pid=$!
	await grep -q r "$dir/out"
}

# In the background SIGINT and SIGQUIT are ignored until kitectl asks for them: only then they are sent.
for sig in TERM INT HUP QUIT; do
	started --cpus 8
	await threads_are $pid 8
	ok "a thread for each vCPU, with its name" threads_are $pid 8
	kill -$sig $pid
	wait $pid
	status=$?
	ok "SIG$sig" status_is 16 "signal"
done

# on_terminal KEYS [SIGNAL]: kitectl on a pseudo-terminal, keys typed when its guest has said "r"
on_terminal() {
	rm -f "$dir/before" "$dir/after" "$dir/status"
	: >"$dir/out"
	# The output is watched while it comes.
	# shellcheck disable=SC2094
	{
		await grep -q r "$dir/out" >&2
		printf %b "$1"
		[ -z "$2" ] || kill "-$2" "$(cat "$dir/pid")"
		# The end of the input is the end of the terminal.
		await test -s "$dir/after" >&2
	} | timeout 60 script -qec "stty -g >$dir/before
		sh -c 'echo \$\$ >$dir/pid
			exec $kitectl run $free --kernel $dir/guest --flat-mode real --mem 2M \
				--timeout 20' 2>$dir/err
		echo \$? >$dir/status; stty -g >$dir/after" /dev/null >"$dir/out"
	status=$(cat "$dir/status")
}

ended_with() {
	[ "$status" -eq "$1" ] && cmp -s "$dir/before" "$dir/after"
}

guest 'O\xf8\x03rH'
on_terminal '\x1dq'
ok "escape key q, terminal restored" ended_with 18
on_terminal '\x1dh\x03\x1dq'
ok "escape key h; Ctrl-C is for the guest" ended_with 18
on_terminal '' TERM
ok "SIGTERM, terminal restored" ended_with 16
on_terminal '' SEGV
ok "SIGSEGV, terminal restored" ended_with 139
guest 'O\xf8\x03rO\xfc\x03\x0bO\xf9\x03\x01LI\xf8\x03E\xf8\x03LI\xf8\x03E\xf4\x00'
on_terminal 'K\x1d\x1d'
ok "keys reach the guest, the escape key by doubling it" ended_with 59
ok "and are echoed by it" grep -q K "$dir/out"

# A guest that floods a console which nobody reads is stopped all the same.
mkfifo "$dir/fifo"
exec 9<>"$dir/fifo"
for cpus in 1 3; do
	guest 'S\xf8\x03\xffJ\x06'
	[ $cpus -eq 1 ] || guest 'A\x01\x06A\x02\x06S\xf8\x03\xffJ\x06'
	"$kitectl" run $free --kernel "$dir/guest" --flat-mode real --mem 2M --timeout 1 --cpus $cpus \
		</dev/null >"$dir/fifo" 2>"$dir/err"
	status=$?
	ok "timeout with stuck output of $cpus vCPUs" status_is 14 "output are lost"
done
exec 9>&-

guest 'O\x64\x00\xfe'
run --on-reboot reset --timeout 1 </dev/null
ok "reset boots again until the timeout" status_is 14 "reboot 3"
guest 'A\x01\x04HO\x64\x00\xfe'
run --on-reboot reset --timeout 1 --cpus 3 </dev/null
ok "reset by another vCPU boots again" status_is 14 "reboot 3"

ended() {
	kill $pid
	wait $pid
	status=$?
}

# status_line NAME: of that process
status_line() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"
}

inherited() {
	find "/proc/$pid/fd" -lname /dev/zero | grep -c .
}

started
if [ "$1" = confined ]; then
	ok "no new privileges" test "$(status_line NoNewPrivs)" = 1
	ok "a filter of system calls" test "$(status_line Seccomp)" = 2
	ok "no capability" test "$(status_line CapPrm)$(status_line CapInh)" = \
		00000000000000000000000000000000
	ok "no inherited descriptor" test "$(inherited)" -eq 0
else
	ok "new privileges" test "$(status_line NoNewPrivs)" = \
		"$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' /proc/self/status)"
	ok "an inherited descriptor" test "$(inherited)" -eq 1
fi
ended
ok "and ends as usual" status_is 16 "signal"
if [ "$1" = confined ] && [ "$(id -u)" -eq 0 ]; then
	# 5 is games, whose group is another; nobody has 4321.
	for user in "" daemon 5 4321; do
		started ${user:+--user $user}
		id=$(id -u "${user:-nobody}" 2>/dev/null || echo "$user")
		group=$(id -g "${user:-nobody}" 2>/dev/null || echo 65534)
		ok "root becomes ${user:-nobody}" test "$(status_line Uid)" = "$id	$id	$id	$id"
		ok "in the group $group" test "$(status_line Gid)" = "$group	$group	$group	$group"
		ok "without other groups" test -z "$(status_line Groups)"
		ended
	done
	guest 'O\x00\x06\x34'
	run --user nosuchuser </dev/null
	ok "a user that is not there" status_is 4 "--user nosuchuser: not in /etc/passwd"
	run --user 4294967295 </dev/null
	ok "a number that no user has" status_is 4 "--user 4294967295"
elif [ "$1" = confined ]; then
	guest 'O\x00\x06\x34'
	run --user 4321 </dev/null
	ok "others cannot become anybody" status_is 4 "only root"
fi

guest 'O\xf8\x03aWO\x34\x12\x01MO\x00\x06\x34'
run --trace </dev/null
ok "trace on stderr" err_has "^0 1 I/O instruction (30) rip" "EPT violation (48).*gpa 0xfed00000" \
	"unclaimed mmio write 0xfed00000 width 4 value 0x5a5a5a5a" "unclaimed io write 0x1234" \
	"unclaimed mmio read 0xfed00000 width 4$"
run --trace="$dir/trace" </dev/null
ok "trace to a file" grep -q "I/O instruction" "$dir/trace"
guest 'O\xf8\x03aA\x01\x08HWO\x34\x12\x01O\x00\x06\x34'
run --trace --cpus 2 </dev/null
ok "trace of two vCPUs" err_has "^0 1 I/O instruction" "^1 1 EPT violation" \
	"^1 unclaimed mmio write" "^1 unclaimed io write 0x1234"
guest 'H'
run --trace --timeout 1 </dev/null
ok "trace of a guest that never exits" status_is 14

guest 'X'
run </dev/null
ok "internal error dump" err_has "MMIO by an instruction" "EPT violation (48)" "0f ae 38" \
	"vector 14, type 3, with an error code" "guest state:" "cs   0x07c0 base 0x0000000000007c00" \
	"cr0 .* ET$" "code rx accessed, DPL 0 P" "rsp 0x000000000000f000"

guest 'O\xf8\x03aO\x34\x12\x00O\x00\x06\x34'
run --stats --stats-json "$dir/stats.json" </dev/null
ok "stats" err_has "  3  I/O instruction (30)" "  1  unclaimed_io" "  4  all VM exits"
ok "stats as JSON" grep -q '"reason": 30, "name": "I/O instruction", "count": 3' "$dir/stats.json"
ok "stats of one vCPU have no parts" test "$(grep -c vCPU "$dir/err")" -eq 0
guest 'A\x01\x04HO\xf8\x03aO\x34\x12\x00O\x00\x06\x34'
run --cpus 3 --stats --stats-json "$dir/stats.json" </dev/null
ok "stats of three vCPUs" err_has "  6  all VM exits" "of vCPU 0 by" "of vCPU 1 by" "of vCPU 2 by"
ok "parts of the stats" test "$(sed -n '/of vCPU 1 by/,/of vCPU 2 by/p' "$dir/err" |
	grep -c "^ *[34]  \(I/O instruction (30)\|all VM exits\|entries\)$")" -eq 3
ok "parts in JSON" python3 -c "
import json, sys
s = json.load(open('$dir/stats.json'))
parts = s['vcpus']
sys.exit(len(parts) != 3 or [p['entries'] for p in parts] != [0, 3, 0] or s['entries'] != 3 or
	 s['unclaimed_io'] != 1 or sum(e['count'] for p in parts for e in p['exits']) != 6)"
guest 'O\xf8\x03aO\x34\x12\x00O\x00\x06\x34'
run --boot-times --mark a --mark zzz </dev/null
ok "boot times" err_has "stage  create" "stage  load" "stage  first exit" \
	"stage  first console byte" "mark   a " "stage  end"
ok "a mark that does not appear" test "$(grep -c zzz "$dir/err")" -eq 0
run --boot-times --json </dev/null
ok "boot times as JSON" err_has '^{"tsc_khz": 1000000, "boot_times": \[{"stage": "start", "ticks": 0'

# wrong usage and errors of the host: options, exit status, a word of the message
while IFS='|' read -r options want word; do
	guest 'O\x00\x06\x34'
	# shellcheck disable=SC2086
	run $options </dev/null
	ok "run $options" status_is "$want" "$word"
done <<EOF
--mem 1M|64|less than 2M
--mem 2T|64|more than 1T
--mem 2000001|64|multiple of 4K
--mem lots|64|not a size
--mem 1T|4|36 bits
--mem 16G|0|
--mem-backend anon|0|
--mem-backend memfd --prealloc|0|
--mem-backend swap|64|hugetlb-2m
--mem 3M --mem-backend hugetlb-2m|64|page size of --mem-backend
--mem-path $dir|0|
--mem-path $dir/ram --mem 4M|0|
--mem-path $dir/no/ram|4|--mem-path: No such file
--mem-path /dev/null|4|--mem-path: Invalid
--mem-path $dir --mem-backend memfd|64|--mem-path with --mem-backend
--mem-merge|0|
--mem-merge --mem-backend memfd|64|anonymous memory only
--mem-merge --mem-path $dir|64|anonymous memory only
--mem-thp on|0|
--mem-thp off --prealloc|0|
--mem-thp maybe|64|on or off
--cpus 0|64|not a number
--cpus x|64|not a number
--cpus -1|64|not a number
--tsc-khz x|64|not a number of kHz
--tsc-khz 999|64|not a frequency
--tsc-khz 100000001|64|not a frequency
--cpus 65|64|more than 64
--cpus 9|4|8 vCPUs at most
--cpus 8|0|
--cpus 1|0|
--flat-mode virtual|64|real, protected or long
--flat-addr 1G|4|real mode
--flat-addr x|64|not an address
--escape Q|64|not a key
--escape none|0|
--escape ^A|0|
--on-reboot maybe|64|exit or reset
--timeout 0|64|seconds
--user x --no-confine|64|--user with --no-confine
--json|64|without --boot-times
--mark x|64|without --boot-times
--append x|64|flat binary
--initrd $dir/guest|64|flat binary
--flat-mode protected|0|
--flat-mode long --flat-addr 0x180000|0|
--nonsense|64|kitectl run --help
--trace=$dir/no/file|4|No such file
--stats-json $dir/no/file|4|No such file
--help|0|
EOF

guest 'O\x00\x06\x34'
run --mem-path "$dir/ram" </dev/null
ok "memory is in the file" grep -aqP 'O\x00\x06\x34' "$dir/ram"
ok "a file in a directory has no name" test -z "$(find "$dir" -name 'kitectl-*')"

cli() {
	timeout 60 "$kitectl" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
}

cli run
ok "no kernel" status_is 64 "kernel FILE is missing"
cli run --kernel "$dir/none"
ok "kernel that does not exist" status_is 4 "No such file"
cli run --kernel "$dir"
ok "kernel that is a directory" status_is 4 "directory"
cli run --kernel /dev/null
ok "kernel that is a device" status_is 4 "Invalid"
cli run $free --kernel "$dir/input"
ok "kernel of no known kind" status_is 4 "looked for.*HdrS.*PVH.*Multiboot"
cli
ok "no command" status_is 64 "help"
cli fly
ok "unknown command" status_is 64 "fly"
cli --help
ok "help" grep -q "check" "$dir/out"
cli --version
ok "version" grep -q "kitectl test, ABI version 1" "$dir/out"
cli info
ok "info" grep -q "phys_bits *36" "$dir/out"
cli info --json
ok "info as JSON" grep -q '"phys_bits": 36' "$dir/out"
cli check --help
ok "check --help" grep -q "exit status" "$dir/out"
# This machine may have VMs of Kite, a process of ours that has ended has none.
cli stat --help
ok "stat --help" grep -q "PID  *only" "$dir/out"
cli stat $$
ok "stat of a process without a VM" status_is 1 "process $$ has no VM"
cli stat $$ --json
ok "the same as JSON" out_is 1 "[]"
(exit) & wait
cli stat $!
ok "stat of no process" status_is 4 "there is no process $!"
cli stat 0
ok "stat of process 0" status_is 64 "no process number"
cli stat --interval 0
ok "stat at no interval" status_is 64 "seconds"
export KITE_FAKE_OPEN=2
guest 'O\x00\x06\x34'
run </dev/null
ok "module not loaded" status_is 4 "insmod"
cli info
ok "info without module" status_is 4 "kitectl check"
export KITE_FAKE_OPEN=13
run </dev/null
ok "no permission" status_is 4 "group kite"
unset KITE_FAKE_OPEN
export KITE_FAKE_VERSION=1
run </dev/null
ok "another ABI version" status_is 4 "version 99"
unset KITE_FAKE_VERSION

echo "1..$number"
[ "$failed" -eq 0 ]

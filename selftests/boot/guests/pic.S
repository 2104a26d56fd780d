/* SPDX-License-Identifier: GPL-2.0-only */
# Flat guest in protected mode that lives on PIC and PIT alone: it measures the TSC by
# channel 2, counts ticks of channel 0 that come as ExtINT, also after time with
# interrupts off, takes one of the serial port and some of the clock behind the slave, and
# gets the ticks by the I/O APIC too.
	.include "macros.S"

	.set CODE, 0x10			# what kitectl starts the guest with
	.set PIC1, 0x20
	.set PIC2, 0xa0
	.set PIT, 0x40
	.set PORT61, 0x61
	.set EOI, 0x20
	.set VECTORS, 0x20
	.set COM_VECTOR, VECTORS + 4
	.set TICK, 11932		# of the PIT: 10 ms
	.set TICKS, 50
	.set QUIET, 10			# ticks for which interrupts are off
	.set RTC, 0x70
	.set RTC_VECTOR, VECTORS + 8
	.set RTC_TICKS, 16		# at 64 Hz: 250 ms
	.set IOAPIC, 0xfec00000
	.set APIC_EOI, 0xfee000b0
	.set IOAPIC_VECTOR, 0x30

	# Edge to CPU 0, or nothing.
	.macro ioapic pin, low
	movl	$0x10 + 2 * \pin, IOAPIC
	movl	$\low, IOAPIC + 0x10
	.endm

	.code32
	.globl	_start
_start:
	cld
	mov	$0x90000, %esp
	lidt	idtr

	outb	PIC1, 0x11
	outb	PIC1 + 1, VECTORS
	outb	PIC1 + 1, 4
	outb	PIC1 + 1, 1
	outb	PIC2, 0x11
	outb	PIC2 + 1, VECTORS + 8
	outb	PIC2 + 1, 2
	outb	PIC2 + 1, 1
	outb	PIC1 + 1, 0xfe		# the timer alone
	outb	PIC2 + 1, 0xff

	# The TSC's ticks in 10 ms.
	call	wait_tick
	mov	%eax, tsc_tick
	call	wait_tick
	call	check_tick
	expect	'a', $0, %eax

	# Ticks while the CPU sleeps: exactly one wakes it each time.
	call	start_pit
	rdtsc
	mov	%eax, %edi
1:
	mov	ticks, %ebx
	sti
	hlt
	cli
	inc	%ebx
	expect	'b', ticks, %ebx
	cmp	$TICKS, %ebx
	jne	1b
	rdtsc
	sub	%edi, %eax
	xor	%edx, %edx
	mov	$TICKS, %ecx
	div	%ecx
	call	check_tick
	expect	'c', $0, %eax

	# With interrupts off they are kept, and come one after the other.
	call	start_pit
	mov	$QUIET, %ecx
1:
	push	%ecx
	call	wait_tick
	pop	%ecx
	loop	1b
	mov	ticks, %ebx
	expect	'd', $0, %ebx
	rdtsc
	mov	%eax, %edi
	sti
1:
	pause
	cmpl	$QUIET, ticks
	jb	1b
	cli
	rdtsc
	sub	%edi, %eax
	cmp	tsc_tick, %eax		# no waiting for another ten
	mov	$0, %eax
	adc	$0, %eax
	expect	'e', $1, %eax

	# The first of the serial port: its transmitter is empty.
	outb	PIT + 3, 0x30		# channel 0 waits for a count
	outb	PIC1 + 1, 0xef
	sti
	outb	SERIAL + 4, 8
	outb	SERIAL + 1, 2
1:
	pause
	cmpl	$0, coms
	je	1b
	cli
	outb	SERIAL + 1, 0
	mov	coms, %ebx
	expect	'f', $1, %ebx

	# The clock's periodic interrupt, by way of the slave.
	outb	PIC1 + 1, 0xfb
	outb	PIC2 + 1, 0xfe
	outb	RTC, 0x0a
	outb	RTC + 1, 0x2a
	outb	RTC, 0x0b
	outb	RTC + 1, 0x42
	outb	RTC, 0x0c
	in	$RTC + 1, %al
	rdtsc
	mov	%eax, %edi
1:
	mov	clocks, %ebx
	sti
	hlt
	cli
	inc	%ebx
	expect	'i', clocks, %ebx
	cmp	$RTC_TICKS, %ebx
	jne	1b
	rdtsc
	sub	%edi, %eax
	# The first came early: after nothing to a whole period.
	mov	tsc_tick, %ecx
	imul	$26, %ecx
	cmp	%ecx, %eax
	mov	$0, %eax
	adc	$0, %eax
	expect	'j', $1, %eax
	rdtsc
	sub	%edi, %eax
	mov	tsc_tick, %ecx
	imul	$23, %ecx
	cmp	%eax, %ecx
	mov	$0, %eax
	adc	$0, %eax
	expect	'k', $1, %eax
	outb	RTC, 0x0b
	outb	RTC + 1, 2

	# Ticks by the I/O APIC, with the PIC masked: input 2.
	outb	PIC1 + 1, 0xff
	call	start_pit
	ioapic	2, IOAPIC_VECTOR
	rdtsc
	mov	%eax, %edi
1:
	mov	ticks, %ebx
	sti
	hlt
	cli
	inc	%ebx
	expect	'g', ticks, %ebx
	cmp	$TICKS, %ebx
	jne	1b
	rdtsc
	ioapic	2, 0x10000
	sub	%edi, %eax
	xor	%edx, %edx
	mov	$TICKS, %ecx
	div	%ecx
	call	check_tick
	expect	'h', $0, %eax

	say	"pic: ok"
	power_off

# Channel 0 in mode 2, with nothing counted yet.
start_pit:
	outb	PIT + 3, 0x34
	movl	$0, ticks
	outb	PIT, TICK & 0xff
	outb	PIT, TICK >> 8
	ret

# Wait for channel 2 to count 10 ms, in mode 0 from its gate's rise. EAX: the TSC's ticks.
wait_tick:
	push	%edi
	outb	PORT61, 0
	outb	PIT + 3, 0xb0
	outb	PIT + 2, TICK & 0xff
	outb	PIT + 2, TICK >> 8
	outb	PORT61, 1
	rdtsc
	mov	%eax, %edi
1:
	in	$PORT61, %al
	test	$0x20, %al
	jz	1b
	rdtsc
	sub	%edi, %eax
	pop	%edi
	ret

# EAX: 0 if it is tsc_tick, within a sixteenth.
check_tick:
	sub	tsc_tick, %eax
	jns	1f
	neg	%eax
1:
	shl	$4, %eax
	cmp	tsc_tick, %eax
	mov	$0, %eax
	setae	%al
	ret

timer:
	incl	ticks
	push	%eax
	mov	$EOI, %al
	out	%al, $PIC1
	pop	%eax
	iretl

com:
	incl	coms
	push	%eax
	push	%edx
	mov	$SERIAL + 2, %edx
	in	%dx, %al
	mov	$EOI, %al
	out	%al, $PIC1
	pop	%edx
	pop	%eax
	iretl

clock:
	incl	clocks
	push	%eax
	in	$RTC + 1, %al
	mov	$EOI, %al
	out	%al, $PIC2
	out	%al, $PIC1
	pop	%eax
	iretl

ioapic_timer:
	incl	ticks
	movl	$0, APIC_EOI
	iretl

	define_failed

	.balign	8
ticks:	.long	0
coms:	.long	0
clocks:	.long	0
tsc_tick: .long	0

	.macro gate handler
	.word	(\handler - _start) & 0xffff, CODE, 0x8e00, 0x10
	.endm

	.macro no_gate count
	.rept	\count
	.quad	0
	.endr
	.endm

# The guest is linked at 1 MiB and is shorter than 64 KiB.
	.balign	8
idt:
	no_gate	VECTORS
	gate	timer
	no_gate	3
	gate	com
	no_gate	3
	gate	clock
	no_gate	(IOAPIC_VECTOR-RTC_VECTOR-1)
	gate	ioapic_timer
idtr:
	.word	. - idt - 1
	.long	idt

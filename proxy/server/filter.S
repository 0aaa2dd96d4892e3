/* The seccomp filter, byte for byte as confine_export wrote it: see filter.h. */
	.section .rodata
	.balign	8
	.globl	filter
	.type	filter, %object
filter:
	.incbin	"proxy/server/filter.bpf"
0:	.size	filter, . - filter

	.balign	8
	.globl	filter_size
	.type	filter_size, %object
filter_size:
	.quad	0b - filter
	.size	filter_size, 8

#include "base/object.inc"

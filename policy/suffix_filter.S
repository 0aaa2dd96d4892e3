/* The filter of public suffixes, byte for byte as suffix_export wrote it: see suffix.h. */
	.section .rodata
	.balign	64
	.globl	suffix_filter
	.type	suffix_filter, %object
suffix_filter:
	.incbin	"policy/suffix.filter"
	.size	suffix_filter, . - suffix_filter

#include "base/object.inc"

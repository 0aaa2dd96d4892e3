/* The bundled safety list, byte for byte: see data.h. */
	.section .rodata
	.globl	safety_list
	.type	safety_list, %object
safety_list:
	.incbin	"blocklists/data/safety.list"
0:	.byte	0
	.size	safety_list, . - safety_list

	.balign	8
	.globl	safety_list_size
	.type	safety_list_size, %object
safety_list_size:
	.quad	0b - safety_list
	.size	safety_list_size, 8

#include "base/object.inc"

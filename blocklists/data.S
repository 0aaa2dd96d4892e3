/* The bundled safety list, byte for byte: see data.h. */
	.section .rodata
	.globl	safety_list_begin
	.globl	safety_list_end
	.type	safety_list_begin, %object
	.type	safety_list_end, %object
safety_list_begin:
	.incbin	"blocklists/data/safety.list"
safety_list_end:
	.byte	0
	.size	safety_list_begin, safety_list_end - safety_list_begin

	.section .note.GNU-stack, "", %progbits

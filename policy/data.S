/* The bundled package hosts, byte for byte: see data.h. */
	.section .rodata
	.globl	package_hosts_begin
	.globl	package_hosts_end
	.type	package_hosts_begin, %object
	.type	package_hosts_end, %object
package_hosts_begin:
	.incbin	"policy/data/package-hosts.yaml"
package_hosts_end:
	.byte	0
	.size	package_hosts_begin, package_hosts_end - package_hosts_begin

	.section .note.GNU-stack, "", %progbits

/* The bundled package hosts, byte for byte: see data.h. */
	.section .rodata
	.globl	package_hosts
	.type	package_hosts, %object
package_hosts:
	.incbin	"policy/data/package-hosts.yaml"
0:	.byte	0
	.size	package_hosts, . - package_hosts

	.balign	8
	.globl	package_hosts_size
	.type	package_hosts_size, %object
package_hosts_size:
	.quad	0b - package_hosts
	.size	package_hosts_size, 8

#include "base/object.inc"

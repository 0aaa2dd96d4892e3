/* The bundled package hosts and hosts that must work, byte for byte: see data.h. */
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

	.globl	must_work
	.type	must_work, %object
must_work:
	.incbin	"policy/data/must-work.yaml"
0:	.byte	0
	.size	must_work, . - must_work

	.balign	8
	.globl	must_work_size
	.type	must_work_size, %object
must_work_size:
	.quad	0b - must_work
	.size	must_work_size, 8

#include "base/object.inc"

/*
 * guard_table.c - the IANA special-purpose address registries (copies of 2026-07-18),
 * the metadata services, and the rows that make the table total.
 *
 * A registry row is PASS only where "Globally Reachable" is True; False, N/A and
 * blank are refused.  tests/unit/guard_registry_test.c holds this table against the
 * registries' own files, kept in tests/cases/iana.
 */
#include "policy/guard_table.h"

#define V4(a, b, c, d, length)                                       \
	{                                                            \
		.net = ADDRESS_V4(a, b, c, d), .bits = 96 + (length) \
	}

/* The leading bytes; those not written are zero. */
#define V6(length, ...)                                      \
	{                                                    \
		.net = { { __VA_ARGS__ } }, .bits = (length) \
	}

#define PASS GUARD_PASS
#define SPECIAL GUARD_SPECIAL
#define METADATA GUARD_METADATA

/* clang-format off */
const struct guard_row guard_rows[] = {
	/* What holds where no other row does. */
	{ V4(0, 0, 0, 0, 0),             PASS,    NULL,                                     "RFC 791" },
	{ V6(3, 0x20),                   PASS,    NULL,                                     "RFC 4291 2.4" },
	{ V6(0, 0),                      SPECIAL, "outside 2000::/3",                       "RFC 4291 2.4" },

	/* IANA IPv4 Special-Purpose Address Registry. */
	{ V4(0, 0, 0, 0, 8),             SPECIAL, "This network",                           "RFC 791 3.2" },
	{ V4(0, 0, 0, 0, 32),            SPECIAL, "This host on this network",              "RFC 1122 3.2.1.3" },
	{ V4(10, 0, 0, 0, 8),            SPECIAL, "Private-Use",                            "RFC 1918" },
	{ V4(100, 64, 0, 0, 10),         SPECIAL, "Shared Address Space",                   "RFC 6598" },
	{ V4(127, 0, 0, 0, 8),           SPECIAL, "Loopback",                               "RFC 1122 3.2.1.3" },
	{ V4(169, 254, 0, 0, 16),        SPECIAL, "Link Local",                             "RFC 3927" },
	{ V4(172, 16, 0, 0, 12),         SPECIAL, "Private-Use",                            "RFC 1918" },
	{ V4(192, 0, 0, 0, 24),          SPECIAL, "IETF Protocol Assignments",              "RFC 6890 2.1" },
	{ V4(192, 0, 0, 0, 29),          SPECIAL, "IPv4 Service Continuity Prefix",         "RFC 7335" },
	{ V4(192, 0, 0, 8, 32),          SPECIAL, "IPv4 dummy address",                     "RFC 7600" },
	{ V4(192, 0, 0, 9, 32),          PASS,    "Port Control Protocol Anycast",          "RFC 7723" },
	{ V4(192, 0, 0, 10, 32),         PASS,    "Traversal Using Relays around NAT Anycast", "RFC 8155" },
	{ V4(192, 0, 0, 170, 32),        SPECIAL, "NAT64/DNS64 Discovery",                  "RFC 8880, RFC 7050 2.2" },
	{ V4(192, 0, 0, 171, 32),        SPECIAL, "NAT64/DNS64 Discovery",                  "RFC 8880, RFC 7050 2.2" },
	{ V4(192, 0, 2, 0, 24),          SPECIAL, "Documentation (TEST-NET-1)",             "RFC 5737" },
	{ V4(192, 31, 196, 0, 24),       PASS,    "AS112-v4",                               "RFC 7535" },
	{ V4(192, 52, 193, 0, 24),       PASS,    "AMT",                                    "RFC 7450" },
	{ V4(192, 88, 99, 0, 24),        SPECIAL, "Deprecated (6to4 Relay Anycast)",        "RFC 7526" },
	{ V4(192, 88, 99, 2, 32),        SPECIAL, "6a44-relay anycast address",             "RFC 6751" },
	{ V4(192, 168, 0, 0, 16),        SPECIAL, "Private-Use",                            "RFC 1918" },
	{ V4(192, 175, 48, 0, 24),       PASS,    "Direct Delegation AS112 Service",        "RFC 7534" },
	{ V4(198, 18, 0, 0, 15),         SPECIAL, "Benchmarking",                           "RFC 2544" },
	{ V4(198, 51, 100, 0, 24),       SPECIAL, "Documentation (TEST-NET-2)",             "RFC 5737" },
	{ V4(203, 0, 113, 0, 24),        SPECIAL, "Documentation (TEST-NET-3)",             "RFC 5737" },
	{ V4(240, 0, 0, 0, 4),           SPECIAL, "Reserved",                               "RFC 1112 4" },
	{ V4(255, 255, 255, 255, 32),    SPECIAL, "Limited Broadcast",                      "RFC 8190, RFC 919 7" },

	/* IANA IPv6 Special-Purpose Address Registry, without ::ffff:0:0/96, which is IPv4 here. */
	{ V6(128, [15] = 1),             SPECIAL, "Loopback Address",                       "RFC 4291" },
	{ V6(128, 0),                    SPECIAL, "Unspecified Address",                    "RFC 4291" },
	{ V6(96, 0, 0x64, 0xff, 0x9b),   PASS,    "IPv4-IPv6 Translat.",                    "RFC 6052" },
	{ V6(48, 0, 0x64, 0xff, 0x9b, 0, 1), SPECIAL, "IPv4-IPv6 Translat.",                "RFC 8215" },
	{ V6(64, 1),                     SPECIAL, "Discard-Only Address Block",             "RFC 6666" },
	{ V6(64, 1, [7] = 1),            SPECIAL, "Dummy IPv6 Prefix",                      "RFC 9780" },
	{ V6(23, 0x20, 0x01),            SPECIAL, "IETF Protocol Assignments",              "RFC 2928" },
	{ V6(32, 0x20, 0x01),            SPECIAL, "TEREDO",                                 "RFC 4380, RFC 8190" },
	{ V6(128, 0x20, 1, 0, 1, [15] = 1), PASS, "Port Control Protocol Anycast",          "RFC 7723" },
	{ V6(128, 0x20, 1, 0, 1, [15] = 2), PASS, "Traversal Using Relays around NAT Anycast", "RFC 8155" },
	{ V6(128, 0x20, 1, 0, 1, [15] = 3), PASS, "DNS-SD Service Registration Protocol Anycast", "RFC 9665" },
	{ V6(48, 0x20, 1, 0, 2),         SPECIAL, "Benchmarking",                           "RFC 5180, RFC Errata 1752" },
	{ V6(32, 0x20, 1, 0, 3),         PASS,    "AMT",                                    "RFC 7450" },
	{ V6(48, 0x20, 1, 0, 4, 1, 0x12), PASS,   "AS112-v6",                               "RFC 7535" },
	{ V6(28, 0x20, 1, 0, 0x10),      SPECIAL, "Deprecated (previously ORCHID)",         "RFC 4843" },
	{ V6(28, 0x20, 1, 0, 0x20),      PASS,    "ORCHIDv2",                               "RFC 7343" },
	{ V6(28, 0x20, 1, 0, 0x30),      PASS,    "Drone Remote ID Protocol Entity Tags (DETs) Prefix", "RFC 9374" },
	{ V6(32, 0x20, 1, 0x0d, 0xb8),   SPECIAL, "Documentation",                          "RFC 3849" },
	{ V6(16, 0x20, 0x02),            SPECIAL, "6to4",                                   "RFC 3056" },
	{ V6(48, 0x26, 0x20, 0, 0x4f, 0x80), PASS, "Direct Delegation AS112 Service",       "RFC 7534" },
	{ V6(20, 0x3f, 0xff),            SPECIAL, "Documentation",                          "RFC 9637" },
	{ V6(16, 0x5f),                  SPECIAL, "Segment Routing (SRv6) SIDs",            "RFC 9602" },
	{ V6(7, 0xfc),                   SPECIAL, "Unique-Local",                           "RFC 4193, RFC 8190" },
	{ V6(10, 0xfe, 0x80),            SPECIAL, "Link-Local Unicast",                     "RFC 4291" },

	/* Not in the registries; named so that a refusal can say what it met. */
	{ V4(224, 0, 0, 0, 4),           SPECIAL, "Multicast",                              "RFC 5771" },
	{ V6(8, 0xff),                   SPECIAL, "Multicast",                              "RFC 4291 2.7" },
	{ V6(10, 0xfe, 0xc0),            SPECIAL, "Deprecated (Site-Local Unicast)",        "RFC 3879" },
	{ V6(96, 0),                     SPECIAL, "IPv4-compatible",                        "RFC 4291 2.5.5.1" },
	{ V6(96, [8] = 0xff, 0xff),      SPECIAL, "IPv4-translated",                        "RFC 2765 2.1" },

	/*
	 * Metadata and platform endpoints: single addresses, so that they win over every range.
	 * From the providers' documents, and compared with what public guards against forged
	 * server-side requests refuse; last looked at on 2026-11-22, as the names in guard.c.
	 */
	{ V4(169, 254, 169, 254, 32),    METADATA, "metadata service (AWS, GCP, Azure and most others)", "provider" },
	{ V4(169, 254, 169, 253, 32),    METADATA, "DNS of the platform (AWS)",             "provider" },
	{ V4(169, 254, 169, 123, 32),    METADATA, "time service of the platform (AWS)",    "provider" },
	{ V4(169, 254, 170, 2, 32),      METADATA, "task credentials (AWS ECS)",            "provider" },
	{ V4(169, 254, 170, 23, 32),     METADATA, "pod credentials (AWS EKS)",             "provider" },
	{ V4(169, 254, 42, 42, 32),      METADATA, "metadata service (Scaleway)",           "provider" },
	{ V4(169, 254, 0, 23, 32),       METADATA, "metadata service (Tencent Cloud)",      "provider" },
	{ V4(168, 63, 129, 16, 32),      METADATA, "WireServer (Azure)",                    "provider" },
	{ V4(100, 100, 100, 200, 32),    METADATA, "metadata service (Alibaba Cloud)",      "provider" },
	{ V4(192, 0, 0, 192, 32),        METADATA, "metadata service (Oracle Cloud Classic)", "provider" },
	{ V6(128, 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54), METADATA, "metadata service (AWS)", "provider" },
	{ V6(128, 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x53), METADATA, "DNS of the platform (AWS)", "provider" },
	{ V6(128, 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x01, 0x23), METADATA, "time service of the platform (AWS)", "provider" },
	{ V6(128, 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x00, 0x23), METADATA, "pod credentials (AWS EKS)", "provider" },
	{ V6(128, 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54), METADATA, "metadata service (GCP)", "provider" },
	{ V6(128, 0xfd, 0x00, 0x00, 0x42, [14] = 0x00, 0x42), METADATA, "metadata service (Scaleway)", "provider" },
	{ V6(128, 0xfd, 0x00, 0x00, 0xc1, [12] = 0xa9, 0xfe, 0xa9, 0xfe), METADATA, "metadata service (Oracle Cloud)", "provider" },
	{ V6(128, 0xfd, 0x00, 0xa9, 0xfe, 0xa9, 0xfe, [15] = 0x01), METADATA, "metadata service (Linode)", "provider" },
	{ V6(128, 0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe), METADATA, "metadata service (OpenStack)", "provider" },
};
/* clang-format on */

const size_t guard_row_count = COUNT(guard_rows);

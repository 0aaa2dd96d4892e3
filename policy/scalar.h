/*
 * scalar.h - what a plain scalar of YAML stands for: the core schema of YAML 1.2
 * (10.3.2), where yes, no, on and off are strings.
 */
#ifndef POLICY_SCALAR_H
#define POLICY_SCALAR_H

#include "base/text.h"
#include "policy/document.h"

/* NODE_NULL, NODE_BOOLEAN, NODE_INTEGER, NODE_FLOAT or NODE_STRING. */
enum node_kind scalar_kind(struct text plain);

#endif

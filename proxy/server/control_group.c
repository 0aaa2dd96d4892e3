/* control_group.c - see control_group.h; cgroups(7), proc(5), cgroup_namespaces(7). */
#include "proxy/server/control_group.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct search {
	const char *controller;
	enum control_version version; /* of the hierarchy that is looked at now */
	const char *group;            /* our path in it */
	void (*look)(void *arg, const char *folder, enum control_version);
	void *arg;
};

/* The fields of a line of mountinfo that matter here. */
struct mount {
	char *root, *point;
	char *type, *options; /* of the file system */
};

/* Is it one of the words between commas? */
static bool
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
		if ((at == list || at[-1] == ',') && (at[n] == '\0' || at[n] == ','))
			return true;
	return false;
}

/* A space, tab, newline or backslash in a path is written as three octal digits. */
static void
unescape(char *path)
{
	char *out = path;

	for (const char *in = path; *in != '\0'; out++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			*out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* id, parent, device, root, mount point, options, any number of others, "-", type, source, options */
static bool
parse_mount(char *line, struct mount *m)
{
	char *fields[6], *rest = strstr(line, " - "), *save = NULL;

	if (rest == NULL)
		return false;
	*rest = '\0';
	for (size_t i = 0; i < COUNT(fields); i++)
		if ((fields[i] = strtok_r(i == 0 ? line : NULL, " ", &save)) == NULL)
			return false;
	m->root = fields[3];
	m->point = fields[4];
	m->type = strtok_r(rest + sizeof("-"), " ", &save);
	if (strtok_r(NULL, " ", &save) == NULL)
		return false;
	m->options = strtok_r(NULL, " \n", &save);
	unescape(m->root);
	unescape(m->point);
	return m->options != NULL;
}

static bool
is_outside(const char *path)
{
	return strncmp(path, "/..", 3) == 0 && (path[3] == '/' || path[3] == '\0');
}

/*
 * What of our group's path is below the root of a mount: a container may be shown nothing but its
 * own group.  A root that is outside our namespace stands above us, by how much nobody says.
 * NULL: the mount shows other groups.
 */
static const char *
below(const char *root, const char *group)
{
	size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
	const char *rest = group + n;

	if (strncmp(group, root, n) != 0 || (*rest != '/' && *rest != '\0') || is_outside(rest))
		return is_outside(root) && !is_outside(group) ? "" : NULL;
	return strcmp(rest, "/") == 0 ? "" : rest;
}

/* Its own group, and all above it. */
static void
climb(const struct search *s, const struct mount *m)
{
	const char *rest = below(m->root, s->group);
	char folder[PATH_MAX];
	int n = rest != NULL ? snprintf(folder, sizeof(folder), "%s%s", m->point, rest) : -1;

	if (n < 0 || n >= (int)sizeof(folder))
		return;
	for (;;) {
		s->look(s->arg, folder, s->version);
		if (folder[strlen(m->point)] == '\0')
			return;
		*strrchr(folder, '/') = '\0';
	}
}

static bool
is_wanted(const struct search *s, const struct mount *m)
{
	if (s->version == CONTROL_V2)
		return strcmp(m->type, "cgroup2") == 0;
	return strcmp(m->type, "cgroup") == 0 && has_word(m->options, s->controller);
}

static void
search_mounts(const struct search *s, const char *mounts)
{
	FILE *file = fopen(mounts, "re");
	struct mount m;
	char *line = NULL;
	size_t room = 0;

	if (file == NULL)
		return;
	while (getline(&line, &room, file) > 0)
		if (parse_mount(line, &m) && is_wanted(s, &m))
			climb(s, &m);
	free(line);
	fclose(file);
}

/* A line is "number:controllers:path"; version 2 has no controllers there. */
static bool
parse_group(char *line, struct search *s)
{
	char *controllers = strchr(line, ':');
	char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

	if (group == NULL || group[1] != '/')
		return false;
	controllers++;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	s->version = controllers[0] == '\0' ? CONTROL_V2 : CONTROL_V1;
	s->group = group;
	return s->version == CONTROL_V2 || has_word(controllers, s->controller);
}

void
control_group_each(const struct control_files *files, const char *controller,
    void (*look)(void *arg, const char *folder, enum control_version), void *arg)
{
	struct search s = { .controller = controller, .look = look, .arg = arg };
	FILE *file = fopen(files->groups, "re");
	char *line = NULL;
	size_t room = 0;

	if (file == NULL)
		return;
	while (getline(&line, &room, file) > 0)
		if (parse_group(line, &s))
			search_mounts(&s, files->mounts);
	free(line);
	fclose(file);
}

bool
control_group_line(const char *folder, const char *name, char *line, size_t room)
{
	char path[PATH_MAX];
	FILE *file;
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);

	line[0] = '\0';
	file = n > 0 && n < (int)sizeof(path) ? fopen(path, "re") : NULL;
	if (file == NULL)
		return false;
	if (fgets(line, (int)room, file) == NULL)
		line[0] = '\0';
	fclose(file);
	return line[0] != '\0';
}

uint64_t
control_group_number(const char *folder, const char *name)
{
	char line[32], *end;
	unsigned long long n;

	if (!control_group_line(folder, name, line, sizeof(line)))
		return UINT64_MAX;
	n = strtoull(line, &end, 10); /* of -1: all ones, no limit either */
	return end != line ? n : UINT64_MAX;
}

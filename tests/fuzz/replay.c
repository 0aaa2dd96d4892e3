/* replay.c - run a fuzz target over files or folders of files, without a fuzzer. */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target may have something to set up. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static int
replay_file(const char *path)
{
	static uint8_t bytes[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	LLVMFuzzerTestOneInput(bytes, n);
	return 0;
}

static int
replay_folder(const char *path)
{
	char name[PATH_MAX];
	struct dirent *entry;
	unsigned passed = 0, failed = 0;
	DIR *dir = opendir(path);

	if (dir == NULL) {
		perror(path);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (replay_file(name) == 0)
			passed++;
		else
			failed++;
	}
	closedir(dir);
	printf("%s: %u passed, %u failed\n", path, passed, failed);
	return failed > 0 || passed == 0;
}

int
main(int argc, char **argv)
{
	struct stat st;
	int bad = 0;

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		bool folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);

		bad += folder ? replay_folder(argv[i]) : replay_file(argv[i]);
	}
	return bad != 0;
}

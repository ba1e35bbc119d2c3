/*
 * The main of a fuzz target outside the fuzzer: run it over every file of the folders given. Each input is copied into
 * memory of its exact size, so that the sanitizers see a read behind its end. A folder without files is a failure: a
 * corpus that was lost must not pass for one that holds.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        perror(path);
        return -1;
    }
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    size_t got = data != NULL ? fread(data, 1, size, file) : 0;
    (void)fclose(file); /* only read */
    if (data == NULL || got != size) {
        fprintf(stderr, "%s: cannot read it whole\n", path);
        free(data);
        return -1;
    }
    (void)LLVMFuzzerTestOneInput(data, size); /* always 0; failures abort */
    free(data);
    return 0;
}

static int run_folder(const char *folder, size_t *files_len)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        perror(folder);
        return -1;
    }
    int result = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        fprintf(stderr, "%s\n", path); /* the last one printed is the one that failed */
        result |= run_file(path);
        ++*files_len;
    }
    (void)closedir(dir);
    return result;
}

int main(int argc, char **argv)
{
    size_t files_len = 0;
    int result = 0;
    for (int i = 1; i < argc; i++) {
        result |= run_folder(argv[i], &files_len);
    }
    printf("%zu files\n", files_len);
    return result == 0 && files_len > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

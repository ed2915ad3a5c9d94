#include "io/files.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

const char *in_folder(const folder *f, const char *name)
{
    static char slots[8][512];
    static int turn;
    char *path = slots[turn++ % 8];
    snprintf(path, sizeof slots[0], "%s/%s", f->path, name);
    return path;
}

const char *put_bytes(const folder *f, const char *name, const void *bytes, size_t n)
{
    const char *path = in_folder(f, name);
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(bytes, 1, n, file) == n && fclose(file) == 0, "cannot write %s", path);
    return path;
}

const char *put_text(const folder *f, const char *name, const char *text)
{
    return put_bytes(f, name, text, strlen(text));
}

int count_files(const folder *f)
{
    int n = 0;
    DIR *dir = opendir(f->path);
    cr_assert(dir);
    for (struct dirent *e; (e = readdir(dir));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

const char *file_text(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "rb");
    cr_assert(file, "no file %s", path);
    size_t n = fread(text, 1, sizeof text - 1, file);
    memset(text + n, 0, sizeof text - n); /* so that whole buffers can be compared */
    fclose(file);
    return text;
}

/* Lines of a text file of any length, read in blocks. */
#ifndef BRN_IO_LINES_H
#define BRN_IO_LINES_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct brn_lines {
    const char *path; /**< borrowed */
    int fd;
    uint64_t size; /**< of the file */
    char *buffer;
    size_t capacity, begin, end;
    uint64_t base;   /**< file offset of buffer[0] */
    bool finished;   /**< nothing follows buffer[end - 1] */
    uint64_t start;  /**< file offset of the line that was read last ... */
    uint64_t number; /**< ... and its number, from 1 */
} brn_lines;

brn_status brn_lines_open(brn_lines *lines, const char *path);
void brn_lines_close(brn_lines *lines);

/** The next line without its end (LF or CRLF), valid until the next call; NULL after the last. */
brn_status brn_lines_next(brn_lines *lines, const char **line, size_t *n);

/** Go back to the line that starts at `start` and has this number. */
void brn_lines_seek(brn_lines *lines, uint64_t start, uint64_t number);

#endif

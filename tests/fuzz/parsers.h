/* Each parser of files from outside, fed with bytes: shared by the libFuzzer targets and by the test
 * that replays their corpus. A harness checks what a parser promises and aborts where it is broken. */
#ifndef BRN_TESTS_FUZZ_PARSERS_H
#define BRN_TESTS_FUZZ_PARSERS_H

#include <stddef.h>
#include <stdint.h>

void parse_table(const uint8_t *bytes, size_t n); /* NPY, NPZ and CSV, told apart by content */
void parse_safetensors(const uint8_t *bytes, size_t n);
void parse_settings(const uint8_t *bytes, size_t n); /* YAML: what is accepted prints, and reads back the same */
void parse_image(const uint8_t *bytes, size_t n);    /* PNG and JPEG */
void parse_torch(const uint8_t *bytes, size_t n);    /* checkpoints: pickles in a ZIP archive */
void parse_model(const uint8_t *bytes, size_t n);    /* what is accepted maps points */

#endif

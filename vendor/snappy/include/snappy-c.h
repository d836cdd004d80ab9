/* The part of snappy's interface for C that blosc uses. */
#ifndef HISTOGRADE_SNAPPY_C_H_
#define HISTOGRADE_SNAPPY_C_H_

#include <stddef.h>

typedef enum { SNAPPY_OK = 0, SNAPPY_INVALID_INPUT = 1, SNAPPY_BUFFER_TOO_SMALL = 2 } snappy_status;

/* output_length: room at output when called, bytes written when SNAPPY_OK is returned. */
snappy_status snappy_compress(const char *input, size_t input_length, char *output, size_t *output_length);
snappy_status snappy_uncompress(const char *input, size_t input_length, char *output, size_t *output_length);
size_t snappy_max_compressed_length(size_t source_length);

#endif

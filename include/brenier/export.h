/* Marks what the shared library exports; everything else is hidden. */
#ifndef BRENIER_EXPORT_H
#define BRENIER_EXPORT_H
#if defined(__GNUC__)
#define BRN_API __attribute__((visibility("default")))
#else
#define BRN_API
#endif
#endif

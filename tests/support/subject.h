/* The library's network under test, with calls that must succeed. */
#ifndef BRN_TESTS_SUBJECT_H
#define BRN_TESTS_SUBJECT_H

#include "selftest/subject.h"
#include "support/support.h"

#define test_subject_open(...) MUST(brn_subject_open(__VA_ARGS__))
#define test_subject_theta(...) MUST(brn_subject_theta(__VA_ARGS__))
#define test_subject_set_theta(...) MUST(brn_subject_set_theta(__VA_ARGS__))
#define test_subject_read(...) MUST(brn_subject_read(__VA_ARGS__))
#define test_subject_write(...) MUST(brn_subject_write(__VA_ARGS__))
#define test_subject_value_grad(...) MUST(brn_subject_value_grad(__VA_ARGS__))
#define test_subject_param_grad(...) MUST(brn_subject_param_grad(__VA_ARGS__))
#define test_subject_mixed(...) MUST(brn_subject_mixed(__VA_ARGS__))

#endif

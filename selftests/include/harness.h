/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests and assertions. KITE_TEST(name) { ... } is a test; every test runs in a
 * process of its own, so what it leaves open or breaks is gone with it. EXPECT_*
 * notes a failure and goes on, ASSERT_* ends the test, SKIP() ends it with a
 * reason. main() is in the library.
 */
#ifndef KT_HARNESS_H
#define KT_HARNESS_H

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1ull << (n))
#define KT_PAGE		4096ul

/* Exit statuses of kselftest. */
enum { KT_PASS = 0, KT_FAIL = 1, KT_SKIP = 4 };

struct kt_test {
	const char *name;
	const char *variant;		/* NULL or what @param stands for */
	void (*fn)(unsigned int param);
	unsigned int param;
	unsigned int timeout;		/* seconds, for kt_times(); 0: the default */
	struct kt_test *next;
};

void kt_register(struct kt_test *test);

#define KITE_TEST_TIMEOUT(name, seconds)					\
	static void name(void);							\
	static void name##_call(unsigned int param) { (void)param; name(); }	\
	static void __attribute__((constructor)) name##_register(void)		\
	{									\
		static struct kt_test test = { #name, NULL, name##_call, 0, seconds, NULL }; \
										\
		kt_register(&test);						\
	}									\
	static void name(void)

#define KITE_TEST(name) KITE_TEST_TIMEOUT(name, 0)

/* Print "file:line: message" as a KTAP comment and note the failure. */
void kt_failed(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void kt_end(int status) __attribute__((noreturn));
void kt_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* How often: @count, or as many times more as KITE_STRESS says; timeouts grow with it. */
u64 kt_times(u64 count);
/* A KTAP comment. */
void kt_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define SKIP(...)	kt_skip(__VA_ARGS__)

#define FAIL(...) do {								\
	kt_failed(__FILE__, __LINE__, __VA_ARGS__);				\
	kt_end(KT_FAIL);							\
} while (0)

/* Without a cast to a narrower type, so that no difference gets lost. */
#define KT_COMPARE(want, op, got, then) do {					\
	unsigned long long want_ = (unsigned long long)(want);			\
	unsigned long long got_ = (unsigned long long)(got);			\
										\
	if (!(want_ op got_)) {							\
		kt_failed(__FILE__, __LINE__, "%s %s %s: 0x%llx, 0x%llx", #want, #op, #got, \
			  want_, got_);						\
		then;								\
	}									\
} while (0)

/* By value, whatever the types: -1 is less than 0. */
#define KT_ORDER(a, op, b, then) do {						\
	__int128 a_ = (a), b_ = (b);						\
										\
	if (!(a_ op b_)) {							\
		kt_failed(__FILE__, __LINE__, "%s %s %s: 0x%llx, 0x%llx", #a, #op, #b, \
			  (unsigned long long)a_, (unsigned long long)b_);	\
		then;								\
	}									\
} while (0)

#define KT_TRUE(cond, then) do {						\
	if (!(cond)) {								\
		kt_failed(__FILE__, __LINE__, "not true: %s", #cond);		\
		then;								\
	}									\
} while (0)

/* @call fails in the way of libc: -1 with errno @want. */
#define KT_ERRNO(want, call, then) do {						\
	long ret_ = (call);							\
	int errno_ = errno;							\
										\
	if (ret_ != -1 || errno_ != (want)) {					\
		kt_failed(__FILE__, __LINE__, "%s: want -1 with errno %d, got %ld with errno %d", \
			  #call, (want), ret_, ret_ == -1 ? errno_ : 0);	\
		then;								\
	}									\
} while (0)

#define EXPECT_EQ(want, got)	KT_COMPARE(want, ==, got, (void)0)
#define EXPECT_NE(want, got)	KT_COMPARE(want, !=, got, (void)0)
#define EXPECT_GE(a, b)		KT_ORDER(a, >=, b, (void)0)
#define EXPECT_GT(a, b)		KT_ORDER(a, >, b, (void)0)
#define EXPECT_TRUE(cond)	KT_TRUE(cond, (void)0)
#define EXPECT_ERRNO(want, call) KT_ERRNO(want, call, (void)0)
#define ASSERT_EQ(want, got)	KT_COMPARE(want, ==, got, kt_end(KT_FAIL))
#define ASSERT_NE(want, got)	KT_COMPARE(want, !=, got, kt_end(KT_FAIL))
#define ASSERT_GE(a, b)		KT_ORDER(a, >=, b, kt_end(KT_FAIL))
#define ASSERT_TRUE(cond)	KT_TRUE(cond, kt_end(KT_FAIL))
#define ASSERT_ERRNO(want, call) KT_ERRNO(want, call, kt_end(KT_FAIL))

#endif

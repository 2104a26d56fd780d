// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: Debian's kernel is a bzImage that loads where it wants to be; cut
 * off anywhere it is refused. The file is $KERNEL, or fetched with apt-get.
 */
#include <unistd.h>

#include "boot_util.h"
#include "file.h"

#define DIR_TEMPLATE	"/tmp/kite-debian-XXXXXX"
static char dir[sizeof(DIR_TEMPLATE)] = DIR_TEMPLATE;
static struct blob kernel;

static int fetch(char *path, size_t size)
{
	char cmd[512];
	FILE *p;

	/* The newest of the 6.1 cloud kernels that apt knows. */
	snprintf(cmd, sizeof(cmd),
		 "cd %s && p=$(apt-cache pkgnames linux-image-6.1 | grep -E '^linux-image-6[.]1[.]0-[0-9]+-cloud-amd64$' | sort -V | tail -1) && apt-get download -q $p >&2 && dpkg-deb -x ./*.deb . && ls $PWD/boot/vmlinuz-*",
		 dir);
	p = popen(cmd, "r");
	if (!p || !fgets(path, size, p))
		path[0] = '\0';
	path[strcspn(path, "\n")] = '\0';
	return p ? pclose(p) : -1;
}

static void loads(void)
{
	const struct boot_format *format;
	struct setup_header hdr;

	boot_reset(MIB(256));
	req.kernel = kernel;
	req.cmdline = "console=ttyS0";
	format = boot_detect(&req);
	EXPECT_TRUE(format && format->load == bzimage_load);
	if (!format)
		return;
	EXPECT_EQ(0, format->load(&req, &mem, &entry));
	memcpy(&hdr, kernel.data + 0x1f1, sizeof(hdr));
	EXPECT_EQ(hdr.pref_address + 0x200, entry.rip);
	EXPECT_TRUE(holds(hdr.pref_address, kernel.data + (hdr.setup_sects + 1) * 512,
			  (u64)hdr.syssize * 16 - 16));
	EXPECT_EQ(hdr.init_size, get(BOOT_INFO + offsetof(struct boot_params, hdr.init_size), 4));
}

static void small_memory(void)
{
	boot_reset(MIB(32));
	req.kernel = kernel;
	EXPECT_EQ(-EINVAL, bzimage_load(&req, &mem, &entry));
	EXPECT_TRUE(refused_for("--mem"));
}

static void truncations(void)
{
	u64 len;

	boot_reset(MIB(256));
	for (len = 0x206; len < kernel.len / 2; len += len / 3 + 1) {
		unit_context("%llu bytes", len);
		EXPECT_EQ(-EINVAL, load(bzimage_load, kernel.data, len));
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(loads),
	UNIT_TEST(small_memory),
	UNIT_TEST(truncations),
};

static int read_kernel(const char *path)
{
	int fd = file_open(path);
	int ret = fd < 0 ? fd : file_load(fd, &kernel);

	if (fd >= 0)
		close(fd);
	return ret;
}

int main(void)
{
	const char *path = getenv("KERNEL");
	char fetched[128], cmd[64];
	int ret = 0;

	if (!mkdtemp(dir))
		return 1;
	if (!path || !*path) {
		ret = fetch(fetched, sizeof(fetched));
		path = fetched;
	}
	if (!ret)
		ret = read_kernel(path);
	if (ret) {
		/* Not a pass: without the kernel nothing was tested. */
		printf("KTAP version 1\n1..1\n");
		printf("# no kernel; give one with KERNEL=FILE\nnot ok 1 fetch\n");
		ret = 1;
	} else {
		ret = unit_run(tests, ARRAY_SIZE(tests));
		file_free(&kernel);
	}
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd) || ret;
}

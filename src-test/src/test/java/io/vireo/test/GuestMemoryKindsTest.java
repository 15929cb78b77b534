package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.vireo.posix.Memfd;
import io.vireo.posix.PosixException;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.driver.VhostUserDisk.MemoryMessages;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Guests whose RAM lies on huge pages, or in several pieces. */
@Timeout(180)
final class GuestMemoryKindsTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final long HUGE_PAGE_BYTES = 2L << 20;
    private static final Path FREE_HUGE_PAGES = Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
    private static final Path HUGE_PAGES = Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
    /** Of different sizes, so that mistaking one for another shows. */
    private static final long[] REGIONS = {4L << 20, 2L << 20, 8L << 20};

    @TempDir
    Path folder;

    private VireoDaemon daemon;

    @BeforeEach
    void serve() throws IOException {
        System.out.println("GuestMemoryKindsTest -Dvireo.seed=" + SEED);
        try (var file = new RandomAccessFile(folder.resolve("disk.img").toFile(), "rw")) {
            file.setLength(16 << 20);
        }
        int metricsPort = Scrape.freePort();
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives.disk { driver = raw, file { driver = file, filename = disk.img, cache.direct = on } }
                  devices.vda { drive = disk, transport.path = vda.sock }
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(metricsPort));
        daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "vda");
    }

    @AfterEach
    void stop() {
        daemon.close();
    }

    @ParameterizedTest
    @EnumSource(MemoryMessages.class)
    void severalRegionsAtOnce(MemoryMessages messages) {
        verify(DriverMemory.create(REGIONS), messages);
    }

    @ParameterizedTest
    @EnumSource(MemoryMessages.class)
    void severalRegionsOnHugePages(MemoryMessages messages) {
        assumeFalse(Boolean.getBoolean("vireo.without-root"), "--without-root");
        long pages = 0;
        for (long bytes : REGIONS) pages += bytes / HUGE_PAGE_BYTES;
        long before = number(HUGE_PAGES);
        try {
            reserve(before + Math.max(0, pages - number(FREE_HUGE_PAGES)));
            assertTrue(number(FREE_HUGE_PAGES) >= pages, "the host has no " + pages
                    + " huge pages in one piece to spare: free memory, or --without-root leaves this out");
            long free = number(FREE_HUGE_PAGES);
            verify(onHugePages(), messages);
            Await.until("the daemon gave all huge pages back", () -> number(FREE_HUGE_PAGES) == free);
        } finally {
            // The kernel keeps those that it is about to free, so it is told until it obeys.
            Await.until("no huge page in use", () -> {
                reserve(before);
                return number(HUGE_PAGES) == before;
            });
        }
    }

    private static DriverMemory onHugePages() {
        try {
            return DriverMemory.onMemfds(Memfd.MFD_HUGETLB | Memfd.MFD_HUGE_2MB, REGIONS);
        } catch (PosixException e) {
            throw new AssertionError("no memory on huge pages; --without-root leaves this out", e);
        }
    }

    private void verify(DriverMemory memory, MemoryMessages messages) {
        VhostUserDisk.Options options = VhostUserDisk.Options.defaults().withMemory(messages);
        try (AttachedDisk disk = AttachedDisk.at(folder.resolve("vda.sock"), memory, options)) {
            LoadResult result = disk.run(LoadOptions.of(SEED).withRequestsMax(5000));
            assertTrue(result.clean(), result::toString);
            assertTrue(result.verifiedSectors() > 0, result::toString);
        }
    }

    private static void reserve(long pages) {
        try {
            Files.writeString(HUGE_PAGES, Long.toString(pages));
        } catch (IOException e) {
            fail("huge pages are reserved by root through " + HUGE_PAGES + "; --without-root leaves this out", e);
        }
    }

    private static long number(Path file) {
        try {
            return Long.parseLong(Files.readString(file).strip());
        } catch (IOException e) {
            throw new AssertionError("this kernel has no huge pages of 2 MiB; --without-root leaves this out", e);
        }
    }
}

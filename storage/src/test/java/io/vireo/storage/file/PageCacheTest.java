package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Above the slowest engine, whose completions come only when the loop turns. */
class PageCacheTest {
    private static final int SIZE_BYTES = 1 << 20;

    @TempDir
    private Path folder;

    private final TestLoop loop = new TestLoop();

    @AfterEach
    void closeLoop() {
        loop.close();
    }

    private HostFile open(Path image, byte[] content) throws IOException {
        Files.write(image, content);
        Engines.equip(loop, AioMode.THREADS);
        return FileNode.open(FileOptions.of("f0", image.toString()).withAio(AioMode.THREADS));
    }

    private static byte[] random() {
        byte[] bytes = new byte[SIZE_BYTES];
        new Random(1).nextBytes(bytes);
        return bytes;
    }

    @Test
    void readsWhatIsCachedInsideSubmit() throws Exception {
        byte[] content = random();
        try (HostFile node = open(folder.resolve("disk.img"), content); NodeChannel channel = node.open(loop)) {
            TestRequest r = loop.own(new TestRequest(PageCache.REQUEST_BYTES_MAX)).whole(PageCache.REQUEST_BYTES_MAX);
            channel.submit(r.request.read(0, r.data));
            assertEquals(1, r.completions);
            assertEquals(0, r.errno);
            assertArrayEquals(Arrays.copyOf(content, r.bytes().length), r.bytes());
        }
    }

    @Test
    void leavesLongRequestsAndPartsOfPagesToTheEngine() throws Exception {
        try (HostFile node = open(folder.resolve("disk.img"), random()); NodeChannel channel = node.open(loop)) {
            int length = PageCache.REQUEST_BYTES_MAX + 512;
            TestRequest read = loop.own(new TestRequest(length)).whole(length);
            TestRequest write = loop.own(new TestRequest(512)).whole(512);
            channel.submit(read.request.read(0, read.data));
            assertEquals(0, read.completions);
            loop.runUntil(read::isDone);
            channel.submit(write.request.write(0, write.data, true));
            assertEquals(0, write.completions);
            loop.runUntil(write::isDone);
        }
    }

    @Test
    void writesWholePagesInsideSubmitUnlessTheyShallBeDurable() throws Exception {
        try (HostFile node = open(folder.resolve("disk.img"), random()); NodeChannel channel = node.open(loop)) {
            TestRequest page = loop.own(new TestRequest(4096)).whole(4096);
            channel.submit(page.request.write(8192, page.data, false));
            assertEquals(1, page.completions);
            assertEquals(0, page.errno);
            channel.submit(page.request.write(8192, page.data, true));
            assertEquals(1, page.completions);
            loop.runUntil(() -> page.completions == 2);
            channel.submit(page.request.write(512, page.data, false));
            assertEquals(2, page.completions);
            loop.runUntil(() -> page.completions == 3);
        }
    }

    @Test
    void leavesWritesToTheEngineForAWhileAfterOneThatTookLong() throws Exception {
        Path image = folder.resolve("disk.img");
        Files.write(image, random());
        long[] now = {0};
        long[] tookNanos = {0};
        // Two looks at the clock a write.
        LongSupplier clock = () -> now[0] += tookNanos[0];
        try (Fd fd = PosixFile.open(image.toString(), PosixFile.O_RDWR, 0)) {
            PageCache cache = new PageCache(fd, clock);
            TestRequest page = loop.own(new TestRequest(4096)).whole(4096);
            assertTrue(cache.served(page.request.write(0, page.data, false)));

            tookNanos[0] = PageCache.SLOW_NANOS + 1;
            assertTrue(cache.served(page.request.write(0, page.data, false)), "slow, and done");
            assertEquals(PageCache.WRITE_PAUSE_MIN, passed(cache, page));
            assertEquals(3 * PageCache.WRITE_PAUSE_MIN, passed(cache, page), "slow again: longer");
            for (int i = 0; i < 20; i++) passed(cache, page);
            assertEquals(PageCache.WRITE_PAUSE_MAX, passed(cache, page));

            tookNanos[0] = 0;
            passed(cache, page);
            for (int i = 0; i < 10_000; i++) assertTrue(cache.served(page.request.write(0, page.data, false)));
            tookNanos[0] = PageCache.SLOW_NANOS + 1;
            assertTrue(cache.served(page.request.write(0, page.data, false)));
            assertEquals(PageCache.WRITE_PAUSE_MIN, passed(cache, page), "quick ones make it forget");
        }
    }

    /** How many writes are refused until one is served. */
    private static int passed(PageCache cache, TestRequest page) {
        int count = 0;
        while (!cache.served(page.request.write(0, page.data, false))) count++;
        return count;
    }

    @Test
    void countsWhatTheCacheAnsweredApartFromWhatWentToTheEngineAndKeepsItWhenChannelsClose() throws Exception {
        try (HostFile node = open(folder.resolve("disk.img"), random())) {
            for (int round = 1; round <= 2; round++) {
                try (NodeChannel channel = node.open(loop)) {
                    int length = PageCache.REQUEST_BYTES_MAX + 512;
                    TestRequest cached = loop.own(new TestRequest(4096)).whole(4096);
                    TestRequest write = loop.own(new TestRequest(4096)).whole(4096);
                    TestRequest tooLong = loop.own(new TestRequest(length)).whole(length);
                    channel.submit(cached.request.read(0, cached.data));
                    channel.submit(write.request.write(0, write.data, false));
                    loop.runUntil(write::isDone);
                    channel.submit(tooLong.request.read(0, tooLong.data));
                    loop.runUntil(tooLong::isDone);
                    assertEquals(round * 4096L, node.cacheReadBytes());
                    assertEquals(round * (long) length, node.engineReadBytes());
                }
            }
        }
    }

    @Test
    void writesToTmpfsInsideSubmit() throws Exception {
        Path image = Files.createTempFile(Path.of("/dev/shm"), "page-cache", ".img");
        try (HostFile node = open(image, new byte[SIZE_BYTES]); NodeChannel channel = node.open(loop)) {
            TestRequest r = loop.own(new TestRequest(4096)).whole(4096);
            r.fill(0x5A);
            channel.submit(r.request.write(4096, r.data, false));
            assertEquals(1, r.completions);
            r.fill(0);
            channel.submit(r.request.read(4096, r.data));
            assertEquals(2, r.completions);
            assertEquals(0x5A, r.bytes()[4095]);
        } finally {
            Files.delete(image);
        }
    }
}

package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
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
    void leavesLongReadsAndWritesOfRealFilesToTheEngine() throws Exception {
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

package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinuxAioEngineTest {
    @TempDir
    Path folder;

    private final TestLoop loop = new TestLoop();
    private Fd fd;

    @BeforeEach
    void openFile() {
        int flags = PosixFile.O_RDWR | PosixFile.O_CREAT | PosixFile.O_DIRECT;
        fd = loop.own(PosixFile.open(folder.resolve("disk.img").toString(), flags, 0600));
        PosixFile.truncate(fd, 1 << 20);
    }

    @AfterEach
    void closeLoop() {
        loop.close();
    }

    @Test
    void servesMoreRequestsThanItsContextHolds() {
        LinuxAioEngine engine = Engines.nativeAio(loop, 4);
        List<TestRequest> all = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            TestRequest r = loop.own(new TestRequest(4096)).whole(4096);
            if (i % 7 == 0) r.request.flush();
            else if (i % 11 == 0) r.request.discard(4096L * i, 4096, false);
            else r.request.write(4096L * i, r.data, i % 5 == 0);
            all.add(r);
        }
        for (TestRequest r : all) engine.submit(fd.number(), r.request);
        assertEquals(100, engine.inFlight());
        assertThrows(IllegalStateException.class, engine::close);
        for (TestRequest r : all) loop.runUntil(r::isDone);
        for (TestRequest r : all) assertEquals(0, r.errno, r.request::toString);
        assertEquals(0, engine.inFlight());
    }

    @Test
    void signalsItsEventfdWhenThereIsSomethingToPollFor() {
        LinuxAioEngine engine = Engines.nativeAio(loop, 4);
        TestRequest r = loop.own(new TestRequest(4096)).whole(4096);
        engine.submit(fd.number(), r.request.read(0, r.data));
        assertEquals(1, engine.flush());
        long giveUp = System.nanoTime() + 30_000_000_000L;
        boolean signalled = false;
        try (NativeBlock buffer = NativeBlock.allocate(8, 8)) {
            while (!signalled && System.nanoTime() - giveUp < 0) {
                signalled = engine.completions().clear(buffer.address());
            }
        }
        assertTrue(signalled);
        assertEquals(1, engine.poll());
        assertTrue(r.isDone());
        assertEquals(0, r.errno);
    }

    @Test
    void completesWhatTheKernelRefusesAtOnce() {
        LinuxAioEngine engine = Engines.nativeAio(loop, 4);
        TestRequest r = loop.own(new TestRequest(4096)).whole(4096);
        engine.submit(1 << 20, r.request.read(0, r.data));
        loop.runUntil(r::isDone);
        assertEquals(Errno.EBADF, r.errno);
    }
}

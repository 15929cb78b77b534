package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vireo.storage.file.AioChoice.Refusals;
import io.vireo.storage.node.AioMode;

import org.junit.jupiter.api.Test;

class AioChoiceTest {
    private static final String SECCOMP = "EPERM, operation not permitted";

    @Test
    void takesTheBestWhenAllWork() {
        assertEquals(new AioChoice(AioMode.IO_URING, ""), AioChoice.of(AioMode.AUTO, new Refusals()));
    }

    @Test
    void takesWhatWasAskedForWhenItWorks() {
        for (AioMode mode : new AioMode[] {AioMode.IO_URING, AioMode.NATIVE, AioMode.THREADS}) {
            assertEquals(new AioChoice(mode, ""), AioChoice.of(mode, new Refusals()));
        }
    }

    @Test
    void fallsToTheNextAndSaysWhy() {
        Refusals refusals = new Refusals().refuse(AioMode.IO_URING, SECCOMP);
        AioChoice choice = AioChoice.of(AioMode.AUTO, refusals);
        assertEquals(AioMode.NATIVE, choice.kind());
        assertEquals("aio = io_uring is refused: " + SECCOMP, choice.reason());
        refusals.refuse(AioMode.NATIVE, "aio-max-nr is used up");
        choice = AioChoice.of(AioMode.IO_URING, refusals);
        assertEquals(AioMode.THREADS, choice.kind());
        assertEquals(
                "aio = io_uring is refused: " + SECCOMP + "; aio = native is refused: aio-max-nr is used up",
                choice.reason());
    }

    @Test
    void doesNotClimbAboveWhatWasAskedFor() {
        Refusals refusals = new Refusals().refuse(AioMode.NATIVE, "no");
        assertEquals(AioMode.THREADS, AioChoice.of(AioMode.NATIVE, refusals).kind());
    }

    @Test
    void leavesBufferedFilesToThreadsWhereLinuxAioWouldBlock() {
        AioChoice linuxAio = AioChoice.of(AioMode.AUTO, new Refusals().refuse(AioMode.IO_URING, SECCOMP));
        assertEquals(AioMode.NATIVE, linuxAio.forFile(true).kind());
        assertEquals(
                new AioChoice(AioMode.THREADS,
                        "aio = io_uring is refused: " + SECCOMP + "; aio = native needs cache.direct = on"),
                linuxAio.forFile(false));
        AioChoice ring = AioChoice.of(AioMode.AUTO, new Refusals());
        assertEquals(ring, ring.forFile(false));
    }
}

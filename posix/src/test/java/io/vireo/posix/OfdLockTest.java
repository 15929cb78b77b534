package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OfdLockTest {
    @TempDir Path folder;
    private Fd one;
    private Fd two;

    @BeforeEach
    void open() {
        one = open(PosixFile.O_RDWR | PosixFile.O_CREAT);
        two = open(PosixFile.O_RDWR);
    }

    @AfterEach
    void close() {
        one.close();
        two.close();
    }

    @Test
    void excludesAnotherOpenOfTheSameFile() {
        assertTrue(OfdLock.tryLock(one, 100, 1, true));
        assertFalse(OfdLock.tryLock(two, 100, 1, true));
        assertFalse(OfdLock.tryLock(two, 100, 1, false));
        assertTrue(OfdLock.tryLock(two, 101, 1, true), "the byte beside it is free");
        OfdLock.unlock(one, 100, 1);
        assertTrue(OfdLock.tryLock(two, 100, 1, true));
    }

    @Test
    void sharesAmongReaders() {
        assertTrue(OfdLock.tryLock(one, 200, 1, false));
        assertTrue(OfdLock.tryLock(two, 200, 1, false));
        assertFalse(OfdLock.tryLock(one, 200, 1, true), "the other one reads");
        assertTrue(OfdLock.isHeldByOther(one, 200, 1));
    }

    @Test
    void tellsWhetherAnybodyIsInTheWay() {
        assertFalse(OfdLock.isHeldByOther(two, 0, 0));
        assertEquals(OfdLock.NOBODY, OfdLock.holder(two, 0, 0, true));
        assertTrue(OfdLock.tryLock(one, 300, 5, false));
        assertFalse(OfdLock.isHeldByOther(one, 300, 5), "its own lock is not in its way");
        assertEquals(OfdLock.UNKNOWN, OfdLock.holder(two, 304, 1, true));
        assertEquals(OfdLock.NOBODY, OfdLock.holder(two, 304, 1, false));
        assertEquals(OfdLock.NOBODY, OfdLock.holder(two, 305, 1, true));
    }

    @Test
    void goesWithTheLastDescriptor() {
        assertTrue(OfdLock.tryLock(one, 0, 0, true));
        try (Fd copy = one.duplicate()) {
            one.close();
            assertFalse(copy.isClosed());
            assertFalse(OfdLock.tryLock(two, 0, 1, true));
        }
        assertTrue(OfdLock.tryLock(two, 0, 1, true));
    }

    @Test
    void refusesAnExclusiveLockOnAFileOpenForReading() {
        try (Fd reader = open(PosixFile.O_RDONLY)) {
            assertEquals(Errno.EBADF, assertThrows(PosixException.class,
                    () -> OfdLock.tryLock(reader, 0, 1, true)).errno());
        }
    }

    private Fd open(int flags) {
        return PosixFile.open(folder.resolve("image").toString(), flags, 0600);
    }
}

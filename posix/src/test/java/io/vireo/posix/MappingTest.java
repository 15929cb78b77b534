package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MappingTest {
    @Test
    void showsOneFileTwice() {
        try (Fd fd = Memfd.create("twice", 8192);
                Mapping one = Mapping.shared(fd, 0, 8192, true);
                Mapping two = Mapping.shared(fd, 4096, 4096, false)) {
            Memory.putLong(one.address() + 4096, 0x1122334455667788L);
            assertEquals(0x1122334455667788L, Memory.getLong(two.address()));
        }
    }

    @Test
    void startsInTheMiddleOfAPage() {
        try (Fd fd = Memfd.create("middle", 8192);
                Mapping all = Mapping.shared(fd, 0, 8192, true);
                Mapping part = Mapping.shared(fd, 4096 + 24, 100, false)) {
            Memory.putInt(all.address() + 4096 + 24, 77);
            assertEquals(77, Memory.getInt(part.address()));
            assertEquals(100, part.sizeBytes());
        }
    }

    @Test
    void outlivesItsDescriptorAndEndsWithClose() throws IOException {
        Fd fd = Memfd.create("outlives-its-fd", 4096);
        Mapping mapping = Mapping.shared(fd, 0, 4096, true);
        fd.close();
        Memory.putInt(mapping.address(), 5);
        assertEquals(5, Memory.getInt(mapping.address()));
        mapping.dontDump();
        assertTrue(Files.readString(Path.of("/proc/self/maps")).contains("outlives-its-fd"));
        mapping.close();
        mapping.close();
        assertTrue(!Files.readString(Path.of("/proc/self/maps")).contains("outlives-its-fd"));
    }

    @Test
    void raisesAnErrorWhenTheFileWasCutShort() {
        try (Fd fd = Memfd.create("cut", 4096); Mapping mapping = Mapping.shared(fd, 0, 4096, true)) {
            PosixFile.truncate(fd, 0);
            assertThrows(InternalError.class, () -> Memory.putLong(mapping.address(), 1));
        }
    }

    /** Of compiled code, HotSpot skips the access that faulted and raises its error who knows where. */
    @Test
    void raisesTheErrorOfACompiledAccessWhenAskedForIt() {
        for (int round = 0; round < 20; round++) {
            try (Fd fd = Memfd.create("cut", 4096); Mapping mapping = Mapping.shared(fd, 0, 4096, true)) {
                for (int i = 0; i < 20_000; i++) assertFalse(isGone(mapping.address()));
                PosixFile.truncate(fd, 0);
                assertTrue(isGone(mapping.address()));
            }
        }
    }

    private static boolean isGone(long address) {
        try {
            Memory.putInt(address + 8, Memory.getU16(address) + (int) Memory.getLong(address));
            Memory.raiseFaults();
            return false;
        } catch (InternalError e) {
            return true;
        }
    }

    @Test
    void refusesNumbersThatMakeNoSense() {
        try (Fd fd = Memfd.create("no", 4096)) {
            assertThrows(IllegalArgumentException.class, () -> Mapping.shared(fd, 0, 0, true));
            assertThrows(IllegalArgumentException.class, () -> Mapping.shared(fd, -4096, 4096, true));
            assertThrows(IllegalArgumentException.class, () -> Mapping.shared(fd, Long.MAX_VALUE, 4096, true));
            assertThrows(PosixException.class, () -> Mapping.shared(fd, 0, 1L << 62, true));
        }
    }

    @Test
    void givesZeroedMemory() {
        try (Mapping mapping = Mapping.anonymous(1 << 20)) {
            assertEquals(0, Memory.getLong(mapping.address() + (1 << 20) - 8));
            Memory.putLong(mapping.address(), 1);
        }
    }
}

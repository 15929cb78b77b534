package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory of a machine, and what a snapshot keeps of it; needs no KVM. */
final class RamTest {
    private static final long BYTES = 5L << 30;
    private static final long[] TOUCHED = {0, 0x12345, (3L << 30) - 1, 3L << 30, BYTES - 1};

    @TempDir
    Path folder;

    @Test
    void aSnapshotHasWhatWasTouchedAndHolesForTheRest() throws Exception {
        Path file = folder.resolve("memory");
        try (Ram ram = new Ram(BYTES)) {
            for (int i = 0; i < TOUCHED.length; i++) at(ram, TOUCHED[i]).set(JAVA_BYTE, 0, (byte) (i + 1));
            ram.save(file);
            assertThrows(LibcException.class, () -> ram.save(file), "over a snapshot that is there");
        }
        assertEquals(BYTES, Files.size(file));
        long allocatedBytes = 512L * Long.parseLong(new String(
                new ProcessBuilder("stat", "-c", "%b", file.toString()).start().getInputStream().readAllBytes()).strip());
        assertTrue(allocatedBytes < 64 << 20, () -> allocatedBytes + " bytes are allocated");
        try (Ram ram = new Ram(BYTES)) {
            ram.load(file);
            for (int i = 0; i < TOUCHED.length; i++) assertEquals(i + 1, at(ram, TOUCHED[i]).get(JAVA_BYTE, 0));
            assertEquals(0, at(ram, 1L << 30).get(JAVA_BYTE, 0));
        }
    }

    @Test
    void whatDoesNotFitBelowTheDevicesIsAboveFourGib() {
        try (Ram ram = new Ram(BYTES)) {
            assertEquals(2, ram.parts().size());
            assertEquals(new Ram.Part(0, 0, 3L << 30), ram.parts().get(0));
            assertEquals(new Ram.Part(4L << 30, 3L << 30, 2L << 30), ram.parts().get(1));
        }
    }

    /** A place of the file. */
    private static MemorySegment at(Ram ram, long offset) {
        Ram.Part part = ram.parts().get(offset < Board.RAM_LOW_END ? 0 : 1);
        return ram.segment(part).asSlice(offset - part.offset());
    }
}

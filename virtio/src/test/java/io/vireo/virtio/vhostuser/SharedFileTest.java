package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SharedFileTest {
    /** A regular file of 4096 bytes wherever there is Linux, and on no file system for data. */
    private static final String SYSFS_FILE = "/sys/kernel/uevent_seqnum";

    @Test
    void takesAMemfdAndAFileOfTheHost() throws IOException {
        try (Fd memfd = Peer.memory(4096)) {
            assertEquals(4096, SharedFile.accept("memory", memfd).sizeBytes());
        }
        try (Fd file = open(Files.write(Path.of("target/shared-file"), new byte[512]).toString())) {
            assertEquals(512, SharedFile.accept("memory", file).sizeBytes());
        }
    }

    @Test
    void refusesAFileThatSomebodyElseFillsAndSaysWhatWouldBeRight() {
        try (Fd file = open(SYSFS_FILE)) {
            VhostUserException refused = assertThrows(VhostUserException.class, () -> SharedFile.accept("memory", file));
            assertEquals(Fault.DESCRIPTOR_KIND, refused.fault());
            assertTrue(refused.getMessage().startsWith("memory in a file on sysfs, "), refused.getMessage());
            assertTrue(refused.getMessage().contains("memfd"), refused.getMessage());
        }
    }

    /** FUSE, NFS, CIFS, 9p and overlayfs, by their magic numbers. */
    @ParameterizedTest
    @ValueSource(longs = {0x65735546L, 0x6969L, 0xFF534D42L, 0x01021997L, 0x794C7630L})
    void takesNothingThatAProcessOrAServerFills(long type) {
        assertFalse(SharedFile.isFilledHere(type));
    }

    private static Fd open(String path) {
        return PosixFile.open(path, PosixFile.O_RDONLY, 0);
    }
}

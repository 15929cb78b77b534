package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PosixFileTest {
    @TempDir Path folder;

    @Test
    void opensAFileCloseOnExec() {
        try (Fd fd = create("a")) {
            assertEquals(PosixFile.O_CLOEXEC, flags(fd) & PosixFile.O_CLOEXEC);
        }
    }

    @Test
    void namesThePathThatCannotBeOpened() {
        String path = folder.resolve("absent").toString();
        PosixException refused =
                assertThrows(PosixException.class, () -> PosixFile.open(path, PosixFile.O_RDONLY, 0));
        assertEquals(Errno.ENOENT, refused.errno());
        assertTrue(refused.getMessage().contains(path), refused.getMessage());
    }

    @Test
    void describesAFile() throws IOException {
        try (Fd fd = create("b")) {
            PosixFile.truncate(fd, 1 << 20);
            PosixFile.chmod(folder.resolve("b").toString(), 0640);
            FileStatus status = PosixFile.status(fd);
            assertEquals(FileStatus.Kind.REGULAR, status.kind());
            assertEquals(1 << 20, status.sizeBytes());
            assertEquals(0640, status.mode());
            assertEquals(0, status.allocatedBytes());
            assertEquals(Files.getAttribute(folder.resolve("b"), "unix:ino"), status.inode());
            assertTrue(status.sameFile(PosixFile.status(folder.resolve("b").toString())));
            assertEquals(FileStatus.Kind.DIRECTORY, PosixFile.status(folder.toString()).kind());
        }
    }

    @Test
    void writesAndReadsSeveralBuffersAtAnOffset() {
        try (Fd fd = create("c"); NativeBlock block = NativeBlock.allocate(64, 16); IoVec iov = vec(block)) {
            Memory.fill(block.address() + 32, 8, 0x11);
            Memory.fill(block.address() + 40, 8, 0x22);
            iov.add(block.address() + 40, 8);
            iov.add(block.address() + 32, 8);
            assertEquals(16, PosixFile.pwritev(fd, iov.address(), 2, 4096, PosixFile.RWF_DSYNC));
            Memory.fill(block.address() + 32, 16, 0);
            iov.clear();
            iov.add(block.address() + 32, 32);
            assertEquals(16, PosixFile.preadv(fd, iov.address(), 1, 4096, 0), "short at the end of the file");
            byte[] read = new byte[16];
            Memory.copy(block.address() + 32, read, 0, 16);
            byte[] expected = new byte[16];
            Arrays.fill(expected, 0, 8, (byte) 0x22);
            Arrays.fill(expected, 8, 16, (byte) 0x11);
            assertArrayEquals(expected, read);
            PosixFile.datasync(fd);
            assertEquals(0, PosixFile.datasync(fd.number()));
        }
    }

    @Test
    void answersErrnoForDataThatCannotBeMoved() {
        String path = folder.resolve("d").toString();
        create("d").close();
        try (Fd fd = PosixFile.open(path, PosixFile.O_RDONLY, 0); NativeBlock block = NativeBlock.allocate(32, 16);
                IoVec iov = vec(block)) {
            iov.add(block.address() + 16, 16);
            assertEquals(-Errno.EBADF, PosixFile.pwritev(fd, iov.address(), 1, 0, 0));
            assertEquals(-Errno.EBADF, PosixFile.fallocate(fd.number(), 0, 0, 4096));
            assertEquals(-Errno.EBADF, PosixFile.datasync(1 << 20));
        }
    }

    @Test
    void punchesHoles() {
        try (Fd fd = create("e")) {
            assertEquals(0, PosixFile.fallocate(fd.number(), 0, 0, 1 << 20));
            assertEquals(1 << 20, PosixFile.status(fd).allocatedBytes());
            int punch = PosixFile.FALLOC_FL_PUNCH_HOLE | PosixFile.FALLOC_FL_KEEP_SIZE;
            assertEquals(0, PosixFile.fallocate(fd.number(), punch, 0, 1 << 20));
            assertEquals(0, PosixFile.status(fd).allocatedBytes());
            assertEquals(1 << 20, PosixFile.status(fd).sizeBytes());
        }
    }

    @Test
    void setsPermissionsAndOwner() throws IOException {
        create("f").close();
        Path path = folder.resolve("f");
        PosixFile.chmod(path.toString(), 0604);
        assertEquals("rw----r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        FileStatus status = PosixFile.status(path.toString());
        PosixFile.chown(path.toString(), -1, -1);
        assertEquals(status, PosixFile.status(path.toString()));
        assertEquals(Errno.ENOENT, assertThrows(PosixException.class,
                () -> PosixFile.chown(path + "x", -1, -1)).errno());
    }

    @Test
    void makesADescriptorNonBlocking() {
        try (EventFd event = EventFd.owning(create("g")); Fd second = event.fd().duplicate()) {
            PosixFile.setNonBlocking(event.fd());
            assertEquals(PosixFile.O_NONBLOCK, flags(second) & PosixFile.O_NONBLOCK);
        }
    }

    @Test
    void saysThatAFileIsNoBlockDevice() {
        try (Fd fd = create("h")) {
            assertEquals(Errno.ENOTTY, assertThrows(PosixException.class, () -> PosixFile.geometry(fd)).errno());
        }
    }

    @Test
    void knowsFileSystems() {
        try (Fd memory = Memfd.create("t", 4096); Fd here = create("i")) {
            assertEquals(PosixFile.TMPFS_MAGIC, PosixFile.fileSystemType(memory));
            assertTrue(PosixFile.fileSystemType(here) > 0);
        }
    }

    @Test
    void refusesAClosedDescriptor() {
        Fd fd = create("j");
        fd.close();
        assertThrows(IllegalStateException.class, () -> PosixFile.status(fd));
        assertThrows(IllegalStateException.class, () -> PosixFile.preadv(fd, 0, 0, 0, 0));
    }

    static int flags(Fd fd) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/fdinfo/" + fd.number()))) {
            String flags = lines.filter(line -> line.startsWith("flags:")).findFirst().orElseThrow();
            return Integer.parseInt(flags.substring(6).strip(), 8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static IoVec vec(NativeBlock block) {
        return new IoVec(block.address(), 2, 2);
    }

    private Fd create(String name) {
        return PosixFile.open(folder.resolve(name).toString(),
                PosixFile.O_RDWR | PosixFile.O_CREAT | PosixFile.O_EXCL, 0600);
    }
}

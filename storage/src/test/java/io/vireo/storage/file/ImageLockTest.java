package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vireo.posix.Fd;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.OfdLock;
import io.vireo.posix.PosixFile;
import io.vireo.posix.UnixSocket;
import io.vireo.storage.file.FileOptions.Access;
import io.vireo.storage.file.FileOptions.Locking;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.OpenImage;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** QEMU's own tools are the judges of what each side refuses. */
class ImageLockTest {
    @TempDir
    Path folder;

    private FileOptions image;

    @BeforeEach
    void makeImage() throws IOException {
        Path path = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
        image = FileOptions.of("f0", path.toString());
    }

    private record Ended(int status, String output) {}

    private static Ended run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), output);
    }

    private static void assumeInstalled(String tool) {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin", tool)), tool + " is not installed (package qemu-utils)");
    }

    private ImageException refused(FileOptions options) {
        ImageException e = assertThrows(ImageException.class, () -> FileNode.open(options).close());
        assertEquals(ImageException.Kind.IN_USE, e.kind(), e.getMessage());
        return e;
    }

    private TreeSet<Long> heldBytes() {
        TreeSet<Long> held = new TreeSet<>();
        try (Fd other = PosixFile.open(image.filename(), PosixFile.O_RDWR, 0)) {
            for (long at = 90; at < 220; at++) if (OfdLock.isHeldByOther(other, at, 1)) held.add(at);
        }
        return held;
    }

    @Test
    void holdsTheBytesOfWhatItUsesAndDoesNotShare() {
        try (HostFile node = FileNode.open(image)) {
            assertEquals(new TreeSet<>(List.of(100L, 101L, 201L, 203L)), heldBytes(), node.nodeName());
        }
        assertEquals(new TreeSet<>(), heldBytes(), "gone with the node");
        try (HostFile node = FileNode.open(image.withAccess(Access.READ_ONLY))) {
            assertEquals(new TreeSet<>(List.of(100L, 201L, 203L)), heldBytes(), node.nodeName());
        }
        try (HostFile node = FileNode.open(image.withLocking(Locking.OFF))) {
            assertEquals(new TreeSet<>(), heldBytes(), node.nodeName());
        }
    }

    @Test
    void refusesASecondWriterInTheSameProcessAndNamesIt() {
        try (HostFile node = FileNode.open(image)) {
            ImageException e = refused(image);
            assertTrue(e.getMessage().contains("pid " + ProcessHandle.current().pid()), e.getMessage());
            refused(image.withAccess(Access.READ_ONLY));
            assertEquals("f0", node.nodeName());
        }
        FileNode.open(image).close();
    }

    /** As that of a process that was killed, of which the kernel still has requests in flight. */
    @Test
    void waitsForALockThatNoProcessIsSeenToHold() throws Exception {
        Path socket = folder.resolve("s");
        try (UnixSocket listening = UnixSocket.listen(socket, 1);
                UnixSocket sending = UnixSocket.connect(socket);
                NativeBlock message = NativeBlock.allocate(1, 1)) {
            UnixSocket holding = listening.accept();
            try (Fd locked = PosixFile.open(image.filename(), PosixFile.O_RDWR, 0)) {
                assertTrue(OfdLock.tryLock(locked, 201, 1, false));
                sending.send(message.address(), 1, locked.number()); // on its way, it is in nobody's table
            }
            CompletableFuture<Void> opened = CompletableFuture.runAsync(() -> FileNode.open(image).close());
            assertThrows(TimeoutException.class, () -> opened.get(100, TimeUnit.MILLISECONDS), "opened under a lock");
            holding.close();
            opened.get(20, TimeUnit.SECONDS);
        }
    }

    @Test
    void leavesAnInactiveImageToOthersUntilItIsActivated() {
        try (HostFile arriving = FileNode.open(image, false)) {
            assertEquals(new TreeSet<>(), heldBytes());
            try (HostFile leaving = FileNode.open(image)) {
                assertEquals(ImageException.Kind.IN_USE, assertThrows(ImageException.class, arriving::activate).kind());
                leaving.activate();
                leaving.inactivate();
                assertEquals(new TreeSet<>(), heldBytes(), "nothing is left of the attempt either");
                arriving.activate();
                assertEquals(ImageException.Kind.IN_USE, assertThrows(ImageException.class, leaving::activate).kind());
                assertEquals(new TreeSet<>(List.of(100L, 101L, 201L, 203L)), heldBytes());
                arriving.inactivate();
                leaving.activate();
                assertEquals(new TreeSet<>(List.of(100L, 101L, 201L, 203L)), heldBytes(), "the guest stayed after all");
            }
        }
    }

    @Test
    void givesAnInactiveImageNoOtherSizeButSeesTheOneThatItHas() {
        try (HostFile arriving = FileNode.open(image, false); HostFile leaving = FileNode.open(image)) {
            OptionalLong larger = OptionalLong.of(2 << 20);
            assertEquals(ImageException.Kind.IN_USE,
                    assertThrows(ImageException.class, () -> arriving.resize(larger, false)).kind());
            assertEquals(1 << 20, leaving.sizeBytes());
            leaving.resize(larger, false);
            arriving.resize(OptionalLong.empty(), false);
            assertEquals(2 << 20, arriving.sizeBytes());
        }
    }

    @Test
    void letsReadersReadTogether() {
        FileOptions readOnly = image.withAccess(Access.READ_ONLY);
        try (HostFile one = FileNode.open(readOnly);
                HostFile two = FileNode.open(readOnly)) {
            assertEquals(one.sizeBytes(), two.sizeBytes());
            refused(image);
        }
    }

    @Test
    void makesQemuRefuseToWriteWhatWeServe() throws Exception {
        assumeInstalled("qemu-io");
        try (HostFile node = FileNode.open(image)) {
            Ended write = run("qemu-io", "-f", "raw", "-c", "write 0 4k", image.filename());
            assertTrue(write.status() != 0, write.output());
            assertTrue(write.output().contains("lock"), write.output());
            Ended convert = run("qemu-img", "convert", "-f", "raw", "-O", "raw", "-n", "/dev/zero", image.filename());
            assertTrue(convert.status() != 0, convert.output());
            Ended resize = run("qemu-img", "resize", "-f", "raw", image.filename(), "2M");
            assertTrue(resize.status() != 0, resize.output());
            assertEquals(1 << 20, node.sizeBytes());
        }
        Ended write = run("qemu-io", "-f", "raw", "-c", "write 0 4k", image.filename());
        assertEquals(0, write.status(), write.output());
    }

    @Test
    void refusesWhatARunningQemuWritesAndNamesIt() throws Exception {
        assumeInstalled("qemu-io");
        Process qemu = new ProcessBuilder("qemu-io", "-f", "raw", image.filename()).redirectErrorStream(true).start();
        try {
            BufferedReader replies = qemu.inputReader();
            qemu.outputWriter().write("length\n");
            qemu.outputWriter().flush();
            String reply = replies.readLine();
            assertTrue(reply != null && reply.contains("MiB"), () -> "qemu-io said " + reply);
            ImageException e = refused(image);
            assertTrue(e.getMessage().contains("qemu-io (pid " + qemu.pid() + ")"), e.getMessage());
            refused(image.withAccess(Access.READ_ONLY));
            FileNode.open(image.withLocking(Locking.OFF)).close();
        } finally {
            qemu.destroy();
            qemu.waitFor();
        }
        FileNode.open(image).close();
    }

    @Test
    void refusesWhatAStorageDaemonExportsForWriting() throws Exception {
        assumeInstalled("qemu-storage-daemon");
        Process daemon = new ProcessBuilder(
                        "qemu-storage-daemon",
                        "--blockdev", "driver=file,node-name=f,filename=" + image.filename(),
                        "--export", "type=vhost-user-blk,id=e,node-name=f,writable=on,addr.type=unix,addr.path="
                                + folder.resolve("s"),
                        "--chardev", "stdio,id=m", "--monitor", "m")
                .redirectErrorStream(true)
                .start();
        try {
            String greeting = daemon.inputReader().readLine();
            assertTrue(greeting != null && greeting.contains("QMP"), () -> "the daemon said " + greeting);
            ImageException e = refused(image);
            assertTrue(e.getMessage().contains("pid " + daemon.pid()), e.getMessage());
        } finally {
            daemon.destroy();
            daemon.waitFor();
        }
    }

    /** As another process does that was handed the file. */
    @Test
    void staysWithWhoGoesOnWhenTheOneBeforeCloses() throws Exception {
        HostFile before = FileNode.open(image);
        OpenImage handed = before.handOn().orElseThrow();
        try (HostFile after = FileNode.goOn(image, new OpenImage(handed.file().duplicate(), handed.active()))) {
            assertEquals(before.sizeBytes(), after.sizeBytes());
            before.close();
            ImageException e = assertThrows(ImageException.class, () -> FileNode.open(image).close());
            assertEquals(ImageException.Kind.IN_USE, e.kind());
        }
        FileNode.open(image).close();
    }

    @Test
    void isNotGoneOnWithUnderAnotherNameOrInAnotherMode() throws Exception {
        try (HostFile before = FileNode.open(image)) {
            Fd file = before.handOn().orElseThrow().file();
            FileOptions other = FileOptions.of("f1", Files.createFile(folder.resolve("other")).toString());
            for (FileOptions wrong : List.of(other, image.withAccess(Access.READ_ONLY),
                    image.withCache(new FileOptions.Cache(!image.cache().direct(), false)))) {
                Fd handed = file.duplicate();
                ImageException e = assertThrows(ImageException.class, () -> FileNode.goOn(wrong, new OpenImage(handed, true)));
                assertEquals(ImageException.Kind.NOT_HANDED_ON, e.kind());
                assertTrue(handed.isClosed());
            }
        }
    }
}

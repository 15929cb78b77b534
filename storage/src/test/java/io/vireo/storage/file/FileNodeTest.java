package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.storage.file.FileOptions.Access;
import io.vireo.storage.file.FileOptions.Cache;
import io.vireo.storage.file.FileOptions.Discard;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.ImageException.Kind;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;
import io.vireo.storage.raw.RawNode;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileNodeTest {
    @TempDir
    Path folder;

    private final TestLoop loop = new TestLoop();

    @AfterEach
    void closeLoop() {
        loop.close();
    }

    private FileOptions image(long sizeBytes) throws IOException {
        Path path = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        return FileOptions.of("f0", path.toString());
    }

    private static ImageException refused(FileOptions options, Kind kind) {
        ImageException e = assertThrows(ImageException.class, () -> FileNode.open(options).close());
        assertEquals(kind, e.kind(), e.getMessage());
        assertEquals(options.filename(), e.path());
        assertTrue(e.getMessage().startsWith(options.filename() + ": "), e.getMessage());
        return e;
    }

    private int run(NodeChannel channel, TestRequest r) {
        channel.submit(r.request);
        loop.runUntil(r::isDone);
        return r.errno;
    }

    /** The kernel tells once that it could not write what it had taken, and then knows nothing of it. */
    @Test
    void failsEveryFlushAfterOneThatHasLostWhatWasWritten() throws Exception {
        Engines.equip(loop, AioMode.THREADS);
        TestRequest before = loop.own(new TestRequest(512));
        TestRequest after = loop.own(new TestRequest(512));
        before.request.flush();
        after.request.flush();
        TestRequest durable = loop.own(new TestRequest(512)).whole(512);
        durable.request.write(0, durable.data, true);
        try (HostFile node = FileNode.open(image(1 << 20).withAio(AioMode.THREADS))) {
            try (NodeChannel channel = node.open(loop)) {
                assertEquals(0, run(channel, before));
                node.syncFailure().accept(Errno.ENOSPC);
            }
            try (NodeChannel channel = node.open(loop)) {
                assertEquals(Errno.ENOSPC, run(channel, after), "whoever asks");
                assertEquals(Errno.ENOSPC, run(channel, durable), "a write that is to be durable, too");
            }
            assertThrows(ImageException.class, node::inactivate);
        }
    }

    /** Past the page cache no data is lost by it, but what the disk holds back may be: the image is not given up so. */
    @Test
    void keepsAnImageThatCannotBeMadeDurable() throws Exception {
        FileOptions options = image(1 << 20).withCache(new Cache(true, false));
        HostFile node = FileNode.open(options);
        Fd.owning(numberOf(Path.of(options.filename()))).close(); // there is no disk here that fails a flush; EBADF is a failure too
        ImageException e = assertThrows(ImageException.class, node::inactivate);
        assertEquals(Kind.IO, e.kind(), e.getMessage());
    }

    private static int numberOf(Path open) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(fd -> Files.exists(fd)).filter(fd -> {
                try {
                    return Files.isSameFile(fd, open);
                } catch (IOException e) {
                    return false;
                }
            }).mapToInt(fd -> Integer.parseInt(fd.getFileName().toString())).findFirst().orElseThrow();
        }
    }

    @Test
    void refusesAFileThatIsMissing() {
        refused(FileOptions.of("f0", folder.resolve("none.img").toString()), Kind.MISSING);
    }

    @Test
    void refusesAFolder() {
        refused(FileOptions.of("f0", folder.toString()), Kind.NOT_A_FILE);
    }

    @Test
    void refusesCharacterDevices() {
        refused(FileOptions.of("f0", "/dev/null"), Kind.NOT_A_FILE);
    }

    @Test
    void refusesAnEmptyFile() throws IOException {
        refused(image(0), Kind.EMPTY);
    }

    @Test
    void refusesAFileOfPartSectors() throws IOException {
        ImageException e = refused(image(1000), Kind.NOT_SECTORS);
        assertTrue(e.getMessage().contains("1000"), e.getMessage());
    }

    @Test
    void refusesARegularFileAsADevice() throws IOException {
        FileOptions options = image(4096);
        ImageException e = assertThrows(ImageException.class, () -> HostDeviceNode.open(options));
        assertEquals(Kind.NOT_A_DEVICE, e.kind());
    }

    @Test
    void refusesLinuxAioThroughThePageCache() throws IOException {
        refused(image(4096).withAio(AioMode.NATIVE), Kind.DIRECT_REQUIRED);
    }

    @Test
    void refusesDirectAccessWhereTheFileSystemHasNone() {
        FileOptions proc = FileOptions.of("f0", "/proc/version").withAccess(Access.READ_ONLY);
        refused(proc.withCache(new Cache(true, false)), Kind.DIRECT_UNSUPPORTED);
        refused(proc, Kind.EMPTY);
    }

    @Test
    void refusesAFileThatMayNotBeWritten() throws Exception {
        FileOptions options = image(4096);
        boolean fixed = chattr("+i", options);
        assumeTrue(fixed, "only root, on a file system with attributes, can make a file that root may not write");
        try {
            ImageException e = refused(options, Kind.PERMISSION);
            assertTrue(e.getMessage().contains("read-only = on"), e.getMessage());
            FileNode.open(options.withAccess(Access.READ_ONLY)).close();
        } finally {
            assertTrue(chattr("-i", options));
        }
    }

    private static boolean chattr(String change, FileOptions options) throws IOException, InterruptedException {
        return new ProcessBuilder("chattr", change, options.filename()).start().waitFor() == 0;
    }

    @Test
    void leavesNoDescriptorOpenWhenItRefuses() throws IOException {
        FileOptions options = image(1000);
        refused(options, Kind.NOT_SECTORS);
        Path own = Path.of("/proc/self/fd");
        try (var descriptors = Files.list(own)) {
            assertFalse(descriptors.anyMatch(fd -> leadsTo(fd, options.filename())));
        }
    }

    private static boolean leadsTo(Path link, String target) {
        try {
            return Files.readSymbolicLink(link).toString().equals(target);
        } catch (IOException e) {
            return false; // closed since it was listed
        }
    }

    @Test
    void failsReadsOfAFileThatWasCutMeanwhile() throws IOException {
        Engines.equip(loop, AioMode.THREADS);
        FileOptions options = image(65536);
        try (HostFile node = FileNode.open(options);
                NodeChannel channel = node.open(loop);
                TestRequest r = new TestRequest(8192).whole(8192)) {
            image(4096);
            assertEquals(Errno.EIO, run(channel, set(r, 0)));
            assertEquals(Errno.EIO, run(channel, set(r.whole(8192), 32768)));
            assertEquals(0, run(channel, set(r.whole(4096), 0)));
        }
    }

    private static TestRequest set(TestRequest r, long offset) {
        r.request.read(offset, r.data);
        return r;
    }

    @Test
    void answersIgnoredDiscardsAndFlushesWithoutTouchingTheFile() throws IOException {
        Engines.equip(loop, AioMode.THREADS);
        FileOptions options = image(1 << 20).withDiscard(Discard.IGNORE).withCache(new Cache(false, true));
        try (HostFile node = FileNode.open(options);
                NodeChannel channel = node.open(loop);
                TestRequest r = new TestRequest(4096).whole(4096)) {
            r.fill(9);
            r.request.write(0, r.data, true);
            assertFalse(node.limits().zeroesMayUnmap());
            assertEquals(0, run(channel, r));
            r.whole(0).request.discard(0, 4096, false);
            channel.submit(r.request);
            assertTrue(r.isDone(), "done inside submit");
            r.whole(0).request.flush();
            channel.submit(r.request);
            assertTrue(r.isDone(), "done inside submit");
            assertEquals(0, run(channel, set(r.whole(4096), 0)));
            assertEquals(9, r.bytes()[100]);
        }
    }

    @Test
    void givesSpaceBackOnDiscard() throws Exception {
        Engines.equip(loop, AioMode.THREADS);
        FileOptions options = image(1 << 20);
        try (HostFile node = FileNode.open(options);
                NodeChannel channel = node.open(loop);
                TestRequest r = new TestRequest(1 << 20).whole(1 << 20)) {
            assumeTrue(node.limits().discard().supported(), "this file system punches no holes");
            r.fill(1);
            r.request.write(0, r.data, true);
            assertEquals(0, run(channel, r));
            assertTrue(allocatedBytes(options) >= 1 << 20);
            r.whole(0).request.discard(0, 1 << 20, true);
            assertEquals(0, run(channel, r));
            assertTrue(allocatedBytes(options) < 1 << 16);
        }
    }

    private static long allocatedBytes(FileOptions options) {
        return PosixFile.status(options.filename()).allocatedBytes();
    }

    @Test
    void tellsThatTheHostsDiskIsFull() throws Exception {
        Path mount = Files.createDirectory(folder.resolve("small"));
        Process mounted = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount.toString())
                .redirectErrorStream(true)
                .start();
        assumeTrue(mounted.waitFor() == 0, "only root can mount the small file system that this test fills");
        try {
            Engines.equip(loop, AioMode.THREADS);
            Path path = mount.resolve("disk.img");
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(1 << 20);
            }
            try (HostFile node = FileNode.open(FileOptions.of("f0", path.toString()));
                    NodeChannel channel = node.open(loop);
                    TestRequest r = new TestRequest(1 << 20).whole(1 << 20)) {
                r.request.write(0, r.data, false);
                assertEquals(Errno.ENOSPC, run(channel, r));
                assertTrue(node.limits().discard().supported());
                assertFalse(node.limits().writeZeroes().supported(), "tmpfs has no ZERO_RANGE");
            }
        } finally {
            assertEquals(0, new ProcessBuilder("umount", mount.toString()).start().waitFor());
        }
    }

    @Test
    void opensReadOnlyWhatIsOnlyToBeRead() throws IOException {
        try (HostFile node = FileNode.open(image(4096).withAccess(Access.READ_ONLY))) {
            assertTrue(node.readOnly());
            assertFalse(node.limits().discard().supported());
        }
    }

    @Test
    void growsItsFileAndLetsRequestsInThere() throws IOException {
        Engines.equip(loop, AioMode.THREADS);
        FileOptions options = image(8192);
        try (HostFile node = FileNode.open(options); NodeChannel channel = node.open(loop); TestRequest r = new TestRequest(4096)) {
            r.whole(4096).request.write(12288, r.data, false);
            assertEquals(Errno.EINVAL, run(channel, r));
            node.resize(OptionalLong.of(16384), false);
            channel.resized();
            assertEquals(16384, node.sizeBytes());
            assertEquals(16384, Files.size(Path.of(options.filename())));
            r.whole(4096).request.write(12288, r.data, false);
            assertEquals(0, run(channel, r));
        }
    }

    @Test
    void aWindowGrowsWithItUnlessTheWindowHasASizeOfItsOwn() throws IOException {
        Engines.equip(loop, AioMode.THREADS);
        FileOptions options = image(8192);
        try (RawNode window = RawNode.window("r0", FileNode.open(options), 4096, -1);
                NodeChannel channel = window.open(loop);
                TestRequest r = new TestRequest(4096)) {
            window.resize(OptionalLong.of(12288), false);
            channel.resized();
            assertEquals(12288, window.sizeBytes());
            assertEquals(16384, Files.size(Path.of(options.filename())));
            r.whole(4096).request.write(8192, r.data, false);
            assertEquals(0, run(channel, r));
            assertThrows(ImageException.class, () -> window.resize(OptionalLong.empty(), true), "to nothing, perhaps");
        }
        try (RawNode fixed = RawNode.window("r0", FileNode.open(options), 4096, 4096)) {
            ImageException e = assertThrows(ImageException.class, () -> fixed.resize(OptionalLong.of(8192), false));
            assertEquals(Kind.FIXED_SIZE, e.kind());
        }
    }

    @Test
    void takesUpWhatItsFileHasGrownTo() throws IOException {
        FileOptions options = image(8192);
        try (HostFile node = FileNode.open(options)) {
            image(65536);
            node.resize(OptionalLong.empty(), false);
            assertEquals(65536, node.sizeBytes());
        }
    }

    @Test
    void losesNothingBehindASmallerSizeUnlessItMay() throws IOException {
        FileOptions options = image(8192);
        try (HostFile node = FileNode.open(options)) {
            assertEquals(Kind.WOULD_SHRINK, refusal(node, OptionalLong.of(4096), false));
            assertEquals(Kind.NOT_SECTORS, refusal(node, OptionalLong.of(4097), true));
            assertEquals(Kind.NOT_SECTORS, refusal(node, OptionalLong.of(0), true));
            assertEquals(8192, node.sizeBytes());
            assertEquals(8192, Files.size(Path.of(options.filename())));
            node.resize(OptionalLong.of(4096), true);
            assertEquals(4096, node.sizeBytes());
            assertEquals(4096, Files.size(Path.of(options.filename())));
        }
    }

    @Test
    void doesNotGrowAFileThatItMayOnlyRead() throws IOException {
        FileOptions options = image(8192).withAccess(Access.READ_ONLY);
        try (HostFile node = FileNode.open(options)) {
            assertEquals(Kind.PERMISSION, refusal(node, OptionalLong.of(16384), false));
            image(16384);
            node.resize(OptionalLong.of(16384), false);
            assertEquals(16384, node.sizeBytes());
        }
    }

    private static Kind refusal(HostFile node, OptionalLong wanted, boolean mayShrink) {
        return assertThrows(ImageException.class, () -> node.resize(wanted, mayShrink)).kind();
    }
}

package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.storage.file.FileOptions.Access;
import io.vireo.storage.file.FileOptions.Cache;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.BlockNodeContract;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.TestLoop;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostDeviceNodeTest {
    abstract static class OnDevice extends BlockNodeContract {
        private final AioMode mode;
        private final boolean direct;
        private final int blockBytes;
        private LoopDevice device;

        OnDevice(AioMode mode, boolean direct, int blockBytes) {
            this.mode = mode;
            this.direct = direct;
            this.blockBytes = blockBytes;
        }

        @Override
        protected void equip(TestLoop loop) {
            Engines.equip(loop, mode);
        }

        FileOptions options() throws Exception {
            if (device == null) {
                Path backing = folder.resolve("backing.img");
                try (RandomAccessFile file = new RandomAccessFile(backing.toFile(), "rw")) {
                    file.setLength(SIZE_BYTES);
                }
                device = loop.own(LoopDevice.over(backing, blockBytes));
            }
            return FileOptions.of("d0", device.path()).withCache(new Cache(direct, false)).withAio(mode);
        }

        @Override
        protected BlockNode openNode(boolean readOnly) throws Exception {
            return HostDeviceNode.open(options().withAccess(readOnly ? Access.READ_ONLY : Access.READ_WRITE));
        }

        @Test
        void hasTheBlocksOfItsDevice() {
            assertEquals("host_device", node.driver());
            assertEquals(blockBytes, node.limits().logicalBlockBytes());
            assertEquals(direct ? blockBytes : 512, node.limits().requestAlignmentBytes());
        }

        @Test
        void isNotForTheFileDriver() {
            ImageException e = assertThrows(ImageException.class, () -> FileNode.open(options()));
            assertEquals(ImageException.Kind.NOT_A_FILE, e.kind());
            assertTrue(e.getMessage().contains("host_device"), e.getMessage());
        }

        @Test
        void isLockedLikeAFile() {
            ImageException e = assertThrows(ImageException.class, () -> HostDeviceNode.open(options()).close());
            assertEquals(ImageException.Kind.IN_USE, e.kind());
        }
    }

    /** With a folder in the place of the device's in sysfs. */
    @Test
    void refusesHostManagedZonesByNameAndTakesOthers(@TempDir Path queue) throws Exception {
        FileOptions options = FileOptions.of("d0", "/dev/zoned0");
        HostDeviceNode.refuseZoned(options, new BlockQueue(queue));
        for (String model : new String[] {"none\n", "host-aware\n"}) {
            Files.writeString(queue.resolve("zoned"), model);
            HostDeviceNode.refuseZoned(options, new BlockQueue(queue));
        }
        Files.writeString(queue.resolve("zoned"), "host-managed\n");
        ImageException e = assertThrows(
                ImageException.class, () -> HostDeviceNode.refuseZoned(options, new BlockQueue(queue)));
        assertEquals(ImageException.Kind.ZONED, e.kind());
        assertTrue(e.getMessage().startsWith("/dev/zoned0: is a host-managed zoned device"), e.getMessage());
    }

    @Nested
    class UringDirect extends OnDevice {
        UringDirect() {
            super(AioMode.IO_URING, true, 512);
        }
    }

    @Nested
    class UringDirectBlocks4k extends OnDevice {
        UringDirectBlocks4k() {
            super(AioMode.IO_URING, true, 4096);
        }
    }

    @Nested
    class NativeDirect extends OnDevice {
        NativeDirect() {
            super(AioMode.NATIVE, true, 512);
        }
    }

    @Nested
    class ThreadsCached extends OnDevice {
        ThreadsCached() {
            super(AioMode.THREADS, false, 512);
        }
    }
}

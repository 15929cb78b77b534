package io.vireo.storage.file;

import io.vireo.storage.file.FileOptions.Access;
import io.vireo.storage.file.FileOptions.Cache;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.BlockNodeContract;
import io.vireo.storage.node.TestLoop;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;

/** Files keep the contract with every engine, through the page cache and past it. */
class FileNodeContractTest {
    abstract static class OnFile extends BlockNodeContract {
        private final AioMode mode;
        private final Cache cache;

        OnFile(AioMode mode, Cache cache) {
            this.mode = mode;
            this.cache = cache;
        }

        @Override
        protected void equip(TestLoop loop) {
            Engines.equip(loop, mode);
        }

        @Override
        protected BlockNode openNode(boolean readOnly) throws IOException {
            Path image = folder.resolve("disk.img");
            if (Files.notExists(image)) {
                try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                    file.setLength(SIZE_BYTES);
                }
            }
            return FileNode.open(FileOptions.of("f0", image.toString())
                    .withAccess(readOnly ? Access.READ_ONLY : Access.READ_WRITE)
                    .withCache(cache)
                    .withAio(mode));
        }
    }

    private static final Cache CACHED = new Cache(false, false);
    private static final Cache DIRECT = new Cache(true, false);

    @Nested
    class UringCached extends OnFile {
        UringCached() {
            super(AioMode.IO_URING, CACHED);
        }
    }

    @Nested
    class UringDirect extends OnFile {
        UringDirect() {
            super(AioMode.IO_URING, DIRECT);
        }
    }

    /** Linux AIO is for direct I/O only. */
    @Nested
    class NativeDirect extends OnFile {
        NativeDirect() {
            super(AioMode.NATIVE, DIRECT);
        }
    }

    @Nested
    class ThreadsCached extends OnFile {
        ThreadsCached() {
            super(AioMode.THREADS, CACHED);
        }
    }

    @Nested
    class ThreadsDirect extends OnFile {
        ThreadsDirect() {
            super(AioMode.THREADS, DIRECT);
        }
    }
}

package io.vireo.storage.raw;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vireo.posix.Errno;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.BlockNodeContract;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.MemoryNode;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class RawNodeTest {
    /** The same bytes for every node of one test, as a file would keep them. */
    private abstract static class OverMemory extends BlockNodeContract {
        final byte[] bytes = new byte[SIZE_BYTES + 1536];

        @Override
        protected void equip(TestLoop loop) {}
    }

    @Nested
    class Window extends OverMemory {
        @Override
        protected BlockNode openNode(boolean readOnly) {
            return RawNode.window("r0", new MemoryNode("m0", bytes, readOnly), 512, SIZE_BYTES);
        }
    }

    @Nested
    class WindowInWindow extends OverMemory {
        @Override
        protected BlockNode openNode(boolean readOnly) {
            RawNode inner = RawNode.window("r0", new MemoryNode("m0", bytes, readOnly), 512, SIZE_BYTES + 512);
            return RawNode.window("r1", inner, 512, -1);
        }
    }

    @Nested
    class Whole extends OverMemory {
        @Override
        protected BlockNode openNode(boolean readOnly) {
            byte[] exact = bytes.length == SIZE_BYTES ? bytes : sized();
            return RawNode.over("r0", new MemoryNode("m0", exact, readOnly));
        }

        private byte[] kept;

        private byte[] sized() {
            if (kept == null) kept = new byte[SIZE_BYTES];
            return kept;
        }
    }

    @Test
    void movesRequestsToWhereTheWindowLiesAndNowhereElse() throws Exception {
        byte[] bytes = new byte[4096];
        try (TestLoop loop = new TestLoop();
                BlockNode node = RawNode.window("r0", new MemoryNode("m0", bytes, false), 1024, 1024);
                NodeChannel channel = node.open(loop);
                TestRequest r = new TestRequest(1024).whole(1024)) {
            r.fill(7);
            channel.submit(r.request.write(0, r.data, false));
            assertEquals(0, r.errno);
            assertEquals(0, r.request.offsetBytes(), "the caller's offset is his");
            for (int i = 0; i < bytes.length; i++) assertEquals(i >= 1024 && i < 2048 ? 7 : 0, bytes[i], "byte " + i);
            r.whole(512);
            channel.submit(r.request.read(1024, r.data));
            assertEquals(Errno.EINVAL, r.errno, "the child has it, the window has not");
        }
    }

    @Test
    void refusesWindowsThatLeaveTheirNode() {
        BlockNode child = new MemoryNode("m0", new byte[4096], false);
        long[][] windows = {
            {4096, -1}, {0, 4608}, {512, 4096}, {100, 512}, {-512, 512}, {0, 0}, {0, 100}, {512, Long.MAX_VALUE - 511}
        };
        for (long[] window : windows) {
            ImageException e =
                    assertThrows(ImageException.class, () -> RawNode.window("r0", child, window[0], window[1]));
            assertEquals(ImageException.Kind.OUT_OF_RANGE, e.kind());
            assertEquals("m0", e.path());
        }
    }
}

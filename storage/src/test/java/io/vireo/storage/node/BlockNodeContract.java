package io.vireo.storage.node;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every block node does, whatever it is and whichever engine serves it. */
public abstract class BlockNodeContract {
    protected static final int SIZE_BYTES = 4 << 20;
    private static final int REQUEST_BYTES_MAX = 512 * 1024;

    @TempDir
    protected Path folder;

    protected TestLoop loop;
    protected BlockNode node;
    protected NodeChannel channel;

    /** Gives the loop the engines that the node shall find. */
    protected abstract void equip(TestLoop loop);

    /** A node of SIZE_BYTES, reading as zeroes at first. */
    protected abstract BlockNode openNode(boolean readOnly) throws Exception;

    /** Whether it keeps what is written. */
    protected boolean stores() {
        return true;
    }

    /** Whether that is still there for the next node of the same name. */
    protected boolean outlivesItself() {
        return stores();
    }

    @BeforeEach
    void openChannel() throws Exception {
        loop = new TestLoop();
        equip(loop);
        node = openNode(false);
        channel = node.open(loop);
    }

    @AfterEach
    void closeAll() throws Exception {
        if (channel != null) channel.close();
        if (node != null) node.close();
        loop.close();
    }

    private void reopen(boolean readOnly) throws Exception {
        channel.close();
        node.close();
        node = openNode(readOnly);
        channel = node.open(loop);
    }

    protected int run(TestRequest request) {
        channel.submit(request.request);
        loop.runUntil(request::isDone);
        assertEquals(1, request.completions, "completed once");
        assertSame(Thread.currentThread(), request.completedBy);
        return request.errno;
    }

    private int unit() {
        return node.limits().requestAlignmentBytes();
    }

    @Test
    void tellsItsSizeAndBlocksInBytes() {
        assertEquals(SIZE_BYTES, node.sizeBytes());
        NodeLimits limits = node.limits();
        assertEquals(0, limits.logicalBlockBytes() % limits.requestAlignmentBytes());
        assertTrue(limits.physicalBlockBytes() >= limits.logicalBlockBytes());
        assertFalse(node.readOnly());
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/write-zeroes-read")
    void agreesWithAModelUnderRandomRequests() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println(getClass().getSimpleName() + ": -Dvireo.seed=" + seed);
        new ModelRun(seed).go(400);
    }

    /** Random requests, several at once over ranges that do not overlap, against an array that knows what is right. */
    private final class ModelRun {
        private final Random random;
        private final long seed;
        private final byte[] model = new byte[SIZE_BYTES];
        private final List<TestRequest> requests = new ArrayList<>();

        ModelRun(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
        }

        void go(int rounds) {
            for (int i = 0; i < 6; i++) requests.add(loop.own(new TestRequest(REQUEST_BYTES_MAX)));
            for (int round = 0; round < rounds; round++) round(round);
        }

        private void round(int round) {
            int depth = 1 + random.nextInt(requests.size());
            int share = SIZE_BYTES / depth / unit() * unit();
            List<Runnable> checks = new ArrayList<>();
            for (int i = 0; i < depth; i++) checks.add(start(requests.get(i), i * share, share));
            for (int i = 0; i < depth; i++) loop.runUntil(requests.get(i)::isDone);
            for (int i = 0; i < depth; i++) {
                String what = "seed " + seed + " round " + round + ": " + requests.get(i).request;
                assertEquals(0, requests.get(i).errno, what);
                checks.get(i).run();
            }
        }

        private Runnable start(TestRequest r, int from, int share) {
            int most = Math.min(share, random.nextInt(8) == 0 ? REQUEST_BYTES_MAX : 16384);
            int length = unit() * (1 + random.nextInt(most / unit()));
            int offset = from + unit() * random.nextInt((share - length) / unit() + 1);
            if (random.nextBoolean()) r.whole(length);
            else r.scattered(length, random);
            Runnable check = switch (random.nextInt(10)) {
                case 0, 1, 2, 3 -> read(r, offset, length);
                case 8 -> node.limits().writeZeroes().supported() ? zero(r, offset, length) : read(r, offset, length);
                case 9 -> {
                    r.request.flush();
                    yield () -> {};
                }
                default -> write(r, offset, length);
            };
            channel.submit(r.request);
            return check;
        }

        private Runnable read(TestRequest r, int offset, int length) {
            r.fill(0x5A);
            r.request.read(offset, r.data);
            byte[] expected = Arrays.copyOfRange(model, offset, offset + length);
            return () -> assertArrayEquals(expected, r.bytes(), () -> "seed " + seed + ": " + r.request);
        }

        private Runnable write(TestRequest r, int offset, int length) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            r.fill(bytes, 0);
            r.request.write(offset, r.data, random.nextInt(8) == 0);
            if (stores()) System.arraycopy(bytes, 0, model, offset, length);
            return () -> {};
        }

        private Runnable zero(TestRequest r, int offset, int length) {
            r.request.writeZeroes(offset, length, random.nextBoolean(), random.nextInt(8) == 0);
            Arrays.fill(model, offset, offset + length, (byte) 0);
            return () -> {};
        }
    }

    @Test
    void keepsWhatWasWrittenWhenOpenedAgain() throws Exception {
        if (!outlivesItself()) return; // there is nothing to show
        TestRequest r = loop.own(new TestRequest(8192)).whole(8192);
        r.fill(0x77);
        channel.announce(65536);
        r.request.write(65536, r.data, true);
        assertEquals(0, run(r));
        reopen(true);
        channel.announce(65536);
        r.whole(8192).fill(0);
        r.request.read(65536, r.data);
        assertEquals(0, run(r));
        byte[] expected = new byte[8192];
        Arrays.fill(expected, (byte) 0x77);
        assertArrayEquals(expected, r.bytes());
    }

    @Test
    void discardsWhereItSaysItCan() {
        TestRequest r = loop.own(new TestRequest(0));
        r.request.discard(65536, 65536, true);
        assertEquals(node.limits().discard().supported() ? 0 : Errno.EOPNOTSUPP, run(r.whole(0)));
    }

    @Test
    void writesZeroesWhereItSaysItCan() {
        TestRequest r = loop.own(new TestRequest(0));
        r.request.writeZeroes(65536, 65536, false, false);
        assertEquals(node.limits().writeZeroes().supported() ? 0 : Errno.EOPNOTSUPP, run(r.whole(0)));
    }

    @Test
    void refusesWhatIsNotWithinItsSize() {
        TestRequest r = loop.own(new TestRequest(8192));
        long[] offsets = {SIZE_BYTES, SIZE_BYTES - unit(), Long.MAX_VALUE - unit() + 1, -unit(), Long.MIN_VALUE};
        for (long offset : offsets) {
            r.whole(2 * unit() > 8192 ? 8192 : 2 * unit());
            r.request.read(offset, r.data);
            channel.announce(offset);
            assertEquals(Errno.EINVAL, run(r), "offset " + offset);
        }
        r.request.writeZeroes(0, SIZE_BYTES + (long) unit(), true, false);
        int zeroes = run(r.whole(0));
        assertTrue(zeroes == Errno.EINVAL || zeroes == Errno.EOPNOTSUPP, () -> Errno.describe(zeroes));
    }

    @Test
    void refusesWhatIsNotAMultipleOfItsUnit() {
        TestRequest r = loop.own(new TestRequest(8192)).whole(unit());
        r.request.read(unit() / 2, r.data);
        assertEquals(Errno.EINVAL, run(r));
        r.whole(unit() / 2);
        r.request.write(0, r.data, false);
        assertEquals(Errno.EINVAL, run(r));
        r.request.read(0, r.data);
        assertEquals(Errno.EINVAL, run(r.whole(0)), "an empty read");
    }

    @Test
    void refusesChangesWhenReadOnly() throws Exception {
        reopen(true);
        assertTrue(node.readOnly());
        TestRequest r = loop.own(new TestRequest(4096)).whole(4096);
        r.request.write(0, r.data, false);
        assertEquals(Errno.EROFS, run(r));
        r.request.discard(0, 4096, false);
        assertEquals(Errno.EROFS, run(r.whole(0)));
        r.request.writeZeroes(0, 4096, false, false);
        assertEquals(Errno.EROFS, run(r.whole(0)));
        r.request.flush();
        assertEquals(0, run(r.whole(0)), "a flush has nothing to do");
        r.whole(4096);
        r.request.read(0, r.data);
        assertEquals(0, run(r));
    }

    @Test
    void takesMoreRequestsThanAnyQueueHasRoomFor() {
        List<TestRequest> all = new ArrayList<>();
        for (int i = 0; i < 1500; i++) {
            TestRequest r = loop.own(new TestRequest(4096)).whole(4096);
            r.fill(0);
            if (i % 3 == 0) r.request.write((i % 1000) * 4096L, r.data, false);
            else r.request.read((i % 1000) * 4096L, r.data);
            all.add(r);
        }
        for (TestRequest r : all) channel.submit(r.request);
        for (TestRequest r : all) {
            loop.runUntil(r::isDone);
            assertEquals(0, r.errno);
        }
        for (TestRequest r : all) assertEquals(1, r.completions);
    }

    @Test
    void takesTheSameRequestAgainFromItsCompletion() {
        int[] left = {500};
        TestRequest[] self = new TestRequest[1];
        self[0] = loop.own(new TestRequest(4096, (request, errno) -> {
            if (errno != 0 || --left[0] == 0) return;
            loop.execute(() -> channel.submit(request.read(4096, self[0].whole(4096).data)));
        }));
        channel.submit(self[0].whole(4096).request.read(0, self[0].data));
        loop.runUntil(() -> left[0] == 0 || self[0].errno > 0);
        assertEquals(0, left[0]);
    }

    @Test
    void takesArraysLongerThanOneCallCarries() {
        TestRequest r = loop.own(new TestRequest(2048 * 512)).pieces(2048 * 512, 2048);
        r.fill(0x11);
        r.request.write(0, r.data, false);
        assertEquals(0, run(r));
        r.pieces(2048 * 512, 2048).fill(0);
        r.request.read(0, r.data);
        assertEquals(0, run(r));
        byte[] expected = new byte[2048 * 512];
        if (stores()) Arrays.fill(expected, (byte) 0x11);
        assertArrayEquals(expected, r.bytes());
    }

    /** Longer than what is done in one go, in one buffer and in buffers of which some fit into one go together. */
    @Test
    void takesTheWholeDiskInOneRequest() {
        for (int pieces : new int[] {1, 2, 8}) {
            byte[] content = new byte[SIZE_BYTES];
            new Random(pieces).nextBytes(content);
            TestRequest r = loop.own(new TestRequest(SIZE_BYTES)).pieces(SIZE_BYTES, pieces);
            r.fill(content, 0);
            r.request.write(0, r.data, pieces == 2);
            assertEquals(0, run(r));
            assertEquals(1, r.completions);
            TestRequest back = loop.own(new TestRequest(SIZE_BYTES)).pieces(SIZE_BYTES, 8 / pieces);
            back.request.read(0, back.data);
            assertEquals(0, run(back));
            assertArrayEquals(stores() ? content : new byte[SIZE_BYTES], back.bytes());
        }
    }
}

package io.vireo.virtio.blk;

import static io.vireo.virtio.blk.BlkLayout.T_FLUSH;
import static io.vireo.virtio.blk.BlkLayout.T_IN;
import static io.vireo.virtio.blk.BlkLayout.T_OUT;
import static io.vireo.virtio.blk.BlkLayout.T_WRITE_ZEROES;
import static io.vireo.virtio.queue.GuestRing.readable;
import static io.vireo.virtio.queue.GuestRing.writable;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vireo.posix.IoVec;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.blk.Judge.Segment;
import io.vireo.virtio.queue.Chain;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class KeptRequestTest {
    private static final long SEED = Long.getLong("vireo.seed", 20260106);
    private static final BlkProperties DISK = Devices.ranges(1 << 20, 512, 16, true);
    private static final int IOVECS = 64;

    private final Judge judge = new Judge(DISK);
    private final BlkRequestReader reader = new BlkRequestReader(DISK);
    private final NativeBlock vectors = NativeBlock.allocate(IOVECS * IoVec.ENTRY_BYTES, 16);
    private final BlkRequest again = new BlkRequest(new IoVec(vectors.address(), IOVECS, IOVECS));

    @AfterEach
    void close() {
        judge.close();
        vectors.close();
    }

    private KeptRequest kept() {
        return KeptRequest.of(3, 0, judge.request, judge.guest.memory());
    }

    private void readAgain(KeptRequest kept) {
        kept.read(judge.guest.memory(), reader, new Chain(IOVECS), again);
    }

    /** Through bytes, as another process would have it. */
    private void carry() {
        byte[] bytes = new BlkState(true, List.of(kept())).encode();
        BlkState state = BlkState.decode(bytes);
        assertArrayEquals(bytes, state.encode());
        assertEquals(3, state.kept().getFirst().queue());
        readAgain(state.kept().getFirst());
        assertEquals(judge.request.type(), again.type());
        assertEquals(judge.request.chainId(), again.chainId());
        assertEquals(judge.request.offsetBytes(), again.offsetBytes());
        assertEquals(judge.request.lengthBytes(), again.lengthBytes());
        assertEquals(judge.request.bytesWrittenOnSuccess(), again.bytesWrittenOnSuccess());
        assertEquals(judge.request.statusAddress(), again.statusAddress());
        assertEquals(judge.request.data().count(), again.data().count());
        for (int i = 0; i < again.data().count(); i++) {
            assertEquals(judge.request.data().base(i), again.data().base(i));
            assertEquals(judge.request.data().lengthBytes(i), again.data().lengthBytes(i));
        }
    }

    @Test
    void isReadAgainAsItWas() {
        judge.of(T_IN, 5, writable(judge.data + 100, 1000), writable(judge.data + 5000, 24));
        carry();
        judge.of(T_OUT, 9, readable(judge.data, 512), readable(judge.data + 4096, 512));
        carry();
        judge.of(T_FLUSH, 0);
        carry();
    }

    @Test
    void beginsAnewHoweverMuchOfItWasMoved() {
        judge.of(T_OUT, 9, readable(judge.data, 512), readable(judge.data + 4096, 512));
        judge.request.data().advance(700);
        carry();
        assertEquals(1024, again.data().totalBytes());
    }

    @Test
    void keepsItsRanges() {
        judge.of(T_WRITE_ZEROES, new Segment(8, 16, 1), new Segment(100, 3, 0));
        carry();
        assertEquals(2, again.rangeCount());
        for (int i = 0; i < 2; i++) {
            assertEquals(judge.request.rangeOffsetBytes(i), again.rangeOffsetBytes(i));
            assertEquals(judge.request.rangeLengthBytes(i), again.rangeLengthBytes(i));
            assertEquals(judge.request.unmap(i), again.unmap(i));
        }
    }

    @Test
    void isRefusedWhereItDoesNotFit() {
        judge.of(T_IN, 5, writable(judge.data, 1024));
        KeptRequest good = kept();
        assertRefused(with(good, T_IN, 1 << 20, good.writable(), good.statusGpa()));
        assertRefused(with(good, 77, 5, good.writable(), good.statusGpa()));
        assertRefused(with(good, T_IN, 5, List.of(), good.statusGpa()));
        assertRefused(with(good, T_IN, 5, List.of(new KeptRequest.Buffer(1L << 50, 512)), good.statusGpa()));
        assertRefused(with(good, T_IN, 5, List.of(new KeptRequest.Buffer(judge.data, -512)), good.statusGpa()));
        assertRefused(with(good, T_IN, 5, good.writable(), 1L << 50));
        KeptRequest.Buffer byteBuffer = new KeptRequest.Buffer(judge.data, 1);
        assertRefused(with(good, T_IN, 5, Collections.nCopies(2048, byteBuffer), good.statusGpa()));
    }

    private void assertRefused(KeptRequest request) {
        assertThrows(IllegalArgumentException.class, () -> readAgain(request));
    }

    private static KeptRequest with(KeptRequest good, int type, long sector, List<KeptRequest.Buffer> writable, long statusGpa) {
        return new KeptRequest(good.queue(), good.chainId(), good.ringDescriptors(), type, sector, good.writtenOnSuccess(),
                good.segments(), good.readable(), writable, statusGpa);
    }

    @Test
    void isNothingInBytesThatWereCutOrChanged() {
        judge.of(T_WRITE_ZEROES, new Segment(8, 16, 1));
        byte[] good = new BlkState(true, List.of(kept(), kept())).encode();
        for (int length = 0; length < good.length; length++) assertNull(BlkState.decode(Arrays.copyOf(good, length)));
        assertNull(BlkState.decode(Arrays.copyOf(good, good.length + 1)));
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 20_000; i++) {
            byte[] bad = good.clone();
            for (int n = random.nextInt(4); n >= 0; n--) bad[random.nextInt(bad.length)] = (byte) random.nextInt();
            BlkState state = BlkState.decode(bad);
            if (state != null) assertArrayEquals(bad, state.encode(), "seed " + SEED);
        }
    }
}

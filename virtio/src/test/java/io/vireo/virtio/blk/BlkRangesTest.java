package io.vireo.virtio.blk;

import static io.vireo.virtio.blk.BlkLayout.S_IOERR;
import static io.vireo.virtio.blk.BlkLayout.S_OK;
import static io.vireo.virtio.blk.BlkLayout.S_UNSUPP;
import static io.vireo.virtio.blk.BlkLayout.T_DISCARD;
import static io.vireo.virtio.blk.BlkLayout.T_OUT;
import static io.vireo.virtio.blk.BlkLayout.T_WRITE_ZEROES;
import static io.vireo.virtio.blk.BlkRequest.PROCEED;
import static io.vireo.virtio.queue.GuestRing.readable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.virtio.blk.Judge.Segment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** DISCARD and WRITE_ZEROES of several ranges. */
class BlkRangesTest {
    private static final long SECTORS = 1 << 20;

    private Judge judge = new Judge(Devices.ranges(SECTORS * 512, 512, 16, true));

    @AfterEach
    void close() {
        judge.close();
    }

    private static Segment[] segments(int count) {
        Segment[] all = new Segment[count];
        for (int i = 0; i < count; i++) all[i] = new Segment(1000L * i, 1 + i, 0);
        return all;
    }

    private void use(BlkProperties properties) {
        judge.close();
        judge = new Judge(properties);
    }

    private List<String> ranges() {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < judge.request.rangeCount(); i++) {
            all.add(judge.request.rangeOffsetBytes(i) / 512 + "+" + judge.request.rangeLengthBytes(i) / 512
                    + (judge.request.unmap(i) ? "u" : ""));
        }
        return all;
    }

    @Test
    @Tag("virtio-1.3-5.2.6/segments")
    void takesAsManyRangesAsItOffersInTheirOrder() {
        for (int type : new int[] {T_DISCARD, T_WRITE_ZEROES}) {
            for (int count = 1; count <= 16; count++) {
                assertEquals(PROCEED, judge.of(type, segments(count)));
                assertEquals(count, judge.request.rangeCount());
                assertEquals(List.of("0+1", "1000+2", "2000+3").subList(0, Math.min(3, count)),
                        ranges().subList(0, Math.min(3, count)));
                assertEquals((count - 1) * 1000L * 512, judge.request.rangeOffsetBytes(count - 1));
                assertEquals(count * 512, judge.request.rangeLengthBytes(count - 1));
                assertEquals(count * (count + 1) / 2 * 512, judge.request.lengthBytes(), "all of them together");
                assertEquals(0, judge.request.data().count());
            }
        }
    }

    @Test
    @Tag("virtio-1.3-5.2.6.1/discard-segments")
    @Tag("virtio-1.3-5.2.6.1/write-zeroes-segments")
    void answersMoreRangesThanItOffersAsUnsupported() {
        for (int type : new int[] {T_DISCARD, T_WRITE_ZEROES}) {
            assertEquals(S_UNSUPP, judge.of(type, segments(17)));
            assertEquals(0, judge.request.rangeCount());
        }
        use(Devices.ranges(SECTORS * 512, 512, 2, true));
        for (int type : new int[] {T_DISCARD, T_WRITE_ZEROES}) {
            assertEquals(PROCEED, judge.of(type, segments(2)));
            assertEquals(S_UNSUPP, judge.of(type, segments(3)));
        }
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/unknown-flags")
    @Tag("virtio-1.3-5.2.6.2/discard-unmap")
    void refusesAllOfThemForTheFlagsOfOne() {
        for (int last = 0; last < 16; last++) {
            for (int flag : new int[] {2, 4, 0x8000_0000}) {
                Segment[] all = segments(16);
                all[last] = new Segment(8, 8, flag);
                assertEquals(S_UNSUPP, judge.of(T_DISCARD, all));
                assertEquals(S_UNSUPP, judge.of(T_WRITE_ZEROES, all));
            }
            Segment[] unmap = segments(16);
            unmap[last] = new Segment(8, 8, 1);
            assertEquals(S_UNSUPP, judge.of(T_DISCARD, unmap));
            assertEquals(PROCEED, judge.of(T_WRITE_ZEROES, unmap));
        }
        // Whatever else is wrong: a flag is judged first.
        assertEquals(S_UNSUPP, judge.of(T_DISCARD, new Segment(SECTORS, 1, 0), new Segment(0, 1, 2)));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.1/beyond-capacity")
    void doesNothingOfARequestOfWhichOneRangeIsWrong() {
        Segment[] wrong = {new Segment(SECTORS, 1, 0), new Segment(SECTORS - 1, 2, 0), new Segment(-1, 1, 0),
            new Segment(Long.MIN_VALUE, 1, 0), new Segment(1L << 55, 1, 0), new Segment(0, 0xFFFF_FFFFL, 0)};
        for (Segment one : wrong) {
            for (int last : new int[] {0, 7, 15}) {
                Segment[] all = segments(16);
                all[last] = one;
                for (int type : new int[] {T_DISCARD, T_WRITE_ZEROES}) {
                    assertEquals(S_IOERR, judge.of(type, all), () -> one.toString());
                    assertEquals(0, judge.request.rangeCount());
                    assertEquals(0, judge.request.lengthBytes());
                }
            }
        }
        judge.of(T_DISCARD, new Segment(0, 8, 0), new Segment(SECTORS, 1, 0));
        assertTrue(judge.request.outOfRange());
        assertEquals(SECTORS * 512, judge.request.offsetBytes(), "where the wrong one lies");
        assertEquals(S_OK, judge.of(T_DISCARD, new Segment(0, 0, 0)));
        assertFalse(judge.request.outOfRange(), "the request before");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.1/segment-length")
    void refusesHalfSegments() {
        judge.put(segments(16));
        for (int type : new int[] {T_DISCARD, T_WRITE_ZEROES}) {
            for (int bytes : new int[] {1, 15, 17, 31, 255, 257}) {
                assertEquals(S_IOERR, judge.of(type, 0, readable(judge.data, bytes)), bytes + " bytes");
            }
            assertEquals(S_IOERR, judge.of(type, 0), "none at all");
        }
    }

    @Test
    void leavesEmptyRangesOutAndAnswersARequestOfNothingElse() {
        assertEquals(PROCEED, judge.of(T_DISCARD, new Segment(7, 0, 0), new Segment(8, 1, 0), new Segment(9, 0, 0)));
        assertEquals(List.of("8+1"), ranges());
        assertEquals(8 * 512, judge.request.offsetBytes());
        assertEquals(S_OK, judge.of(T_DISCARD, new Segment(7, 0, 0), new Segment(SECTORS, 0, 0)));
        assertEquals(0, judge.request.rangeCount());
    }

    @Test
    @Tag("virtio-1.3-2.7.4")
    void takesSegmentsThatAreCutAnywhere() {
        judge.put(segments(3));
        for (int cut = 1; cut < 48; cut++) {
            assertEquals(PROCEED, judge.of(T_DISCARD, 0, readable(judge.data, cut),
                    readable(judge.data + cut, 48 - cut)));
            assertEquals(List.of("0+1", "1000+2", "2000+3"), ranges());
        }
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/write-zeroes-unmap")
    void mayUnmapThoseRangesThatTheDriverSays() {
        assertEquals(PROCEED, judge.of(T_WRITE_ZEROES, new Segment(0, 8, 1), new Segment(8, 8, 0), new Segment(16, 8, 1)));
        assertEquals(List.of("0+8u", "8+8", "16+8u"), ranges());
        assertEquals(PROCEED, judge.of(T_WRITE_ZEROES, new Segment(0, 8, 0), new Segment(8, 8, 1)));
        assertEquals(List.of("0+8", "8+8u"), ranges(), "the request before");
        use(Devices.ranges(SECTORS * 512, 512, 16, false));
        assertEquals(PROCEED, judge.of(T_WRITE_ZEROES, new Segment(0, 8, 1), new Segment(8, 8, 0)));
        assertEquals(List.of("0+8", "8+8"), ranges(), "a device that never deallocates");
    }

    @Test
    void forgetsTheRangesOfTheRequestBefore() {
        judge.of(T_DISCARD, segments(16));
        assertEquals(PROCEED, judge.of(T_OUT, 3, readable(judge.data, 512)));
        assertEquals(0, judge.request.rangeCount());
        assertEquals(512, judge.request.lengthBytes());
        assertEquals(PROCEED, judge.of(T_DISCARD, new Segment(40, 8, 0)));
        assertEquals(List.of("40+8"), ranges());
    }

    @Test
    @Tag("viostor/discard-limit")
    void takesTheLimitOfADiscardAsOneOfLogicalBlocks() {
        use(Devices.ranges(SECTORS * 512, 4096, 16, true));
        assertEquals(PROCEED, judge.of(T_DISCARD, new Segment(0, 4096 * 8, 0)));
        assertEquals(S_IOERR, judge.of(T_DISCARD, new Segment(0, 4096 * 8 + 8, 0)));
        assertEquals(PROCEED, judge.of(T_WRITE_ZEROES, new Segment(0, 2048, 0)));
        assertEquals(S_IOERR, judge.of(T_WRITE_ZEROES, new Segment(0, 2048 + 8, 0)));
    }

    @Test
    @Tag("viostor/discard-one-buffer")
    void takesAllSegmentsInOneBufferWithSectorZeroAndNoFlag() {
        Segment[] all = new Segment[16];
        Arrays.setAll(all, i -> new Segment(64L * i, 64, 0));
        assertEquals(PROCEED, judge.of(T_DISCARD | T_OUT, all));
        assertEquals(16, judge.request.rangeCount());
        assertEquals(T_DISCARD, judge.request.type());
    }

    @Test
    @Tag("viostor/discard-any-alignment")
    void takesDiscardsThatKeepToNoAlignmentButTheBlocks() {
        assertEquals(PROCEED, judge.of(T_DISCARD, new Segment(3, 5, 0), new Segment(1001, 1, 0)));
        assertEquals(List.of("3+5", "1001+1"), ranges());
    }
}

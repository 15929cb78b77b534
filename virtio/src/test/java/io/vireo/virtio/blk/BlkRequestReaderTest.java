package io.vireo.virtio.blk;

import static io.vireo.virtio.blk.BlkLayout.S_IOERR;
import static io.vireo.virtio.blk.BlkLayout.S_OK;
import static io.vireo.virtio.blk.BlkLayout.S_UNSUPP;
import static io.vireo.virtio.blk.BlkLayout.T_DISCARD;
import static io.vireo.virtio.blk.BlkLayout.T_FLUSH;
import static io.vireo.virtio.blk.BlkLayout.T_GET_ID;
import static io.vireo.virtio.blk.BlkLayout.T_IN;
import static io.vireo.virtio.blk.BlkLayout.T_OUT;
import static io.vireo.virtio.blk.BlkLayout.T_WRITE_ZEROES;
import static io.vireo.virtio.blk.BlkRequest.PROCEED;
import static io.vireo.virtio.queue.GuestRing.readable;
import static io.vireo.virtio.queue.GuestRing.writable;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.GuestRing;
import io.vireo.virtio.queue.GuestRing.Buffer;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueBroken;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class BlkRequestReaderTest {
    private static final int SIZE = 256;
    private static final long SECTORS = 2048;
    private static final int DATA_BYTES = 1 << 20;

    private final GuestRing guest = new GuestRing(SIZE, 2 << 20);
    private final Virtqueue queue = guest.virtqueue(VirtqueueLayout.RING_F_INDIRECT_DESC);
    private final Chain chain = new Chain(SIZE);
    private final NativeBlock vectors = NativeBlock.allocate(64 * IoVec.ENTRY_BYTES, 16);
    private final BlkRequest request = new BlkRequest(new IoVec(vectors.address(), 64, 64));
    private final long header = guest.allocate(16, 16);
    private final long status = guest.allocate(1, 1);
    private final long data = guest.allocate(DATA_BYTES, 4096);
    private BlkRequestReader reader = new BlkRequestReader(Devices.disk(SECTORS * 512));

    @AfterEach
    void free() {
        guest.close();
        vectors.close();
    }

    private void putHeader(int type, long sector) {
        Memory.putInt(guest.host(header), type);
        Memory.putInt(guest.host(header) + 4, 0xDEAD);
        Memory.putLong(guest.host(header) + 8, sector);
    }

    private byte judge(Buffer... buffers) {
        return judge(request, buffers);
    }

    private byte judge(BlkRequest into, Buffer... buffers) {
        guest.chainIndirect(0, buffers);
        guest.publish(0);
        assertTrue(queue.poll(guest.memory(), chain));
        try {
            reader.read(chain, into);
        } finally {
            queue.pushUsed(0, 0);
            queue.publishUsed();
        }
        return into.verdict();
    }

    private byte read(long sector, long bytes) {
        putHeader(T_IN, sector);
        return judge(readable(header, 16), writable(data, bytes), writable(status, 1));
    }

    private byte write(long sector, long bytes) {
        putHeader(T_OUT, sector);
        return judge(readable(header, 16), readable(data, bytes), writable(status, 1));
    }

    private byte range(int type, long sector, long sectors, int flags) {
        putHeader(type, 0);
        Memory.putLong(guest.host(data), sector);
        Memory.putInt(guest.host(data) + 8, (int) sectors);
        Memory.putInt(guest.host(data) + 12, flags);
        return judge(readable(header, 16), readable(data, 16), writable(status, 1));
    }

    @Test
    @Tag("virtio-1.3-5.2.6/read")
    void readsIntoTheWritableBuffersButTheStatus() {
        assertEquals(PROCEED, read(7, 4096));
        assertEquals(0, request.chainId());
        assertEquals(T_IN, request.type());
        assertEquals(7 * 512, request.offsetBytes());
        assertEquals(4096, request.lengthBytes());
        assertEquals(1, request.data().count());
        assertEquals(guest.host(data), request.data().base(0));
        assertEquals(4096, request.data().lengthBytes(0));
        assertEquals(guest.host(status), request.statusAddress());
        assertEquals(4097, request.complete(S_OK));
        assertEquals(S_OK, Memory.getU8(guest.host(status)));
    }

    @Test
    @Tag("virtio-1.3-2.7.8.2/len-written")
    void answersAFailureWithTheStatusAlone() {
        read(7, 4096);
        assertEquals(1, request.complete(S_IOERR));
        assertEquals(S_IOERR, Memory.getU8(guest.host(status)));
    }

    @Test
    @Tag("virtio-1.3-5.2.6/write")
    void writesFromTheReadableBuffersBehindTheHeader() {
        assertEquals(PROCEED, write(SECTORS - 8, 4096));
        assertEquals((SECTORS - 8) * 512, request.offsetBytes());
        assertEquals(guest.host(data), request.data().base(0));
        assertEquals(4096, request.data().totalBytes());
        assertEquals(1, request.complete(S_OK));
    }

    @Test
    @Tag("virtio-1.3-2.7.4")
    @Tag("virtio-1.3-2.7.4.1/framing")
    void takesHeaderDataAndStatusOutOfTwoBuffers() {
        long both = data + 8192;
        Memory.putInt(guest.host(both), T_OUT);
        Memory.putLong(guest.host(both) + 8, 3);
        assertEquals(PROCEED, judge(readable(both, 16 + 512), writable(status, 1)));
        assertEquals(guest.host(both) + 16, request.data().base(0));
        assertEquals(512, request.data().lengthBytes(0));

        putHeader(T_IN, 3);
        assertEquals(PROCEED, judge(readable(header, 16), writable(data, 1025)));
        assertEquals(1024, request.data().totalBytes());
        assertEquals(guest.host(data) + 1024, request.statusAddress());
    }

    @Test
    @Tag("virtio-1.3-2.7.4")
    @Tag("virtio-1.3-2.7.4.1/framing")
    void takesARequestOfOneByteBuffers() {
        putHeader(T_DISCARD, 0x0102030405060708L);
        Memory.putLong(guest.host(data), 24);
        Memory.putLong(guest.host(data) + 8, 8);
        List<Buffer> bytes = new ArrayList<>();
        for (int i = 0; i < 16; i++) bytes.add(readable(header + i, 1));
        for (int i = 0; i < 16; i++) bytes.add(readable(data + i, 1));
        for (int i = 0; i < 3; i++) bytes.add(writable(status, 1));
        assertEquals(PROCEED, judge(bytes.toArray(new Buffer[0])));
        assertEquals(24 * 512, request.offsetBytes());
        assertEquals(8 * 512, request.lengthBytes());
    }

    @Test
    @Tag("virtio-1.3-2.7.4")
    @Tag("virtio-1.3-2.7.4.1/framing")
    void gathersWriteDataAcrossEveryCut() {
        byte[] pattern = new byte[16 + 512];
        for (int i = 16; i < pattern.length; i++) pattern[i] = (byte) (i * 7);
        pattern[0] = T_OUT;
        pattern[8] = 9;
        Memory.copy(pattern, 0, guest.host(data), pattern.length);
        for (int first = 1; first < 60; first++) {
            for (int second = 1; second < 40; second += 3) {
                int rest = pattern.length - first - second;
                assertEquals(PROCEED, judge(readable(data, first), readable(data + first, second),
                        readable(data + first + second, rest), writable(status, 1)));
                assertEquals(9 * 512, request.offsetBytes());
                byte[] gathered = new byte[512];
                int at = 0;
                for (int i = 0; i < request.data().count(); i++) {
                    int length = (int) request.data().lengthBytes(i);
                    Memory.copy(request.data().base(i), gathered, at, length);
                    at += length;
                }
                assertEquals(512, at);
                assertArrayEquals(Arrays.copyOfRange(pattern, 16, pattern.length), gathered, first + "," + second);
            }
        }
    }

    @Test
    void findsTheStatusInTheLastBufferThatIsNotEmpty() {
        putHeader(T_FLUSH, 0);
        assertEquals(PROCEED, judge(readable(header, 16), writable(status, 1), writable(data, 0)));
        assertEquals(guest.host(status), request.statusAddress());
    }

    @Test
    void breaksOnAChainItCannotAnswer() {
        putHeader(T_IN, 0);
        VirtqueueBroken noHeader = assertThrows(VirtqueueBroken.class,
                () -> judge(readable(header, 15), writable(status, 1)));
        assertEquals(Fault.HEADER_SHORT, noHeader.fault());
        assertEquals(15, noHeader.value());
        VirtqueueBroken noStatus = assertThrows(VirtqueueBroken.class, () -> judge(readable(header, 16)));
        assertEquals(Fault.STATUS_MISSING, noStatus.fault());
        assertThrows(VirtqueueBroken.class, () -> judge(readable(header, 16), writable(status, 0)));
        assertThrows(VirtqueueBroken.class, () -> judge(writable(status, 1)));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.1/beyond-capacity")
    void refusesDataOutsideTheDevice() {
        assertEquals(PROCEED, read(SECTORS - 1, 512));
        assertEquals(S_IOERR, read(SECTORS, 512));
        assertEquals(S_IOERR, read(SECTORS - 1, 1024));
        assertEquals(S_IOERR, read(-1, 512));
        assertEquals(S_IOERR, read(Long.MAX_VALUE, 512));
        assertEquals(S_IOERR, read(Long.MIN_VALUE, 512));
        assertEquals(S_IOERR, read(1L << 55, 512));
        assertEquals(S_IOERR, write(SECTORS, 512));
        assertEquals(0, request.data().count());
    }

    @Test
    void tellsWhatLiesOutsideFromWhatIsMalformed() {
        for (long sector : new long[] {SECTORS, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 55}) {
            read(sector, 512);
            assertTrue(request.outOfRange(), "sector " + sector);
            assertEquals(sector == SECTORS ? SECTORS * 512 : Long.MAX_VALUE, request.offsetBytes());
            assertEquals(0, request.lengthBytes());
        }
        read(0, 511);
        assertFalse(request.outOfRange(), "half a sector is malformed");
        read(SECTORS, 512);
        read(SECTORS - 1, 512);
        assertFalse(request.outOfRange(), "the verdict of the request before");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.1/whole-sectors")
    void refusesDataThatIsNoWholeNumberOfSectors() {
        for (long bytes : new long[] {0, 1, 511, 513, 4095}) {
            assertEquals(S_IOERR, read(0, bytes), bytes + " bytes");
            assertEquals(S_IOERR, write(0, bytes), bytes + " bytes");
        }
    }

    @Test
    void refusesToCutLogicalBlocks() {
        reader = new BlkRequestReader(Devices.disk(SECTORS * 512, 4096, false));
        assertEquals(PROCEED, read(8, 4096));
        assertEquals(S_IOERR, read(4, 4096));
        assertEquals(S_IOERR, read(8, 512));
        assertEquals(S_IOERR, range(T_DISCARD, 8, 4, 0));
        assertEquals(PROCEED, range(T_DISCARD, 8, 16, 0));
    }

    @Test
    void takesAsMuchDataAsFirmwareSendsAndRefusesMore() {
        reader = new BlkRequestReader(Devices.disk(1L << 40));
        BlkRequest large = new BlkRequest(new IoVec(vectors.address(), 64, 2048));
        Buffer[] buffers = new Buffer[1026];
        buffers[0] = readable(header, 16);
        Arrays.fill(buffers, 1, 1025, writable(data, DATA_BYTES));
        buffers[1025] = writable(status, 1);
        putHeader(T_IN, 0);
        assertEquals(PROCEED, judge(large, buffers));
        assertEquals(1 << 30, large.lengthBytes());
        assertEquals(1 << 30, large.data().totalBytes());
        assertEquals((1 << 30) + 1, large.complete(S_OK));
        buffers[1025] = writable(data, 513);
        assertEquals(S_IOERR, judge(large, buffers), "a sector more");
        assertEquals(guest.host(data) + 512, large.statusAddress());
        large.data().close();
    }

    @Test
    void refusesMoreBuffersThanTheVectorHolds() {
        Buffer[] buffers = new Buffer[2 + 65];
        buffers[0] = readable(header, 16);
        Arrays.fill(buffers, 1, 66, readable(data, 512));
        buffers[66] = writable(status, 1);
        putHeader(T_OUT, 0);
        assertEquals(S_IOERR, judge(buffers));
        assertEquals(0, request.data().count());
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/read-only")
    void failsWhatWritesToAReadOnlyDevice() {
        reader = new BlkRequestReader(Devices.disk(SECTORS * 512, 512, true));
        assertEquals(S_IOERR, write(0, 512));
        assertEquals(S_IOERR, range(T_DISCARD, 0, 8, 0));
        assertEquals(S_IOERR, range(T_WRITE_ZEROES, 0, 8, 0));
        assertEquals(PROCEED, read(0, 512));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.1/flush-sector")
    @Tag("viostor/flush-always")
    void passesAFlushOnWhateverItsSector() {
        putHeader(T_FLUSH, -1);
        assertEquals(PROCEED, judge(readable(header, 16), writable(status, 1)));
        assertEquals(T_FLUSH, request.type());
        assertEquals(0, request.lengthBytes());
        assertEquals(0, request.data().count());
        assertEquals(1, request.complete(S_OK));
    }

    @Test
    @Tag("virtio-1.3-5.2.6/device-id")
    void answersItsSerialPaddedWithNul() {
        putHeader(T_GET_ID, 0);
        Memory.fill(guest.host(data), 64, 0x55);
        assertEquals(S_OK, judge(readable(header, 16), writable(data, 3), writable(data + 3, 17), writable(status, 1)));
        byte[] id = new byte[21];
        Memory.copy(guest.host(data), id, 0, 21);
        byte[] expected = Arrays.copyOf(Devices.SERIAL.getBytes(StandardCharsets.UTF_8), 21);
        expected[20] = 0x55;
        assertArrayEquals(expected, id);
        assertEquals(21, request.complete(S_OK));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.1/device-id-length")
    void cutsItsSerialToAShortBufferAndTouchesNothingBehind() {
        putHeader(T_GET_ID, 0);
        Memory.fill(guest.host(data), 64, 0x55);
        assertEquals(S_OK, judge(readable(header, 16), writable(data, 6)));
        byte[] id = new byte[6];
        Memory.copy(guest.host(data), id, 0, 6);
        assertArrayEquals(new byte[] {'v', 'd', 'a', '-', '0', 0x55}, id);
        assertEquals(6, request.complete(S_OK));
    }

    @Test
    @Tag("virtio-1.3-5.2.6/unsupported")
    void answersUnknownTypesAsUnsupported() {
        for (int type : new int[] {2, 3, 5, 9, 10, 14, 15, 26, 0x7FFF_FFFF, 0x100}) {
            putHeader(type, 0);
            assertEquals(S_UNSUPP, judge(readable(header, 16), writable(status, 1)), "type " + type);
            assertEquals(1, request.complete(request.verdict()));
        }
    }

    @Test
    @Tag("virtio-1.3-5.2.6.3/barrier")
    void ignoresTheLegacyBarrierBit() {
        putHeader(T_OUT | BlkLayout.T_BARRIER, 0);
        assertEquals(PROCEED, judge(readable(header, 16), readable(data, 512), writable(status, 1)));
        assertEquals(T_OUT, request.type());
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/unknown-flags")
    @Tag("virtio-1.3-5.2.6.2/discard-unmap")
    void judgesDiscards() {
        assertEquals(PROCEED, range(T_DISCARD, 8, 4 * 8, 0));
        assertEquals(8 * 512, request.offsetBytes());
        assertEquals(32 * 512, request.lengthBytes());
        assertFalse(request.unmap(0));
        assertEquals(0, request.data().count());
        assertEquals(S_UNSUPP, range(T_DISCARD, 8, 8, 1), "unmap");
        assertEquals(S_UNSUPP, range(T_DISCARD, 8, 8, 2));
        assertEquals(S_UNSUPP, range(T_DISCARD, 8, 0, 1), "unmap of nothing");
        assertEquals(S_IOERR, range(T_DISCARD, SECTORS - 1, 2, 0));
        assertEquals(S_IOERR, range(T_DISCARD, -1, 1, 0));
        assertEquals(S_IOERR, range(T_DISCARD, 0, 0xFFFF_FFFFL, 0));
        assertEquals(S_OK, range(T_DISCARD, 8, 0, 0), "nothing to do");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/unknown-flags")
    void judgesWriteZeroes() {
        assertEquals(PROCEED, range(T_WRITE_ZEROES, 8, 8, 1));
        assertTrue(request.unmap(0));
        assertEquals(PROCEED, range(T_WRITE_ZEROES, 8, SECTORS - 8, 0));
        assertFalse(request.unmap(0));
        assertEquals(S_UNSUPP, range(T_WRITE_ZEROES, 8, 8, 3));
        assertEquals(S_UNSUPP, range(T_WRITE_ZEROES, 8, 8, 0x8000_0000));
        reader = new BlkRequestReader(Devices.disk(1 << 30));
        assertEquals(PROCEED, range(T_WRITE_ZEROES, 0, 2048, 0));
        assertEquals(S_IOERR, range(T_WRITE_ZEROES, 0, 2049, 0), "more than max_write_zeroes_sectors");
    }

    @Test
    void refusesRangesThatAreNoneOrTooMany() {
        for (int type : new int[] {T_DISCARD, T_WRITE_ZEROES}) {
            putHeader(type, 0);
            assertEquals(S_IOERR, judge(readable(header, 16), writable(status, 1)));
            assertEquals(S_IOERR, judge(readable(header, 16), readable(data, 15), writable(status, 1)));
            assertEquals(S_IOERR, judge(readable(header, 16), readable(data, 17), writable(status, 1)));
            assertEquals(S_UNSUPP, judge(readable(header, 16), readable(data, 32), writable(status, 1)));
        }
    }

    @Test
    void answersRangesAsUnsupportedWhereTheyWereNotOffered() {
        reader = new BlkRequestReader(new BlkProperties(512 * SECTORS, 512, 512, 0, 0, 1, 0, 1, false, true,
                BlkProperties.Discard.NONE, BlkProperties.WriteZeroes.NONE, ""));
        assertEquals(S_UNSUPP, range(T_DISCARD, 8, 8, 0));
        assertEquals(S_UNSUPP, range(T_WRITE_ZEROES, 8, 8, 0));
    }

    @Test
    void forgetsTheRequestBefore() {
        assertEquals(PROCEED, range(T_WRITE_ZEROES, 8, 8, 1));
        assertEquals(PROCEED, write(3, 1024));
        assertEquals(0, request.rangeCount());
        assertEquals(PROCEED, range(T_WRITE_ZEROES, 8, 8, 0));
        assertFalse(request.unmap(0));
        putHeader(T_FLUSH, 0);
        judge(readable(header, 16), writable(status, 1));
        assertEquals(0, request.data().totalBytes());
        assertEquals(0, request.offsetBytes());
        assertEquals(0, request.lengthBytes());
        assertEquals(1, request.bytesWrittenOnSuccess());
    }
}

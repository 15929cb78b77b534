package io.vireo.virtio.blk;

import static io.vireo.virtio.blk.BlkLayout.REQ_HEADER_BYTES;
import static io.vireo.virtio.blk.BlkLayout.REQ_SECTOR;
import static io.vireo.virtio.blk.BlkLayout.REQ_STATUS_BYTES;
import static io.vireo.virtio.blk.BlkLayout.REQ_TYPE;
import static io.vireo.virtio.blk.BlkLayout.SECTOR_BYTES;
import static io.vireo.virtio.blk.BlkLayout.SEGMENT_BYTES;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.VirtqueueBroken;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;
import java.nio.charset.StandardCharsets;

/**
 * Judges descriptor chains as block requests (virtio 1.3, 5.2.6). Header, data and status are told apart by counting
 * bytes: drivers cut buffers where they like (2.7.4). The header is copied once; nothing of it is read again.
 *
 * <p>A request that can be answered always is: what is wrong with it becomes its verdict. Thread: one, its IOThread's.
 * Immutable but for that thread's scratch memory; a device that changes its size gets a new reader.
 */
public final class BlkRequestReader {
    /**
     * More data than that in one request is refused with IOERR. Nothing in the configuration space tells a driver of it:
     * it is as much as firmware puts in a single buffer when a boot loader reads a file (EDK II's VirtioBlkDxe).
     */
    public static final long DATA_BYTES_MAX = 1L << 30;
    private static final long SECTORS_MAX = Long.MAX_VALUE / SECTOR_BYTES;

    private final long capacitySectors;
    /** A sector number or count with one of these bits cuts a logical block. */
    private final long partialBlockMask;

    private final boolean readOnly;
    private final BlkProperties properties;
    private final byte[] id = new byte[BlkLayout.ID_BYTES];
    private final byte[] scratch = new byte[REQ_HEADER_BYTES];

    public BlkRequestReader(BlkProperties properties) {
        this.properties = properties;
        capacitySectors = properties.capacitySectors();
        partialBlockMask = properties.logicalBlockBytes() / SECTOR_BYTES - 1;
        readOnly = properties.readOnly();
        byte[] serial = properties.serial().getBytes(StandardCharsets.UTF_8);
        System.arraycopy(serial, 0, id, 0, serial.length);
    }

    /**
     * Fills {@code request} from {@code chain}; GET_ID's answer is written to guest memory here.
     *
     * @throws VirtqueueBroken no whole header or no status byte: there is no way to answer
     */
    public void read(Chain chain, BlkRequest request) {
        if (chain.readableBytes() < REQ_HEADER_BYTES) {
            throw new VirtqueueBroken(Fault.HEADER_SHORT, chain.readableBytes());
        }
        if (chain.writableCount() == 0) throw new VirtqueueBroken(Fault.STATUS_MISSING, chain.head());
        int last = chain.count() - 1;
        request.head = chain.head();
        request.statusAddress = chain.address(last) + chain.lengthBytes(last) - REQ_STATUS_BYTES;
        request.bytesWrittenOnSuccess = REQ_STATUS_BYTES;
        request.offsetBytes = 0;
        request.lengthBytes = 0;
        request.unmap = false;
        request.outOfRange = false;
        request.data().clear();

        long typeAndReserved;
        long sector;
        if (chain.lengthBytes(0) >= REQ_HEADER_BYTES) {
            typeAndReserved = Memory.getLong(chain.address(0) + REQ_TYPE);
            sector = Memory.getLong(chain.address(0) + REQ_SECTOR);
        } else {
            copyReadable(chain, 0, REQ_HEADER_BYTES);
            typeAndReserved = scratchLong(REQ_TYPE);
            sector = scratchLong(REQ_SECTOR);
        }
        request.type = (int) typeAndReserved & ~BlkLayout.T_BARRIER;
        request.verdict = switch (request.type) {
            case BlkLayout.T_IN -> judgeIn(chain, request, sector);
            case BlkLayout.T_OUT -> judgeOut(chain, request, sector);
            case BlkLayout.T_FLUSH -> BlkRequest.PROCEED;
            case BlkLayout.T_GET_ID -> answerId(chain, request);
            case BlkLayout.T_DISCARD -> judgeDiscard(chain, request);
            case BlkLayout.T_WRITE_ZEROES -> judgeWriteZeroes(chain, request);
            default -> BlkLayout.S_UNSUPP;
        };
    }

    private byte judgeIn(Chain chain, BlkRequest request, long sector) {
        long dataBytes = chain.writableBytes() - REQ_STATUS_BYTES;
        if (!judgeData(request, sector, dataBytes)) return BlkLayout.S_IOERR;
        request.bytesWrittenOnSuccess = (int) dataBytes + REQ_STATUS_BYTES;
        return gather(chain, chain.readableCount(), 0, dataBytes, request.data());
    }

    private byte judgeOut(Chain chain, BlkRequest request, long sector) {
        long dataBytes = chain.readableBytes() - REQ_HEADER_BYTES;
        if (readOnly || !judgeData(request, sector, dataBytes)) return BlkLayout.S_IOERR;
        return gather(chain, 0, REQ_HEADER_BYTES, dataBytes, request.data());
    }

    private boolean judgeData(BlkRequest request, long sector, long dataBytes) {
        if (dataBytes == 0 || dataBytes > DATA_BYTES_MAX || dataBytes % SECTOR_BYTES != 0) return false;
        return judgeRange(request, sector, dataBytes / SECTOR_BYTES);
    }

    /** A sector number is unsigned: one past 2^63 is negative here and out of any range. */
    private boolean judgeRange(BlkRequest request, long sector, long sectors) {
        request.offsetBytes = sector < 0 || sector > SECTORS_MAX ? Long.MAX_VALUE : sector * SECTOR_BYTES;
        request.outOfRange = sector < 0 || sectors > capacitySectors - sector;
        if (request.outOfRange || ((sector | sectors) & partialBlockMask) != 0) return false;
        request.lengthBytes = sectors * SECTOR_BYTES; // capacity is below 2^63 bytes: no overflow
        return true;
    }

    /** Appends {@code bytes} bytes of the buffers from {@code first} on, without their first {@code skip}. */
    private static byte gather(Chain chain, int first, long skip, long bytes, IoVec data) {
        long toSkip = skip;
        long rest = bytes;
        for (int i = first; rest > 0; i++) {
            long lengthBytes = chain.lengthBytes(i);
            if (toSkip >= lengthBytes) {
                toSkip -= lengthBytes;
                continue;
            }
            long piece = Math.min(rest, lengthBytes - toSkip);
            if (!data.add(chain.address(i) + toSkip, piece)) {
                data.clear();
                return BlkLayout.S_IOERR;
            }
            rest -= piece;
            toSkip = 0;
        }
        return BlkRequest.PROCEED;
    }

    /** What fits of the identity, as QEMU does: the specification wants a buffer of 20 bytes. */
    private byte answerId(Chain chain, BlkRequest request) {
        int bytes = (int) Math.min(id.length, chain.writableBytes() - REQ_STATUS_BYTES);
        int done = 0;
        for (int i = chain.readableCount(); done < bytes; i++) {
            int piece = (int) Math.min(bytes - done, chain.lengthBytes(i));
            Memory.copy(id, done, chain.address(i), piece);
            // At most 20 entries, fewer than a request may have.
            request.data().add(chain.address(i), piece);
            done += piece;
        }
        request.bytesWrittenOnSuccess = bytes + REQ_STATUS_BYTES;
        return BlkLayout.S_OK;
    }

    /** No flag is known for a discard: 5.2.6.2 wants unmap refused there. */
    private byte judgeDiscard(Chain chain, BlkRequest request) {
        if (readOnly) return BlkLayout.S_IOERR;
        BlkProperties.Discard discard = properties.discard();
        if (!discard.supported()) return BlkLayout.S_UNSUPP;
        return judgeSegment(chain, request, discard.maxSectors(), discard.maxSegments(), 0);
    }

    private byte judgeWriteZeroes(Chain chain, BlkRequest request) {
        if (readOnly) return BlkLayout.S_IOERR;
        BlkProperties.WriteZeroes limits = properties.writeZeroes();
        if (!limits.supported()) return BlkLayout.S_UNSUPP;
        byte verdict = judgeSegment(
                chain, request, limits.maxSectors(), limits.maxSegments(), BlkLayout.SEGMENT_F_UNMAP);
        request.unmap &= limits.mayUnmap();
        return verdict;
    }

    /** Segments are 16 bytes each; the properties allow one, so what is not too many is one. */
    private byte judgeSegment(Chain chain, BlkRequest request, long maxSectors, int maxSegments, int knownFlags) {
        long payloadBytes = chain.readableBytes() - REQ_HEADER_BYTES;
        if (payloadBytes == 0 || payloadBytes % SEGMENT_BYTES != 0) return BlkLayout.S_IOERR;
        if (payloadBytes / SEGMENT_BYTES > maxSegments) return BlkLayout.S_UNSUPP;
        copyReadable(chain, REQ_HEADER_BYTES, SEGMENT_BYTES);
        long sector = scratchLong(BlkLayout.SEGMENT_SECTOR);
        long sectorsAndFlags = scratchLong(BlkLayout.SEGMENT_NUM_SECTORS);
        long sectors = sectorsAndFlags & 0xFFFF_FFFFL;
        int flags = (int) (sectorsAndFlags >>> 32);
        if ((flags & ~knownFlags) != 0) return BlkLayout.S_UNSUPP;
        if (sectors > maxSectors || !judgeRange(request, sector, sectors)) return BlkLayout.S_IOERR;
        request.unmap = (flags & BlkLayout.SEGMENT_F_UNMAP) != 0;
        return sectors == 0 ? BlkLayout.S_OK : BlkRequest.PROCEED;
    }

    /** Copies readable bytes from {@code skip} on to the scratch; the caller knows that they are there. */
    private void copyReadable(Chain chain, long skip, int bytes) {
        long toSkip = skip;
        int done = 0;
        for (int i = 0; done < bytes; i++) {
            long lengthBytes = chain.lengthBytes(i);
            if (toSkip >= lengthBytes) {
                toSkip -= lengthBytes;
                continue;
            }
            int piece = (int) Math.min(bytes - done, lengthBytes - toSkip);
            Memory.copy(chain.address(i) + toSkip, scratch, done, piece);
            done += piece;
            toSkip = 0;
        }
    }

    private long scratchLong(int offset) {
        long value = 0;
        for (int i = 7; i >= 0; i--) value = value << 8 | scratch[offset + i] & 0xFF;
        return value;
    }
}

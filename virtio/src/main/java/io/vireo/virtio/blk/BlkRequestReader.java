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
    /** The most ranges of one request: as many as the Windows driver sends, and some of its releases send no fewer. */
    public static final int SEGMENTS_MAX = 16;
    private static final long SECTORS_MAX = Long.MAX_VALUE / SECTOR_BYTES;

    private final long capacitySectors;
    /** A sector number or count with one of these bits cuts a logical block. */
    private final long partialBlockMask;

    private final boolean readOnly;
    /** Whether the driver may send requests on zones. */
    private final boolean zoned;
    private final BlkProperties properties;
    private final byte[] id = new byte[BlkLayout.ID_BYTES];
    private final byte[] scratch = new byte[SEGMENTS_MAX * SEGMENT_BYTES];

    /** For a driver that accepts whatever is offered. */
    public BlkRequestReader(BlkProperties properties) {
        this(properties, BlkLayout.F_ZONED);
    }

    /** @param features as the driver accepted them */
    public BlkRequestReader(BlkProperties properties, long features) {
        this.properties = properties;
        zoned = properties.zoned().hasZones() && (features & BlkLayout.F_ZONED) != 0;
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
        if (chain.writableCount() == 0) throw new VirtqueueBroken(Fault.STATUS_MISSING, chain.id());
        int last = chain.count() - 1;
        request.chainId = chain.id();
        request.statusAddress = chain.address(last) + chain.lengthBytes(last) - REQ_STATUS_BYTES;
        request.bytesWrittenOnSuccess = REQ_STATUS_BYTES;
        request.offsetBytes = 0;
        request.clearRanges();
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
            case BlkLayout.T_SECURE_ERASE -> judgeSecureErase(chain, request);
            case BlkLayout.T_GET_LIFETIME -> judgeLifetime(chain, request);
            default -> zoned ? judgeZone(chain, request, sector) : BlkLayout.S_UNSUPP;
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

    private boolean judgeRange(BlkRequest request, long sector, long sectors) {
        request.offsetBytes = offsetBytes(sector);
        request.outOfRange = isOutOfRange(sector, sectors);
        if (request.outOfRange || ((sector | sectors) & partialBlockMask) != 0) return false;
        request.lengthBytes = sectors * SECTOR_BYTES; // capacity is below 2^63 bytes: no overflow
        return true;
    }

    /** A sector number is unsigned: one past 2^63 is negative here and out of any range. */
    private boolean isOutOfRange(long sector, long sectors) {
        return sector < 0 || sectors > capacitySectors - sector;
    }

    private static long offsetBytes(long sector) {
        return sector < 0 || sector > SECTORS_MAX ? Long.MAX_VALUE : sector * SECTOR_BYTES;
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

    /**
     * No flag is known for a discard: 5.2.6.2 wants unmap refused there. The limit is taken as one of logical blocks:
     * the Windows driver reads it so.
     */
    private byte judgeDiscard(Chain chain, BlkRequest request) {
        if (readOnly) return BlkLayout.S_IOERR;
        BlkProperties.Discard limits = properties.discard();
        if (!limits.supported()) return BlkLayout.S_UNSUPP;
        return judgeSegments(chain, request, limits.maxSectors() * (partialBlockMask + 1), limits.maxSegments(), 0);
    }

    private byte judgeWriteZeroes(Chain chain, BlkRequest request) {
        if (readOnly) return BlkLayout.S_IOERR;
        BlkProperties.WriteZeroes limits = properties.writeZeroes();
        if (!limits.supported()) return BlkLayout.S_UNSUPP;
        return judgeSegments(
                chain, request, limits.maxSectors(), limits.maxSegments(), BlkLayout.SEGMENT_F_UNMAP);
    }

    /** Only WRITE_ZEROES has a use for unmap. */
    private byte judgeSecureErase(Chain chain, BlkRequest request) {
        if (readOnly) return BlkLayout.S_IOERR;
        BlkProperties.SecureErase limits = properties.secureErase();
        if (!limits.supported()) return BlkLayout.S_UNSUPP;
        return judgeSegments(chain, request, limits.maxSectors(), limits.maxSegments(), 0);
    }

    private byte judgeLifetime(Chain chain, BlkRequest request) {
        if (!properties.lifetime()) return BlkLayout.S_UNSUPP;
        return answerFits(chain, request, BlkLayout.LIFETIME_BYTES) ? BlkRequest.PROCEED : BlkLayout.S_IOERR;
    }

    private byte judgeZone(Chain chain, BlkRequest request, long sector) {
        return switch (request.type()) {
            case BlkLayout.T_ZONE_REPORT -> judgeReport(chain, request, sector);
            case BlkLayout.T_ZONE_APPEND -> judgeAppend(chain, request, sector);
            case BlkLayout.T_ZONE_OPEN, BlkLayout.T_ZONE_CLOSE, BlkLayout.T_ZONE_FINISH, BlkLayout.T_ZONE_RESET -> {
                if (readOnly) yield BlkLayout.S_IOERR;
                yield isInside(request, sector) ? BlkRequest.PROCEED : BlkLayout.S_ZONE_INVALID_CMD;
            }
            case BlkLayout.T_ZONE_RESET_ALL -> readOnly ? BlkLayout.S_IOERR : BlkRequest.PROCEED;
            default -> BlkLayout.S_UNSUPP;
        };
    }

    /** The report is written where the data of a read would be, as much of it as there is room for. */
    private byte judgeReport(Chain chain, BlkRequest request, long sector) {
        long room = Math.min(DATA_BYTES_MAX, chain.writableBytes() - REQ_STATUS_BYTES);
        if (room < BlkLayout.REPORT_HEADER_BYTES || !isInside(request, sector)) return BlkLayout.S_ZONE_INVALID_CMD;
        request.bytesWrittenOnSuccess = REQ_STATUS_BYTES;
        return gather(chain, chain.readableCount(), 0, room, request.data());
    }

    /** Judged by the zones alone, but for what is no write at all. */
    private byte judgeAppend(Chain chain, BlkRequest request, long sector) {
        if (readOnly) return BlkLayout.S_IOERR;
        if (properties.zoned().maxAppendSectors() == 0) return BlkLayout.S_UNSUPP;
        long dataBytes = chain.readableBytes() - REQ_HEADER_BYTES;
        if (!isInside(request, sector) || dataBytes == 0 || dataBytes % SECTOR_BYTES != 0
                || dataBytes > (long) properties.zoned().maxAppendSectors() * SECTOR_BYTES
                || !answerFits(chain, request, BlkLayout.APPEND_SECTOR_BYTES)) return BlkLayout.S_ZONE_INVALID_CMD;
        if ((dataBytes / SECTOR_BYTES & partialBlockMask) != 0) return BlkLayout.S_ZONE_UNALIGNED_WP;
        request.lengthBytes = dataBytes;
        return gather(chain, 0, REQ_HEADER_BYTES, dataBytes, request.data());
    }

    private boolean isInside(BlkRequest request, long sector) {
        request.offsetBytes = offsetBytes(sector);
        request.outOfRange = isOutOfRange(sector, 1);
        return !request.outOfRange;
    }

    /** The answer goes to the first writable bytes: drivers may have put room between it and the status. */
    private static boolean answerFits(Chain chain, BlkRequest request, int answerBytes) {
        if (chain.writableBytes() - REQ_STATUS_BYTES < answerBytes) return false;
        request.beginAnswer();
        int rest = answerBytes;
        for (int i = chain.readableCount(); rest > 0; i++) {
            for (long at = 0; at < chain.lengthBytes(i) && rest > 0; at++, rest--) {
                request.addAnswerByte(chain.address(i) + at);
            }
        }
        boolean isAll = chain.writableBytes() == answerBytes + REQ_STATUS_BYTES;
        request.bytesWrittenOnSuccess = isAll ? answerBytes + REQ_STATUS_BYTES : answerBytes;
        return true;
    }

    /** All segments are judged before the first is done; one that is wrong is the request's verdict. */
    private byte judgeSegments(Chain chain, BlkRequest request, long maxSectors, int maxSegments, int knownFlags) {
        long payloadBytes = chain.readableBytes() - REQ_HEADER_BYTES;
        if (payloadBytes == 0 || payloadBytes % SEGMENT_BYTES != 0) return BlkLayout.S_IOERR;
        if (payloadBytes / SEGMENT_BYTES > maxSegments) return BlkLayout.S_UNSUPP;
        copyReadable(chain, REQ_HEADER_BYTES, (int) payloadBytes);
        for (int at = 0; at < payloadBytes; at += SEGMENT_BYTES) {
            if ((segmentFlags(at) & ~knownFlags) != 0) return BlkLayout.S_UNSUPP;
        }
        for (int at = 0; at < payloadBytes; at += SEGMENT_BYTES) {
            if (!judgeSegment(request, at, maxSectors)) {
                request.clearRanges();
                return BlkLayout.S_IOERR;
            }
        }
        return request.rangeCount() == 0 ? BlkLayout.S_OK : BlkRequest.PROCEED;
    }

    private boolean judgeSegment(BlkRequest request, int at, long maxSectors) {
        long sector = scratchLong(at + BlkLayout.SEGMENT_SECTOR);
        long sectors = scratchLong(at + BlkLayout.SEGMENT_NUM_SECTORS) & 0xFFFF_FFFFL;
        if (sectors > maxSectors || isOutOfRange(sector, sectors) || ((sector | sectors) & partialBlockMask) != 0) {
            request.offsetBytes = offsetBytes(sector);
            request.outOfRange = isOutOfRange(sector, sectors);
            return false;
        }
        if (sectors == 0) return true;
        boolean unmap = properties.writeZeroes().mayUnmap() && (segmentFlags(at) & BlkLayout.SEGMENT_F_UNMAP) != 0;
        request.addRange(sector * SECTOR_BYTES, sectors * SECTOR_BYTES, unmap);
        return true;
    }

    private int segmentFlags(int at) {
        return (int) (scratchLong(at + BlkLayout.SEGMENT_NUM_SECTORS) >>> 32);
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

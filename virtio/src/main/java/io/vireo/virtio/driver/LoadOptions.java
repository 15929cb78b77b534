package io.vireo.virtio.driver;

import io.vireo.virtio.blk.BlkLayout;

/**
 * What a {@link VerifyingLoad} does.
 *
 * @param depth most requests in flight, per queue
 * @param durationNanos when no more are begun; {@link Long#MAX_VALUE} for only by the number or by being stopped
 * @param requestsMax how many are begun at most
 * @param dataBytesMax the longest read or write, a multiple of the disk's block
 * @param windowSectors how many sectors, the last of the disk, are used at most; 4 bytes of heap each
 * @param sweep whether every sector whose content is known is read once more at the end
 * @param stallNanos a request outstanding for longer is a failure
 */
public record LoadOptions(int depth, long seed, long durationNanos, long requestsMax, int dataBytesMax,
        int windowSectors, RequestMix mix, Waiting waiting, boolean sweep, long stallNanos) {
    private static final int WINDOW_BYTES = 256 << 20;

    public LoadOptions {
        if (depth < 1 || dataBytesMax < BlkLayout.SECTOR_BYTES || windowSectors < 1)
            throw new IllegalArgumentException(
                    "depth=" + depth + " dataBytesMax=" + dataBytesMax + " windowSectors=" + windowSectors);
    }

    /** Everything at depth 32, up to 64 KiB, asleep while waiting, until stopped. */
    public static LoadOptions of(long seed) {
        return new LoadOptions(32, seed, Long.MAX_VALUE, Long.MAX_VALUE, 64 << 10,
                WINDOW_BYTES / BlkLayout.SECTOR_BYTES, RequestMix.EVERYTHING, Waiting.CALL, true, 10_000_000_000L);
    }

    public LoadOptions withDepth(int value) {
        return new LoadOptions(value, seed, durationNanos, requestsMax, dataBytesMax, windowSectors, mix, waiting, sweep,
                stallNanos);
    }

    public LoadOptions withDurationNanos(long value) {
        return new LoadOptions(depth, seed, value, requestsMax, dataBytesMax, windowSectors, mix, waiting, sweep,
                stallNanos);
    }

    public LoadOptions withRequestsMax(long value) {
        return new LoadOptions(depth, seed, durationNanos, value, dataBytesMax, windowSectors, mix, waiting, sweep,
                stallNanos);
    }

    public LoadOptions withDataBytesMax(int value) {
        return new LoadOptions(depth, seed, durationNanos, requestsMax, value, windowSectors, mix, waiting, sweep,
                stallNanos);
    }

    public LoadOptions withWindowSectors(int value) {
        return new LoadOptions(depth, seed, durationNanos, requestsMax, dataBytesMax, value, mix, waiting, sweep,
                stallNanos);
    }

    public LoadOptions withMix(RequestMix value) {
        return new LoadOptions(depth, seed, durationNanos, requestsMax, dataBytesMax, windowSectors, value, waiting, sweep,
                stallNanos);
    }

    public LoadOptions withWaiting(Waiting value) {
        return new LoadOptions(depth, seed, durationNanos, requestsMax, dataBytesMax, windowSectors, mix, value, sweep,
                stallNanos);
    }

    public LoadOptions withSweep(boolean value) {
        return new LoadOptions(depth, seed, durationNanos, requestsMax, dataBytesMax, windowSectors, mix, waiting, value,
                stallNanos);
    }

    public LoadOptions withStallNanos(long value) {
        return new LoadOptions(depth, seed, durationNanos, requestsMax, dataBytesMax, windowSectors, mix, waiting, sweep,
                value);
    }
}

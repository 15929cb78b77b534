package io.vireo.virtio.memory;

import io.vireo.posix.EventFd;
import io.vireo.posix.EventSignaller;
import io.vireo.posix.Memory;

/**
 * The pages that the device has written, as a front-end wants to know them while it moves a guest: a bit for each page
 * of guest physical memory, in memory that it shares and clears while bits are set.
 *
 * <p>A byte is written first and its page marked afterwards: the other way round, the front-end could take the bit, and
 * the page, between the two. Thread: any; whoever owns the bitmap keeps it mapped for as long as somebody marks.
 */
public final class DirtyLog {
    /** VHOST_LOG_PAGE. */
    public static final int PAGE_BYTES = 4096;

    private static final int PAGE_SHIFT = 12;

    private final long bitmap;
    private final long pages;
    private final EventFd listener;

    /**
     * @param bitmap host address of {@code sizeBytes} bytes, at any alignment, mapped in whole pages
     * @param listener told by {@link #announce}; may be null
     */
    public DirtyLog(long bitmap, long sizeBytes, EventFd listener) {
        this.bitmap = bitmap;
        this.listener = listener;
        // Guest addresses have 64 bits, so there are no more than 2^52 pages.
        pages = Math.min(sizeBytes, 1L << 49) * 8;
    }

    /** Whether there is a bit for every one of these bytes. */
    public boolean covers(long gpa, long lengthBytes) {
        long last = gpa + (lengthBytes - 1);
        return Long.compareUnsigned(last, gpa) >= 0 && last >>> PAGE_SHIFT < pages;
    }

    /**
     * Marks the pages of {@code lengthBytes} bytes, at least 1, that were just written. What the log does not cover has
     * been taken from the guest since, and is left out.
     */
    public void mark(long gpa, long lengthBytes) {
        long page = gpa >>> PAGE_SHIFT;
        long last = Math.min(gpa + (lengthBytes - 1) >>> PAGE_SHIFT, pages - 1);
        while (page <= last) {
            long at = bitmap + (page >>> 3);
            // Words are set, as bytes have no atomic or. What is beside the bitmap in one is on the same page, and kept.
            int firstBit = (int) (at & 3) * 8 + (int) (page & 7);
            int count = (int) Math.min(32 - firstBit, last - page + 1);
            Memory.orInt(at & -4, (int) ((1L << count) - 1 << firstBit));
            page += count;
        }
    }

    /** Says that something was marked, to a front-end that wants to hear it. */
    public void announce(EventSignaller signaller) {
        if (listener != null) signaller.signal(listener);
    }
}

package io.vireo.storage.file;

import io.vireo.storage.node.AioMode;

/**
 * How a host file or device is opened; QEMU's options of its file driver.
 *
 * @param filename path of the file or device
 * @param aio how its I/O is done where that works
 */
public record FileOptions(
        String nodeName,
        String filename,
        Access access,
        Cache cache,
        AioMode aio,
        Discard discard,
        Locking locking) {

    public enum Access {
        READ_ONLY,
        READ_WRITE
    }

    /**
     * @param direct past the host's page cache (O_DIRECT)
     * @param noFlush flushes complete at once and nothing is ever durable on purpose
     */
    public record Cache(boolean direct, boolean noFlush) {}

    /** Whether discards reach the file; ignored ones succeed. */
    public enum Discard {
        UNMAP,
        IGNORE
    }

    /** Whether the image is locked; AUTO does without where the file system has no such locks. */
    public enum Locking {
        AUTO,
        ON,
        OFF
    }

    /** Read-write with the defaults of the configuration. */
    public static FileOptions of(String nodeName, String filename) {
        Cache cache = new Cache(false, false);
        return new FileOptions(
                nodeName, filename, Access.READ_WRITE, cache, AioMode.AUTO, Discard.UNMAP, Locking.AUTO);
    }

    public boolean readOnly() {
        return access == Access.READ_ONLY;
    }

    public FileOptions withAccess(Access access) {
        return new FileOptions(nodeName, filename, access, cache, aio, discard, locking);
    }

    public FileOptions withCache(Cache cache) {
        return new FileOptions(nodeName, filename, access, cache, aio, discard, locking);
    }

    public FileOptions withAio(AioMode aio) {
        return new FileOptions(nodeName, filename, access, cache, aio, discard, locking);
    }

    public FileOptions withDiscard(Discard discard) {
        return new FileOptions(nodeName, filename, access, cache, aio, discard, locking);
    }

    public FileOptions withLocking(Locking locking) {
        return new FileOptions(nodeName, filename, access, cache, aio, discard, locking);
    }
}

package io.vireo.config;

/** How a file or host device is opened; QEMU's words, our defaults. */
public record FileOptions(Cache cache, Aio aio, boolean readOnly, Discard discard, Locking locking) {
    public static final FileOptions DEFAULT =
            new FileOptions(Cache.DEFAULT, Aio.AUTO, false, Discard.UNMAP, Locking.AUTO);

    /**
     * @param direct O_DIRECT: past the host's page cache
     * @param noFlush flushes are answered without being done: data may be lost when the host fails
     */
    public record Cache(boolean direct, boolean noFlush) {
        public static final Cache DEFAULT = new Cache(false, false);
    }

    /** Which engine does the I/O; AUTO is the first of the others, in their order, that works here. */
    public enum Aio { AUTO, IO_URING, NATIVE, THREADS }

    /** What becomes of a guest's discard. */
    public enum Discard { UNMAP, IGNORE }

    /** Image locks compatible with QEMU's; AUTO goes on without them where the file system has none. */
    public enum Locking { AUTO, ON, OFF }

    public FileOptions withCache(Cache newCache) {
        return new FileOptions(newCache, aio, readOnly, discard, locking);
    }

    public FileOptions withAio(Aio newAio) {
        return new FileOptions(cache, newAio, readOnly, discard, locking);
    }

    public FileOptions withReadOnly(boolean newReadOnly) {
        return new FileOptions(cache, aio, newReadOnly, discard, locking);
    }

    public FileOptions withDiscard(Discard newDiscard) {
        return new FileOptions(cache, aio, readOnly, newDiscard, locking);
    }

    public FileOptions withLocking(Locking newLocking) {
        return new FileOptions(cache, aio, readOnly, discard, newLocking);
    }
}

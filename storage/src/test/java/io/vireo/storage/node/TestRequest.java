package io.vireo.storage.node;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;

import java.util.random.RandomGenerator;

/** A request with buffers of its own, as a device would keep one; remembers how it ended. */
public final class TestRequest implements AutoCloseable {
    private static final int ENTRIES_MAX = 2048;

    public final IoRequest request;
    public final IoVec data;
    /** How often it was completed since it was last begun. */
    public int completions;
    public int errno;
    public Thread completedBy;
    private final NativeBlock buffer;
    private final NativeBlock entries = NativeBlock.allocate(16L * ENTRIES_MAX, 8);
    private final IoCompletion then;
    private long base;
    private int length;

    public TestRequest(int bufferBytes) {
        this(bufferBytes, (request, errno) -> {});
    }

    /** @param then told after this object has taken note of the completion */
    public TestRequest(int bufferBytes, IoCompletion then) {
        this.buffer = NativeBlock.allocate(bufferBytes + 8192L, 4096);
        this.data = new IoVec(entries.address(), ENTRIES_MAX, ENTRIES_MAX);
        this.then = then;
        this.request = new IoRequest(this::completed);
    }

    private void completed(IoRequest done, int result) {
        completions++;
        errno = result;
        completedBy = Thread.currentThread();
        then.completed(done, result);
    }

    /** One aligned buffer. */
    public TestRequest whole(int lengthBytes) {
        begin(buffer.address(), lengthBytes);
        data.add(base, lengthBytes);
        return this;
    }

    /** The same length in pieces of any size, at any address. */
    public TestRequest scattered(int lengthBytes, RandomGenerator random) {
        begin(buffer.address() + 1 + random.nextInt(4095), lengthBytes);
        int done = 0;
        while (done < lengthBytes) {
            boolean last = data.count() == 15;
            int piece = last ? lengthBytes - done : 1 + random.nextInt(lengthBytes - done);
            data.add(base + done, piece);
            done += piece;
        }
        return this;
    }

    /** The same length in so many pieces of one size. */
    public TestRequest pieces(int lengthBytes, int count) {
        begin(buffer.address(), lengthBytes);
        for (int i = 0; i < count; i++) data.add(base + (long) i * (lengthBytes / count), lengthBytes / count);
        return this;
    }

    private void begin(long at, int lengthBytes) {
        base = at;
        length = lengthBytes;
        completions = 0;
        errno = -1;
        data.clear();
    }

    public void fill(byte[] from, int index) {
        Memory.copy(from, index, base, length);
    }

    public void fill(int value) {
        Memory.fill(base, length, value);
    }

    public byte[] bytes() {
        byte[] copy = new byte[length];
        Memory.copy(base, copy, 0, length);
        return copy;
    }

    public boolean isDone() {
        return completions > 0;
    }

    @Override
    public void close() {
        buffer.close();
        entries.close();
    }
}

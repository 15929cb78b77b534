package io.vireo.actors.takeover;

import io.vireo.posix.Fd;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * One message of a takeover: bytes, as {@link DataOutputStream} writes numbers and strings, and descriptors, both in the order
 * in which they are read again. What is read is checked: it is another version's word.
 */
final class Parcel implements AutoCloseable {
    /** Of the other side's words only what fits into this is read. */
    static final int BYTES_MAX = 16 << 20;

    /** Of 509 memory regions, and kick, call and err of 256 vrings, with room for the rest. */
    static final int FDS_MAX = 2048;

    enum Kind {
        /** New: the monitor's last line was read, and what follows is understood. */
        LISTENING,
        /** Old: a drive, before anything rests. */
        DRIVE,
        /** Old: a device. */
        DEVICE,
        /** Old: that was all; the control socket and the {@link Ownership}. */
        LISTED,
        /** New: everything is open that can be. */
        PREPARED,
        /** Old: what a device that rests is in the middle of. */
        STATE,
        /** Old: that was all, and it is offered. */
        OFFERED,
        /** New: it is taken. The {@link Ownership} says so too. */
        TAKEN,
        /** Either: why it is not to be. */
        REFUSED
    }

    /** Writes a parcel. The descriptors stay the caller's. */
    static final class Writer {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final List<Fd> fds = new ArrayList<>();
        private final DataOutputStream out = new DataOutputStream(bytes);

        interface Words {
            void writeTo(DataOutputStream out) throws IOException;
        }

        Writer words(Words words) {
            try {
                words.writeTo(out);
            } catch (IOException e) {
                throw new UncheckedIOException(e); // a string too long: none of ours is
            }
            return this;
        }

        Writer bytes(byte[] block) {
            return words(out -> {
                out.writeInt(block.length);
                out.write(block);
            });
        }

        Writer fd(Fd fd) {
            fds.add(fd);
            return this;
        }

        byte[] payload() {
            return bytes.toByteArray();
        }

        List<Fd> fds() {
            return fds;
        }
    }

    private final Kind kind;
    private final DataInputStream in;
    private final Deque<Fd> fds;

    Parcel(Kind kind, byte[] payload, List<Fd> fds) {
        this.kind = kind;
        in = new DataInputStream(new ByteArrayInputStream(payload));
        this.fds = new ArrayDeque<>(fds);
    }

    Kind kind() {
        return kind;
    }

    interface Reading<T> {
        T from(DataInputStream in) throws IOException;
    }

    /** @throws TakeoverException it ends before */
    <T> T read(Reading<T> reading) {
        try {
            return reading.from(in);
        } catch (IOException e) {
            throw new TakeoverException("what the other daemon says is cut off in a " + kind);
        }
    }

    String text() {
        return read(from -> from.readUTF());
    }

    /** @throws TakeoverException it is longer, or cut off */
    byte[] bytes(int max) {
        return read(from -> {
            int length = from.readInt();
            if (length < 0 || length > max) throw new TakeoverException(length + " bytes in a " + kind);
            byte[] block = new byte[length];
            from.readFully(block);
            return block;
        });
    }

    /** @throws TakeoverException it is larger, or negative */
    int count(int max) {
        int count = read(DataInputStream::readInt);
        if (count < 0 || count > max) throw new TakeoverException(count + " things in a " + kind + ", of at most " + max);
        return count;
    }

    /** The next descriptor, the caller's from here on. */
    Fd fd() {
        if (fds.isEmpty()) throw new TakeoverException("a descriptor is missing in a " + kind);
        return fds.remove();
    }

    /** Closes the descriptors that nobody took. */
    @Override
    public void close() {
        fds.forEach(Fd::close);
        fds.clear();
    }
}

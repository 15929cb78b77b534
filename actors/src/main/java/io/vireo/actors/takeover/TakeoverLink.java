package io.vireo.actors.takeover;

import io.vireo.posix.Epoll;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The socket between two daemons. A parcel is {@code u32 kind, bytes, descriptors}, a byte for each 253 descriptors, which
 * carries them, and the bytes. Nothing waits beyond its deadline. Thread: one.
 */
final class TakeoverLink implements AutoCloseable {
    private static final int HEADER_BYTES = 12;
    private static final int BLOCK_BYTES = 64 << 10;
    private static final long SOCKET = 0;

    private final UnixSocket socket;
    private final Epoll epoll = Epoll.create(1);
    private final NativeBlock block = NativeBlock.allocate(BLOCK_BYTES, 8);
    private int watched = Epoll.EPOLLIN;

    /** @param socket owned from here on */
    TakeoverLink(UnixSocket socket) {
        this.socket = socket;
        epoll.add(socket.fd(), watched, SOCKET);
    }

    /** @throws TakeoverException the other side has gone, or does not read in time */
    void send(Parcel.Kind kind, Parcel.Writer parcel, Duration within) {
        long deadline = System.nanoTime() + within.toNanos();
        byte[] payload = parcel.payload();
        List<Fd> fds = parcel.fds();
        if (payload.length > Parcel.BYTES_MAX || fds.size() > Parcel.FDS_MAX)
            throw new TakeoverException(kind + " has " + payload.length + " bytes and " + fds.size() + " descriptors");
        Memory.putInt(block.address(), kind.ordinal());
        Memory.putInt(block.address() + 4, payload.length);
        Memory.putInt(block.address() + 8, fds.size());
        sendBlock(HEADER_BYTES, List.of(), deadline);
        for (int at = 0; at < fds.size(); at += UnixSocket.FDS_MAX)
            sendBlock(1, fds.subList(at, Math.min(fds.size(), at + UnixSocket.FDS_MAX)), deadline);
        for (int at = 0; at < payload.length; at += BLOCK_BYTES) {
            int length = Math.min(BLOCK_BYTES, payload.length - at);
            Memory.copy(payload, at, block.address(), length);
            sendBlock(length, List.of(), deadline);
        }
    }

    private void sendBlock(int length, List<Fd> fds, long deadline) {
        int[] numbers = fds.stream().mapToInt(Fd::number).toArray();
        try {
            for (int sent = 0; sent < length; ) {
                int count = socket.trySend(block.address() + sent, length - sent, sent == 0 ? numbers : new int[0]);
                if (count == 0) await(Epoll.EPOLLOUT, deadline);
                sent += count;
            }
        } catch (PosixException e) {
            throw new TakeoverException("the other daemon cannot be told: " + e.getMessage());
        }
    }

    /**
     * The next parcel; null when the other side has gone.
     *
     * @throws TakeoverException nothing comes in time, or it makes no sense
     */
    Parcel receive(Duration within) {
        long deadline = System.nanoTime() + within.toNanos();
        List<Fd> fds = new ArrayList<>();
        try {
            if (!receiveBlock(HEADER_BYTES, fds, deadline)) return null;
            int kind = Memory.getInt(block.address());
            int length = Memory.getInt(block.address() + 4);
            int fdCount = Memory.getInt(block.address() + 8);
            if (kind < 0 || kind >= Parcel.Kind.values().length || length < 0 || length > Parcel.BYTES_MAX || fdCount < 0
                    || fdCount > Parcel.FDS_MAX)
                throw new TakeoverException("the other daemon says something else: " + kind + ", " + length + ", " + fdCount);
            for (int at = 0; at < fdCount; at += UnixSocket.FDS_MAX)
                if (!receiveBlock(1, fds, deadline)) return null;
            if (fds.size() != fdCount) throw new TakeoverException(fds.size() + " descriptors of " + fdCount);
            byte[] payload = new byte[length];
            for (int at = 0; at < length; at += BLOCK_BYTES) {
                int part = Math.min(BLOCK_BYTES, length - at);
                if (!receiveBlock(part, fds, deadline)) return null;
                Memory.copy(block.address(), payload, at, part);
            }
            Parcel parcel = new Parcel(Parcel.Kind.values()[kind], payload, fds);
            fds = List.of();
            return parcel;
        } finally {
            fds.forEach(Fd::close);
        }
    }

    /** False at the end of the stream. */
    private boolean receiveBlock(int length, List<Fd> fds, long deadline) {
        try {
            for (int received = 0; received < length; ) {
                int count = socket.tryReceive(block.address() + received, length - received, fds);
                if (count == 0) return false;
                if (count < 0) await(Epoll.EPOLLIN, deadline);
                else received += count;
            }
            return true;
        } catch (PosixException e) {
            throw new TakeoverException("the other daemon cannot be heard: " + e.getMessage());
        }
    }

    private void await(int events, long deadline) {
        if (events != watched) epoll.modify(socket.fd(), events, SOCKET);
        watched = events;
        long left = deadline - System.nanoTime();
        if (left <= 0) throw new TakeoverException("the other daemon takes too long");
        epoll.await(left);
    }

    /** From any thread: ends what waits here, and the connection. */
    void shutdown() {
        socket.shutdown();
    }

    @Override
    public void close() {
        socket.close();
        epoll.close();
        block.close();
    }
}

package io.vireo.virtio.driver;

import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.UnixSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A vhost-user back-end written from the document's numbers: one connection after the other, every message recorded.
 * Rings are served by {@link BytewiseDevice}, which is given the driver's queue once all its messages are there.
 */
final class BytewiseBackend implements AutoCloseable {
    record Message(int request, int flags, byte[] payload, List<Fd> fds) {
        int i32(int at) {
            return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).getInt(at);
        }

        long i64(int at) {
            return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).getLong(at);
        }
    }

    /** Answers a request: null for none, else the reply's payload. */
    interface Answers {
        byte[] to(Message message);
    }

    private static final List<Integer> WITH_REPLY = List.of(1, 11, 15, 17, 24, 36);

    final List<Message> messages = new CopyOnWriteArrayList<>();
    private final UnixSocket listening;
    private final Answers answers;
    private final Thread thread;
    private volatile UnixSocket connection;
    volatile RuntimeException failure;

    BytewiseBackend(Path path, Answers answers) {
        this.answers = answers;
        listening = UnixSocket.listen(path, 1);
        thread = new Thread(this::run, "bytewise-backend");
        thread.start();
    }

    /** The first payload of that request, as recorded. */
    Message only(int request) {
        List<Message> found = messages.stream().filter(message -> message.request == request).toList();
        if (found.size() != 1) throw new AssertionError(found.size() + " messages " + request);
        return found.getFirst();
    }

    List<Integer> requests() {
        return messages.stream().map(Message::request).toList();
    }

    /** Ends the present connection, as a back-end that dies. */
    void drop() {
        connection.shutdown();
    }

    @Override
    public void close() {
        listening.shutdown();
        UnixSocket open = connection;
        if (open != null) open.shutdown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        listening.close();
        messages.forEach(message -> message.fds.forEach(Fd::close));
        if (failure != null) throw failure;
    }

    private void run() {
        try (NativeBlock block = NativeBlock.allocate(4096, 8)) {
            while (true) {
                try (UnixSocket accepted = listening.accept()) {
                    if (accepted == null) return;
                    connection = accepted;
                    serve(accepted, block.address());
                }
            }
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    private void serve(UnixSocket socket, long buffer) {
        while (true) {
            List<Fd> fds = new ArrayList<>();
            if (socket.receiveFully(buffer, 12, fds) < 12) return;
            int request = Memory.getInt(buffer);
            int flags = Memory.getInt(buffer + 4);
            byte[] payload = new byte[Memory.getInt(buffer + 8)];
            if (payload.length > 0) socket.receiveFully(buffer, payload.length, fds);
            Memory.copy(buffer, payload, 0, payload.length);
            Message message = new Message(request, flags, payload, fds);
            messages.add(message);
            byte[] answer = answers.to(message);
            if (answer == null && (flags & 8) != 0 && !WITH_REPLY.contains(request)) answer = new byte[8];
            if (answer == null) continue;
            byte[] reply = Arrays.copyOf(
                    ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putInt(request).putInt(5).putInt(answer.length).array(),
                    12 + answer.length);
            System.arraycopy(answer, 0, reply, 12, answer.length);
            Memory.copy(reply, 0, buffer, reply.length);
            socket.send(buffer, reply.length);
        }
    }
}

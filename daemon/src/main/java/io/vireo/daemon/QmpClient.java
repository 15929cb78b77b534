package io.vireo.daemon;

import io.vireo.monitoring.qmp.JsonStream;
import io.vireo.monitoring.qmp.JsonStream.Found;
import io.vireo.monitoring.qmp.JsonStream.JsonObject;
import io.vireo.monitoring.qmp.QmpException.ErrorClass;
import io.vireo.monitoring.qmp.QmpMessage;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/** A connection to somebody's QMP socket, negotiated. Events are not listened to. Thread: one. */
final class QmpClient implements AutoCloseable {
    private static final int BLOCK_BYTES = 64 << 10;

    /** The server ended the connection, or itself. */
    static final class HungUpException extends OperatorException {
        private HungUpException(Path path) {
            super(ExitStatus.FAILED, "who serves " + path + " has hung up");
        }
    }

    private final Path path;
    private final UnixSocket socket;
    private final NativeBlock block = NativeBlock.allocate(BLOCK_BYTES, 8);
    private final JsonStream stream = new JsonStream();
    private final Deque<Found> heard = new ArrayDeque<>();

    private QmpClient(Path path, UnixSocket socket) {
        this.path = path;
        this.socket = socket;
    }

    /** @throws OperatorException nobody serves the socket, or it does not speak QMP */
    static QmpClient connect(Path path) {
        QmpClient client;
        try {
            client = new QmpClient(path, UnixSocket.connect(path));
        } catch (PosixException e) {
            throw new OperatorException(ExitStatus.FAILED, "nobody to talk to: " + e.getMessage());
        }
        try {
            if (!client.hear().containsKey("QMP")) throw client.wrong("does not greet as a QMP server does");
            client.execute("qmp_capabilities", Map.of());
            return client;
        } catch (RuntimeException e) {
            client.close();
            throw e;
        }
    }

    /**
     * Has a command done, however long that takes.
     *
     * @throws OperatorException it was refused, in the server's words
     * @throws HungUpException the server has gone
     */
    Object execute(String command, Map<String, Object> arguments) {
        send(QmpMessage.command(command, arguments));
        while (true) {
            Map<String, Object> answer = hear();
            if (answer.containsKey("return")) return answer.get("return");
            if (answer.get("error") instanceof Map<?, ?> error) {
                throw new OperatorException(exitStatus(error.get("class")), command + ": " + error.get("desc"));
            }
        }
    }

    private static int exitStatus(Object errorClass) {
        if (ErrorClass.CONFIGURATION.word().equals(errorClass)) return ExitStatus.USAGE;
        return ErrorClass.IN_USE.word().equals(errorClass) ? ExitStatus.IN_USE : ExitStatus.FAILED;
    }

    private void send(byte[] message) {
        try {
            for (int at = 0; at < message.length; ) {
                int length = Math.min(BLOCK_BYTES, message.length - at);
                Memory.copy(message, at, block.address(), length);
                socket.send(block.address(), length);
                at += length;
            }
        } catch (PosixException e) {
            throw new HungUpException(path);
        }
    }

    private Map<String, Object> hear() {
        while (heard.isEmpty()) {
            List<Fd> fds = new ArrayList<>();
            int count = receive(fds);
            fds.forEach(Fd::close);
            if (count == 0) throw new HungUpException(path);
            byte[] bytes = new byte[count];
            Memory.copy(block.address(), bytes, 0, count);
            if (!stream.feed(bytes, heard::add)) throw wrong("says more than is to be believed");
        }
        if (heard.remove() instanceof JsonObject object) return object.members();
        throw wrong("does not speak JSON");
    }

    /** 0 at the end, also at one by force: of a process that was killed with something of ours unread. */
    private int receive(List<Fd> fds) {
        try {
            return socket.receive(block.address(), BLOCK_BYTES, fds);
        } catch (PosixException e) {
            return 0;
        }
    }

    private OperatorException wrong(String what) {
        return new OperatorException(ExitStatus.FAILED, "who serves " + path + " " + what);
    }

    /** After a command whose answer was the last of the monitor: the connection, for what follows. Owned by the caller. */
    UnixSocket leave() {
        if (!heard.isEmpty()) throw wrong("says more than was asked");
        block.close();
        return socket;
    }

    @Override
    public void close() {
        socket.close();
        block.close();
    }
}

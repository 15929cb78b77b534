package io.vireo.test.guest;

import io.vireo.test.Await;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;

/** QEMU's monitor, as far as tests need it: commands one by one, answers as they are on the wire. */
final class Qmp implements AutoCloseable {
    private final SocketChannel channel;
    private final BufferedReader answers;

    private Qmp(SocketChannel channel) {
        this.channel = channel;
        answers = new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
    }

    static Qmp connect(Path socket) {
        AtomicReference<SocketChannel> answered = new AtomicReference<>();
        // Its file is there a moment before QEMU listens.
        Await.until("QEMU has a monitor", () -> Files.exists(socket) && connects(socket, answered));
        Qmp qmp = new Qmp(answered.get());
        qmp.execute("\"qmp_capabilities\"");
        return qmp;
    }

    private static boolean connects(Path socket, AtomicReference<SocketChannel> answered) {
        try {
            answered.set(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
            return true;
        } catch (ConnectException e) {
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** @param command a JSON string, and after it more members of the object if it has any */
    String execute(String command) {
        String answer = ask(command);
        if (answer.startsWith("{\"error\"")) throw new AssertionError(command + ": " + answer);
        return answer;
    }

    /** False when it is refused; units as in {@link #execute}. */
    boolean tries(String command) {
        return ask(command).startsWith("{\"return\"");
    }

    private String ask(String command) {
        try {
            channel.write(ByteBuffer.wrap(("{\"execute\": " + command + "}\n").getBytes(StandardCharsets.UTF_8)));
            for (String line = answers.readLine(); line != null; line = answers.readLine()) {
                if (line.startsWith("{\"return\"") || line.startsWith("{\"error\"")) return line;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new AssertionError("QEMU hung up at " + command);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

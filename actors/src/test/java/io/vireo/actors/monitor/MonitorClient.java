package io.vireo.actors.monitor;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A client of a monitor on the JDK's own sockets, who says what it likes and hears lines. */
final class MonitorClient implements AutoCloseable {
    static final String NEGOTIATE = "{\"execute\":\"qmp_capabilities\"}\n";

    final SocketChannel channel;
    private final BufferedReader lines;
    final String greeting;

    MonitorClient(Path socket) {
        try {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        lines = new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.US_ASCII));
        greeting = hear();
    }

    static MonitorClient negotiated(Path socket) {
        MonitorClient client = new MonitorClient(socket);
        if (!client.ask(NEGOTIATE).equals("{\"return\":{}}")) throw new AssertionError("no negotiation");
        return client;
    }

    void say(String text) {
        say(text.getBytes(StandardCharsets.UTF_8));
    }

    void say(byte[] bytes) {
        try {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) channel.write(buffer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The next line; null when the monitor has hung up. */
    String hear() {
        try {
            return lines.readLine();
        } catch (IOException e) {
            return null;
        }
    }

    String ask(String text) {
        say(text);
        return hear();
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

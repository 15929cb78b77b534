package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code storage-daemon}, started as QEMU's vhost-user-blk qtest starts its own. */
final class StorageDaemonTest {
    /** Listens, and becomes the daemon with that descriptor; nobody waits for readiness, connections queue. */
    private static final String LISTEN_AND_EXEC = """
            use Socket; use Fcntl;
            my ($path, $command) = @ARGV;
            my $s;
            socket($s, AF_UNIX, SOCK_STREAM, 0) && bind($s, pack_sockaddr_un($path)) && listen($s, 1) or die $!;
            fcntl($s, F_SETFD, 0);
            $command =~ s/%FD%/fileno($s)/e;
            open(STDIN, '<', '/dev/null'); open(STDOUT, '>', '/dev/null');
            exec '/bin/sh', '-c', "exec $command";
            """;

    @TempDir
    Path folder;

    private Path disk;
    private Path socket;

    @BeforeEach
    void makeDisk() throws IOException {
        disk = folder.resolve("disk.img");
        socket = folder.resolve("disk.sock");
        try (var file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
    }

    @Test
    void servesAnInheritedListeningSocketAndEndsWithStatusZero() throws IOException {
        String command = Vireo.HOME + "/vireo storage-daemon"
                + " --blockdev driver=file,node-name=disk0,filename=" + disk
                + " --export type=vhost-user-blk,id=disk0,addr.type=fd,addr.str=%FD%,node-name=disk0,writable=on,num-queues=8";
        ProcessBuilder builder = new ProcessBuilder("perl", "-e", LISTEN_AND_EXEC, socket.toString(), command);
        builder.environment().put("VIREO_BUILD", "no");
        try (Child daemon = Child.start("storage-daemon", builder)) {
            try (SocketChannel client = VhostUserClient.connect(socket)) {
                long features = VhostUserClient.features(client);
                assertTrue((features & VhostUserClient.VHOST_USER_F_PROTOCOL_FEATURES) != 0, Long.toHexString(features));
                assertEquals(0, features & VhostUserClient.VIRTIO_BLK_F_RO, "writable=on, and yet read-only");
            }
            daemon.terminate();
            assertEquals(0, daemon.awaitExit(Vireo.PATIENCE), () -> daemon.failure("after SIGTERM").getMessage());
        }
    }

    @Test
    void anExportIsReadOnlyUnlessSaidOtherwise() throws IOException {
        List<String> arguments = List.of("storage-daemon",
                "--blockdev", "driver=file,node-name=disk0,filename=" + disk,
                "--export", "type=vhost-user-blk,id=e,node-name=disk0,addr.type=unix,addr.path=" + socket);
        try (Child daemon = Vireo.start(Vireo.HOME, List.of(), arguments);
                SocketChannel client = VhostUserClient.connect(socket)) {
            assertTrue((VhostUserClient.features(client) & VhostUserClient.VIRTIO_BLK_F_RO) != 0);
            daemon.terminate();
            assertEquals(0, daemon.awaitExit(Vireo.PATIENCE), () -> daemon.failure("after SIGTERM").getMessage());
        }
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        for (String wrong : List.of(
                "--blockdev=driver=file,node-name=d,filename=" + disk + ",colour=red",
                "--export=type=vhost-user-blk,id=e,node-name=nobody,addr.type=unix,addr.path=" + socket,
                "--export=type=nbd,id=e,node-name=d")) {
            Vireo.Result result = Vireo.run("storage-daemon", wrong);
            assertTrue(result.exit() == 1 || result.exit() == 2, wrong + ": " + result.exit() + " " + result.stderr());
            assertTrue(result.stderr().lines().noneMatch(l -> l.strip().startsWith("at ")), "a stack trace: " + result.stderr());
        }
    }

    /** Just enough of a front-end to ask one question; the wire is read from the specification, not from our codec. */
    private static final class VhostUserClient {
        static final long VHOST_USER_F_PROTOCOL_FEATURES = 1L << 30;
        static final long VIRTIO_BLK_F_RO = 1L << 5;

        private static final int GET_FEATURES = 1;
        private static final int VERSION_1 = 1;
        private static final int HEADER_BYTES = 12;
        private static final long RETRY_NANOS = 5_000_000;

        private VhostUserClient() {}

        /** Waits until somebody listens at the path. */
        static SocketChannel connect(Path socket) {
            long deadline = System.nanoTime() + Vireo.PATIENCE.toNanos();
            while (true) {
                try {
                    return SocketChannel.open(UnixDomainSocketAddress.of(socket));
                } catch (IOException e) {
                    if (System.nanoTime() - deadline > 0) throw new AssertionError("nobody listens at " + socket, e);
                    LockSupport.parkNanos(RETRY_NANOS);
                }
            }
        }

        static long features(SocketChannel client) throws IOException {
            var message = ByteBuffer.allocate(HEADER_BYTES + Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            message.putInt(GET_FEATURES).putInt(VERSION_1).putInt(0).flip();
            while (message.hasRemaining()) client.write(message);
            message.clear();
            while (message.hasRemaining()) {
                if (client.read(message) < 0) throw new AssertionError("hung up after " + message.position() + " bytes");
            }
            return message.getLong(HEADER_BYTES);
        }
    }
}

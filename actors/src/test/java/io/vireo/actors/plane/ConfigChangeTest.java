package io.vireo.actors.plane;

import static org.junit.jupiter.api.Assertions.assertEquals;

import akka.actor.typed.ActorSystem;
import com.typesafe.config.ConfigFactory;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.monitoring.metrics.VireoMetrics;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.driver.VhostUserFrontend;
import io.vireo.virtio.driver.VhostUserFrontend.Reply;
import io.vireo.virtio.vhostuser.BackendRequest;
import io.vireo.virtio.vhostuser.VhostUserLayout;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A VMM hears at once that its disk has another size. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConfigChangeTest {
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    @TempDir
    private Path folder;

    private final ActorSystem<Void> system = PrivateActorSystem.start("config-change-test");

    @AfterEach
    void end() {
        system.terminate();
    }

    @Test
    @Tag("vhost-user-BACKEND_REQ")
    @Tag("vhost-user/CONFIG")
    void aResizeIsToldOnTheChannelAndFoundInTheConfigurationSpace() throws Exception {
        Path image = folder.resolve("disk.img");
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
        Path socket = folder.resolve("vda.sock");
        String hocon = "drives.d { driver = file, filename = \"" + image + "\" }\n"
                + "devices.vda { drive = d, num-queues = 1, transport.path = \"" + socket + "\" }\n";
        try (DataPlane plane = DataPlane.start(
                        system, ConfigLoader.of(ConfigFactory.parseString(hocon), Cpus.online()), new VireoMetrics("test"), true);
                DriverMemory memory = DriverMemory.create(4 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket, memory, VhostUserDisk.Options.defaults());
                VhostUserFrontend channel = channel(disk)) {
            BlkQueue queue = new BlkQueue(memory, disk.transport().queues().getFirst(), 1, 4096);
            assertEquals(2048, capacitySectors(disk));
            assertEquals(BlkLayout.S_IOERR, writeAt(queue, 2048));
            for (long megabytes = 2; megabytes < 5; megabytes++) {
                plane.resize(plane.devices().getFirst(), OptionalLong.of(megabytes << 20), false);
                expectChange(channel);
                assertEquals(megabytes * 2048, capacitySectors(disk));
                assertEquals(BlkLayout.S_OK, writeAt(queue, megabytes * 2048 - 8));
            }
        }
    }

    /** QEMU passes it on to its guest only while it has started the vrings. */
    @Test
    @Tag("vhost-user-BACKEND_REQ")
    void aResizeWhileNoVringRunsIsToldAgainWhenOneDoes() throws Exception {
        Path image = folder.resolve("disk.img");
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
        Path socket = folder.resolve("vda.sock");
        String hocon = "drives.d { driver = file, filename = \"" + image + "\" }\n"
                + "devices.vda { drive = d, num-queues = 1, transport.path = \"" + socket + "\" }\n";
        try (DataPlane plane = DataPlane.start(
                        system, ConfigLoader.of(ConfigFactory.parseString(hocon), Cpus.online()), new VireoMetrics("test"), true);
                DriverMemory memory = DriverMemory.create(4 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket, memory, VhostUserDisk.Options.defaults());
                VhostUserFrontend channel = channel(disk)) {
            disk.frontend().disableVring(0);
            disk.frontend().getConfig(BlkLayout.CONFIG_CAPACITY, 8); // answered: the vring has stopped
            plane.resize(plane.devices().getFirst(), OptionalLong.of(2 << 20), false);
            expectChange(channel);
            disk.frontend().enableVring(0);
            expectChange(channel);
            disk.frontend().disableVring(0);
            disk.frontend().enableVring(0);
            plane.resize(plane.devices().getFirst(), OptionalLong.of(3 << 20), false);
            expectChange(channel);
            assertEquals(3 * 2048, capacitySectors(disk));
        }
    }

    private static void expectChange(VhostUserFrontend channel) {
        Reply told = channel.receive();
        assertEquals(BackendRequest.CONFIG_CHANGE_MSG.id(), told.request());
        channel.send(told.request(), VhostUserLayout.FLAG_VERSION | VhostUserLayout.FLAG_REPLY, new byte[8]);
    }

    private VhostUserFrontend channel(VhostUserDisk disk) {
        Path path = folder.resolve("channel.sock");
        try (UnixSocket listening = UnixSocket.listen(path, 1)) {
            VhostUserFrontend ours = VhostUserFrontend.connect(path, PATIENCE_NANOS);
            try (var theirs = listening.accept().fd()) { // not UnixSocket.close: that would end it for both
                disk.frontend().setBackendReqFd(theirs);
            }
            return ours;
        }
    }

    private static long capacitySectors(VhostUserDisk disk) {
        return ByteBuffer.wrap(disk.frontend().getConfig(BlkLayout.CONFIG_CAPACITY, 8)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    private static int writeAt(BlkQueue queue, long sector) {
        queue.start(0, BlkLayout.T_OUT, sector, 4096, false);
        queue.submit();
        long until = System.nanoTime() + PATIENCE_NANOS;
        while (queue.pendingUsed() == 0 && System.nanoTime() - until < 0) Thread.onSpinWait();
        assertEquals(0, queue.reap());
        return queue.status(0);
    }
}

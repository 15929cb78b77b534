package io.vireo.embed;

import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A careless embedder: closes its arena again and again while the device works in it. Exits 0 when nothing came of it. */
final class ArenaClosedEarly {
    private static final int RAM_BYTES = 16 << 20;
    private static final int ATTEMPTS = 1000;

    private ArenaClosedEarly() {}

    public static void main(String[] arguments) throws Exception {
        Path file = Path.of("ram");
        Arena arena = Arena.ofShared();
        int refused = 0;
        LoadResult result;
        try (RandomAccessFile ram = new RandomAccessFile(file.toFile(), "rw");
                Vireo vireo = Vireo.builder().start();
                VirtioBlkDevice device =
                        vireo.open(DriveConfig.FileDrive.of("image", Path.of(arguments[0])), DeviceConfig.of("vda", "image"))) {
            ram.setLength(RAM_BYTES);
            MemorySegment segment = ram.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, RAM_BYTES, arena);
            // The driver sees the same memory by a mapping of its own, as a guest would.
            Fd fd = PosixFile.open(file.toString(), PosixFile.O_RDWR | PosixFile.O_CLOEXEC, 0);
            try (TestVmm vmm = new TestVmm(device, DriverMemory.over(List.of(fd), 0, RAM_BYTES))) {
                device.setMemory(GuestRam.ofSegment(segment, vmm.memory.regions().getFirst().gpa()));
                vmm.enableQueues();
                VerifyingLoad load = vmm.load(TestVmm.options(1));
                CompletableFuture<LoadResult> running = CompletableFuture.supplyAsync(load::run);
                while (load.completedRequests() < 1000) Thread.onSpinWait();
                for (int i = 0; i < ATTEMPTS; i++) {
                    try {
                        arena.close();
                    } catch (IllegalStateException e) {
                        refused++;
                    }
                }
                long before = load.completedRequests();
                while (load.completedRequests() < before + 1000) Thread.onSpinWait();
                load.stop();
                result = running.join();
            }
        }
        arena.close();
        System.out.println("refused " + refused + " clean " + result.clean() + " " + result.complaints());
        System.exit(refused == ATTEMPTS && result.clean() ? 0 : 1);
    }
}

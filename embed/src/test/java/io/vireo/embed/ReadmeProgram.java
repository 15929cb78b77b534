package io.vireo.embed;

import static java.lang.foreign.ValueLayout.*;

import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig.FileDrive;
import io.vireo.posix.Epoll;
import io.vireo.posix.EventFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** Opens a disk image as a virtio-blk device and, in the guest's place, reads its first sector. */
public class ReadmeProgram {
    public static void main(String[] args) {
        try (Arena arena = Arena.ofShared();
                EventFd kick = EventFd.create(); // KVM would have it as an ioeventfd,
                EventFd call = EventFd.create(); // and this one as an irqfd
                Epoll calls = Epoll.create(1);
                Vireo vireo = Vireo.builder().start();
                VirtioBlkDevice disk = vireo.open(FileDrive.of("image", Path.of(args[0])), DeviceConfig.of("vda", "image"))) {
            MemorySegment ram = arena.allocate(0x5000, 4096); // the guest's memory, at guest physical address 0
            disk.acceptFeatures(1L << 32); // VIRTIO_F_VERSION_1
            disk.setMemory(GuestRam.ofSegment(ram, 0));
            disk.queue(0).enable(new QueueSetup(4, 0x0000, 0x1000, 0x2000, kick.fd().number(), call.fd().number()));

            // From here on what a driver in the guest does: header (type 0, sector 0), 512 bytes of data, status byte.
            descriptor(ram, 0, 0x3000, 16, 1, 1); // 1: it goes on with the next one
            descriptor(ram, 1, 0x4000, 512, 1 | 2, 2); // 2: the device writes it
            descriptor(ram, 2, 0x3010, 1, 2, 0);
            ram.set(JAVA_SHORT, 0x1002, (short) 1); // avail.idx; avail.ring[0] is 0, the first descriptor
            kick.signal();
            calls.add(call.fd(), Epoll.EPOLLIN, 0);
            calls.await(-1);
            System.out.println("status " + ram.get(JAVA_BYTE, 0x3010) + ": " + ram.getString(0x4000));
        }
    }

    static void descriptor(MemorySegment table, int index, long gpa, int length, int flags, int next) {
        table.set(JAVA_LONG, index * 16L, gpa);
        table.set(JAVA_INT, index * 16L + 8, length);
        table.set(JAVA_SHORT, index * 16L + 12, (short) flags);
        table.set(JAVA_SHORT, index * 16L + 14, (short) next);
    }
}

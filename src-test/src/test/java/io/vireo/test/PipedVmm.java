package io.vireo.test;

import com.typesafe.config.ConfigFactory;
import io.vireo.embed.GuestRam;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.Vireo;
import io.vireo.embed.mmio.MmioTransport;
import io.vireo.embed.mmio.MmioTransport.Notification;
import io.vireo.posix.Epoll;
import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixFile;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A VMM in a process of its own, whose guest is at the other end of its pipes: a disk behind virtio-mmio, on guest memory
 * in a file. It obeys {@code r OFFSET WIDTH}, {@code w OFFSET WIDTH VALUE}, {@code save FILE},
 * {@code stopped} and {@code resume}, and says
 * {@code irq} when it interrupts.
 */
final class PipedVmm {
    private PipedVmm() {}

    /** HOCON, the memory's file, its size, its guest physical address, and the state to go on from if there is one. */
    public static void main(String[] arguments) throws Exception {
        try (Vireo vireo = Vireo.of(ConfigFactory.parseString(arguments[0]));
                Fd memory = PosixFile.open(arguments[1], PosixFile.O_RDWR, 0)) {
            GuestRam ram = GuestRam.ofFd(memory.number(), 0, Long.parseLong(arguments[2]), Long.parseLong(arguments[3]));
            VirtioBlkDevice device = vireo.open("vda");
            MmioTransport mmio = arguments.length < 5
                    ? MmioTransport.attach(device, Notification.DATA, ram)
                    : MmioTransport.restore(device, Notification.DATA, Files.readAllBytes(Path.of(arguments[4])), ram);
            Thread.ofPlatform().daemon().start(() -> sayInterrupts(mmio.interruptFd()));
            System.out.println("ready");
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
            for (String line = in.readLine(); line != null; line = in.readLine()) obey(line.split(" "), mmio);
            mmio.close();
        }
    }

    private static void obey(String[] words, MmioTransport mmio) throws Exception {
        switch (words[0]) {
            case "r" -> System.out.println("= " + mmio.read(Integer.parseInt(words[1]), Integer.parseInt(words[2])));
            case "w" -> mmio.write(Integer.parseInt(words[1]), Integer.parseInt(words[2]), Long.parseLong(words[3]));
            case "save" -> {
                mmio.device().quiesce().get(60, TimeUnit.SECONDS);
                Files.write(Path.of(words[1]), mmio.save());
                System.out.println("saved");
            }
            case "stopped" -> System.out.println("= " + mmio.device().isStoppedByError());
            case "resume" -> {
                mmio.device().resume();
                System.out.println("resumed");
            }
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    private static void sayInterrupts(int interruptFd) {
        EventFd interrupt = EventFd.owning(Fd.duplicateOf(interruptFd));
        NativeBlock count = NativeBlock.allocate(8, 8);
        try (Epoll epoll = Epoll.create(1)) {
            epoll.add(interrupt.fd(), Epoll.EPOLLIN, 0);
            while (true) if (epoll.await(-1) > 0 && interrupt.clear(count.address())) System.out.println("irq");
        }
    }
}

package com.example;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import io.vireo.embed.GuestRam;
import io.vireo.embed.QueueSetup;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.Vireo;
import io.vireo.posix.Epoll;
import io.vireo.posix.EventFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** A VMM with actors of its own: one data plane runs among them, a second one beside them, each with a disk named vda. */
public final class TwoInstances {
    private static final long PAST_THE_END = 1L << 40;

    private TwoInstances() {}

    public static void main(String[] images) {
        ActorSystem<Void> actors = ActorSystem.create(Behaviors.empty(), "vmm");
        try (Vireo among = Vireo.builder().actorSystem(actors).start();
                Disk second = new Disk(among, Path.of(images[1]))) {
            try (Vireo beside = Vireo.builder().start(); Disk first = new Disk(beside, Path.of(images[0]))) {
                System.out.println("first " + first.read(0));
                System.out.println("second " + second.read(0));
                System.out.println("past the end " + first.read(PAST_THE_END));
            }
            System.out.println("second, alone " + second.read(0));
        }
        System.out.println("actors " + (actors.whenTerminated().isCompleted() ? "ended" : "live"));
        actors.terminate();
    }

    /** A device and, in the guest's place, a driver that reads sectors of it, one after the other. */
    private static final class Disk implements AutoCloseable {
        private final Arena arena = Arena.ofShared();
        private final MemorySegment ram = arena.allocate(0x5000, 4096);
        private final EventFd kick = EventFd.create();
        private final EventFd call = EventFd.create();
        private final Epoll calls = Epoll.create(1);
        private final VirtioBlkDevice device;
        private int published;

        Disk(Vireo vireo, Path image) {
            device = vireo.open("vda", image);
            device.acceptFeatures(1L << 32);
            device.setMemory(GuestRam.ofSegment(ram, 0));
            device.queue(0).enable(new QueueSetup(4, 0, 0x1000, 0x2000, kick.fd().number(), call.fd().number()));
            calls.add(call.fd(), Epoll.EPOLLIN, 0);
        }

        String read(long sector) {
            ram.set(JAVA_LONG, 0x3008, sector);
            describe(0, 0x3000, 16, 1, 1);
            describe(1, 0x4000, 512, 1 | 2, 2);
            describe(2, 0x3010, 1, 2, 0);
            ram.set(JAVA_SHORT, 0x1002, (short) ++published);
            kick.signal();
            calls.await(-1);
            call.clear(ram.address() + 0x3018);
            byte status = ram.get(JAVA_BYTE, 0x3010);
            return "status " + status + (status == 0 ? ": " + ram.getString(0x4000) : "");
        }

        private void describe(int index, long gpa, int length, int flags, int next) {
            ram.set(JAVA_LONG, index * 16L, gpa);
            ram.set(JAVA_INT, index * 16L + 8, length);
            ram.set(JAVA_SHORT, index * 16L + 12, (short) flags);
            ram.set(JAVA_SHORT, index * 16L + 14, (short) next);
        }

        @Override
        public void close() {
            device.close();
            calls.close();
            call.close();
            kick.close();
            arena.close();
        }
    }
}

package io.vireo.actors.plane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import io.vireo.actors.iothread.IoThread;
import io.vireo.config.DeviceConfig;
import io.vireo.config.IoThreadConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IoThreadsTest {
    private static final int NO_SUCH_CPU = 1023;

    private final ActorSystem<Void> system = PrivateActorSystem.start("io-threads-test");

    @AfterEach
    void end() {
        system.terminate();
    }

    @Test
    void sharesAThreadOfThePoolOnceAllHaveAQueue() {
        int pool = Placement.defaultPoolSize();
        try (IoThreads ioThreads = new IoThreads(system, Runnable::run, true)) {
            IoThread named = ioThreads.start(IoThreadConfig.of("io0"));
            List<IoThread> first = ioThreads.assign(DeviceConfig.of("vda", "d"), 1);
            List<IoThread> second = ioThreads.assign(DeviceConfig.of("vdb", "d"), pool);
            assertNotSame(named, first.getFirst());
            assertSame(first.getFirst(), second.getLast());
            assertEquals(1 + pool, ioThreads.all().size());
            ioThreads.release(second);
            assertSame(pool == 1 ? first.getFirst() : second.getFirst(),
                    ioThreads.assign(DeviceConfig.of("vdc", "d"), 1).getFirst(), "one that is free again");
            assertEquals(List.of(named, named), ioThreads.assign(DeviceConfig.of("vdd", "d").withIothread("io0"), 2));
            assertThrows(IllegalArgumentException.class, () -> ioThreads.start(IoThreadConfig.of("io0")), "the name is taken");
        }
    }

    @Test
    @SuppressWarnings("try") // closed early, on purpose
    void endsItsThreadsOnceAndForAll() {
        try (IoThreads ioThreads = new IoThreads(system, Runnable::run, true)) {
            Thread thread = ioThreads.start(IoThreadConfig.of("ends")).thread();
            assertTrue(thread.isAlive());
            ioThreads.close();
            assertEquals(Thread.State.TERMINATED, thread.getState());
        }
    }

    @Test
    void aThreadThatCannotStartKeepsNothingOpen() throws IOException {
        try (IoThreads ioThreads = new IoThreads(system, Runnable::run, true)) {
            IoThreadConfig nowhere = IoThreadConfig.of("nowhere").withCpus(List.of(NO_SUCH_CPU));
            assertThrows(CompletionException.class, () -> ioThreads.start(nowhere));
            long before = eventFds();
            for (int i = 0; i < 10; i++) assertThrows(CompletionException.class, () -> ioThreads.start(nowhere));
            assertEquals(before, eventFds());
            assertEquals(0, ioThreads.all().size());
        }
    }

    private static long eventFds() throws IOException {
        try (var entries = Files.list(Path.of("/proc/self/fd"))) {
            return entries.filter(fd -> {
                try {
                    return Files.readSymbolicLink(fd).toString().contains("eventfd");
                } catch (IOException e) {
                    return false; // the listing's own
                }
            }).count();
        }
    }
}

package io.vireo.actors.plane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import io.vireo.actors.iothread.HostAio;
import io.vireo.actors.iothread.IoThread;
import io.vireo.config.DriveConfig;
import io.vireo.config.IoThreadConfig;
import io.vireo.storage.file.AioChoice;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.BlockNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DriveFactsTest {
    @TempDir
    private Path folder;

    private final ActorSystem<Void> system = PrivateActorSystem.start("drive-facts-test");

    @AfterEach
    void end() {
        system.terminate();
    }

    @Test
    void showsTheEngineThatServesABufferedFileWithoutIoUring() throws Exception {
        Path image = Files.write(folder.resolve("image"), new byte[4096]);
        DriveConfig drive = DriveConfig.FileDrive.of("root", image);
        try (BlockNode node = Nodes.open(drive); IoThreads ioThreads = new IoThreads(system, Runnable::run, false)) {
            IoThread io = ioThreads.start(IoThreadConfig.of("io"));
            DriveFacts facts = DriveFacts.of(drive, node, List.of(io, io), true);
            assertEquals("threads", facts.aio(), "Linux AIO would block on it");
            assertEquals("buffered", facts.cache());
            assertEquals("file", facts.driver());
            AioChoice chosen = HostAio.choose(AioMode.AUTO, false, false);
            assertEquals(AioMode.THREADS, chosen.kind());
            assertTrue(chosen.reason().contains("io_uring is refused: it is switched off"), chosen.reason());
        }
    }

    @Test
    void choosesBeforehandWhatAnIoThreadUsesThen() {
        for (boolean uring : new boolean[] {true, false}) {
            try (IoThreads ioThreads = new IoThreads(system, Runnable::run, uring)) {
                IoThread io = ioThreads.start(IoThreadConfig.of("io-" + uring));
                for (AioMode requested : AioMode.values()) {
                    CompletableFuture<AioEngine> engine = new CompletableFuture<>();
                    io.execute(() -> engine.complete(io.engine(requested, true)));
                    AioMode used = engine.orTimeout(30, TimeUnit.SECONDS).join().kind();
                    assertEquals(used, HostAio.choose(requested, true, uring).kind(), requested + " uring " + uring);
                    assertEquals(used, io.kindOf(requested));
                }
            }
        }
    }

    @Test
    void showsNoEngineWhereNoneIsUsed() throws Exception {
        DriveConfig none = DriveConfig.NullDrive.of("null", 1 << 20);
        DriveConfig unused = DriveConfig.FileDrive.of("spare", Files.write(folder.resolve("spare"), new byte[4096]));
        try (BlockNode nullNode = Nodes.open(none); BlockNode spare = Nodes.open(unused);
                IoThreads ioThreads = new IoThreads(system, Runnable::run, false)) {
            IoThread io = ioThreads.start(IoThreadConfig.of("io"));
            assertEquals("none", DriveFacts.of(none, nullNode, List.of(io), true).aio());
            assertEquals("none", DriveFacts.of(none, nullNode, List.of(io), true).cache());
            assertEquals("none", DriveFacts.of(unused, spare, List.of(), true).aio());
        }
    }
}

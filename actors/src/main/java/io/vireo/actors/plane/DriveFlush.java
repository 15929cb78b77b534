package io.vireo.actors.plane;

import io.vireo.actors.iothread.IoThread;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;
import java.util.concurrent.CompletableFuture;

/** A flush of a drive that no driver asked for. */
final class DriveFlush {
    private DriveFlush() {}

    /** Completes with 0, when what was written before is durable, or the errno that it failed with. */
    static CompletableFuture<Integer> on(BlockNode node, IoThread ioThread) {
        CompletableFuture<Integer> done = new CompletableFuture<>();
        ioThread.execute(() -> {
            try {
                NodeChannel channel = node.open(ioThread);
                // A channel is closed by its thread, and not inside its own completion.
                done.whenComplete((_, _) -> ioThread.execute(channel::close));
                channel.submit(new IoRequest((_, errno) -> done.complete(errno)).flush());
            } catch (RuntimeException | Error e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }
}

package io.vireo.actors.plane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.Cancellable;
import akka.actor.typed.ActorSystem;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SleepingSchedulerTest {
    private final ActorSystem<Void> system = PrivateActorSystem.start("scheduler-test");

    @AfterEach
    void end() throws Exception {
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    @Test
    void runsWhatIsDueAndNotBefore() throws Exception {
        CountDownLatch ran = new CountDownLatch(1);
        long start = System.nanoTime();
        system.scheduler().scheduleOnce(Duration.ofMillis(50), ran::countDown, system.executionContext());
        ran.await();
        assertTrue(System.nanoTime() - start >= 50_000_000);
    }

    @Test
    void repeatsUntilCancelled() throws Exception {
        CountDownLatch threeTimes = new CountDownLatch(3);
        Cancellable repeated = system.scheduler().scheduleAtFixedRate(
                Duration.ZERO, Duration.ofMillis(1), threeTimes::countDown, system.executionContext());
        threeTimes.await();
        assertTrue(repeated.cancel());
        assertTrue(repeated.isCancelled());
        assertFalse(repeated.cancel());
    }

    @Test
    void runsNothingThatWasCancelled() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        system.scheduler().scheduleOnce(Duration.ofMillis(20), runs::incrementAndGet, system.executionContext()).cancel();
        CountDownLatch later = new CountDownLatch(1);
        system.scheduler().scheduleOnce(Duration.ofMillis(40), later::countDown, system.executionContext());
        later.await();
        assertEquals(0, runs.get());
    }

    @Test
    void endsTheThreadsOfItsSystemWithIt() throws Exception {
        ActorSystem<Void> ended = PrivateActorSystem.start("ended");
        ended.executionContext().execute(() -> {});
        ended.terminate();
        ended.getWhenTerminated().toCompletableFuture().get(10, TimeUnit.SECONDS);
        long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (threads("ended-") > 0) assertTrue(System.nanoTime() - patience < 0, () -> threads("ended-") + " threads are left");
    }

    private static long threads(String prefix) {
        return Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().startsWith(prefix)).count();
    }
}
